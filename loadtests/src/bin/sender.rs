//! The exporter at work and nothing else: `sender ENDPOINT PERIOD_MS gzip|none` reports a busy node until it is
//! killed.
//!
//! At each tick 250 resources of 20 points each are patched, joined into a request, compressed and sent to
//! ENDPOINT over HTTP. What this process costs is what tare's exporter costs; `exporter-cost` measures it.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use exporter::compress::Compression;
use exporter::model::{Attribute, Kind, Metric, Scope, Timestamp, ValueType};
use exporter::output::{Output, Settings};
use exporter::queue::{Class, Item};
use exporter::request::{Request, RequestBuilder};
use exporter::segment::{Segment, SeriesId};
use tokio::time::{MissedTickBehavior, interval};

const RESOURCES: usize = 250;
const SCOPE: Scope = Scope { name: "tare.sender", version: "0.1.0" };
const STATES: [&str; 4] = ["user", "system", "idle", "interrupt"];

const fn metric(name: &'static str, unit: &'static str, kind: Kind, value_type: ValueType) -> Metric {
    let description = "A figure of the node, split by state.";
    Metric { name, description, unit, kind, value_type, default_on: true }
}

static METRICS: [Metric; 5] = [
    metric("system.cpu.time", "s", Kind::Sum { monotonic: true }, ValueType::Double),
    metric("system.memory.utilization", "1", Kind::Gauge, ValueType::Double),
    metric("system.network.io", "By", Kind::Sum { monotonic: true }, ValueType::Int),
    metric("system.disk.operations", "{operation}", Kind::Sum { monotonic: true }, ValueType::Int),
    metric("system.memory.usage", "By", Kind::Sum { monotonic: false }, ValueType::Int),
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(64)
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program for the real tier, whose log this is")]
fn complain(error: &anyhow::Error) {
    eprintln!("sender: {error:#}");
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, period, compression] = &arguments[..] else {
        bail!("sender ENDPOINT PERIOD_MS gzip|none")
    };
    let period = Duration::from_millis(period.parse().context("PERIOD_MS")?);
    let compression = match compression.as_str() {
        "gzip" => Compression::Gzip,
        "none" => Compression::None,
        other => bail!("{other}: gzip or none"),
    };
    let settings = Settings { compression, ..Settings::new("sender", endpoint) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (queue, output) = Output::new(&settings)?;
        let mut node = Node::new();
        let scraping = async {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                let created = Timestamp::now();
                for Request { body, points } in node.scrape(created) {
                    queue.push(Item { body, points, class: Class::Data, created });
                }
            }
        };
        output.run(scraping).await;
        Ok(())
    })
}

/// A busy node: its segments, and figures that move as those of a node do.
struct Node {
    resources: Vec<(Segment, Vec<Point>)>,
    builder: RequestBuilder,
    random: u64,
}

struct Point {
    id: SeriesId,
    value_type: ValueType,
    figure: i32,
}

impl Node {
    fn new() -> Self {
        let start = Timestamp::now();
        let resources = (0..RESOURCES).map(|number| {
            let (namespace, pod, uid) = (
                format!("team-{}", number % 16),
                format!("backend-{number:04}-6f7c9d8b5-x{number:04}"),
                format!("{number:08x}-7d3c-4e8f-9a51-{number:012x}"),
            );
            let attributes = [
                Attribute::str("k8s.namespace.name", &namespace),
                Attribute::str("k8s.pod.name", &pod),
                Attribute::str("k8s.pod.uid", &uid),
                Attribute::str("k8s.container.name", "backend"),
            ];
            let mut segment = Segment::new(&attributes, SCOPE, start);
            let series = METRICS.iter().flat_map(|metric| STATES.map(|state| (metric, state)));
            let points = series.map(|(metric, state)| Point {
                id: segment.series(metric, &[Attribute::str("state", state)]),
                value_type: metric.value_type,
                figure: 0,
            });
            let points = points.collect();
            (segment, points)
        });
        Self { resources: resources.collect(), builder: RequestBuilder::default(), random: start.0 | 1 }
    }

    /// Patches every point and joins the segments.
    fn scrape(&mut self, time: Timestamp) -> impl Iterator<Item = Request> {
        for (segment, points) in &mut self.resources {
            segment.begin(time);
            for point in points {
                // xorshift: digits that compress as badly as real ones.
                self.random ^= self.random << 13;
                self.random ^= self.random >> 7;
                self.random ^= self.random << 17;
                point.figure = point.figure.wrapping_add((self.random & 0xfff) as i32) & 0x3fff_ffff;
                match point.value_type {
                    ValueType::Int => segment.set_int(point.id, i64::from(point.figure)),
                    ValueType::Double => segment.set_double(point.id, f64::from(point.figure) / 100.0),
                }
            }
            segment.finish();
            self.builder.push(segment);
        }
        self.builder.drain()
    }
}
