//! A new installation joins in steps: 1 % of the nodes at once, 10 % after ten minutes, all after thirty, by hash.
//!
//! A DaemonSet's rolling update does not protect its first installation, so the steps live in the agent. They are counted
//! from the DaemonSet's creation: nodes that join the cluster later do not wait. A node enters its step only after a size
//! probe of its own was answered in good health. A configuration that raises the ceiling passes the same steps, counted
//! from its own appearance; one that lowers it holds at once.

use std::time::Duration;

use crate::clock::Wall;
use crate::declaration::Declaration;
use crate::phase::{Phase, Salt};

/// Clusters smaller than this join at once.
pub const SMALLEST: u32 = 100;

/// One step of a rollout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The part of the nodes that have joined with it, in `(0, 1]`.
    pub share: f64,
    /// When it begins, after the start of the rollout.
    pub after: Duration,
}

/// The steps of a rollout: ascending, the last one for all nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps(Vec<Step>);

/// Why a list of steps is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StepsError {
    /// A step does not follow the one before it.
    #[error(
        "step {index} ({share} of the nodes after {after:?}) does not lie above the one before it ({before} after {before_after:?})"
    )]
    Order {
        /// Which step, counted from one.
        index: usize,
        /// Its share.
        share: f64,
        /// Its time.
        after: Duration,
        /// The share of the step before.
        before: f64,
        /// The time of the step before.
        before_after: Duration,
    },
    /// The steps do not end with all nodes.
    #[error("the last step reaches {share} of the nodes, it has to reach 1")]
    Incomplete {
        /// The share of the last step, zero if there is none.
        share: f64,
    },
}

impl Default for Steps {
    fn default() -> Self {
        let step = |share, minutes: u64| Step { share, after: Duration::from_secs(minutes * 60) };
        Self(vec![step(0.01, 0), step(0.1, 10), step(1.0, 30)])
    }
}

impl Steps {
    /// Checked steps.
    ///
    /// # Errors
    /// They do not ascend in share and time, or do not end with all nodes.
    pub fn new(steps: Vec<Step>) -> Result<Self, StepsError> {
        let (mut before, mut before_after) = (0.0, Duration::ZERO);
        for (index, Step { share, after }) in (1..).zip(steps.iter().copied()) {
            if !(share > before && share <= 1.0 && after >= before_after) {
                return Err(StepsError::Order { index, share, after, before, before_after });
            }
            (before, before_after) = (share, after);
        }
        if before < 1.0 {
            return Err(StepsError::Incomplete { share: before });
        }
        Ok(Self(steps))
    }

    /// When the node at this fraction joins, after the start of the rollout.
    pub fn delay(&self, fraction: f64) -> Duration {
        self.0
            .iter()
            .find(|step| fraction < step.share)
            .or(self.0.last())
            .map_or(Duration::ZERO, |step| step.after)
    }

    /// When the last node joins.
    pub fn longest(&self) -> Duration {
        self.0.last().map_or(Duration::ZERO, |step| step.after)
    }
}

/// Where a node stands in a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its step has not begun; this is how long it takes.
    Waiting(Duration),
    /// Its step has begun, but no size probe of its own was answered in good health since it started.
    Unproven,
    /// It takes part.
    Active,
}

/// One node's part in a rollout (of the installation, or of a raised ceiling).
#[derive(Debug, Clone)]
pub struct Activation {
    delay: Duration,
    proven: bool,
    active: bool,
}

impl Activation {
    /// The part of the node of this name.
    pub fn new(node: &str, steps: &Steps) -> Self {
        let delay = steps.delay(Phase::of(node, Salt::Activation).fraction());
        Self { delay, proven: false, active: false }
    }

    /// A size probe of this node was answered: with 200 and quickly (`healthy`), or otherwise.
    pub const fn probed(&mut self, healthy: bool) {
        self.proven = healthy;
    }

    /// Where the node stands, in a rollout that began at `began` in a cluster of `nodes`. Once active, it stays so.
    ///
    /// A beginning in the future (clocks differ) counts as now.
    pub fn standing(&mut self, now: Wall, began: Wall, nodes: u32) -> Standing {
        let missing =
            if nodes < SMALLEST { Duration::ZERO } else { self.delay.saturating_sub(now.since(began)) };
        if self.active || (missing.is_zero() && self.proven) {
            self.active = true;
            Standing::Active
        } else if missing.is_zero() {
            Standing::Unproven
        } else {
            Standing::Waiting(missing)
        }
    }
}

/// The declaration in force on a node that stands there in the rollout from `before` to `after`.
pub fn in_force(standing: Standing, before: &Declaration, after: &Declaration) -> Declaration {
    match standing {
        Standing::Active => *after,
        Standing::Waiting(_) | Standing::Unproven => before.lower_of(after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Wall {
        Wall::new(Duration::from_secs(1_700_000_000 + minutes * 60))
    }

    fn active_after(minutes: u64, nodes: u32) -> usize {
        let steps = Steps::default();
        (0..10_000)
            .filter(|index| {
                let mut activation = Activation::new(&format!("node-{index}"), &steps);
                activation.probed(true);
                activation.standing(at(minutes), at(0), nodes) == Standing::Active
            })
            .count()
    }

    #[test]
    fn one_percent_join_at_once_ten_after_ten_minutes_and_all_after_thirty() {
        for (minutes, expected) in
            [(0, 70..=130), (9, 70..=130), (10, 910..=1_090), (29, 910..=1_090), (30, 10_000..=10_000)]
        {
            let active = active_after(minutes, 10_000);
            assert!(expected.contains(&active), "{minutes} min: {active}");
        }
    }

    #[test]
    fn a_small_cluster_joins_at_once() {
        assert_eq!(active_after(0, SMALLEST - 1), 10_000);
        assert!(active_after(0, SMALLEST) < 200);
    }

    #[test]
    fn a_node_that_found_the_server_in_trouble_stays_where_it_is_until_it_is_well() {
        let mut activation = Activation::new("node-1", &Steps::default());
        assert_eq!(activation.standing(at(60), at(0), 500), Standing::Unproven);
        activation.probed(false);
        assert_eq!(activation.standing(at(61), at(0), 500), Standing::Unproven);
        activation.probed(true);
        assert_eq!(activation.standing(at(62), at(0), 500), Standing::Active);
        activation.probed(false);
        assert_eq!(activation.standing(at(0), at(60), 500), Standing::Active, "once active, active");
    }

    #[test]
    fn a_raise_waits_for_the_step_and_a_cut_holds_at_once() {
        let low = Declaration::new(10.0, 1_000, 1.0).unwrap();
        let high = Declaration::new(100.0, 10_000, 0.5).unwrap();
        for standing in [Standing::Waiting(Duration::from_secs(1)), Standing::Unproven] {
            assert_eq!(in_force(standing, &low, &high), low);
            assert_eq!(in_force(standing, &high, &low), low);
        }
        assert_eq!(in_force(Standing::Active, &low, &high), high);
    }

    #[test]
    fn steps_that_do_not_lead_to_everybody_are_refused() {
        let step = |share, seconds| Step { share, after: Duration::from_secs(seconds) };
        for bad in [vec![], vec![step(0.5, 0)], vec![step(0.5, 0), step(0.2, 1), step(1.0, 2)]] {
            assert!(Steps::new(bad).is_err());
        }
        assert!(Steps::new(vec![step(0.5, 9), step(1.0, 8)]).is_err());
        assert!(Steps::new(vec![step(f64::NAN, 0), step(1.0, 8)]).is_err());
        assert!(Steps::new(vec![step(0.5, 0), step(1.0, 8)]).is_ok());
    }
}
