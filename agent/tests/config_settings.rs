//! The checked configuration: its defaults, the collector's meaning of filters, and that what `print-config` writes
//! is read as the same configuration.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tare::catalog;
use tare::config::file::{self, host};
use tare::config::schema::{Scalar as _, Setting};
use tare::config::settings::{AllInterfaces, Compression, Destination, Groups, Settings};
use tare::config::values::http::{BaseUrl, SignalUrl};
use tare::config::values::quantity::Size;
use tare::config::values::quantity::Span;
use tare::config::values::{
    AbsolutePath, FilePath, MetricName, Name, ProcessAttribute, Protocol, ServerName, Text,
};
use tare::config::{Environment, load, load_default, print};
use tare::filter::MatchType;

fn settings(text: &str) -> Settings {
    load("tare.yaml", text.as_bytes(), &Environment::default()).unwrap().settings
}

#[test]
fn without_a_file_the_nine_default_scrapers_report_to_this_machine() {
    let settings = load_default(&Environment::default()).unwrap().settings;
    let scrapers = &settings.scrapers;
    let ten = Duration::from_secs(10);
    assert_eq!(scrapers.cpu.as_ref().unwrap().interval, ten);
    assert!(scrapers.disk.is_some() && scrapers.filesystem.is_some() && scrapers.load.is_some());
    assert!(scrapers.memory.is_some() && scrapers.network.is_some() && scrapers.paging.is_some());
    assert!(scrapers.processes.is_some() && scrapers.system.is_some());
    assert!(scrapers.process.is_none() && scrapers.nfs.is_none());
    assert!(settings.paths.is_local());
    assert_eq!(settings.outputs.len(), 1);
    let output = &settings.outputs[0];
    let Destination::Otlp(otlp) = &output.to else { panic!("no receiver") };
    assert_eq!((output.name.as_str(), otlp.compression), ("default", Compression::Gzip));
    assert_eq!(otlp.endpoint, "http://localhost:4318/v1/metrics");
    assert_eq!((otlp.protocol, &otlp.disk_log), (Protocol::HttpProtobuf, &None));
    for metric in catalog::metrics() {
        assert_eq!(settings.enabled.has(metric), metric.default_on, "{}", metric.name);
    }
}

#[test]
fn only_named_scrapers_run_and_an_own_interval_wins() {
    let settings =
        settings("host: {interval: 30s, scrapers: {cpu: , nfs: {interval: 1m}, load: {enabled: false}}}");
    assert_eq!(settings.scrapers.cpu.unwrap().interval, Duration::from_secs(30));
    assert_eq!(settings.scrapers.nfs.unwrap().interval, Duration::from_mins(1));
    assert!(settings.scrapers.load.is_none() && settings.scrapers.memory.is_none());
}

#[test]
fn metrics_are_switched_one_by_one() {
    let settings =
        settings("metrics: {system.cpu.time: {enabled: false}, system.cpu.utilization: {enabled: true}}");
    assert!(!settings.enabled.has(catalog::find("system.cpu.time").unwrap()));
    assert!(settings.enabled.has(catalog::find("system.cpu.utilization").unwrap()));
    assert!(settings.enabled.has(catalog::find("system.disk.io").unwrap()));
}

#[test]
fn filters_and_settings_reach_the_scraper_they_belong_to() {
    let settings = settings(
        "host:
  root: /hostfs
  proc: /host/proc
  scrapers:
    disk: {include: {devices: [sda]}, exclude: {devices: []}}
    network: {exclude: {interfaces: ['^veth'], match_type: regexp}}
    filesystem:
      include_fs_types: {fs_types: [ext4]}
      exclude_devices: {devices: [/dev/sdb]}
      exclude_mount_points: {mount_points: ['^/run'], match_type: regexp}
      include_virtual_filesystems: true
      timeout: 2s
    load: {cpu_average: true}
    process: {include: {names: [init]}, scrape_process_delay: 3s, resource_attributes: {process.cgroup: }}
",
    );
    assert_eq!(settings.paths.proc("stat").to_str(), Some("/host/proc/stat"));
    assert_eq!(settings.paths.sys("block").to_str(), Some("/hostfs/sys/block"));
    let disk = settings.scrapers.disk.unwrap().settings;
    assert!(disk.devices.passes("sda") && !disk.devices.passes("sdb"));
    let network = settings.scrapers.network.unwrap().settings;
    assert!(network.interfaces.passes("eth0") && !network.interfaces.passes("veth7"));
    let filesystem = settings.scrapers.filesystem.unwrap().settings;
    assert!(filesystem.fs_types.passes("ext4") && !filesystem.fs_types.passes("xfs"));
    assert!(filesystem.devices.passes("/dev/sda") && !filesystem.devices.passes("/dev/sdb"));
    assert!(filesystem.mount_points.passes("/") && !filesystem.mount_points.passes("/run/lock"));
    assert!(filesystem.include_virtual);
    assert_eq!(filesystem.statfs_timeout, Duration::from_secs(2));
    assert!(settings.scrapers.load.unwrap().settings.cpu_average);
    let process = settings.scrapers.process.unwrap().settings;
    assert!(process.names.passes("init") && !process.names.passes("sh") && process.cgroup);
    assert_eq!(process.scrape_delay, Duration::from_secs(3));
}

