//! Somebody else at the same server: one small request after the other, and how long each takes. What a fleet does to
//! other people shows here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::real::cluster::http::Client;

/// How often one asks.
const PERIOD: Duration = Duration::from_millis(50);

/// A running one.
pub(super) struct Operator {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Latencies>>,
}

/// How long requests took, in order of length.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    took: Vec<Duration>,
    /// Answers other than 200.
    pub(super) failed: usize,
}

impl Operator {
    /// Begins to ask for `path`.
    pub(super) fn begin(client: Client, path: &'static str) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("operator".to_owned()).spawn(move || {
            let mut connection = client.connect()?;
            let mut latencies = Latencies::default();
            while !stopped.load(Ordering::Relaxed) {
                let begin = Instant::now();
                let answer = connection.get(path)?;
                latencies.took.push(begin.elapsed());
                latencies.failed += usize::from(answer.status != 200);
                std::thread::sleep(PERIOD);
            }
            latencies.took.sort_unstable();
            Ok(latencies)
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends it.
    pub(super) fn end(self) -> anyhow::Result<Latencies> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the operator panicked")?
    }
}

impl Latencies {
    /// What so many of a hundred requests took at most.
    fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.took.len() * percent).div_ceil(100).max(1);
        self.took.get(rank - 1).copied().unwrap_or_default()
    }

    /// For people.
    pub(super) fn in_words(&self) -> String {
        let ms = |percent| self.percentile(percent).as_secs_f64() * 1e3;
        format!("p50 {:.1} ms, p99 {:.1} ms of {}", ms(50), ms(99), self.took.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_requests_and_the_last_of_few_is_the_longest() {
        let of = |count: u64| Latencies { took: (1..=count).map(Duration::from_millis).collect(), failed: 0 };
        assert_eq!(
            (of(200).percentile(50), of(200).percentile(99)),
            (Duration::from_millis(100), Duration::from_millis(198))
        );
        assert_eq!(of(3).percentile(99), Duration::from_millis(3));
        assert_eq!(of(0).percentile(99), Duration::ZERO);
    }
}
