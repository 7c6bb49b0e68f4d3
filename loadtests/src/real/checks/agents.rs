//! The two agents side by side: configurations that mean the same, one receiver each, and what each costs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;

use crate::parity::contract::Row;
use crate::parity::stream::{OWN_PREFIX, Stream, Time};
use crate::real::env::Env;
use crate::real::program::{self, Memory, Program, float};
use crate::real::recipes::Need;
use crate::receiver::{Received, Receiver, Totals};

/// How long either agent may take to end after SIGTERM.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// What both agents are told to do.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// How often they read.
    pub(super) interval: Duration,
    /// The rows to report; the scrapers follow from them.
    pub(super) rows: Vec<Row>,
    /// The processes that the process scraper reports.
    pub(super) processes: Vec<&'static str>,
}

impl Job {
    /// Scraper by scraper, the metrics that have to be switched on.
    fn scrapers(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut scrapers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in &self.rows {
            let changes = scrapers.entry(&row.scraper).or_default();
            if !row.default_on {
                changes.push(&row.metric);
            }
        }
        scrapers
    }

    /// The collector's configuration. JSON is YAML.
    pub(super) fn collector_config(&self, endpoint: &str) -> String {
        let mut scrapers = serde_json::Map::new();
        for (scraper, changes) in self.scrapers() {
            let metrics: serde_json::Map<_, _> = changes
                .into_iter()
                .map(|name| (name.to_owned(), serde_json::json!({"enabled": true})))
                .collect();
            let mut config = serde_json::json!({ "metrics": metrics });
            if scraper == "process" {
                config["include"] = serde_json::json!({"names": self.processes, "match_type": "strict"});
            }
            scrapers.insert(scraper.to_owned(), config);
        }
        let config = serde_json::json!({
            "receivers": {"hostmetrics": {
                "collection_interval": format!("{}ms", self.interval.as_millis()),
                "initial_delay": "100ms",
                "scrapers": scrapers,
            }},
            "exporters": {"otlphttp": {"endpoint": endpoint, "compression": "gzip"}},
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {"metrics": {"receivers": ["hostmetrics"], "exporters": ["otlphttp"]}},
            },
        });
        format!("{config:#}\n")
    }

    /// tare's configuration.
    pub(super) fn tare_config(&self, endpoint: &str, root: &Path) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "host:\n  root: {}\n  interval: {}ms\n  scrapers:\n",
            root.display(),
            self.interval.as_millis()
        );
        let mut changes = Vec::new();
        for (scraper, metrics) in self.scrapers() {
            let include = format!("{{include: {{names: {:?}, match_type: strict}}}}", self.processes);
            let _ = writeln!(text, "    {scraper}: {}", if scraper == "process" { &include } else { "{}" });
            changes.extend(metrics);
        }
        if !changes.is_empty() {
            text.push_str("metrics:\n");
        }
        for name in changes {
            let _ = writeln!(text, "  {name}: {{enabled: true}}");
        }
        let _ = writeln!(
            text,
            "outputs:\n  - name: default\n    otlp: {{endpoint: \"{endpoint}\", compression: gzip}}"
        );
        text
    }
}

/// An agent that runs, with the receiver that takes what it sends.
#[derive(Debug)]
pub(super) struct Agent {
    program: Program,
    receiver: Receiver,
    seen: Arc<Mutex<Vec<Received>>>,
    started: SystemTime,
}

/// What an agent had used up at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    /// CPU of all its threads, in nanoseconds.
    pub(super) cpu_ns: u64,
    /// Points of metrics sent, its own telemetry left out.
    pub(super) points: u64,
    totals: Totals,
}

/// What an agent sent and cost in a stretch of time.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Figures {
    /// Memory at the end of the stretch, in bytes.
    pub(super) memory: Memory,
    /// CPU seconds.
    pub(super) cpu_s: f64,
    /// Points sent, own telemetry left out.
    pub(super) points: u64,
    /// CPU microseconds per point.
    pub(super) cpu_us_per_point: f64,
    /// Requests sent.
    pub(super) requests: u64,
    /// Everything received on the sockets, headers included.
    pub(super) socket_bytes: u64,
    /// Compressed bodies.
    pub(super) wire_bytes: u64,
}

