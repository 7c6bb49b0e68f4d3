//! The root `containers`: what is reported of containers, pods, volumes and the node.
//!
//! `metric_groups`, `collect_all_network_interfaces` and `extra_metadata_labels` are those of the collector's
//! kubeletstats receiver 0.149.0; the way into the kubelet is in the root `kubelet`.

use crate::config::schema::section;
use crate::config::values::number::Whole;
use crate::config::values::quantity::Interval;
use crate::config::values::{MetadataLabel, MetricGroup};

section! {
    /// Metrics `container.*` and `k8s.*`. CPU, memory and network come from the node's own files, at no cost to the
    /// control plane; filesystems and volumes from the kubelet, where [`kubelet`](#kubelet) lets it be scraped. On a
    /// machine without pods there is nothing to read.
    pub struct Containers {
        /// Whether they are reported.
        enabled: bool = true,
        /// How often the node's own files are read. Default: `host.interval`.
        interval: Option<Interval>,
        /// What is reported: `container`, `pod`, `node` and `volume`.
        metric_groups: Vec<MetricGroup> = MetricGroup::standard(),
        /// Where every network interface is reported, and not the default one only.
        collect_all_network_interfaces: Interfaces,
        /// Attributes that a resource does not have unless they are named here: `container.id` and `k8s.volume.type`.
        extra_metadata_labels: Vec<MetadataLabel>,
        /// The most series of all containers, pods and volumes together. Further ones are not reported, and are counted
        /// in `tare.source.errors` under `containers` and `refused`.
        max_series: Whole<100, 10_000_000> = Whole::new(50_000),
    }
}

section! {
    /// Where every network interface is reported.
    pub struct Interfaces {
        /// Those of pods.
        pod: bool = false,
        /// Those of the node.
        node: bool = false,
    }
}
