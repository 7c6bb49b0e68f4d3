//! An authority of a simulated server's own, what it signs, and TLS set up with it. Its key never leaves the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// An authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The clients' certificates that it has signed, and for whom.
    clients: Mutex<HashMap<Vec<u8>, String>>,
}

/// A client's certificate and its key, as PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The key, PKCS #8.
    pub key: String,
}

impl Authority {
    /// Makes one.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate()?).context("signing an authority")?;
        Ok(Self { issuer, clients: Mutex::default() })
    }

    /// Its certificate, as PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A client's certificate for the user `name`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn client(&self, name: &str) -> anyhow::Result<Identity> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer).context("signing a client's certificate")?;
        let der = certificate.der().to_vec();
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(der, name.to_owned());
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// For whom this authority signed a client's certificate.
    pub(super) fn name_of(&self, certificate: &CertificateDer<'_>) -> Option<String> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(certificate.as_ref()).cloned()
    }

    /// A server that shows a certificate for `names`. A client may show one that `clients` signed, if there is such an
    /// authority, and none.
    ///
    /// # Errors
    /// When the certificate cannot be signed.
    pub(super) fn server(&self, names: &[&str], clients: Option<&Self>) -> anyhow::Result<Arc<ServerConfig>> {
        let key = KeyPair::generate()?;
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names)?;
        let certificate = params.signed_by(&key, &self.issuer).context("signing a server's certificate")?;
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let roots = Arc::new(clients.roots()?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.allow_unauthenticated().build()?)
            }
        };
        Ok(Arc::new(builder.with_single_cert(vec![certificate.der().clone()], secret)?))
    }

    /// A client that trusts this authority and no other, and shows `identity`, or nothing of itself.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn trusting(&self, identity: Option<&Identity>) -> anyhow::Result<Arc<ClientConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = builder.with_root_certificates(self.roots()?);
        let Some(identity) = identity else { return Ok(Arc::new(builder.with_no_client_auth())) };
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
        Ok(Arc::new(builder.with_client_auth_cert(vec![certificate], key)?))
    }

    fn roots(&self) -> anyhow::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.issuer.der().to_vec()))?;
        Ok(roots)
    }
}
