//! From the checked configuration to what the agent runs: collectors, outputs and the node's resource.

use std::sync::Arc;
use std::time::Duration;

use exporter::disk::Settings as DiskLog;
use exporter::model::Timestamp;
use exporter::output::{Protocol as Wire, Settings as OutputSettings};
use exporter::proxy::Proxy;
use exporter::{compress, queue, resolve, retry, tls};
use shared_informer::phase::{Phase, Salt};

use crate::clock;
use crate::collectors::{
    Collector, Setup, cpu, disk, filesystem, load, memory, network, nfs, paging, pods, process, processes,
    system,
};
use crate::config::resource::{Machine, node_attributes};
use crate::config::settings::{
    Compression, Containers, Destination, Otlp, Output, Protocol, Resolve, Scraper, Settings, Tls,
};
use crate::enrich;
use crate::feeds::Feeds;
use crate::paths::HostPaths;
use crate::pipeline::Planned;

mod instance;

/// Everything that [`crate::app::Agent`] runs.
pub struct Plan {
    /// The collectors, each with its cadence.
    pub collectors: Vec<Planned>,
    /// The destinations.
    pub outputs: Vec<OutputSettings>,
    /// The resource of the agent's own metrics: the node's, plus `service.*`.
    pub own_resource: Vec<(String, String)>,
    /// How often the agent reports about itself.
    pub self_telemetry_interval: Duration,
    /// How long a shutdown may take.
    pub shutdown_timeout: Duration,
    /// Where the host's files are.
    pub paths: HostPaths,
    /// The node's place in every interval, as a share of 2^64.
    pub phase: u64,
    /// What the collectors get from the runtime's tasks.
    pub feeds: Feeds,
}

impl Plan {
    /// Reads what the machine knows of itself (its name, when it booted) and builds the collectors; nothing
    /// is started. What others know comes to them through `feeds`.
    pub fn new(settings: &Settings, feeds: &Feeds) -> Self {
        let resource = node_attributes(settings, &Machine::detect(&settings.paths));
        let identity = ["k8s.node.name", "host.name"]
            .iter()
            .find_map(|key| resource.iter().find(|(name, _)| name == key))
            .map_or("", |(_, value)| value.as_str());
        let phase = Phase::of(identity, Salt::Collect).hash();
        let setup = Setup {
            paths: settings.paths.clone(),
            enabled: settings.enabled.clone(),
            boot_time: clock::boot_time(&settings.paths).unwrap_or_else(Timestamp::now),
            resource: resource.clone(),
        };
        Self {
            collectors: collectors(settings, &setup, feeds),
            outputs: outputs(settings),
            own_resource: own_resource(resource),
            self_telemetry_interval: settings.control.self_telemetry_interval,
            shutdown_timeout: settings.control.shutdown_timeout,
            paths: settings.paths.clone(),
            phase,
            feeds: feeds.clone(),
        }
    }
}

