//! What an informer is made from: the configuration, and what the last life left.

use crate::activation::Steps;
use crate::declaration::{Cluster, Declaration};
use crate::derive::Kubelet;
use crate::index::Limits;
use crate::remembered::Remembered;
pub use crate::remembered::known::KnownSize;
pub use crate::remembered::spend::Spend;

/// The configuration of one node's informer.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The node's name: it decides when its turns are.
    pub node: Box<str>,
    /// The declared ceiling.
    pub declaration: Declaration,
    /// What is known about the cluster's size.
    pub cluster: Cluster,
    /// How the kubelet is scraped.
    pub kubelet: Kubelet,
    /// The steps of an installation and of a raised ceiling.
    pub steps: Steps,
    /// Whether there is a DaemonSet that can be asked for the cluster's size.
    pub has_daemonset: bool,
    /// Whether the API server may be asked at all.
    pub off: bool,
    /// Ask nobody, and count what would have been asked.
    pub dry_run: bool,
    /// `limit` of a LIST: the pods that a node can hold; at least one.
    pub max_pods: u32,
    /// What a watch may carry, bytes in 10 minutes.
    pub carried_bound: u64,
    /// What the index may hold.
    pub index: Limits,
}

/// What the last life left in the state directory; all of it may be missing.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// `size.v1`.
    pub size: Option<KnownSize>,
    /// `spend.v1`.
    pub spend: Option<Spend>,
    /// `index.v1`.
    pub index: Option<Remembered>,
}
