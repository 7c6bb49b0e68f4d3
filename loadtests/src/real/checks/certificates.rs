//! Certificates of a check's own: an authority, and what it signs, as PEM files in the scratch folder.

use std::path::PathBuf;

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::real::env::Env;

/// The files of a certificate and its private key.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// The certificate.
    pub(super) certificate: PathBuf,
    /// The key, PKCS #8.
    pub(super) key: PathBuf,
}

/// An authority. Its key never leaves this process.
pub(super) struct Authority {
    name: &'static str,
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The authority's own certificate.
    pub(super) ca: PathBuf,
}

impl Authority {
    /// Makes one; `name` also begins the names of its files.
    pub(super) fn new(env: &Env, name: &'static str) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate()?).context("signing an authority")?;
        let ca = env.file(&format!("{name}.pem"), &issuer.pem())?;
        Ok(Self { name, issuer, ca })
    }

    /// Signs a certificate for `subject`, a DNS name or an address.
    pub(super) fn issue(&self, env: &Env, subject: &str) -> anyhow::Result<Pair> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![subject.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, subject);
        let certificate = params.signed_by(&key, &self.issuer).context("signing a certificate")?;
        Ok(Pair {
            certificate: env.file(&format!("{}-{subject}.pem", self.name), &certificate.pem())?,
            key: env.file(&format!("{}-{subject}.key", self.name), &key.serialize_pem())?,
        })
    }
}