#[test]
fn an_empty_include_list_filters_nothing_as_in_the_collector() {
    let settings = settings("host: {scrapers: {disk: {include: {devices: []}}}}");
    assert!(settings.scrapers.disk.unwrap().settings.devices.passes("anything"));
}

#[test]
fn the_printed_configuration_hides_headers_and_nothing_else() {
    let text = "outputs: [{otlp: {endpoint: 'https://h', headers: {api-key: s3cret}}}]";
    let loaded = load("tare.yaml", text.as_bytes(), &Environment::default()).unwrap();
    let printed = print::print(&loaded.effective);
    assert!(!printed.contains("s3cret"), "{printed}");
    assert!(
        printed.contains("api-key: \"[redacted]\"") && printed.contains("endpoint: https://h/\n"),
        "{printed}"
    );
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        "\\PC{1,12}",
        prop::sample::select(vec![
            "null",
            "~",
            "1e3",
            "0x1",
            "true",
            " a ",
            "a: b",
            "- a",
            "# a",
            "'",
            "\"",
            "\t",
            "\u{85}",
            "{",
            "*a",
            "2024-01-01",
            "a:"
        ])
        .prop_map(str::to_owned),
    ]
    .prop_map(Text)
}

fn devices() -> impl Strategy<Value = Option<host::Devices>> {
    let lists = prop::collection::vec(text(), 0..4);
    prop::option::of(lists.prop_map(|devices| host::Devices { devices, match_type: MatchType::Strict }))
}

fn scrapers() -> impl Strategy<Value = Option<host::Scrapers>> {
    let disk = (any::<bool>(), prop::option::of(1..3_600_u64), devices(), devices()).prop_map(
        |(enabled, interval, include, exclude)| host::Disk {
            enabled,
            interval: interval.map(Span::seconds),
            include,
            exclude,
        },
    );
    let process = (any::<bool>(), 0..100_000_u64).prop_map(|(cgroup, delay)| host::Process {
        scrape_process_delay: Span::millis(delay),
        resource_attributes: BTreeMap::from([(ProcessAttribute::Cgroup, file::Switch { enabled: cgroup })]),
        ..host::Process::default()
    });
    let some = (prop::option::of(disk), prop::option::of(process)).prop_map(|(disk, process)| {
        host::Scrapers { cpu: Some(host::Cpu::default()), disk, process, ..host::Scrapers::default() }
    });
    prop::option::of(some)
}

fn outputs() -> impl Strategy<Value = Vec<file::Output>> {
    let disk = (any::<bool>(), 4..1_000_000_u64);
    let one = (
        prop::option::of(1..60_u64),
        1..1024_u64,
        0..4_usize,
        prop::option::of(disk),
        prop::option::of(60..2_592_000_u64),
        any::<bool>(),
    );
    prop::collection::vec(one, 1..4).prop_map(|outputs| {
        let mut otlp: Vec<_> = outputs.into_iter().enumerate().map(otlp_output).collect();
        let stdout = file::Output {
            name: Name("debug".to_owned()),
            stdout: Some(file::Stdout::default()),
            ..file::Output::default()
        };
        otlp.push(stdout);
        otlp
    })
}

type Drawn = (Option<u64>, u64, usize, Option<(bool, u64)>, Option<u64>, bool);