fn collectors(settings: &Settings, setup: &Setup, feeds: &Feeds) -> Vec<Planned> {
    /// A collector that is configured; `wide` ones cost more with every process or container.
    fn planned<T: Clone, C: Collector + 'static>(
        scraper: Option<&Scraper<T>>,
        wide: bool,
        build: impl FnOnce(T) -> C,
    ) -> Option<Planned> {
        scraper.map(|scraper| Planned {
            collector: Box::new(build(scraper.settings.clone())),
            interval: scraper.interval,
            wide,
        })
    }
    let on = &settings.scrapers;
    [
        planned(on.cpu.as_ref(), false, |()| cpu::Cpu::new(setup)),
        planned(on.disk.as_ref(), false, |settings| disk::Disk::new(setup, settings)),
        planned(on.filesystem.as_ref(), false, |settings| filesystem::Filesystem::new(setup, settings)),
        planned(on.load.as_ref(), false, |settings| load::Load::new(setup, settings)),
        planned(on.memory.as_ref(), false, |()| memory::Memory::new(setup)),
        planned(on.network.as_ref(), false, |settings| network::Network::new(setup, settings)),
        planned(on.nfs.as_ref(), false, |()| nfs::Nfs::new(setup)),
        planned(on.paging.as_ref(), false, |()| paging::Paging::new(setup)),
        planned(on.system.as_ref(), false, |()| system::System::new(setup)),
        planned(settings.containers.as_ref(), true, |own| {
            pods::Pods::new(setup, containers(settings, &own, setup), feeds.clone())
        }),
        planned(on.processes.as_ref(), true, |()| processes::Processes::new(setup)),
        planned(on.process.as_ref(), true, |settings| process::Process::new(setup, settings)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the collector of pods takes from several roots of the configuration.
fn containers(settings: &Settings, own: &Containers, setup: &Setup) -> pods::Settings {
    let interval = settings.containers.as_ref().map(|scraper| scraper.interval).unwrap_or_default();
    let node = setup.resource.iter().find(|(key, _)| key == "k8s.node.name");
    pods::Settings {
        groups: own.groups,
        all_interfaces: own.all_interfaces,
        max_series: own.max_series,
        kubelet_period: settings.control_plane.kubelet.period,
        enrich: enrich::Settings {
            choice: Arc::clone(&settings.choice),
            container_ids: own.container_ids,
            volume_types: own.volume_types,
            node: node.map(|(_, name)| name.as_str().into()),
            interval,
            ..enrich::Settings::default()
        },
    }
}

/// The destinations, as the exporter takes them.
pub(crate) fn outputs(settings: &Settings) -> Vec<OutputSettings> {
    let proxy = settings.proxy.as_ref();
    settings.outputs.iter().map(|to| output(to, proxy)).collect()
}

fn output(output: &Output, proxy: Option<&Proxy>) -> OutputSettings {
    let mut settings = match &output.to {
        Destination::Otlp(otlp) => receiver(&output.name, otlp, proxy),
        Destination::Stdout => {
            OutputSettings { protocol: Wire::Stdout, ..OutputSettings::new(&output.name, "") }
        }
    };
    let max_bytes = usize::try_from(output.queue_max_bytes).unwrap_or(usize::MAX);
    // A sixteenth for self-telemetry, as in the exporter's own default.
    settings.queue =
        queue::Limits { max_bytes, reserved_bytes: max_bytes / 16, max_age: output.queue_max_age };
    settings
}

/// An OTLP receiver, without its queue.
fn receiver(name: &str, otlp: &Otlp, proxy: Option<&Proxy>) -> OutputSettings {
    let headers = otlp.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let from_files = otlp.headers_from_files.iter();
    OutputSettings {
        protocol: match otlp.protocol {
            Protocol::HttpProtobuf => Wire::HttpProtobuf,
            Protocol::Grpc => Wire::Grpc,
        },
        headers: headers.collect(),
        headers_from_files: from_files.map(|(name, file)| (name.as_str().to_owned(), file.clone())).collect(),
        compression: match otlp.compression {
            Compression::Gzip => compress::Compression::Gzip,
            Compression::None => compress::Compression::None,
        },
        timeout: otlp.timeout,
        tls: trust(&otlp.tls),
        resolve: names(&otlp.resolve),
        proxy: proxy.cloned(),
        retry: retry::Limits {
            initial: otlp.retry_initial_interval,
            max: otlp.retry_max_interval,
            ..retry::Limits::default()
        },
        disk: otlp.disk_log.as_ref().map(|log| DiskLog {
            directory: log.directory.clone(),
            max_bytes: log.max_size,
            replay_bytes_per_second: log.replay_bytes_per_second,
        }),
        ..OutputSettings::new(name, &otlp.endpoint.to_string())
    }
}

fn trust(tls: &Tls) -> tls::Settings {
    tls::Settings {
        ca: tls.ca_file.clone(),
        identity: tls.client.as_ref().map(|client| tls::Identity {
            certificate: client.cert_file.clone(),
            key: client.key_file.clone(),
        }),
        server_name: tls.server_name.clone(),
    }
}

fn names(resolve: &Resolve) -> resolve::Settings {
    let Resolve { max_stale, min_refresh, max_refresh, cache_file } = resolve.clone();
    let limits = resolve::Limits { min_refresh, max_refresh, max_age: max_stale };
    resolve::Settings { limits, file: cache_file, ..resolve::Settings::default() }
}

/// The node's resource under the agent's own service name, version and instance, unless the operator gave one.
fn own_resource(mut resource: Vec<(String, String)>) -> Vec<(String, String)> {
    let own = [
        ("service.name", Some("tare".to_owned())),
        ("service.version", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("service.instance.id", instance::id(&resource)),
    ];
    for (key, value) in own {
        if let (Some(value), false) = (value, resource.iter().any(|(name, _)| name == key)) {
            resource.push((key.to_owned(), value));
        }
    }
    resource
}

#[cfg(test)]
mod tests;
