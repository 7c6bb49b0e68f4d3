//! What each load is there for, told by its cgroup's files: the guest waits for it, and the judge holds it to that.

use super::figures::{self, Level};
use super::pods::PODS;
use super::report::Reading;

/// At least so much of a metric in the cgroup of a load.
pub(super) struct Effect {
    pub(super) load: &'static str,
    level: Level,
    pub(super) metric: &'static str,
    pub(super) least: f64,
}

pub(super) const ALL: [Effect; 5] = [
    Effect { load: "hog", level: Level::Container, metric: "container.memory.rss", least: 40e6 },
    Effect {
        load: "burn",
        level: Level::Container,
        metric: "tare.container.cpu.throttling.throttled_periods",
        least: 1.0,
    },
    Effect { load: "oom", level: Level::Container, metric: "tare.container.memory.oom_kills", least: 1.0 },
    Effect { load: "forks", level: Level::Pod, metric: "tare.pod.pids.count", least: 16.0 },
    Effect { load: "disk", level: Level::Container, metric: "container.disk.io", least: 65536.0 },
];

impl Effect {
    /// The cgroup that shows it.
    pub(super) fn group(&self) -> Option<String> {
        let pod = PODS.iter().find(|pod| pod.load == self.load)?;
        Some(self.level.group(pod))
    }

    /// How much of it there is; not a number where there is none.
    pub(super) fn of(&self, reading: &Reading) -> f64 {
        let figures = figures::of(self.level, reading);
        let found = figures.iter().filter(|figure| figure.metric == self.metric).map(|figure| figure.value);
        found.fold(f64::NAN, f64::max)
    }
}
