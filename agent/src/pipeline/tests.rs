use std::sync::Mutex;

use exporter::model::Timestamp;
use exporter::segment::{Segment, SeriesId};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message as _;

use super::*;
use crate::catalog::hostmetrics::{load, system};
use crate::collectors::scope_of;
use crate::error::{ErrorClass, SourceError};

const SECOND: u64 = 1_000_000_000;

/// The clocks of a test, in seconds from the start, and what happened under them.
#[derive(Debug, Clone)]
struct World {
    now: Arc<Mutex<Now>>,
    events: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new() -> Self {
        let now = Now { monotonic_ns: 0, wall_ns: 1_700_000_000 * SECOND };
        Self { now: Arc::new(Mutex::new(now)), events: Arc::default() }
    }

    /// Both clocks go on.
    fn pass(&self, seconds: u64) {
        let mut now = self.now.lock().unwrap();
        now.monotonic_ns += seconds * SECOND;
        now.wall_ns += seconds * SECOND;
    }

    fn tell(&self, event: String) {
        self.events.lock().unwrap().push(event);
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// A collector that takes `takes_s` and whose reads fail where `fails`.
    fn planned(&self, name: &'static str, interval_s: u64, wide: bool, takes_s: u64, fails: bool) -> Planned {
        let mut segment = Segment::new(&[], scope_of("test"), Timestamp(SECOND));
        let metric = if wide { &system::UPTIME } else { &load::CPU_LOAD_AVERAGE_1M };
        let series = segment.series(metric, &[]);
        let world = self.clone();
        Planned {
            collector: Box::new(Probe { name, world, takes_s, fails, segment, series }),
            interval: Duration::from_secs(interval_s),
            wide,
        }
    }

    fn pipeline(&self, planned: Vec<Planned>, registry: &Registry) -> Pipeline {
        Pipeline::new(planned, 0, Clock::by_hand(Arc::clone(&self.now)), registry)
    }

    /// Runs what is due and tells each request by the metrics in it.
    fn run(&self, pipeline: &mut Pipeline) {
        pipeline.run_due(|request| {
            let request = ExportMetricsServiceRequest::decode(&*request.body).unwrap();
            let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
            let names: Vec<_> =
                scopes.flat_map(|scope| &scope.metrics).map(|metric| metric.name.clone()).collect();
            self.tell(format!("sent {}", names.join(" ")));
        });
    }
}

#[derive(Debug)]
struct Probe {
    name: &'static str,
    world: World,
    takes_s: u64,
    fails: bool,
    segment: Segment,
    series: SeriesId,
}

impl Collector for Probe {
    fn name(&self) -> &'static str {
        self.name
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.world.tell(self.name.to_owned());
        self.world.pass(self.takes_s);
        self.segment.begin(scrape.time);
        if self.fails {
            scrape.fail(&SourceError::Timeout { path: "/x".into() });
        } else {
            self.segment.set_double(self.series, 1.0);
        }
        self.segment.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.segment);
    }
}

#[test]
fn the_requests_of_the_quick_collectors_are_complete_before_a_wide_one_begins() {
    let world = World::new();
    let planned = vec![
        world.planned("process", 10, true, 9, false),
        world.planned("load", 10, false, 0, false),
        world.planned("cpu", 10, false, 0, false),
    ];
    let mut pipeline = world.pipeline(planned, &Registry::default());
    world.run(&mut pipeline);
    let quick = "system.cpu.load_average.1m";
    let expected =
        ["load", "cpu", &format!("sent {quick} {quick}"), "process", "sent system.uptime"].map(str::to_owned);
    assert_eq!(world.told(), expected);
}

#[test]
fn one_request_holds_the_whole_round_while_the_wide_collectors_are_quick() {
    let world = World::new();
    let planned =
        vec![world.planned("process", 10, true, 0, false), world.planned("load", 10, false, 0, false)];
    let mut pipeline = world.pipeline(planned, &Registry::default());
    world.run(&mut pipeline);
    world.told();
    world.pass(20);
    world.run(&mut pipeline);
    let expected = ["load", "process", "sent system.cpu.load_average.1m system.uptime"].map(str::to_owned);
    assert_eq!(world.told(), expected);
}

