//! The roots `slo`, `cluster`, `kube`, `kubelet`, `state` and `activation`: what tare may cost the control plane,
//! and what it has to know to keep to that.

use std::net::IpAddr;

use shared_informer::declaration::{MAX_LIST_BYTES_PER_SECOND, MAX_NODES};

use crate::config::schema::section;
use crate::config::values::kube::{ObjectName, Server};
use crate::config::values::number::{Nodes, Rate, Share, Whole};
use crate::config::values::quantity::{Size, Span};
use crate::config::values::{FilePath, KubeletAccess, Subresource};

section! {
    /// What tare promises to keep to.
    pub struct Slo {
        /// The ceiling of what tare costs the API server, on all nodes together.
        control_plane: ControlPlane,
    }
}

section! {
    /// The one declaration. Every period is derived from it and from the number of nodes (`tare plan --nodes N` shows
    /// them), so there is nothing else to tune. It is the same on all nodes and does not grow with the cluster.
    pub struct ControlPlane {
        /// Requests per second of the whole cluster, in any 10 s window. The reviews that kubelets send because they are
        /// scraped are included.
        requests_per_second: Rate = Rate(50.0),
        /// Bytes of LIST answers per second of the whole cluster, in any 60 s window.
        list_bytes_per_second: Size<1, MAX_LIST_BYTES_PER_SECOND> = Size::mib(16),
        /// This installation's part of both, where several share a cluster (one for each pool of nodes).
        share: Share = Share(1.0),
    }
}

section! {
    /// How many nodes the declaration is divided by.
    pub struct Cluster {
        /// The number of nodes, vouched for: never fewer than there are. With `auto` the agents ask their DaemonSet, rarely.
        size: Nodes = Nodes(None),
        /// How many nodes there were at installation; 0 for unknown. Until an agent has asked, it takes twice as many.
        hint: Whole<0, MAX_NODES> = Whole::new(0),
        /// The number that is taken until an agent has asked, where there is no hint. Err on the large side.
        assume: Whole<1, MAX_NODES> = Whole::new(5_000),
    }
}

section! {
    /// The API server. Without a cluster (neither `server` nor `kubeconfig`) tare asks nothing of it and does the rest.
    pub struct Kube {
        /// Whether the API server is asked. Without this key it is where everything is known that this takes; with `true`
        /// whatever is missing is an error.
        enabled: Option<bool>,
        /// The API server as pods reach it; the credential is the pod's service account. Default: the environment's.
        server: Option<Server>,
        /// A kubeconfig file with address and credential, for an agent that is no pod. Wins over `server`.
        kubeconfig: Option<FilePath>,
        /// The node's name in the cluster.
        node_name: Option<ObjectName>,
        /// The namespace of tare's DaemonSet.
        namespace: Option<ObjectName>,
        /// The name of tare's DaemonSet: it knows the number of nodes, and is where the whole fleet can be paused.
        daemonset: Option<ObjectName>,
        /// At least as many pods as the kubelet runs on a node (its `maxPods`).
        max_pods: Whole<1, 10_000> = Whole::new(256),
        /// What an open watch may bring in 10 minutes before it is closed until that is repaid.
        watch_bytes: Size<{ 64 << 10 }, { 1 << 30 }> = Size::mib(20),
    }
}

section! {
    /// The node's kubelet. A scrape with a credential makes the kubelet ask the API server who that is and what it may do;
    /// these requests count, so such scrapes need the budget's shared watch (`kube`) and come when it says. After any answer
    /// but a quick 200 they stop, and one probe a turn asks again. The read-only port costs the API server nothing and is
    /// read without `kube` too.
    pub struct Kubelet {
        /// The way in: `token` (a TokenReview and access reviews), `x509` (access reviews), `read_only` (the port without
        /// authentication: nothing) or `off`.
        access: KubeletAccess = KubeletAccess::Off,
        /// The kubelet's address on the node.
        address: Option<IpAddr>,
        /// Its port. Default: 10250, and 10255 for `read_only`.
        port: Option<Whole<1, 65_535>>,
        /// How often it is scraped at most. The budget may lengthen this.
        period: Span<10_000, 86_400_000> = Span::seconds(60),
        /// What is read in one scrape; each costs an access review of its own. `stats` gives what only the kubelet knows,
        /// `pods` names and labels for where there is no shared watch. `metrics` counts and is read by nothing yet.
        subresources: Vec<Subresource> = vec![Subresource::Stats],
        /// The file with the token, for `token`. Default: the pod's service account. It is read anew for each scrape.
        token_file: Option<FilePath>,
        /// The client certificate in PEM, for `x509`; read anew for each scrape, as its key is.
        cert_file: Option<FilePath>,
        /// Its private key.
        key_file: Option<FilePath>,
        /// The authorities that may sign the kubelet's certificate, for its address. Default: the service account's.
        ca_file: Option<FilePath>,
        /// The kubelet's own certificate, or several: it has to show exactly one of them. For kubelets that have signed their
        /// own; with `--rotate-server-certificates` off it is the host's `/var/lib/kubelet/pki/kubelet.crt`.
        pinned_cert_file: Option<FilePath>,
        /// Takes any certificate: whoever sits on the node's address gets the token. `tare.kubelet.insecure` tells of it.
        insecure_skip_verify: bool = false,
    }
}

section! {
    /// How a new installation, or a raised ceiling, reaches the nodes of a cluster of 100 nodes and more. A ceiling that is
    /// lowered holds at once.
    pub struct Activation {
        /// The steps: shares and times ascend, and the last one is for all nodes.
        steps: Vec<Step> = Step::standard(),
    }
}

section! {
    /// One step.
    pub struct Step {
        /// The part of all nodes, by hash, that has joined with it.
        share: Share = Share(1.0),
        /// When it begins, after the DaemonSet was created.
        after: Span<0, 604_800_000> = Span::seconds(0),
    }
}

impl Step {
    /// 1 % at once, 10 % after 10 minutes, all after 30.
    pub fn standard() -> Vec<Self> {
        let step = |share, minutes: u64| Self { share: Share(share), after: Span::seconds(minutes * 60) };
        vec![step(0.01, 0), step(0.1, 10), step(1.0, 30)]
    }
}
