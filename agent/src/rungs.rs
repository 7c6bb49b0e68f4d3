//! Which rungs of the ladder hold: the sources that telemetry comes from, each of which may be away while the others go
//! on. Who reads a source says so here; self-telemetry publishes it as `tare.rung.up`.
//!
//! A rung that nobody has spoken of, or that the configuration does not use, has no series: only what is wanted can be
//! away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A source: the metric attribute `rung`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rung {
    /// The host's procfs.
    Procfs,
    /// The containers' control groups.
    Cgroup,
    /// The names of the containers' logs.
    Logs,
    /// The kubelet's `/stats/summary`.
    Kubelet,
    /// The kubelet's `/pods`.
    KubeletPods,
    /// The shared watch.
    Watch,
}

impl Rung {
    /// Every rung, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Procfs, Self::Cgroup, Self::Logs, Self::Kubelet, Self::KubeletPods, Self::Watch];

    /// The metric attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Procfs => "procfs",
            Self::Cgroup => "cgroup",
            Self::Logs => "logs",
            Self::Kubelet => "kubelet",
            Self::KubeletPods => "kubelet_pods",
            Self::Watch => "watch",
        }
    }
}

const UNUSED: u8 = 0;
const DOWN: u8 = 1;
const UP: u8 = 2;

/// The rungs of one agent. Cheap to clone; all clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Ladder(Arc<[AtomicU8; Rung::ALL.len()]>);

impl Ladder {
    /// This rung holds now, or does not.
    pub fn set(&self, rung: Rung, up: bool) {
        self.put(rung, if up { UP } else { DOWN });
    }

    /// Nobody wants this rung (any more).
    pub fn unused(&self, rung: Rung) {
        self.put(rung, UNUSED);
    }

    /// Whether it holds; none where nobody wants it.
    pub fn is_up(&self, rung: Rung) -> Option<bool> {
        match self.0.get(rung as usize)?.load(Ordering::Relaxed) {
            UNUSED => None,
            standing => Some(standing == UP),
        }
    }

    /// Every rung that is wanted, and whether it holds.
    pub fn iter(&self) -> impl Iterator<Item = (Rung, bool)> + '_ {
        Rung::ALL.into_iter().filter_map(|rung| Some((rung, self.is_up(rung)?)))
    }

    fn put(&self, rung: Rung, standing: u8) {
        if let Some(cell) = self.0.get(rung as usize) {
            cell.store(standing, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_rung_that_is_wanted_is_told_of() {
        let ladder = Ladder::default();
        assert_eq!(ladder.iter().count(), 0);
        let same = ladder.clone();
        same.set(Rung::Watch, false);
        same.set(Rung::Kubelet, true);
        assert_eq!(ladder.iter().collect::<Vec<_>>(), [(Rung::Kubelet, true), (Rung::Watch, false)]);
        same.set(Rung::Watch, true);
        same.unused(Rung::Kubelet);
        assert_eq!(ladder.iter().collect::<Vec<_>>(), [(Rung::Watch, true)]);
    }

    #[test]
    fn each_rung_has_a_name_and_a_place_of_its_own() {
        let ladder = Ladder::default();
        for (at, rung) in Rung::ALL.into_iter().enumerate() {
            ladder.set(rung, at % 2 == 0);
        }
        let told: Vec<_> = ladder.iter().map(|(rung, up)| (rung.as_str(), up)).collect();
        let expected = [
            ("procfs", true),
            ("cgroup", false),
            ("logs", true),
            ("kubelet", false),
            ("kubelet_pods", true),
            ("watch", false),
        ];
        assert_eq!(told, expected);
    }
}
