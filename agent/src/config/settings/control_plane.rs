//! What may be asked of the API server: the declaration, checked to be one that can work, and the way to the server.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use shared_informer::activation::{Step, Steps, StepsError};
use shared_informer::declaration::{self, Declaration, DeclarationError};
use shared_informer::derive::{self, DeriveError, Fleet};
use shared_informer::size::Size;

use crate::config::check::Checker;
use crate::config::file::{self, Cluster, Config};
use crate::config::report::Path;
use crate::config::values::kube::ObjectName;
use crate::enrich::Choice;

use super::kubelet::{self, KubeletReader};

/// The declared budget and everything that the shared watch needs.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    /// The ceiling.
    pub declaration: Declaration,
    /// What is known of the cluster's size.
    pub cluster: declaration::Cluster,
    /// The scrapes of the kubelet that the budget counts with.
    pub kubelet: derive::Kubelet,
    /// The reader of the kubelet.
    pub reader: KubeletReader,
    /// The steps in which an installation reaches the nodes.
    pub steps: Steps,
    /// Whether nothing is asked and everything only counted.
    pub dry_run: bool,
    /// What of a pod becomes attributes: nothing else of its labels and annotations is kept.
    pub choice: Arc<Choice>,
    /// The API server.
    pub api: Api,
}

/// Whether the API server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// It is.
    On(ApiServer),
    /// It is not, for this reason.
    Off(Off),
}

/// The API server and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiServer {
    /// How it is reached.
    pub reach: Reach,
    /// The node whose pods are watched.
    pub node: String,
    /// The agent's own DaemonSet; none only where `cluster.size` is given.
    pub daemon_set: Option<DaemonSet>,
    /// `limit` of a LIST.
    pub max_pods: u32,
    /// What a watch may carry in 10 minutes, bytes.
    pub watch_bytes: u64,
}

/// The way to the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// At this address with the credential of the pod's service account.
    Pod {
        /// An IP address without brackets, or a name.
        host: String,
        /// The port.
        port: u16,
    },
    /// As a kubeconfig file says.
    Kubeconfig(PathBuf),
}

/// The agent's own DaemonSet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonSet {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Why the API server is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Off {
    /// `kube.enabled` is false.
    Configured,
    /// Nothing names a server.
    NoServer,
    /// Nothing names the node.
    NoNode,
    /// Nobody can say how many nodes there are.
    NoSize,
    /// The DaemonSet's namespace is not known.
    NoNamespace,
}

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configured => "kube.enabled is false",
            Self::NoServer => {
                "there is no cluster: neither KUBERNETES_SERVICE_HOST nor kube.server nor kube.kubeconfig is set"
            }
            Self::NoNode => "the node has no name: neither NODE_NAME nor kube.node_name is set",
            Self::NoSize => {
                "the number of nodes cannot be known: neither TARE_DAEMONSET nor kube.daemonset nor cluster.size is set"
            }
            Self::NoNamespace => {
                "the DaemonSet's namespace is not known: neither POD_NAMESPACE nor kube.namespace is set"
            }
        })
    }
}

/// Converts what `config` says; what cannot work is reported.
pub(super) fn convert(config: &Config, choice: Arc<Choice>, checker: &mut Checker<'_>) -> ControlPlane {
    let declared = &config.slo.control_plane;
    let declaration = Declaration::new(
        declared.requests_per_second.0,
        declared.list_bytes_per_second.get(),
        declared.share.0,
    );
    let Cluster { size, hint, assume } = &config.cluster;
    let cluster = declaration::Cluster::new(size.0, hint.get(), assume.get());
    let api = api(config, checker);
    let control_plane = ControlPlane {
        declaration: usable(declaration, "slo", checker),
        cluster: usable(cluster, "cluster", checker),
        kubelet: kubelet::scrapes(&config.kubelet, checker),
        reader: kubelet::reader(config, &api, checker),
        steps: steps(&config.activation, checker),
        dry_run: config.dry_run,
        choice,
        api,
    };
    can_work(&control_plane, checker);
    control_plane
}

/// The bounds of single values are those of the declaration, so that an error here is a slip between the two.
fn usable<T: Default>(checked: Result<T, DeclarationError>, root: &str, checker: &mut Checker<'_>) -> T {
    checked.unwrap_or_else(|error| {
        checker.problem(&Path::root().key(root), error.to_string());
        T::default()
    })
}

/// Whether periods can be derived for as many nodes as are taken at first: the message holds both numbers.
fn can_work(control_plane: &ControlPlane, checker: &mut Checker<'_>) {
    let ControlPlane { declaration, cluster, kubelet, .. } = control_plane;
    let fleet = Fleet { nodes: Size::new(*cluster, None).used(), list_bytes: None, kubelet: *kubelet };
    if let Err(error) = derive::derive(declaration, &fleet) {
        let key = match error {
            DeriveError::Requests { .. } | DeriveError::Reviews { .. } => "requests_per_second",
            DeriveError::ListBytes { .. } => "list_bytes_per_second",
        };
        // The path names the key already.
        let message = error.to_string();
        let message = message.strip_prefix(key).map_or(message.as_str(), str::trim_start);
        checker.problem(&Path::root().key("slo").key("control_plane").key(key), message);
    }
}

fn steps(activation: &file::Activation, checker: &mut Checker<'_>) -> Steps {
    let steps = activation.steps.iter().map(|step| Step { share: step.share.0, after: step.after.get() });
    Steps::new(steps.collect()).unwrap_or_else(|error| {
        let path = Path::root().key("activation").key("steps");
        let path = match error {
            StepsError::Order { index, .. } => path.index(index - 1),
            StepsError::Incomplete { .. } => path,
        };
        checker.problem(&path, error.to_string());
        Steps::default()
    })
}

/// Decides whether the API server is asked. What is missing is an error only where the configuration says that it is
/// to be asked; a pod's environment alone says nothing of the kind.
fn api(config: &Config, checker: &mut Checker<'_>) -> Api {
    let kube = &config.kube;
    let path = Path::root().key("kube");
    if kube.enabled == Some(false) {
        return Api::Off(Off::Configured);
    }
    reach(config).map_or_else(
        |off| {
            if kube.enabled == Some(true) || checker.has(&path.key("kubeconfig")) {
                checker.problem(&path, off.to_string());
            }
            Api::Off(off)
        },
        Api::On,
    )
}

fn reach(config: &Config) -> Result<ApiServer, Off> {
    let kube = &config.kube;
    let reach = match (&kube.kubeconfig, &kube.server) {
        (Some(path), _) => Reach::Kubeconfig(path.0.clone()),
        (None, Some(server)) => Reach::Pod { host: server.host.clone(), port: server.port },
        (None, None) => return Err(Off::NoServer),
    };
    let text = |name: &ObjectName| name.get().to_owned();
    let node = kube.node_name.as_ref().map(text).ok_or(Off::NoNode)?;
    let daemon_set = match (&kube.daemonset, &kube.namespace) {
        (Some(name), Some(namespace)) => Some(DaemonSet { namespace: text(namespace), name: text(name) }),
        (Some(_), None) => return Err(Off::NoNamespace),
        (None, _) if config.cluster.size.0.is_none() => return Err(Off::NoSize),
        (None, _) => None,
    };
    let (max_pods, watch_bytes) = (kube.max_pods.get(), kube.watch_bytes.get());
    Ok(ApiServer { reach, node, daemon_set, max_pods, watch_bytes })
}
