//! The certificates and keys of one control plane, made anew for each run and kept in its scratch folder.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};

/// The group whose members may do everything and are exempt from Priority & Fairness.
const MASTERS: &str = "system:masters";

/// One control plane's authority, and what it has signed. The files lie in [`Pki::path`]'s folder.
pub(super) struct Pki {
    folder: PathBuf,
    root: CertificateDer<'static>,
    admin: (CertificateDer<'static>, Vec<u8>),
}

impl Pki {
    /// Makes everything and writes `ca.pem`, `server.{pem,key}`, `admin.{pem,key}` and `accounts.{pub,key}`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn make(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let write = |name: &str, text: &str| {
            fs::write(folder.join(name), text).with_context(|| format!("writing {name}"))
        };
        let mut authority = named("tare-real");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        write("ca.pem", &authority.pem())?;

        let mut server = named("kube-apiserver");
        server.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        write("server.pem", &server.signed_by(&key, &authority)?.pem())?;
        write("server.key", &key.serialize_pem())?;

        let mut admin = named("admin");
        admin.distinguished_name.push(DnType::OrganizationName, MASTERS);
        admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let certificate = admin.signed_by(&key, &authority)?;
        write("admin.pem", &certificate.pem())?;
        write("admin.key", &key.serialize_pem())?;

        let accounts = KeyPair::generate()?;
        write("accounts.key", &accounts.serialize_pem())?;
        write("accounts.pub", &accounts.public_key_pem())?;
        Ok(Self {
            folder: folder.to_path_buf(),
            root: authority.der().clone(),
            admin: (certificate.der().clone(), key.serialize_der()),
        })
    }

    /// One of the files.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// TLS that trusts this authority only, without a client certificate.
    pub(super) fn tls(&self) -> anyhow::Result<Arc<ClientConfig>> {
        Ok(Arc::new(self.builder()?.with_no_client_auth()))
    }

    /// The same, as a member of `system:masters`.
    pub(super) fn admin_tls(&self) -> anyhow::Result<Arc<ClientConfig>> {
        let (certificate, key) = &self.admin;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
        Ok(Arc::new(self.builder()?.with_client_auth_cert(vec![certificate.clone()], key)?))
    }

    fn builder(
        &self,
    ) -> anyhow::Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(builder.with_root_certificates(roots))
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
