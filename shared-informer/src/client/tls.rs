//! TLS towards the API server: rustls with ring, verified always, and nothing process-wide.

use std::sync::Arc;

use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};

use super::server::{Error, Server};

/// TLS over these TCP connections.
pub(super) fn connector(server: Server, tcp: HttpConnector) -> Result<HttpsConnector<HttpConnector>, Error> {
    let Server { roots, name, identity, .. } = server;
    let is_plain = server.url.scheme_str() == Some("http");
    let roots = match roots {
        Some(certificates) => store(certificates)?,
        None if is_plain => RootCertStore::empty(),
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    };
    let mut connector = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
    if let Some(name) = name {
        let name = ServerName::try_from(name.clone())
            .map_err(|_| Error::Content { from: "tls-server-name".to_owned(), what: format!("{name:?}") })?;
        connector = connector.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    Ok(connector.enable_http1().wrap_connector(tcp))
}

fn store(certificates: Vec<rustls::pki_types::CertificateDer<'static>>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate)?;
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
