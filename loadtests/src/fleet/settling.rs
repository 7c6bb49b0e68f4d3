//! When a fleet that was restarted does what it will go on doing: pure arithmetic, for the scenarios in which nothing happens.
//!
//! An agent that restarts divides by twice the nodes that it remembers until it has asked. So its first watch has a life of its
//! own, and its first probe comes in the turn after that watch, out of step with the renewals. A renewal whose probe is not due
//! yet sends one request instead of two, and where the next one comes too late for it, a turn between them goes to the probe
//! alone. From then on each renewal has its probe, and a node sends two requests each
//! [`Derived::renewal`]. Means that begin before that are too small.

use shared_informer::derive::{self, Derived};

use super::time::{MINUTE, Millis, millis};

/// A turn is this little late at most, and its answers too; the first one waits until the process is ten seconds old.
const ROOM: Millis = MINUTE;

/// When each agent of a fleet that starts at zero has sent the last request that is out of step, and is a renewal away from the
/// first that is in step. `first` is what agents derive that have not asked yet, `then` what they derive afterwards.
pub(super) fn after_a_restart(first: &Derived, then: &Derived) -> Millis {
    // The last agent's first own turn.
    millis(first.turn_period) + out_of_step(first, then) + ROOM
}

/// The same for one agent, since its first watch.
fn out_of_step(first: &Derived, then: &Derived) -> Millis {
    let (turn, due, renewal) = (millis(then.turn_period), millis(then.probe_period), millis(then.renewal()));
    // As the informer decides it: due, overdue, or shared with the renewal.
    let overdue = millis(derive::overdue(then.probe_period, then.turn_period));
    let mut probed = millis(first.turn_period);
    let (mut at, mut renews, mut last) = (probed, millis(first.renewal()), probed);
    for _ in 0..ENOUGH {
        at += turn;
        let since = at - probed;
        if at >= renews && since >= due {
            // The first watch may have lived longer than those that follow: a renewal before this one, nothing is missing.
            return last.max(at.saturating_sub(renewal));
        } else if since >= overdue {
            (probed, last) = (at, at);
        } else if at >= renews {
            (renews, last) = (at + renewal, at);
        }
    }
    last
}

/// Turns: several lives of the longest watch under the shortest period with which there is one.
const ENOUGH: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::catalogue::{derived, derived_with};
    use crate::fleet::time::SECOND;

    fn of(nodes: u32) -> Millis {
        out_of_step(&derived_with(nodes * 2).unwrap(), &derived(nodes).unwrap()) / SECOND
    }

    #[test]
    fn where_the_first_probe_is_old_enough_at_the_first_renewal_all_is_in_step_a_renewal_before_that() {
        // T is 1,280 s for twice 5,000 nodes and stays so: the first watch lives for 5,120 s, the probe is 3,840 s old by then, and
        // due after 2,500 s. From then on there is a renewal each 2,560 s.
        assert_eq!(of(5_000), 2_560);
        assert_eq!(of(10), 10);
    }

    #[test]
    fn a_probe_that_is_too_young_is_left_out_once() {
        // The first watch lives for 2,560 s, its probe is 1,280 s old, due after 1,800 s: the next renewal has it.
        assert_eq!(of(3_125), 2_560);
    }

    #[test]
    fn a_probe_that_is_overdue_at_a_renewal_goes_along_with_it() {
        // The first watch lives for 5,120 s. The probe of second 2,560 is due after 3,126 s: not then, and it is overdue at 8,960 s, when
        // the next renewal is. Nothing was missing since the one before.
        assert_eq!(of(6_250), 5_120);
    }
}