/// An output of its own, different from those at other places.
fn otlp_output((index, (timeout, mebibytes, address, disk, stale, file)): (usize, Drawn)) -> file::Output {
    let mut otlp = file::Otlp::default();
    match address {
        0 => otlp.metrics_endpoint = SignalUrl::parse(&format!("http://h{index}:80/a?b=c")).ok(),
        1 => otlp.endpoint = BaseUrl::parse(&format!("https://h{index}:80/")).ok(),
        2 => otlp.endpoint = BaseUrl::parse(&format!("h{index}:4317")).ok(),
        _ => otlp.metrics_endpoint = SignalUrl::parse("[::1]").ok(),
    }
    if address > 1 {
        otlp.protocol = Setting::default_of(Protocol::Grpc);
        otlp.tls.insecure = Some(address == 2);
    }
    if address == 1 {
        otlp.tls.server_name = Some(ServerName("other.example".to_owned()));
    }
    if let Some((replay, size)) = disk {
        otlp.disk_log = Some(file::DiskLog {
            directory: AbsolutePath::parse(&format!("/var/lib/tare/queue/{index} #")).ok(),
            max_size: Size::mib(size),
            replay_bytes_per_second: if replay { Size::kib(size) } else { Size::mib(1) },
        });
    }
    if let Some(seconds) = stale {
        otlp.resolve.max_stale = Span::seconds(seconds.max(300));
        otlp.resolve.cache_file = AbsolutePath::parse(&format!("/var/lib/tare/dns-{index}.v1")).ok();
    }
    if file {
        let header = tare::config::values::http::UserHeader::parse("authorization").unwrap();
        otlp.headers_from_files = BTreeMap::from([(header, FilePath("/run/token".into()))]);
    }
    otlp.timeout.fill(timeout.map(Span::seconds));
    otlp.queue.max_bytes = Size::mib(mebibytes);
    file::Output { name: Name(format!("o{index}")), otlp: Some(otlp), ..file::Output::default() }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same_configuration(
        interval in 1..3_600_u64,
        root in "/[a-zA-Z0-9 #:'\"\u{e4}-]{0,12}",
        scrapers in scrapers(),
        outputs in outputs(),
        attributes in prop::collection::btree_map("\\PC{1,12}".prop_map(file::AttributeName), text(), 0..4),
        switched in prop::collection::vec((0..60_usize, any::<bool>()), 0..4),
    ) {
        let mut config = file::Config::default();
        config.host.interval = Setting::default_of(Span::seconds(interval));
        config.host.root = AbsolutePath::parse(&root).unwrap();
        config.host.scrapers = Some(scrapers.unwrap_or_else(host::Scrapers::standard));
        config.outputs = Some(outputs);
        config.enrich.resource_attributes = attributes;
        let all: Vec<_> = catalog::metrics().collect();
        config.metrics = switched
            .into_iter()
            .map(|(index, enabled)| (MetricName(all[index]), file::Switch { enabled }))
            .collect();
        let printed = print::print(&config);
        let read = load("printed", printed.as_bytes(), &Environment::default());
        match read {
            Ok(loaded) => {
                prop_assert_eq!(&loaded.effective, &config, "{}", printed);
                prop_assert_eq!(print::print(&loaded.effective), printed);
            }
            Err(problems) => prop_assert!(false, "{problems}\n{printed}"),
        }
    }
}

#[test]
fn without_a_word_containers_pods_and_the_node_are_reported_as_the_collector_does() {
    let containers = settings("host: {interval: 20s}").containers.unwrap();
    assert_eq!(containers.interval, Duration::from_secs(20));
    let own = containers.settings;
    assert_eq!(own.groups, Groups { container: true, pod: true, node: true, volume: false });
    assert_eq!(own.all_interfaces, AllInterfaces::default());
    assert_eq!((own.container_ids, own.volume_types, own.max_series), (false, false, 50_000));
}

#[test]
fn every_key_of_containers_arrives() {
    let containers = settings(
        "containers: {interval: 5s, metric_groups: [volume, pod], max_series: 1000, \
         collect_all_network_interfaces: {pod: true, node: true}, \
         extra_metadata_labels: [container.id, k8s.volume.type]}",
    )
    .containers
    .unwrap();
    assert_eq!(containers.interval, Duration::from_secs(5));
    let own = containers.settings;
    assert_eq!(own.groups, Groups { container: false, pod: true, node: false, volume: true });
    assert_eq!(own.all_interfaces, AllInterfaces { pod: true, node: true });
    assert_eq!((own.container_ids, own.volume_types, own.max_series), (true, true, 1_000));
    assert!(settings("containers: {enabled: false}").containers.is_none());
}

#[test]
fn what_reports_nothing_or_the_same_twice_is_refused_with_its_place() {
    for (text, place) in [
        ("containers: {metric_groups: []}", "containers.metric_groups"),
        ("containers: {metric_groups: [pods]}", "containers.metric_groups[0]"),
        (
            "containers: {extra_metadata_labels: [container.id, container.id]}",
            "containers.extra_metadata_labels[1]",
        ),
    ] {
        let problems = load("t.yaml", text.as_bytes(), &Environment::default()).unwrap_err().to_string();
        assert!(problems.contains(place), "{text}: {problems}");
    }
}
