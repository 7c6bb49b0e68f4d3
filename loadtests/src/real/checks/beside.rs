//! tare, the collector and the program that only reads, beside each other: what each costs in the same stretch of time.
//!
//! All three look at the same at the same pace, so that whatever disturbs one disturbs all; only ratios between them and
//! memory are judged. Times are nanoseconds of the scheduler.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::agents::{self, Agent, Figures};
use crate::real::program::{self, Memory, Program, float};

/// The three.
pub(super) struct Programs<'a> {
    pub(super) tare: &'a mut Agent,
    pub(super) collector: &'a mut Agent,
    pub(super) floor: &'a mut Program,
}

/// What was measured.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Measured {
    collector: Figures,
    pub(super) tare: Figures,
    floor_memory: Memory,
    floor_cpu_s: f64,
    /// CPU per point, tare over collector.
    pub(super) of_collector: f64,
    /// CPU, tare over floor, at the same number of scrapes.
    pub(super) of_floor: f64,
    /// CPU of the floor for each point of tare's, over the collector's CPU per point: no program that reads these files
    /// can have a smaller share.
    pub(super) floor_of_collector: f64,
}

/// What is judged: what, how much, the bound.
pub(super) type Judged = (&'static str, f64, f64);

impl Programs<'_> {
    /// Lets them settle, then measures them; `alive` fails if anything else has ended.
    pub(super) fn measure(
        &mut self,
        [settle, length]: [Duration; 2],
        mut alive: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Measured> {
        self.wait(settle, &mut alive)?;
        let begin = (self.collector.usage()?, self.tare.usage()?, program::cpu_ns(self.floor.pid())?);
        self.wait(length, &mut alive)?;
        let (collector, tare) = (self.collector.figures(begin.0)?, self.tare.figures(begin.1)?);
        let floor_cpu_s = float(program::cpu_ns(self.floor.pid())? - begin.2) / 1e9;
        let floor_us_per_point = floor_cpu_s * 1e6 / float(tare.points);
        Ok(Measured {
            of_collector: tare.cpu_us_per_point / collector.cpu_us_per_point,
            floor_of_collector: floor_us_per_point / collector.cpu_us_per_point,
            of_floor: tare.cpu_s / floor_cpu_s,
            floor_memory: Memory::of(self.floor.pid())?,
            floor_cpu_s,
            collector,
            tare,
        })
    }

    fn wait(
        &mut self,
        length: Duration,
        alive: &mut impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let until = Instant::now() + length;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(200));
            alive()?;
            self.tare.alive()?;
            self.collector.alive()?;
            self.floor.alive()?;
        }
        Ok(())
    }

    /// Asks both agents to stop; gives a failure for each that does not stop in order.
    pub(super) fn stop(&mut self) -> Vec<String> {
        [self.tare.stop("tare"), self.collector.stop("collector")].into_iter().flatten().collect()
    }
}

impl Measured {
    /// The figures of all three, and what is judged with its bounds.
    pub(super) fn table(&self, judged: &[Judged]) -> String {
        let mut text = agents::table(&[("collector", &self.collector), ("tare", &self.tare)]);
        for (what, value, bound) in judged {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{what:44} {value:>10.3}   bound {bound:.3}");
        }
        let floor = mib(self.floor_memory.rss);
        let _ = writeln!(text, "floor: {:.1} ms of CPU, {floor:.2} MiB RSS", self.floor_cpu_s * 1e3);
        text
    }
}

/// What exceeds its bound.
pub(super) fn failures(judged: &[Judged]) -> impl Iterator<Item = String> {
    let exceeding = judged.iter().filter(|(_, value, bound)| value.is_nan() || value > bound);
    exceeding.map(|(what, value, bound)| format!("{what}: {value:.3}, at most {bound:.3}"))
}

/// Bytes in MiB.
pub(super) fn mib(bytes: u64) -> f64 {
    float(bytes) / 1_048_576.0
}
