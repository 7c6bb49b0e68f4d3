//! How a kubelet is reached: the checked configuration of its reader.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use shared_informer::reviews::{Access, Subresource};

/// The kubelet's own port, with TLS and authentication.
pub const PORT: u16 = 10_250;
/// The port without either.
pub const READ_ONLY_PORT: u16 = 10_255;

/// One kubelet and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The node's own address. No name: nothing is looked up.
    pub address: SocketAddr,
    /// Who we are.
    pub credential: Credential,
    /// Whom to trust.
    pub trust: Trust,
    /// What is read, each once and in this order.
    pub subresources: Vec<Subresource>,
    /// How often at most.
    pub period: Duration,
    /// The node's name, for the `User-Agent` and the phase.
    pub node: String,
}

impl Settings {
    /// What a scrape costs the control plane follows from this.
    pub const fn access(&self) -> Access {
        match self.credential {
            Credential::None => Access::ReadOnly,
            Credential::Token(_) => Access::Token,
            Credential::Certificate { .. } => Access::X509,
        }
    }
}

/// Who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Nobody: the read-only port.
    None,
    /// A file with a bearer token, read anew for each scrape.
    Token(PathBuf),
    /// A client certificate and its key in PEM, read anew for each scrape.
    Certificate {
        /// The certificate, then its chain.
        certificate: PathBuf,
        /// The private key, not encrypted.
        key: PathBuf,
    },
}

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Plain HTTP: the read-only port.
    Plain,
    /// A certificate for the address, signed by one of the authorities in this file.
    Authorities(PathBuf),
    /// Exactly a certificate in this file, whatever it says of names and dates: most kubelets have signed their own.
    Pinned(PathBuf),
    /// Anyone, because a person said so.
    Anyone,
}
