//! A kubeconfig file: the part of it that leads to one server, by an address, a CA and a credential of its own.
//!
//! What would run a program, ask a third party, or switch verification off is refused by name.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, Kubeconfig};
use secrecy::ExposeSecret;

use super::identify::{Credential, bearer};
use super::pem;
use super::server::{Error, Identity, Server, url};

pub(super) fn read(path: &Path, context: Option<&str>) -> Result<Server, Error> {
    let file = path.display().to_string();
    let content = Kubeconfig::read_from(path)
        .map_err(|error| Error::Content { from: file.clone(), what: error.to_string() })?;
    let (cluster, user) =
        chosen(content, context).map_err(|what| Error::Content { from: file.clone(), what })?;
    let reader = Reader { file };
    reader.refuse_cluster(&cluster)?;
    reader.refuse_user(&user)?;
    let roots = reader
        .data(
            "certificate-authority",
            cluster.certificate_authority_data.as_deref(),
            cluster.certificate_authority.as_ref(),
        )?
        .map(|text| pem::certificates(&text, &reader.field("certificate-authority")))
        .transpose()?;
    Ok(Server {
        url: url(cluster.server.as_deref().unwrap_or_default(), &reader.field("server"))?,
        roots,
        name: cluster.tls_server_name,
        identity: reader.identity(&user)?,
        credential: reader.credential(&user)?,
    })
}

/// The cluster and the user of a context.
fn chosen(file: Kubeconfig, context: Option<&str>) -> Result<(Cluster, AuthInfo), String> {
    let name = context.or(file.current_context.as_deref()).ok_or("no context is chosen")?;
    let context = file.contexts.iter().find(|named| named.name == name);
    let context = context.and_then(|named| named.context.as_ref()).ok_or(format!("no context {name:?}"))?;
    let cluster = file.clusters.into_iter().find(|named| named.name == context.cluster);
    let cluster =
        cluster.and_then(|named| named.cluster).ok_or_else(|| format!("no cluster {:?}", context.cluster))?;
    let Some(user) = &context.user else { return Ok((cluster, AuthInfo::default())) };
    let found = file.auth_infos.into_iter().find(|named| named.name == *user);
    let user = found.and_then(|named| named.auth_info).ok_or_else(|| format!("no user {user:?}"))?;
    Ok((cluster, user))
}

struct Reader {
    file: String,
}

impl Reader {
    fn field(&self, field: &str) -> String {
        format!("{}: {field}", self.file)
    }

    fn refuse(&self, present: bool, field: &'static str, why: &'static str) -> Result<(), Error> {
        if present { Err(Error::Unsupported { from: self.file.clone(), field, why }) } else { Ok(()) }
    }

    fn refuse_cluster(&self, cluster: &Cluster) -> Result<(), Error> {
        let insecure = cluster.insecure_skip_tls_verify == Some(true);
        self.refuse(insecure, "insecure-skip-tls-verify", "the server is always verified")?;
        self.refuse(cluster.proxy_url.is_some(), "proxy-url", "the server is asked directly")
    }

    fn refuse_user(&self, user: &AuthInfo) -> Result<(), Error> {
        self.refuse(
            user.exec.is_some(),
            "exec",
            "an agent runs no other program; use a token or a certificate",
        )?;
        let provider = user.auth_provider.is_some();
        self.refuse(provider, "auth-provider", "nobody else is asked; use a token or a certificate")?;
        let password = user.username.is_some() || user.password.is_some();
        self.refuse(password, "username", "API servers no longer take passwords")?;
        let impersonates = user.impersonate.is_some() || user.impersonate_groups.is_some();
        self.refuse(impersonates, "as", "tare's requests are tare's own")
    }

    /// A field's own data, else the file that it names.
    fn data(&self, field: &str, own: Option<&str>, path: Option<&String>) -> Result<Option<Vec<u8>>, Error> {
        match (own, path) {
            (Some(own), _) => {
                let decoded = STANDARD.decode(own.trim());
                let what =
                    |error| Error::Content { from: self.field(field), what: format!("not base64: {error}") };
                decoded.map(Some).map_err(what)
            }
            (None, Some(path)) => pem::read(Path::new(path))
                .map(Some)
                .map_err(|error| Error::Read { from: path.clone(), error }),
            (None, None) => Ok(None),
        }
    }

    fn identity(&self, user: &AuthInfo) -> Result<Option<Identity>, Error> {
        let own = user.client_certificate_data.as_deref();
        let certificate = self.data("client-certificate", own, user.client_certificate.as_ref())?;
        let own = user.client_key_data.as_ref().map(ExposeSecret::expose_secret);
        let key = self.data("client-key", own, user.client_key.as_ref())?;
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                let chain = pem::certificates(&certificate, &self.field("client-certificate"))?;
                Ok(Some((chain, pem::key(&key, &self.field("client-key"))?)))
            }
            _ => Err(Error::Content {
                from: self.file.clone(),
                what: "client-certificate and client-key belong together".to_owned(),
            }),
        }
    }

    fn credential(&self, user: &AuthInfo) -> Result<Credential, Error> {
        if let Some(token) = &user.token {
            let header = bearer(token.expose_secret().as_bytes());
            let wrong = || Error::Content { from: self.field("token"), what: "not a token".to_owned() };
            return header.map(Credential::Fixed).ok_or_else(wrong);
        }
        let file = user.token_file.as_ref();
        Ok(file.map_or(Credential::None, |path| Credential::File(Path::new(path).into())))
    }
}
