//! How etcd and the API server are started. Pure.

use std::path::Path;

use super::SERVER;
use super::pki::Pki;

/// Where etcd listens for the API server, and for the members that it does not have.
const STORE: &str = "http://127.0.0.1:2379";
const STORE_PEERS: &str = "http://127.0.0.1:2380";

/// Every request, once it is answered; a watch also when it starts.
pub(super) const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
";

/// The same, and for reviews their questions too: whose token or which user, and which resource.
pub(in crate::real) const AUDIT_REVIEWS: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: RequestResponse
    resources:
      - {group: authentication.k8s.io, resources: [tokenreviews]}
      - {group: authorization.k8s.io, resources: [subjectaccessreviews]}
  - level: Metadata
";

/// How often etcd tells the API server how far it has come when nothing changes that the API server watches.
///
/// The watch cache of pods learns of versions in no other way while no pod changes anywhere, and without a newer version
/// than the one a watch began with, the API server sends that watch no bookmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::real) enum Progress {
    /// Every 5 s: how kubeadm sets etcd up.
    Often,
    /// Every 10 minutes: etcd's own default.
    Rarely,
}

/// etcd with its data in `data`. Nothing is synchronised to the disk: what has to survive here is a killed process, not a
/// machine without power.
pub(super) fn etcd(data: &Path, progress: Progress) -> Vec<String> {
    let mut flags = vec![
        "--name=real".to_owned(),
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
        format!("--data-dir={}", data.display()),
        format!("--listen-client-urls={STORE}"),
        format!("--advertise-client-urls={STORE}"),
        format!("--listen-peer-urls={STORE_PEERS}"),
        format!("--initial-advertise-peer-urls={STORE_PEERS}"),
        format!("--initial-cluster=real={STORE_PEERS}"),
    ];
    if progress == Progress::Often {
        flags.push("--watch-progress-notify-interval=5s".to_owned());
    }
    flags
}

/// The API server. What is not said here is Kubernetes' default, as in most clusters.
pub(super) fn server(pki: &Pki, policy: &Path, audit: &Path) -> Vec<String> {
    let file = |name: &str| pki.path(name).display().to_string();
    vec![
        format!("--etcd-servers={STORE}"),
        format!("--secure-port={}", SERVER.port()),
        format!("--bind-address={}", SERVER.ip()),
        // Without it the server looks for a default route, which its namespace does not have.
        format!("--advertise-address={}", SERVER.ip()),
        "--endpoint-reconciler-type=none".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--authorization-mode=Node,RBAC".to_owned(),
        format!("--client-ca-file={}", file("ca.pem")),
        format!("--tls-cert-file={}", file("server.pem")),
        format!("--tls-private-key-file={}", file("server.key")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", file("accounts.pub")),
        format!("--service-account-signing-key-file={}", file("accounts.key")),
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", audit.display()),
        // Never rotated: the counts need all of it. In MB.
        "--audit-log-maxsize=4096".to_owned(),
    ]
}
