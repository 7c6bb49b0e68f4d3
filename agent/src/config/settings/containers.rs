//! From the file to what is reported of containers and pods.

use super::{AllInterfaces, Containers, Groups, Scraper};
use crate::config::check::Checker;
use crate::config::file;
use crate::config::report::Path;
use crate::config::values::quantity::Interval;
use crate::config::values::{MetadataLabel, MetricGroup};

/// What `section` declares, every `interval` unless it says otherwise. It is checked even where nothing is reported.
pub(super) fn convert(
    section: &file::Containers,
    interval: Interval,
    checker: &mut Checker<'_>,
) -> Option<Scraper<Containers>> {
    let path = Path::root().key("containers");
    let file::Containers { metric_groups, extra_metadata_labels, .. } = section;
    if metric_groups.is_empty() && section.enabled {
        let message = "nothing is reported; name at least one group, or set enabled: false";
        checker.problem(&path.key("metric_groups"), message);
    }
    for (index, label) in extra_metadata_labels.iter().enumerate() {
        if let Some(first) = extra_metadata_labels.iter().take(index).position(|other| other == label) {
            let path = path.key("extra_metadata_labels").index(index);
            checker.problem(&path, format!("is extra_metadata_labels[{first}] already"));
        }
    }
    let group = |group| metric_groups.contains(&group);
    let label = |label| extra_metadata_labels.contains(&label);
    let settings = Containers {
        groups: Groups {
            container: group(MetricGroup::Container),
            pod: group(MetricGroup::Pod),
            node: group(MetricGroup::Node),
            volume: group(MetricGroup::Volume),
        },
        all_interfaces: AllInterfaces {
            pod: section.collect_all_network_interfaces.pod,
            node: section.collect_all_network_interfaces.node,
        },
        container_ids: label(MetadataLabel::ContainerId),
        volume_types: label(MetadataLabel::VolumeType),
        max_series: section.max_series.get() as usize,
    };
    section.enabled.then(|| Scraper { interval: section.interval.unwrap_or(interval).get(), settings })
}
