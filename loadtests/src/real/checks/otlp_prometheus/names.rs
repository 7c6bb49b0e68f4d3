//! How OTLP becomes Prometheus series, from the OpenTelemetry specification ("Prometheus and OpenMetrics
//! compatibility"), for the units that tare uses. Written independently of Prometheus's own code, which is
//! what it is compared with.

use std::collections::BTreeMap;

use crate::real::checks::otlp::Sample;

/// A series' labels, its name among them as `__name__`.
pub(super) type Labels = BTreeMap<String, String>;

/// The labels under which Prometheus keeps a sample, with every resource attribute promoted to a label.
pub(super) fn labels(sample: &Sample) -> Labels {
    let mut labels: Labels = sample.resource.iter().map(|(key, value)| (label(key), value.clone())).collect();
    labels.extend(sample.attributes.iter().map(|(key, value)| (label(key), value.clone())));
    if let Some(service) = sample.resource.get("service.name") {
        let namespace = sample.resource.get("service.namespace");
        let job = namespace.map_or_else(|| service.clone(), |space| format!("{space}/{service}"));
        labels.insert("job".to_owned(), job);
    }
    if let Some(instance) = sample.resource.get("service.instance.id") {
        labels.insert("instance".to_owned(), instance.clone());
    }
    labels.insert("__name__".to_owned(), name(sample));
    // An empty label is none.
    labels.retain(|_, value| !value.is_empty());
    labels
}

/// `system.cpu.time` in seconds, monotonic: `system_cpu_time_seconds_total`.
fn name(sample: &Sample) -> String {
    let mut words: Vec<&str> = sample
        .name
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != ':')
        .filter(|word| !word.is_empty())
        .collect();
    let (main, per) = sample.unit.split_once('/').unwrap_or((&sample.unit, ""));
    let unit = unit(main);
    if !unit.is_empty() && !words.contains(&unit) {
        words.push(unit);
    }
    if per == "s" {
        words.extend(["per", "second"]);
    }
    let suffix = match sample.sum {
        Some((true, _)) => Some("total"),
        None if sample.unit == "1" => Some("ratio"),
        _ => None,
    };
    if let Some(suffix) = suffix {
        words.retain(|word| *word != suffix);
        words.push(suffix);
    }
    words.join("_")
}

/// The word for a unit; none for a number without one. An annotation in braces is no unit.
fn unit(ucum: &str) -> &str {
    match ucum {
        "s" => "seconds",
        "ms" => "milliseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "Hz" => "hertz",
        "1" => "",
        other if other.contains(['{', '}']) => "",
        other => other,
    }
}

/// `host.name`: `host_name`.
fn label(key: &str) -> String {
    key.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(metric: &str, unit: &str, sum: Option<(bool, bool)>) -> String {
        let sample = Sample {
            resource: BTreeMap::new(),
            scope: (String::new(), String::new()),
            name: metric.to_owned(),
            description: String::new(),
            unit: unit.to_owned(),
            sum,
            attributes: BTreeMap::new(),
            start: 0,
            time: 0,
            value: None,
            flags: 0,
        };
        name(&sample)
    }

    #[test]
    fn names_follow_the_examples_of_the_specification() {
        assert_eq!(named("system.cpu.time", "s", Some((true, true))), "system_cpu_time_seconds_total");
        assert_eq!(named("system.memory.usage", "By", Some((false, true))), "system_memory_usage_bytes");
        assert_eq!(named("system.memory.utilization", "1", None), "system_memory_utilization_ratio");
        assert_eq!(named("system.cpu.load_average.1m", "{thread}", None), "system_cpu_load_average_1m");
        assert_eq!(
            named("system.disk.operations", "{operation}", Some((true, true))),
            "system_disk_operations_total"
        );
        assert_eq!(named("disk.io", "By/s", None), "disk_io_bytes_per_second");
    }
}
