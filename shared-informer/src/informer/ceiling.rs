//! Which ceiling is in force: a lower one at once, a higher one in the steps of a rollout.

use crate::activation::{Activation, Standing, Steps, in_force};
use crate::clock::Wall;
use crate::declaration::Declaration;

/// The ceiling in force, and the one on its way.
#[derive(Debug)]
pub(super) struct Ceiling {
    target: Declaration,
    rise: Option<Rise>,
}

#[derive(Debug)]
struct Rise {
    before: Declaration,
    began: Wall,
    activation: Activation,
}

impl Ceiling {
    /// `before` is what an earlier life had in force, with the time when it first saw a higher one.
    pub(super) fn new(
        node: &str,
        steps: &Steps,
        target: Declaration,
        before: Option<(Declaration, Option<Wall>)>,
        now: Wall,
    ) -> Self {
        let is_higher = |before: &Declaration| {
            target.requests() > before.requests() || target.list_bytes() > before.list_bytes()
        };
        let rise = before.filter(|(before, _)| is_higher(before)).map(|(before, since)| Rise {
            before,
            began: since.unwrap_or(now),
            activation: Activation::new(node, steps),
        });
        Self { target, rise }
    }

    /// The ceiling that is on its way, or in force already.
    pub(super) const fn target(&self) -> &Declaration {
        &self.target
    }

    /// When a higher ceiling was first seen, while it is not in force.
    pub(super) fn raised(&self) -> Option<Wall> {
        self.rise.as_ref().map(|rise| rise.began)
    }

    /// A size probe was answered.
    pub(super) const fn probed(&mut self, healthy: bool) {
        if let Some(rise) = &mut self.rise {
            rise.activation.probed(healthy);
        }
    }

    /// The ceiling in force now.
    pub(super) fn now(&mut self, now: Wall, nodes: u32) -> Declaration {
        let Some(rise) = &mut self.rise else { return self.target };
        let standing = rise.activation.standing(now, rise.began, nodes);
        let declaration = in_force(standing, &rise.before, &self.target);
        if standing == Standing::Active {
            self.rise = None;
        }
        declaration
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ceiling(requests: f64) -> Declaration {
        Declaration::new(requests, 16 << 20, 1.0).unwrap()
    }

    fn at(minutes: u64) -> Wall {
        Wall::new(Duration::from_mins(1_000_000 + minutes))
    }

    #[test]
    fn a_lower_ceiling_holds_at_once_and_a_higher_one_after_its_step_and_a_healthy_probe() {
        let (steps, low, high) = (Steps::default(), ceiling(10.0), ceiling(50.0));
        let mut down = Ceiling::new("n", &steps, low, Some((high, None)), at(0));
        assert_eq!(down.now(at(0), 1_000), low);
        let mut up = Ceiling::new("n", &steps, high, Some((low, None)), at(0));
        assert_eq!((up.now(at(31), 1_000), up.raised()), (low, Some(at(0))));
        up.probed(true);
        assert_eq!(up.now(at(31), 1_000), high);
        assert_eq!(up.raised(), None);
    }

    #[test]
    fn a_restart_does_not_begin_the_rise_anew() {
        let (steps, low, high) = (Steps::default(), ceiling(10.0), ceiling(50.0));
        let mut up = Ceiling::new("n", &steps, high, Some((low, Some(at(0)))), at(31));
        up.probed(true);
        assert_eq!(up.now(at(31), 1_000), high);
    }

    #[test]
    fn where_one_dimension_rises_and_one_falls_the_lower_of_both_holds_meanwhile() {
        let before = Declaration::new(50.0, 1 << 20, 1.0).unwrap();
        let after = Declaration::new(10.0, 16 << 20, 1.0).unwrap();
        let mut both = Ceiling::new("n", &Steps::default(), after, Some((before, None)), at(0));
        let now = both.now(at(0), 1_000);
        assert!((now.requests() - 10.0).abs() < 1e-9 && (now.list_bytes() - 1_048_576.0).abs() < 1e-6);
    }
}
