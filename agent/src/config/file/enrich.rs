//! The root `enrich`: what is added to the data on its way.
//!
//! `extract` and `exclude` are those of the collector's k8sattributes processor 0.149.0, so that moving a configuration is
//! copying them; what the processor would have to watch other objects for is refused by name.

use std::collections::BTreeMap;

use super::AttributeName;
use crate::config::report::{nearest, quote};
use crate::config::schema::{Scalar, section};
use crate::config::values::Text;
use crate::enrich::{Extracted, Metadata};

section! {
    /// What is added to the data on its way.
    pub struct Enrich {
        /// Attributes of the node's resource, by name. They win over `OTEL_RESOURCE_ATTRIBUTES` and over what tare finds
        /// out itself (`host.name`, `os.type`, `k8s.node.name`).
        resource_attributes: BTreeMap<AttributeName, Text>,
        /// Whether the resources of pods, containers and volumes have more than the names that the collector's kubeletstats
        /// receiver gives them.
        enabled: bool = true,
        /// What of a pod becomes attributes.
        extract: Extract,
        /// Pods to which nothing is added.
        exclude: Exclude,
    }
}

section! {
    /// The collector's k8sattributes processor's own words. What is not named is not even kept in memory.
    ///
    /// A pod with a single container (ephemeral ones do not count) has the container's attributes on its own resource too,
    /// as in the collector.
    pub struct Extract {
        /// Attributes of the pod, its owners and its containers, in place of the default ones. Besides the processor's own:
        /// `k8s.container.restart_count`.
        metadata: Vec<Metadata> = standard(),
        /// Labels of the pod.
        labels: Vec<FieldRule>,
        /// Annotations of the pod. The first 1,024 bytes of a value count.
        annotations: Vec<FieldRule>,
        /// Whether each annotation `resource.opentelemetry.io/<name>` becomes the attribute `<name>`.
        otel_annotations: bool = false,
    }
}

section! {
    /// Which labels or annotations become attributes, by `key` or by `key_regex`. Of two rules for one attribute the later
    /// wins; none wins over the names of namespace, pod, uid, container and volume.
    pub struct FieldRule {
        /// The attribute's name. Default: `k8s.pod.labels.<key>` or `k8s.pod.annotations.<key>`. With `key_regex` it may refer
        /// to groups of the expression (`$1`, `${name}`); where the expression has none it is not looked at.
        tag_name: Option<Text>,
        /// The whole key.
        key: Option<Text>,
        /// An expression for whole keys.
        key_regex: Option<Text>,
        /// Whose labels or annotations.
        from: From = From::Pod,
    }
}

section! {
    /// Pods that are reported without anything added, besides those with the annotation
    /// `opentelemetry.io/k8s-processor/ignore: "true"`.
    pub struct Exclude {
        /// By name. An empty list excludes none.
        pods: Vec<ExcludedPod> = jaegers(),
    }
}

section! {
    /// Pods by name. `jaeger-agent` and `jaeger-collector` where the list is not given.
    pub struct ExcludedPod {
        /// An expression that may match anywhere in the name.
        name: Option<Text>,
    }
}

fn standard() -> Vec<Metadata> {
    let standard = Extracted::standard();
    Metadata::ALL.iter().copied().filter(|metadata| standard.has(*metadata)).collect()
}

/// The processor's default.
fn jaegers() -> Vec<ExcludedPod> {
    let pod = |name: &str| ExcludedPod { name: Some(Text(name.to_owned())) };
    vec![pod("jaeger-agent"), pod("jaeger-collector")]
}

/// Whose labels and annotations are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The pod's.
    Pod,
}

impl Scalar for From {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "pod" => Ok(Self::Pod),
            "namespace" | "node" | "deployment" | "statefulset" | "daemonset" | "job" => Err(format!(
                "{text} is not supported: tare watches the pods of its own node only; a watch of other objects on every \
                 node grows with the cluster"
            )),
            _ => Err(format!("expected {}, found {}", Self::kind(), quote(text))),
        }
    }

    fn print(&self) -> String {
        "pod".to_owned()
    }

    fn kind() -> String {
        "pod".to_owned()
    }
}

impl Scalar for Metadata {
    fn parse(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().copied();
        if let Some(metadata) = known.clone().find(|metadata| metadata.name() == text) {
            return Ok(metadata);
        }
        Err(match text {
            "k8s.cluster.uid" => {
                "k8s.cluster.uid is not supported: it is a namespace's uid, and tare reads no \
                                  namespaces; set it in enrich.resource_attributes"
                    .to_owned()
            }
            "k8s.node.uid" => "k8s.node.uid is not supported: tare reads no nodes".to_owned(),
            "k8s.deployment.uid" | "k8s.cronjob.uid" => format!(
                "{text} is not supported: tare reads no owners of owners; that is a watch of their kind on every node"
            ),
            _ => {
                let hint = nearest(text, known.map(Self::name))
                    .map(|near| format!("; did you mean {}?", quote(near)))
                    .unwrap_or_default();
                format!("unknown attribute {}{hint}", quote(text))
            }
        })
    }

    fn print(&self) -> String {
        self.name().to_owned()
    }

    fn kind() -> String {
        let names: Vec<_> = Self::ALL.iter().map(|metadata| metadata.name()).collect();
        format!("any of {}", names.join(", "))
    }
}
