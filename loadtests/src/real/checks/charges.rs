//! What a request is charged by a real API server: CPU time, here, and [`seats`] of Priority & Fairness.
//!
//! CPU time of the server's process, from `/proc/<pid>/stat` around a batch of requests; not waiting: a machine that
//! is busy with other things changes little of it.

pub(super) mod seats;

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::real::program::Stat;

/// How often each kind of request is measured. A batch that falls into a collection of the server's garbage does not decide.
pub(super) const ROUNDS: usize = 5;

/// How long the server is watched doing nothing before each batch.
const IDLE: Duration = Duration::from_secs(2);

/// A server that takes less than this part of a CPU has come to rest: from its start, from a cluster being created.
const AT_REST: f64 = 0.2;

/// How often it is looked for rest before it is measured as it is: 40 s.
const LOOKS: u32 = 20;

/// A server's process, and what it takes doing nothing.
pub(super) struct Meter {
    pid: u32,
    /// Seconds of CPU each second.
    idle: f64,
}

impl Meter {
    /// Looks for [`IDLE`] at what it takes now.
    fn now(pid: u32) -> anyhow::Result<Self> {
        let before = seconds(pid)?;
        std::thread::sleep(IDLE);
        Ok(Self { pid, idle: (seconds(pid)? - before) / IDLE.as_secs_f64() })
    }

    /// The same once it has come to rest. What it still does for others would be taken off, and then not be there.
    pub(super) fn of_quiet(pid: u32) -> anyhow::Result<Self> {
        let mut meter = Self::now(pid)?;
        for _ in 1..LOOKS {
            if meter.idle < AT_REST {
                break;
            }
            meter = Self::now(pid)?;
        }
        Ok(meter)
    }

    /// Milliseconds of CPU for each of `times` calls, less what the server takes doing nothing.
    pub(super) fn per_request(
        &self,
        times: u32,
        mut call: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<f64> {
        let before = seconds(self.pid)?;
        let begin = Instant::now();
        for _ in 0..times {
            call()?;
        }
        let spent = seconds(self.pid)? - before - self.idle * begin.elapsed().as_secs_f64();
        Ok(spent.max(0.0) * 1000.0 / f64::from(times))
    }
}

/// The middle one of [`ROUNDS`], which is odd.
pub(super) fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// Seconds of CPU that `pid` has had.
fn seconds(pid: u32) -> anyhow::Result<f64> {
    Stat::of(pid).map(Stat::cpu_with_children_s)
}

/// Fails unless a request was answered in good order.
pub(super) fn expect(status: u16) -> anyhow::Result<()> {
    if status != 200 {
        bail!("status {status} instead of 200");
    }
    Ok(())
}
