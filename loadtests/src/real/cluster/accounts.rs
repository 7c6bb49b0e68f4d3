//! Service accounts for agents on a node, and what a pod of theirs would have mounted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::{Value, json};

use super::http::Connection;
use super::objects::{self, PRODUCT};
use super::pki::Subject;
use super::{Cluster, SERVER, node};
use crate::real::env::Env;

/// Where every client of a cluster looks for its account.
const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Binds a folder over [`MOUNTED`] in a mount namespace of its own, and becomes the program.
const MOUNT: &str = "mount --bind \"$0\" /var/run/secrets/kubernetes.io/serviceaccount && exec \"$@\"";

/// A day, as the product's own chart asks for: no check lasts longer.
const TOKEN_SECONDS: u32 = 86_400;

/// An account with its files.
#[derive(Debug, Clone)]
pub(in crate::real) struct Account {
    /// Its name in the namespace of the product.
    pub(in crate::real) name: String,
    /// The folder that a pod would have mounted.
    pub(in crate::real) folder: PathBuf,
}

/// What an account may do: group, resources, verbs.
pub(in crate::real) type Right<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

impl Account {
    /// The user that the API server takes its token for.
    pub(in crate::real) fn user(&self) -> String {
        format!("system:serviceaccount:{PRODUCT}:{}", self.name)
    }

    /// Its token.
    ///
    /// # Errors
    /// When the file is gone.
    pub(in crate::real) fn token(&self) -> anyhow::Result<String> {
        fs::read_to_string(self.folder.join("token")).context("an account's token")
    }

    /// A command that runs `program` with this account where a pod has it, and the variables that a pod of this node has.
    pub(in crate::real) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--", "sh", "-c", MOUNT]).arg(&self.folder).arg(program);
        command
            .env("KUBERNETES_SERVICE_HOST", SERVER.ip().to_string())
            .env("KUBERNETES_SERVICE_PORT", SERVER.port().to_string())
            .env("NODE_NAME", node::name())
            .env("NODE_IP", node::ADDRESS.to_string())
            .env("POD_NAMESPACE", PRODUCT);
        command
    }
}

impl Cluster {
    /// Makes an account in the product's namespace that may do what `rights` says, everywhere.
    ///
    /// # Errors
    /// When the server refuses it, or a file cannot be written.
    pub(in crate::real) fn account(
        &self,
        env: &Env,
        name: &str,
        rights: &[Right<'_>],
    ) -> anyhow::Result<Account> {
        fs::create_dir_all(MOUNTED).with_context(|| format!("creating {MOUNTED}"))?;
        let admin = self.admin()?;
        let namespace = format!("/api/v1/namespaces/{PRODUCT}");
        let mut admin = admin.connect()?;
        if admin.get(&namespace)?.status == 404 {
            admin.create("/api/v1/namespaces", &objects::namespace(PRODUCT))?;
        }
        admin.create(&format!("{namespace}/serviceaccounts"), &objects::service_account(name))?;
        let subject = json!({"kind": "ServiceAccount", "name": name, "namespace": PRODUCT});
        allow(&mut admin, name, &subject, rights)?;
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": TOKEN_SECONDS},
        });
        let answer = admin.create(&format!("{namespace}/serviceaccounts/{name}/token"), &request)?;
        let token = answer["status"]["token"].as_str().context("an answer without a token")?;
        let folder = env.path(&format!("account-{name}"));
        fs::create_dir_all(&folder)?;
        fs::copy(self.authority(), folder.join("ca.crt"))?;
        fs::write(folder.join("token"), token)?;
        fs::write(folder.join("namespace"), PRODUCT)?;
        Ok(Account { name: name.to_owned(), folder })
    }

    /// Signs a client's certificate for a user who may do what `rights` says: gives the certificate and its key.
    ///
    /// # Errors
    /// As [`Cluster::account`].
    pub(in crate::real) fn user(&self, name: &str, rights: &[Right<'_>]) -> anyhow::Result<[PathBuf; 2]> {
        let subject = json!({"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"});
        allow(&mut self.admin()?.connect()?, name, &subject, rights)?;
        self.pki.sign(Subject { file: name, name, group: None, addresses: &[] })?;
        Ok(["pem", "key"].map(|kind| self.pki.path(&format!("{name}.{kind}"))))
    }
}

/// Lets `subject` do what `rights` says, everywhere, by a role of that name.
fn allow(admin: &mut Connection, name: &str, subject: &Value, rights: &[Right<'_>]) -> anyhow::Result<()> {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let api = format!("{GROUP}/v1");
    let rules: Vec<_> = rights.iter().map(rule).collect();
    let metadata = json!({"name": name});
    let role = json!({"apiVersion": api, "kind": "ClusterRole", "metadata": metadata, "rules": rules});
    let binding = json!({
        "apiVersion": api, "kind": "ClusterRoleBinding", "metadata": metadata, "subjects": [subject],
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name},
    });
    admin.create(&format!("/apis/{api}/clusterroles"), &role)?;
    admin.create(&format!("/apis/{api}/clusterrolebindings"), &binding)?;
    Ok(())
}

fn rule((group, resources, verbs): &Right<'_>) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}
