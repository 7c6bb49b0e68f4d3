//! The API server and our credential, as files and environment describe them at one moment.

use std::io;
use std::path::Path;

use http::Uri;
use ring::digest::{Context, SHA256};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::identify::Credential;
use super::{Address, Source, kubeconfig, pem};
use crate::remembered::ClusterId;

/// What a client cannot be made from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("{from}: {error}")]
    Read {
        /// The file.
        from: String,
        /// What the system said.
        error: io::Error,
    },
    /// A file, or a field of one, is not what it should be.
    #[error("{from}: {what}")]
    Content {
        /// The file or field.
        from: String,
        /// What is wrong with it.
        what: String,
    },
    /// The kubeconfig asks for something that is not supported.
    #[error("{from}: {field} is not supported: {why}")]
    Unsupported {
        /// The file.
        from: String,
        /// The field.
        field: &'static str,
        /// The reason.
        why: &'static str,
    },
    /// The node's name or the version cannot stand in a header.
    #[error("the node's name cannot stand in a User-Agent")]
    Agent,
    /// rustls refused the combination.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The system has no root certificates where they are looked for.
    #[error("no certificate authority is given, and this system has none ({0})")]
    NoRoots(String),
}

/// A certificate with its chain, and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// One API server.
pub(super) struct Server {
    pub(super) url: Uri,
    /// The authorities that may sign its certificate; none for the system's.
    pub(super) roots: Option<Vec<CertificateDer<'static>>>,
    /// The name in its certificate, if it is not the address.
    pub(super) name: Option<String>,
    /// Our certificate.
    pub(super) identity: Option<Identity>,
    pub(super) credential: Credential,
}

impl Server {
    pub(super) fn read(source: &Source) -> Result<Self, Error> {
        match source {
            Source::InCluster { address, account } => Self::in_cluster(*address, account),
            Source::Kubeconfig { path, context } => kubeconfig::read(path, context.as_deref()),
        }
    }

    fn in_cluster(address: Address, account: &Path) -> Result<Self, Error> {
        let from = account.join("ca.crt");
        let shown = from.display().to_string();
        let text = pem::read(&from).map_err(|error| Error::Read { from: shown.clone(), error })?;
        Ok(Self {
            url: url(&format!("https://{address}"), "KUBERNETES_SERVICE_HOST")?,
            roots: Some(pem::certificates(&text, &shown)?),
            name: None,
            identity: None,
            credential: Credential::File(account.join("token").into()),
        })
    }

    /// A hash of the authorities and of the address. Each part is preceded by its length, so that no two different lists
    /// are the same bytes.
    pub(super) fn identity(&self) -> ClusterId {
        let mut roots: Vec<&[u8]> = self.roots.iter().flatten().map(AsRef::as_ref).collect();
        roots.sort_unstable();
        let url = self.url.to_string();
        let mut hash = Context::new(&SHA256);
        for part in [b"tare-cluster-1".as_slice(), url.as_bytes()].into_iter().chain(roots) {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut id = [0; 32];
        id.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
        ClusterId(id)
    }
}

/// The server's address: `https`, or `http` to this machine itself; without parameters.
pub(super) fn url(text: &str, from: &str) -> Result<Uri, Error> {
    let wrong = |what: String| Error::Content { from: from.to_owned(), what };
    let url: Uri = text.parse().map_err(|error| wrong(format!("no address of a server: {error}")))?;
    let host = url.host().unwrap_or_default();
    match url.scheme_str() {
        _ if host.is_empty() => Err(wrong("no address of a server".to_owned())),
        _ if url.query().is_some() => Err(wrong("an address with parameters".to_owned())),
        Some("https") => Ok(url),
        Some("http") if is_loopback(host) => Ok(url),
        _ => Err(wrong("the server has to be reached by https".to_owned())),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}
