//! `exporter-cost`: CPU per point from a patched segment to an acknowledged request.
//!
//! `sender` is tare's exporter and nothing else: 250 resources of 20 points, gzip, HTTP. Beside it, fed with the same
//! data at the same pace in the same stretch of time, two collectors: one takes the data and forwards it with
//! gzip over HTTP, the other takes it and drops it. The difference between the two is what the collector's
//! exporter costs. Times are nanoseconds of the scheduler.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::otlp_collector::listening;
use crate::real::env::Env;
use crate::real::program::{self, Program, float};
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Outcome, Tier};
use crate::receiver::Receiver;

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "exporter-cost",
    tier: Tier::Ci,
    about: "a point costs at most 3 us of CPU from its segment to the acknowledged request, gzip included",
    needs: &[recipes::SENDER, recipes::COLLECTOR],
    limit: Duration::from_mins(2),
    lane: Lane::Alone,
    hidden: false,
    run,
};

/// CPU microseconds per point.
const BOUND: f64 = 3.0;
/// Between two scrapes of 5,000 points.
const PERIOD_MS: &str = "250";
/// Connections and first buffers are not part of the figures.
const SETTLE: Duration = Duration::from_secs(5);
/// The stretch that is measured.
const LENGTH: Duration = Duration::from_secs(20);

/// A receiver that counts points.
struct Counter {
    receiver: Receiver,
    points: Arc<AtomicU64>,
}

impl Counter {
    fn start() -> anyhow::Result<Self> {
        let points = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&points);
        let receiver = Receiver::loopback(move |received| {
            counter.fetch_add(count(&received.request), Ordering::Relaxed);
        })?;
        Ok(Self { receiver, points })
    }

    fn points(&self) -> u64 {
        self.points.load(Ordering::Relaxed)
    }
}

fn count(request: &ExportMetricsServiceRequest) -> u64 {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let points = scopes.flat_map(|scope| &scope.metrics).map(|metric| match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        _ => 0,
    });
    points.sum::<usize>() as u64
}

fn sender(env: &Env, name: &str, endpoint: &str, compression: &str) -> anyhow::Result<Program> {
    let mut command = Command::new(env.program("sender")?);
    command.args([&format!("{endpoint}/v1/metrics"), PERIOD_MS, compression]);
    env.start(name, command)
}

/// A collector that listens on `port` and has one exporter.
fn collector(env: &Env, name: &str, port: u16, exporter: &serde_json::Value) -> anyhow::Result<Program> {
    let config = serde_json::json!({
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": format!("127.0.0.1:{port}")}}}},
        "exporters": exporter,
        "service": {
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "error"}},
            "pipelines": {"metrics": {
                "receivers": ["otlp"],
                "exporters": exporter.as_object().into_iter().flatten().map(|(name, _)| name).collect::<Vec<_>>(),
            }},
        },
    });
    let config = env.file(&format!("{name}.yaml"), &format!("{config:#}\n"))?;
    let mut command = Command::new(env.program("otelcol")?);
    command.arg("--config").arg(config);
    let mut program = env.start(name, command)?;
    listening(&mut program, port)?;
    Ok(program)
}

/// The ports of the two collectors; the network of a check is its own.
const FORWARDS: u16 = 4318;
const DROPS: u16 = 5318;

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let (ours, theirs) = (Counter::start()?, Counter::start()?);
    let forward = serde_json::json!({"otlphttp": {
        "endpoint": theirs.receiver.endpoint(), "compression": "gzip",
    }});
    let drop = serde_json::json!({"debug": {"verbosity": "basic"}});
    let forwards = collector(env, "forwards", FORWARDS, &forward)?;
    let drops = collector(env, "drops", DROPS, &drop)?;
    let tare = sender(env, "sender", &ours.receiver.endpoint(), "gzip")?;
    let feeds = [FORWARDS, DROPS]
        .map(|port| sender(env, &format!("feeds-{port}"), &format!("http://127.0.0.1:{port}"), "none"));
    let [first, second] = feeds;
    let mut programs = [tare, forwards, drops, first?, second?];
    wait(&mut programs, SETTLE)?;
    let before = usage(&programs)?;
    let points_before = [ours.points(), theirs.points()];
    let bytes_before = [ours.receiver.totals().wire_bytes, theirs.receiver.totals().wire_bytes];
    wait(&mut programs, LENGTH)?;
    let after = usage(&programs)?;
    let points = [ours.points() - points_before[0], theirs.points() - points_before[1]];
    let bytes = [
        ours.receiver.totals().wire_bytes - bytes_before[0],
        theirs.receiver.totals().wire_bytes - bytes_before[1],
    ];
    let cpu = [0, 1, 2].map(|index| float(after[index] - before[index]) / 1000.0);
    Ok(judge(points, bytes, cpu))
}

