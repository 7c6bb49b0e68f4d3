//! The API server's address as a pod's environment gives it.

use std::fmt;
use std::net::{AddrParseError, IpAddr};
use std::num::ParseIntError;

/// An IP address and a port: no name that somebody would have to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    host: IpAddr,
    port: u16,
}

/// An environment without a usable address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// This is no pod.
    #[error("{0} is not set: this is no pod; name a kubeconfig file instead")]
    Missing(&'static str),
    /// Not an IP address.
    #[error("KUBERNETES_SERVICE_HOST is no IP address: {0}")]
    Host(#[from] AddrParseError),
    /// Not a port.
    #[error("KUBERNETES_SERVICE_PORT is no port: {0}")]
    Port(#[from] ParseIntError),
}

impl Address {
    /// A known address.
    pub const fn new(host: IpAddr, port: u16) -> Self {
        Self { host, port }
    }

    /// Reads `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` with `variable`.
    ///
    /// # Errors
    /// One of them is missing, or not what it should be.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, AddressError> {
        let read = |name| variable(name).ok_or(AddressError::Missing(name));
        let host = read("KUBERNETES_SERVICE_HOST")?.parse()?;
        let port = read("KUBERNETES_SERVICE_PORT")?.parse()?;
        Ok(Self { host, port })
    }
}

/// As it stands in a URL.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            IpAddr::V4(host) => write!(f, "{host}:{}", self.port),
            IpAddr::V6(host) => write!(f, "[{host}]:{}", self.port),
        }
    }
}
