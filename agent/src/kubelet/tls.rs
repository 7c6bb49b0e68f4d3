//! TLS towards the kubelet: rustls with ring, and nothing process-wide.
//!
//! Everything is made from the bytes of the files, so that a change of any of them is seen by comparing.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// What cannot be made into a way to trust, or into an identity.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("not PEM: {0}")]
    Pem(rustls::pki_types::pem::Error),
    #[error("holds no certificate")]
    NoCertificate,
    #[error("holds no private key in PEM: {0}")]
    NoKey(rustls::pki_types::pem::Error),
    #[error("{0}")]
    Rustls(#[from] rustls::Error),
}

/// The bytes of the files that say whom to trust.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trusted {
    Authorities(Vec<u8>),
    Pinned(Vec<u8>),
    Anyone,
}

/// The bytes of a client certificate's files.
#[derive(PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
}

/// The whole of it. No protocol is named, so the kubelet speaks HTTP/1.1.
pub(super) fn config(trusted: &Trusted, identity: Option<&Identity>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match trusted {
        Trusted::Authorities(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem)? {
                roots.add(certificate)?;
            }
            builder.with_root_certificates(roots)
        }
        Trusted::Pinned(pem) => {
            let known = Known { pinned: Some(certificates(pem)?), algorithms };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(known))
        }
        Trusted::Anyone => {
            let known = Known { pinned: None, algorithms };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(known))
        }
    };
    Ok(match identity {
        None => builder.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(Error::NoKey)?;
            builder.with_client_auth_cert(certificates(certificate)?, key)?
        }
    })
}

/// All certificates of a PEM text; at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(Error::Pem)?;
    if found.is_empty() { Err(Error::NoCertificate) } else { Ok(found) }
}

/// Trusts certificates by their bytes, or all of them. That the server has the key is always verified.
#[derive(Debug)]
struct Known {
    pinned: Option<Vec<CertificateDer<'static>>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.pinned {
            Some(pinned) if !pinned.contains(certificate) => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
