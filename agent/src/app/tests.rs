use std::time::Duration;

use exporter::segment::Segment;

use super::*;
use crate::collectors::{Collector, Scrape};
use crate::paths::HostPaths;
use crate::pipeline::Planned;

/// A collector with a fault of its own.
#[derive(Debug)]
struct Faulty;

impl Collector for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn collect(&mut self, _: &mut Scrape<'_>) {
        panic!("on purpose");
    }

    fn segments(&self, _: &mut dyn FnMut(&Segment)) {}
}

fn plan(collectors: Vec<Planned>) -> Plan {
    Plan {
        collectors,
        outputs: vec![OutputSettings::new("t", "http://127.0.0.1:9/v1/metrics")],
        own_resource: Vec::new(),
        self_telemetry_interval: Duration::from_mins(1),
        shutdown_timeout: Duration::from_secs(1),
        paths: HostPaths::default(),
        phase: 0,
        feeds: Feeds::default(),
    }
}

#[tokio::test]
async fn a_collector_thread_that_dies_is_a_fault_of_the_whole_agent() {
    let faulty = Planned { collector: Box::new(Faulty), interval: Duration::from_secs(1), wide: false };
    let mut agent = Agent::start(plan(vec![faulty])).ok().unwrap();
    assert!(matches!(agent.fault().await, Fault::Thread));
}

#[tokio::test]
async fn an_output_that_cannot_be_used_is_refused_on_reload_and_the_old_ones_stay() {
    let mut agent = Agent::start(plan(Vec::new())).ok().unwrap();
    let mut wrong = plan(Vec::new());
    wrong.outputs[0].timeout = Duration::ZERO;
    assert!(matches!(agent.reload(wrong), Err(StartError::Output { .. })));
    assert_eq!(agent.outputs.settings[0].timeout, Duration::from_secs(10));
    assert!(agent.shutdown().await);
}
