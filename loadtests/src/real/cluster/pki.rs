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

use super::SERVICE;

/// The group whose members may do everything and are exempt from Priority & Fairness.
const MASTERS: &str = "system:masters";

/// One control plane's authority, and what it has signed. The files lie in [`Pki::path`]'s folder.
pub(super) struct Pki {
    folder: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
    admin: (CertificateDer<'static>, Vec<u8>),
}

/// Who a certificate is for.
#[derive(Debug, Clone, Copy)]
pub(in crate::real) struct Subject<'a> {
    /// The file's name, without its extension.
    pub(in crate::real) file: &'a str,
    /// The common name: the user, for a client.
    pub(in crate::real) name: &'a str,
    /// The organization: the group, for a client.
    pub(in crate::real) group: Option<&'a str>,
    /// The addresses of a server; none: it is for a client.
    pub(in crate::real) addresses: &'a [IpAddr],
}

impl Pki {
    /// Makes everything and writes `ca.pem`, `server.{pem,key}`, `admin.{pem,key}` and `accounts.{pub,key}`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn make(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let write = |name: &str, text: &str| write(folder, name, text);
        let mut authority = named("tare-real");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        write("ca.pem", &authority.pem())?;

        let accounts = KeyPair::generate()?;
        write("accounts.key", &accounts.serialize_pem())?;
        write("accounts.pub", &accounts.public_key_pem())?;
        let addresses = [Ipv4Addr::LOCALHOST, SERVICE].map(IpAddr::V4);
        let server = Subject { file: "server", name: "kube-apiserver", group: None, addresses: &addresses };
        issue(folder, &authority, server)?;
        let admin = Subject { file: "admin", name: "admin", group: Some(MASTERS), addresses: &[] };
        let admin = issue(folder, &authority, admin)?;
        Ok(Self { folder: folder.to_path_buf(), authority, admin })
    }

    /// Signs one certificate more and writes it with its key to `FILE.{pem,key}`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn sign(&self, subject: Subject<'_>) -> anyhow::Result<()> {
        issue(&self.folder, &self.authority, subject).map(drop)
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
        roots.add(self.authority.der().clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(builder.with_root_certificates(roots))
    }
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    fs::write(folder.join(name), text).with_context(|| format!("writing {name}"))
}

fn issue(
    folder: &Path,
    authority: &CertifiedIssuer<'static, KeyPair>,
    subject: Subject<'_>,
) -> anyhow::Result<(CertificateDer<'static>, Vec<u8>)> {
    let mut params = named(subject.name);
    if let Some(group) = subject.group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    let usage = if subject.addresses.is_empty() {
        ExtendedKeyUsagePurpose::ClientAuth
    } else {
        ExtendedKeyUsagePurpose::ServerAuth
    };
    params.subject_alt_names = subject.addresses.iter().copied().map(SanType::IpAddress).collect();
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    write(folder, &format!("{}.pem", subject.file), &certificate.pem())?;
    write(folder, &format!("{}.key", subject.file), &key.serialize_pem())?;
    Ok((certificate.der().clone(), key.serialize_der()))
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