#[test]
fn each_collector_has_its_own_interval_and_one_that_is_slow_changes_no_others() {
    let world = World::new();
    let planned = vec![
        world.planned("quick", 10, false, 0, false),
        world.planned("rare", 30, false, 0, false),
        world.planned("slow", 60, true, 5, false),
    ];
    let mut pipeline = world.pipeline(planned, &Registry::default());
    let mut runs: Vec<(String, u64)> = Vec::new();
    let started = world.now.lock().unwrap().monotonic_ns;
    while world.now.lock().unwrap().monotonic_ns < started + 300 * SECOND {
        let wait = pipeline.wait().unwrap();
        world.pass(wait.as_secs());
        let at = (world.now.lock().unwrap().monotonic_ns - started) / SECOND;
        world.run(&mut pipeline);
        runs.extend(
            world.told().into_iter().filter(|event| !event.starts_with("sent")).map(|name| (name, at)),
        );
    }
    let count = |name: &str| runs.iter().filter(|(run, _)| run == name).count();
    // All at once, then on their grids: 10, 20 ... 300; 40, 70 ... 280; 40, 100 ... 280.
    assert_eq!([count("quick"), count("rare"), count("slow")], [31, 10, 6], "{runs:?}");
    let quick: Vec<u64> = runs.iter().filter(|(name, _)| name == "quick").map(|(_, at)| *at).collect();
    assert!(quick.windows(2).all(|pair| pair[1] - pair[0] == 10), "{quick:?}");
}

#[test]
fn a_wall_clock_that_steps_moves_no_tick_and_only_the_time_of_the_points() {
    let world = World::new();
    let registry = Registry::default();
    let mut pipeline = world.pipeline(vec![world.planned("load", 10, false, 0, false)], &registry);
    world.run(&mut pipeline);
    for step_s in [86_400_i64, -200_000] {
        world.told();
        let before = pipeline.wait();
        {
            let mut now = world.now.lock().unwrap();
            now.wall_ns = now.wall_ns.checked_add_signed(step_s * 1_000_000_000).unwrap();
        }
        assert_eq!(pipeline.wait(), before);
        world.run(&mut pipeline);
        assert_eq!(world.told(), Vec::<String>::new(), "nothing is due because of a step");
        world.pass(10);
        let wall_ns = world.now.lock().unwrap().wall_ns;
        let mut times = Vec::new();
        pipeline.run_due(|request| {
            let request = ExportMetricsServiceRequest::decode(&*request.body).unwrap();
            let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
            let data = metric.data.clone().unwrap();
            let opentelemetry_proto::tonic::metrics::v1::metric::Data::Gauge(gauge) = data else { panic!() };
            times.extend(gauge.data_points.iter().map(|point| point.time_unix_nano));
        });
        assert_eq!(times, [wall_ns]);
    }
    let reading = registry.collector("load").read();
    assert_eq!((reading.scrapes, reading.missed, reading.lag_ns), (3, 0, 0));
}

#[test]
fn a_stall_is_counted_as_missed_ticks_and_not_made_up() {
    let world = World::new();
    let registry = Registry::default();
    let mut pipeline = world.pipeline(vec![world.planned("load", 10, false, 0, false)], &registry);
    world.run(&mut pipeline);
    world.pass(47);
    world.told();
    world.run(&mut pipeline);
    assert_eq!(world.told().len(), 2, "one scrape and its request");
    let reading = registry.collector("load").read();
    assert_eq!((reading.scrapes, reading.missed, reading.lag_ns), (2, 3, 7 * SECOND));
}

#[test]
fn every_failed_read_is_counted_and_the_log_tells_of_one_in_ten_seconds() {
    let world = World::new();
    let registry = Registry::default();
    let mut pipeline = world.pipeline(vec![world.planned("disk", 1, false, 0, true)], &registry);
    let log = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..25 {
            world.run(&mut pipeline);
            world.pass(1);
        }
    });
    let reading = registry.collector("disk").read();
    assert_eq!((reading.scrapes, reading.failed), (25, 25));
    assert_eq!(reading.errors[ErrorClass::Timeout as usize], 25);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let told: Vec<_> = log.lines().filter(|line| line.contains("reads failed")).collect();
    assert_eq!(told.len(), 3, "{log}");
    assert!(told[1].contains("suppressed=9") && told[2].contains("suppressed=9"), "{log}");
}

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
