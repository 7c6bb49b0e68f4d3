//! TLS towards the backend: rustls with ring, and nothing process-wide.
//!
//! The files are read once, when the output is made; system roots are loaded only for an https endpoint.
//! There is no way to switch verification off: a private authority is given as a file instead.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

#[cfg(test)]
mod tests;

/// The largest certificate or key file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Whom to trust and how to prove who we are. It has no effect on an http endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// PEM file with the authorities that may sign the backend's certificate; none for the system's.
    pub ca: Option<PathBuf>,
    /// Certificate and key for a backend that asks for them.
    pub identity: Option<Identity>,
    /// The name that the backend's certificate must bear; none for the endpoint's host.
    pub server_name: Option<String>,
}

/// The files of a client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// PEM file with the certificate, then its chain.
    pub certificate: PathBuf,
    /// PEM file with the private key (PKCS #8, PKCS #1 or SEC 1), not encrypted.
    pub key: PathBuf,
}

/// TLS settings that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("{path}: {error}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {what}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The system has no root certificates where they are looked for.
    #[error("this system has no usable root certificates ({0}); give the authority as a file")]
    NoRoots(String),
    /// The server name is no host name and no IP address.
    #[error("{0:?} cannot be the name in a certificate")]
    ServerName(String),
    /// rustls refused the combination.
    #[error("{0}")]
    Rustls(#[from] rustls::Error),
}

/// What a connection needs for its handshake.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

/// Reads what `settings` names and prepares TLS towards `host`, with these ALPN protocols.
pub(crate) fn client(settings: &Settings, host: &str, alpn: &[&[u8]]) -> Result<Client, Error> {
    let host = settings.server_name.as_deref().unwrap_or(host);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::ServerName(host.to_owned()))?;
    let roots = match &settings.ca {
        Some(path) => roots_from(path)?,
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match &settings.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = read_identity(identity)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| Error::Content {
                path: identity.certificate.clone(),
                what: format!("does not work with {}: {error}", identity.key.display()),
            })?
        }
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Client { config: Arc::new(config), name })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::Read { path: path.to_owned(), error };
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_FILE + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > MAX_FILE {
        let what = format!("larger than {MAX_FILE} bytes");
        return Err(Error::Content { path: path.to_owned(), what });
    }
    Ok(content)
}

/// All certificates of a PEM file; at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let content = read(path)?;
    let wrong = |what: String| Error::Content { path: path.to_owned(), what };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    let found = found.map_err(|error| wrong(format!("not PEM: {error}")))?;
    if found.is_empty() { Err(wrong("holds no certificate".to_owned())) } else { Ok(found) }
}

fn roots_from(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| Error::Content {
            path: path.to_owned(),
            what: format!("holds a certificate that cannot be used: {error}"),
        })?;
    }
    Ok(roots)
}

/// The system's authorities; single ones that cannot be read are left out, as every other client does.
fn system_roots() -> Result<RootCertStore, Error> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(loaded.certs);
    if usable == 0 {
        let reason = loaded.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
        return Err(Error::NoRoots(reason));
    }
    Ok(roots)
}

type Chain = Vec<CertificateDer<'static>>;

fn read_identity(identity: &Identity) -> Result<(Chain, PrivateKeyDer<'static>), Error> {
    let chain = certificates(&identity.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&identity.key)?).map_err(|error| Error::Content {
        path: identity.key.clone(),
        what: format!("holds no private key in PEM: {error}"),
    })?;
    Ok((chain, key))
}