fn wait(programs: &mut [Program], length: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + length;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
        programs.iter_mut().try_for_each(Program::alive)?;
    }
    Ok(())
}

/// CPU nanoseconds of the first three.
fn usage(programs: &[Program; 5]) -> anyhow::Result<[u64; 3]> {
    let [tare, forwards, drops, ..] = programs;
    Ok([program::cpu_ns(tare.pid())?, program::cpu_ns(forwards.pid())?, program::cpu_ns(drops.pid())?])
}

/// `points` and `bytes` on the wire of tare's exporter and of the collector's; CPU microseconds of tare's exporter, and
/// of the collectors that forward and drop.
fn judge(points: [u64; 2], bytes: [u64; 2], cpu: [f64; 3]) -> Outcome {
    let mut outcome = Outcome::default();
    if points.contains(&0) {
        outcome.failures.push(format!("points that arrived: {points:?}"));
        return outcome;
    }
    let ours = cpu[0] / float(points[0]);
    // Both collectors are fed at the same pace.
    let [forwards, drops] = [cpu[1], cpu[2]].map(|cpu| cpu / float(points[1]));
    let per_point = |index: usize| float(bytes[index]) / float(points[index]);
    let mut line = |what: &str, count: u64, us: f64, bytes: Option<f64>| {
        let bytes = bytes.map_or_else(String::new, |bytes| format!("{bytes:>14.1}"));
        // Writing to a String cannot fail.
        let _ = writeln!(outcome.text, "{what:44} {count:>8} {us:>14.3}{bytes}");
    };
    line("tare's exporter, patching included", points[0], ours, Some(per_point(0)));
    line("collector: takes and forwards", points[1], forwards, Some(per_point(1)));
    line("collector: takes and drops", points[1], drops, None);
    line("collector's exporter (the difference)", points[1], forwards - drops, None);
    let head = format!("{:44} {:>8} {:>14}{:>14}\n", "", "points", "us per point", "wire bytes");
    outcome.text = format!("{head}{}bound {BOUND:.3} us per point for tare's exporter\n", outcome.text);
    if ours.is_nan() || ours > BOUND {
        outcome.failures.push(format!("CPU us per point: {ours:.3}, at most {BOUND:.3}"));
    }
    let json = serde_json::json!({
        "schema": "tare.real.exporter-cost/v1",
        "points": points[0],
        "cpu_us_per_point": ours,
        "wire_bytes_per_point": per_point(0),
        "bound_us_per_point": BOUND,
        "collector": {
            "points": points[1],
            "forwards_us_per_point": forwards,
            "drops_us_per_point": drops,
            "wire_bytes_per_point": per_point(1),
        },
    });
    outcome.report = Some(("exporter-cost.json".to_owned(), json));
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_above_the_bound_and_a_run_without_points_do_not_hold() {
        assert!(judge([100, 100], [500, 500], [299.0, 900.0, 100.0]).failures.is_empty());
        assert_eq!(judge([100, 100], [500, 500], [301.0, 900.0, 100.0]).failures.len(), 1);
        assert_eq!(judge([0, 100], [0, 500], [0.0, 900.0, 100.0]).failures.len(), 1);
    }
}
