//! What of a pod becomes attributes: the options of the collector's k8sattributes processor, with its defaults.
//!
//! The shared watch and the kubelet's reader keep of each pod what this needs and nothing else: a [`Choice`] is a
//! [`Keep`].

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use regex::Regex;
use shared_informer::pod::Keep;

use super::rules::Rule;

/// Declares the attributes that can be named in `extract.metadata`.
macro_rules! metadata {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $name:literal, )+) => {
        /// An attribute that `extract.metadata` can name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metadata { $( $(#[doc = $doc])+ $variant, )+ }

        impl Metadata {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The attribute's name.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }
        }
    };
}

metadata! {
    /// The pod's namespace.
    Namespace = "k8s.namespace.name",
    /// The pod's name.
    PodName = "k8s.pod.name",
    /// The pod's uid.
    PodUid = "k8s.pod.uid",
    /// `spec.hostname`; empty for a pod that has none of its own, as in the collector.
    PodHostname = "k8s.pod.hostname",
    /// `status.podIP`; empty for a pod that has none yet, as in the collector.
    PodIp = "k8s.pod.ip",
    /// When the pod was created; the collector's name says something else.
    PodStartTime = "k8s.pod.start_time",
    /// `spec.nodeName`.
    NodeName = "k8s.node.name",
    /// The Deployment behind an owning ReplicaSet.
    DeploymentName = "k8s.deployment.name",
    /// An owning ReplicaSet.
    ReplicaSetName = "k8s.replicaset.name",
    /// Its uid.
    ReplicaSetUid = "k8s.replicaset.uid",
    /// An owning DaemonSet.
    DaemonSetName = "k8s.daemonset.name",
    /// Its uid.
    DaemonSetUid = "k8s.daemonset.uid",
    /// An owning StatefulSet.
    StatefulSetName = "k8s.statefulset.name",
    /// Its uid.
    StatefulSetUid = "k8s.statefulset.uid",
    /// An owning Job.
    JobName = "k8s.job.name",
    /// Its uid.
    JobUid = "k8s.job.uid",
    /// The CronJob behind an owning Job.
    CronJobName = "k8s.cronjob.name",
    /// The container's name.
    ContainerName = "k8s.container.name",
    /// The container's ID.
    ContainerId = "container.id",
    /// The image's repository.
    ImageName = "container.image.name",
    /// The image's tag, `latest` where none is written.
    ImageTag = "container.image.tag",
    /// The image's digest with its repository: a list of one.
    RepoDigests = "container.image.repo_digests",
    /// How often the container had been restarted. Not the collector's.
    RestartCount = "k8s.container.restart_count",
    /// The pod's namespace.
    ServiceNamespace = "service.namespace",
    /// The recommended labels, else the workload's name, else the pod's.
    ServiceName = "service.name",
    /// The recommended label, else tag and digest of the image.
    ServiceVersion = "service.version",
    /// Namespace, pod and container, joined by dots.
    ServiceInstanceId = "service.instance.id",
}

/// A set of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extracted(u32);

impl Extracted {
    /// Whether it is among them.
    pub const fn has(self, metadata: Metadata) -> bool {
        self.0 & (1 << metadata as u32) != 0
    }

    /// What the processor extracts unless it is told otherwise.
    pub fn standard() -> Self {
        use Metadata as M;
        [
            M::Namespace,
            M::PodName,
            M::PodUid,
            M::PodStartTime,
            M::NodeName,
            M::DeploymentName,
            M::ImageName,
            M::ImageTag,
        ]
        .into_iter()
        .collect()
    }
}

impl FromIterator<Metadata> for Extracted {
    fn from_iter<I: IntoIterator<Item = Metadata>>(metadata: I) -> Self {
        Self(metadata.into_iter().fold(0, |set, one| set | 1 << one as u32))
    }
}

/// Pods by name that get no attributes beyond their identity: each expression may match anywhere in the name.
#[derive(Debug, Clone, Default)]
pub struct Excluded(Vec<Regex>);

impl Excluded {
    /// Pods whose name one of these matches.
    pub const fn new(names: Vec<Regex>) -> Self {
        Self(names)
    }

    /// Whether the pod of this name is one of them.
    pub fn has(&self, pod: &str) -> bool {
        self.0.iter().any(|name| name.is_match(pod))
    }
}

impl PartialEq for Excluded {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(Regex::as_str).eq(other.0.iter().map(Regex::as_str))
    }
}

/// The options of the k8sattributes processor.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Whether anything is added to what the kubeletstats receiver itself says.
    pub enabled: bool,
    /// `extract.metadata`.
    pub metadata: Extracted,
    /// `extract.labels`, in the order of the configuration: of two rules for one attribute the later wins.
    pub labels: Vec<Rule>,
    /// `extract.annotations`, then `extract.otel_annotations`.
    pub annotations: Vec<Rule>,
    /// `exclude.pods`.
    pub excluded: Excluded,
}

impl Default for Choice {
    /// The processor's defaults, without the two pods that it excludes: the configuration brings those.
    fn default() -> Self {
        Self {
            enabled: true,
            metadata: Extracted::standard(),
            labels: Vec::new(),
            annotations: Vec::new(),
            excluded: Excluded::default(),
        }
    }
}

impl Choice {
    /// Whether this attribute is wanted.
    pub const fn wants(&self, metadata: Metadata) -> bool {
        self.enabled && self.metadata.has(metadata)
    }
}

/// Labels by which `service.name` is told, the weaker first.
pub(super) const SERVICE_NAME: [&str; 2] = ["app.kubernetes.io/name", "app.kubernetes.io/instance"];
/// The label by which `service.version` is told.
pub(super) const SERVICE_VERSION: &str = "app.kubernetes.io/version";

impl Keep for Choice {
    fn label(&self, key: &str) -> bool {
        self.enabled && self.labels.iter().any(|rule| rule.chooses(key))
            || self.wants(Metadata::ServiceName) && SERVICE_NAME.contains(&key)
            || self.wants(Metadata::ServiceVersion) && key == SERVICE_VERSION
    }

    fn annotation(&self, key: &str) -> bool {
        self.enabled && self.annotations.iter().any(|rule| rule.chooses(key))
    }

    fn image_ids(&self) -> bool {
        self.wants(Metadata::RepoDigests)
    }

    /// Of what is kept, not of what becomes of it: another name for an attribute changes nothing here. Two versions of the
    /// compiler may disagree, which costs one LIST.
    fn fingerprint(&self) -> u64 {
        fn keys(rules: &[Rule]) -> Vec<(bool, &str)> {
            rules.iter().map(Rule::keys).collect()
        }
        let standard = [Metadata::ServiceName, Metadata::ServiceVersion, Metadata::RepoDigests];
        let chosen = self.enabled.then(|| (keys(&self.labels), keys(&self.annotations)));
        let mut hasher = DefaultHasher::new();
        (chosen, standard.map(|metadata| self.wants(metadata))).hash(&mut hasher);
        hasher.finish()
    }
}
