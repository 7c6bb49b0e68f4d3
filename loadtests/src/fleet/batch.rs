//! Many runs on all processors. Runs know nothing of each other, so the rows do not depend on how many there are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use anyhow::Context as _;

use super::catalogue::Entry;
use super::scenario::Scenario;
use super::time::SECOND;
use super::verdict::{self, Row};

/// A scenario for a number of nodes.
pub(super) struct Job {
    name: &'static str,
    scenario: Scenario,
}

impl Job {
    /// This scenario for this many nodes.
    pub(super) fn new(entry: &Entry, nodes: u32) -> anyhow::Result<Self> {
        let scenario = (entry.of)(nodes).with_context(|| format!("{} of {nodes} nodes", entry.name))?;
        Ok(Self { name: entry.name, scenario })
    }

    /// The same with a request past the gate.
    pub(super) fn rogue(mut self) -> Self {
        self.scenario.rogue = Some(self.scenario.measured().from + SECOND);
        self
    }
}

/// Runs them all and shows each row, in the order of the jobs, as soon as it and those before it are there.
pub(super) fn run(jobs: &[Job], seed: u64, mut show: impl FnMut(&Row)) -> Vec<Row> {
    let next = AtomicUsize::new(0);
    let (rows, done) = mpsc::sync_channel(jobs.len().max(1));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut finished: Vec<Option<Row>> = jobs.iter().map(|_| None).collect();
    let mut shown = 0;
    thread::scope(|scope| {
        for _ in 0..workers {
            let (rows, next) = (rows.clone(), &next);
            scope.spawn(move || {
                while let Some((index, job)) = take(jobs, next) {
                    let row = verdict::run(job.name, job.scenario.clone(), seed);
                    if rows.send((index, row)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(rows);
        for (index, row) in done {
            finished[index] = Some(row);
            while let Some(Some(row)) = finished.get(shown) {
                show(row);
                shown += 1;
            }
        }
    });
    finished.into_iter().flatten().collect()
}

fn take<'a>(jobs: &'a [Job], next: &AtomicUsize) -> Option<(usize, &'a Job)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(index).map(|job| (index, job))
}
