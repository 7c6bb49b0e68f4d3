//! How the kubelet is read: what its scrapes cost, and whether all is known that they take.
//!
//! What the file says and cannot work is an error. What only the environment could say and does not (the node's address,
//! the API server) leaves the kubelet unread, with the reason: `tare plan` and `check-config` run outside clusters too.

use std::net::SocketAddr;
use std::path::PathBuf;

use shared_informer::client::SERVICE_ACCOUNT;
use shared_informer::derive;
use shared_informer::reviews::{self, Access};

use super::control_plane::{Api, Off};
use crate::config::check::Checker;
use crate::config::file::{self, Config};
use crate::config::report::Path;
use crate::config::values::{FilePath, KubeletAccess, Subresource};
use crate::kubelet::settings::{Credential, PORT, READ_ONLY_PORT, Settings, Trust};

/// Whether the kubelet is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KubeletReader {
    /// It is.
    On(Settings),
    /// It is not; the reason, where somebody wants it.
    Off(Option<String>),
}

impl KubeletReader {
    /// How, if it is.
    pub const fn settings(&self) -> Option<&Settings> {
        match self {
            Self::On(settings) => Some(settings),
            Self::Off(_) => None,
        }
    }
}

/// The scrapes as the budget counts with them.
pub(super) fn scrapes(kubelet: &file::Kubelet, checker: &mut Checker<'_>) -> derive::Kubelet {
    let path = Path::root().key("kubelet").key("subresources");
    let access = match kubelet.access {
        KubeletAccess::Token => Access::Token,
        KubeletAccess::X509 => Access::X509,
        KubeletAccess::ReadOnly => Access::ReadOnly,
        KubeletAccess::Off => Access::Off,
    };
    let subresources = &kubelet.subresources;
    if subresources.is_empty() && access != Access::Off {
        checker.problem(&path, "nothing is read; name at least one, or set access: off");
    }
    for (index, subresource) in subresources.iter().enumerate() {
        if let Some(first) = subresources.iter().take(index).position(|other| other == subresource) {
            checker.problem(&path.index(index), format!("is subresources[{first}] already"));
        }
    }
    let count = u32::try_from(subresources.len()).unwrap_or(u32::MAX);
    derive::Kubelet { access, period: kubelet.period.get(), subresources: count.max(1) }
}

/// The reader. A scrape that causes reviews needs somebody who keeps the budget.
pub(super) fn reader(config: &Config, api: &Api, checker: &mut Checker<'_>) -> KubeletReader {
    let kubelet = &config.kubelet;
    if kubelet.access == KubeletAccess::Off {
        return KubeletReader::Off(None);
    }
    let path = Path::root().key("kubelet");
    let trust = trust(kubelet, &path, checker);
    let credential = credential(kubelet, &path, checker);
    let (Some(credential), Some(trust)) = (credential, trust) else {
        return KubeletReader::Off(None);
    };
    if let (Api::Off(off), false) = (api, credential == Credential::None) {
        if *off == Off::Configured {
            let message = "makes the kubelet ask the API server, but kube.enabled is false and nobody keeps the \
                           budget; set read_only or off";
            checker.problem(&path.key("access"), message);
        }
        return KubeletReader::Off(Some(format!("no budget is kept for the reviews: {off}")));
    }
    let Some(address) = kubelet.address else {
        let why = "its address is not known: neither NODE_IP nor kubelet.address is set";
        return KubeletReader::Off(Some(why.to_owned()));
    };
    if config.dry_run {
        return KubeletReader::Off(Some("dry_run is set: nobody is asked".to_owned()));
    }
    let default = if credential == Credential::None { READ_ONLY_PORT } else { PORT };
    let port = kubelet.port.and_then(|port| u16::try_from(port.get()).ok()).unwrap_or(default);
    let node =
        config.kube.node_name.as_ref().map_or_else(|| address.to_string(), |name| name.get().to_owned());
    let subresources =
        [(Subresource::Stats, reviews::Subresource::Stats), (Subresource::Pods, reviews::Subresource::Pods)];
    let read = subresources.into_iter().filter(|(wanted, _)| kubelet.subresources.contains(wanted));
    let subresources: Vec<_> = read.map(|(_, subresource)| subresource).collect();
    if subresources.is_empty() {
        return KubeletReader::Off(Some("neither stats nor pods is among the subresources".to_owned()));
    }
    KubeletReader::On(Settings {
        address: SocketAddr::new(address, port),
        credential,
        trust,
        subresources,
        period: kubelet.period.get(),
        node,
    })
}

fn credential(kubelet: &file::Kubelet, path: &Path, checker: &mut Checker<'_>) -> Option<Credential> {
    let (token, x509) = (kubelet.access == KubeletAccess::Token, kubelet.access == KubeletAccess::X509);
    for (key, used, word) in
        [("token_file", token, "token"), ("cert_file", x509, "x509"), ("key_file", x509, "x509")]
    {
        if !used && checker.has(&path.key(key)) {
            checker.problem(&path.key(key), format!("has no effect: access is not {word}"));
        }
    }
    match (kubelet.access, &kubelet.cert_file, &kubelet.key_file) {
        (KubeletAccess::X509, Some(certificate), Some(key)) => {
            Some(Credential::Certificate { certificate: certificate.0.clone(), key: key.0.clone() })
        }
        (KubeletAccess::X509, _, _) => {
            checker.problem(&path.key("access"), "x509 needs cert_file and key_file");
            None
        }
        (KubeletAccess::Token, _, _) => {
            Some(Credential::Token(of_account(kubelet.token_file.as_ref(), "token")))
        }
        (KubeletAccess::ReadOnly | KubeletAccess::Off, _, _) => Some(Credential::None),
    }
}

fn trust(kubelet: &file::Kubelet, path: &Path, checker: &mut Checker<'_>) -> Option<Trust> {
    let insecure = kubelet.insecure_skip_verify;
    let ways = [
        ("ca_file", kubelet.ca_file.is_some()),
        ("pinned_cert_file", kubelet.pinned_cert_file.is_some()),
        ("insecure_skip_verify", insecure),
    ];
    let given: Vec<&str> = ways.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
    if kubelet.access == KubeletAccess::ReadOnly {
        for key in given {
            checker.problem(&path.key(key), "has no effect: the read-only port has no TLS");
        }
        return Some(Trust::Plain);
    }
    if let [first, second, ..] = *given {
        checker.problem(&path.key(second), format!("is given beside {first}; keep one of the two"));
        return None;
    }
    Some(match &kubelet.pinned_cert_file {
        _ if insecure => Trust::Anyone,
        Some(pinned) => Trust::Pinned(pinned.0.clone()),
        None => Trust::Authorities(of_account(kubelet.ca_file.as_ref(), "ca.crt")),
    })
}

/// A file that is given, or the service account's.
fn of_account(given: Option<&FilePath>, name: &str) -> PathBuf {
    given.map_or_else(|| PathBuf::from(SERVICE_ACCOUNT).join(name), |file| file.0.clone())
}