impl Agent {
    /// Starts `program` with the arguments that `command` adds; `configure` gets the endpoint.
    pub(super) fn start(
        env: &Env,
        name: &str,
        configure: impl FnOnce(&str) -> anyhow::Result<Command>,
    ) -> anyhow::Result<Self> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let receiver = Receiver::loopback(move |received| {
            sink.lock().unwrap_or_else(PoisonError::into_inner).push(received);
        })?;
        let command = configure(&receiver.endpoint())?;
        let started = SystemTime::now();
        Ok(Self { program: env.start(name, command)?, receiver, seen, started })
    }

    /// The collector, on this machine.
    pub(super) fn collector(env: &Env, name: &str, job: &Job) -> anyhow::Result<Self> {
        Self::start(env, name, |endpoint| {
            let config = env.file(&format!("{name}.yaml"), &job.collector_config(endpoint))?;
            let mut command = Command::new(env.program("otelcol")?);
            command.arg("--config").arg(config);
            Ok(command)
        })
    }

    /// tare, on this machine or the tree below `root`; `program` is one of those that were built of it.
    pub(super) fn tare(env: &Env, program: Need, job: &Job, root: &Path) -> anyhow::Result<Self> {
        Self::start(env, "tare", |endpoint| {
            let config = env.file("tare.yaml", &job.tare_config(endpoint, root))?;
            let mut command = Command::new(env.program(program.name())?);
            command.args(["run", "--config"]).arg(config);
            // Nothing on the machine is touched, and another agent on it is not in the way.
            command.arg("--state-dir").arg(env.path("state")).arg("--socket").arg(env.path("tare.sock"));
            Ok(command)
        })
    }

    /// Fails if it has ended.
    pub(super) fn alive(&mut self) -> anyhow::Result<()> {
        self.program.alive()
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// Everything received so far.
    pub(super) fn requests(&self) -> Vec<ExportMetricsServiceRequest> {
        self.lock().iter().map(|received| received.request.clone()).collect()
    }

    /// How many requests it has sent so far.
    pub(super) fn received(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Received>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it was started, in nanoseconds since the epoch.
    pub(super) fn began(&self) -> Time {
        let since = self.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// How long after its start the first request with metrics had arrived.
    pub(super) fn first_export(&self) -> Option<Duration> {
        let seen = self.lock();
        let first = seen.iter().find(|received| Stream::of([&received.request]).points > 0)?;
        first.at.duration_since(self.started).ok()
    }

    /// What it has used up by now.
    pub(super) fn usage(&self) -> anyhow::Result<Usage> {
        let cpu_ns = program::cpu_ns(self.pid()).context("an agent's CPU time")?;
        let points = self.lock().iter().map(|received| Stream::of([&received.request]).points).sum();
        Ok(Usage { cpu_ns, points, totals: self.receiver.totals() })
    }

    /// What it has cost since `begin`.
    pub(super) fn figures(&self, begin: Usage) -> anyhow::Result<Figures> {
        let end = self.usage()?;
        let points = end.points - begin.points;
        let cpu_s = float(end.cpu_ns - begin.cpu_ns) / 1e9;
        Ok(Figures {
            memory: Memory::of(self.pid())?,
            cpu_s,
            points,
            cpu_us_per_point: cpu_s * 1e6 / float(points.max(1)),
            requests: end.totals.requests - begin.totals.requests,
            socket_bytes: end.totals.socket_bytes - begin.totals.socket_bytes,
            wire_bytes: end.totals.wire_bytes - begin.totals.wire_bytes,
        })
    }

    /// The share of its uncompressed bytes that was telemetry about itself.
    pub(super) fn own_share(&self) -> f64 {
        let (mut all, mut own) = (0, 0);
        for received in self.lock().iter() {
            all += received.body_bytes;
            let mut rest = received.request.clone();
            let metrics = rest.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
            for scope in metrics {
                scope.metrics.retain(|metric| metric.name.starts_with(OWN_PREFIX));
            }
            own += rest
                .resource_metrics
                .iter()
                .flat_map(|resource| &resource.scope_metrics)
                .flat_map(|scope| &scope.metrics)
                .map(Message::encoded_len)
                .sum::<usize>();
        }
        float(own as u64) / float(all.max(1) as u64)
    }

    /// Asks it to stop; gives a failure if it does not stop in order.
    pub(super) fn stop(&mut self, name: &str) -> Option<String> {
        match self.program.terminate(STOP_PATIENCE) {
            Ok(status) if program::ended_cleanly(status) => None,
            Ok(status) => Some(format!("{name} ended with {status} after SIGTERM")),
            Err(error) => Some(format!("{name}: {error:#}")),
        }
    }
}

/// The figures of several programs, side by side.
pub(super) fn table(figures: &[(&str, &Figures)]) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn Fn(&Figures) -> String| {
        let _ = write!(text, "{name:28}");
        for (_, figures) in figures {
            let _ = write!(text, " {:>14}", value(figures));
        }
        text.push('\n');
    };
    let mib = |bytes: u64| format!("{:.2}", float(bytes) / 1_048_576.0);
    line("RSS MiB", &|of| mib(of.memory.rss));
    line("PSS MiB", &|of| mib(of.memory.pss));
    line("anonymous MiB", &|of| mib(of.memory.anonymous));
    line("highest RSS MiB", &|of| mib(of.memory.peak_rss));
    line("CPU ms", &|of| format!("{:.1}", of.cpu_s * 1e3));
    line("points", &|of| of.points.to_string());
    line("CPU us per point", &|of| format!("{:.2}", of.cpu_us_per_point));
    line("requests", &|of| of.requests.to_string());
    line("bytes on the wire", &|of| of.socket_bytes.to_string());
    line("bytes per point", &|of| format!("{:.1}", float(of.socket_bytes) / float(of.points.max(1))));
    let mut head = format!("{:28}", "");
    for (name, _) in figures {
        let _ = write!(head, " {name:>14}");
    }
    format!("{head}\n{text}")
}
