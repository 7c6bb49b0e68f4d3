//! What a turn is used for: a pure table over what is known.
//!
//! The second request of a pair is sent only if the first one did what it was for.

use std::time::Duration;

use crate::activation::Standing;
use crate::derive;
use crate::ledger::Request;

/// What the machine knows when a turn of its own begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    /// What is known about the cluster's size.
    pub(super) size: Knowledge,
    /// Whether the size is to be asked for.
    pub(super) probe: Probe,
    /// Where this node stands in the installation's rollout.
    pub(super) standing: Standing,
    /// The fleet is paused by the annotation, which only a probe can tell, or the watch has carried too much.
    pub(super) stopped: bool,
    /// The open watch.
    pub(super) watch: Watching,
    /// Whether a version is known that the server surely still has.
    pub(super) version_is_fresh: bool,
    /// Whether this life has had a LIST.
    pub(super) listed: bool,
}

/// What is known about the cluster's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// It is assumed, or a hint.
    None,
    /// From the configuration or an earlier life.
    Inherited,
    /// A probe of this life was answered.
    Probed,
}

/// Whether the size is to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// There is no DaemonSet to ask.
    Never,
    /// The last one is less than a probe period ago.
    NotDue,
    /// The last one is a probe period ago.
    Due,
    /// The last one is two periods ago, and so long that renewals, whose turn it shares, do not come about.
    Overdue,
}

impl Probe {
    /// What follows from the age of the last probe, where one is due each `every` and turns are `turn` apart.
    pub(super) fn of(age: Duration, every: Duration, turn: Duration) -> Self {
        if age >= derive::overdue(every, turn) {
            Self::Overdue
        } else if age >= every {
            Self::Due
        } else {
            Self::NotDue
        }
    }
}

/// Whether a watch is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watching {
    /// None is.
    Closed,
    /// One is, and may stay.
    Open,
    /// One is, and this is the turn of its successor.
    Ending,
}

/// The requests of a turn, in their order.
pub(super) type Wants = (Option<Request>, Option<Request>);

/// What to ask for in the turn that begins.
pub(super) const fn wants(view: View) -> Wants {
    const PROBE: Wants = (Some(Request::Size), None);
    const NOTHING: Wants = (None, None);
    let is_due = matches!(view.probe, Probe::Due | Probe::Overdue);
    let if_due = if is_due { PROBE } else { NOTHING };
    if view.stopped {
        return if_due;
    }
    // A renewal takes an overdue probe along. The other way round its watch might end before the next turn.
    let renews = matches!(view.watch, Watching::Ending) && view.version_is_fresh;
    match (view.probe, view.size) {
        (Probe::Never, _) => {}
        (Probe::Overdue, _) if !renews => return PROBE,
        (_, Knowledge::None) => return PROBE,
        _ => {}
    }
    match view.standing {
        Standing::Unproven => return PROBE,
        Standing::Waiting(_) => return if_due,
        Standing::Active => {}
    }
    if matches!(view.watch, Watching::Open) {
        // A restarted agent divides by twice the remembered size until it has asked.
        let has_asked = matches!((view.probe, view.size), (Probe::Never, _) | (_, Knowledge::Probed));
        return if has_asked { NOTHING } else { PROBE };
    }
    if view.version_is_fresh {
        let second = if is_due { Some(Request::Size) } else { None };
        return (Some(Request::Watch), second);
    }
    (Some(Request::List { again: view.listed }), Some(Request::Watch))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::derive::{LONGEST_WATCH, MAX_DOUBLINGS, SHORTEST_WATCH, period_of};
    use crate::turns::LATE;

    const LIST: Request = Request::List { again: false };
    const SETTLED: View = View {
        size: Knowledge::Probed,
        probe: Probe::NotDue,
        standing: Standing::Active,
        stopped: false,
        watch: Watching::Closed,
        version_is_fresh: false,
        listed: false,
    };

    #[test]
    fn every_situation_has_its_requests() {
        const PROBE: Wants = (Some(Request::Size), None);
        const RELIST: Request = Request::List { again: true };
        const WATCH: Option<Request> = Some(Request::Watch);
        let v = SETTLED;
        let waiting = Standing::Waiting(Duration::from_mins(10));
        let inherited = View { size: Knowledge::Inherited, ..v };
        let cases: [(&str, View, Wants); 21] = [
            ("cold, size unknown", View { size: Knowledge::None, ..v }, PROBE),
            ("nobody to ask", View { probe: Probe::Never, size: Knowledge::None, ..v }, (Some(LIST), WATCH)),
            ("no version", v, (Some(LIST), WATCH)),
            ("a restart", inherited, (Some(LIST), WATCH)),
            ("a list was had", View { listed: true, ..v }, (Some(RELIST), WATCH)),
            ("a fresh version", View { version_is_fresh: true, ..v }, (WATCH, None)),
            (
                "a fresh version, probe due",
                View { version_is_fresh: true, probe: Probe::Due, ..v },
                (WATCH, Some(Request::Size)),
            ),
            ("all is well", View { watch: Watching::Open, probe: Probe::Due, ..v }, (None, None)),
            ("not asked in this life", View { watch: Watching::Open, ..inherited }, PROBE),
            (
                "declared, nobody to ask",
                View { watch: Watching::Open, probe: Probe::Never, ..inherited },
                (None, None),
            ),
            (
                "renewal",
                View { watch: Watching::Ending, version_is_fresh: true, probe: Probe::Due, ..v },
                (WATCH, Some(Request::Size)),
            ),
            (
                "renewal without a fresh bookmark",
                View { watch: Watching::Ending, listed: true, ..v },
                (Some(RELIST), WATCH),
            ),
            ("no renewal for two probe periods", View { probe: Probe::Overdue, ..v }, PROBE),
            (
                "the same while a watch is open",
                View { watch: Watching::Open, probe: Probe::Overdue, ..v },
                PROBE,
            ),
            (
                "a renewal at last",
                View { watch: Watching::Ending, version_is_fresh: true, probe: Probe::Overdue, ..v },
                (WATCH, Some(Request::Size)),
            ),
            (
                "a renewal that has to begin with a list",
                View { watch: Watching::Ending, probe: Probe::Overdue, ..v },
                PROBE,
            ),
            ("stopped", View { stopped: true, ..v }, (None, None)),
            ("stopped, probe due", View { stopped: true, probe: Probe::Due, ..v }, PROBE),
            ("its step has not begun", View { standing: waiting, ..v }, (None, None)),
            ("its step has not begun, probe due", View { standing: waiting, probe: Probe::Due, ..v }, PROBE),
            ("unproven", View { standing: Standing::Unproven, ..v }, PROBE),
        ];
        for (name, view, expected) in cases {
            assert_eq!(wants(view), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_probe_that_was_sent_alone_takes_no_turn_from_the_renewals_that_follow(
            lifetime in SHORTEST_WATCH.as_secs()..=LONGEST_WATCH.as_secs(), doublings in 0..=MAX_DOUBLINGS,
        ) {
            let (every, turn) = (Duration::from_secs(lifetime), period_of(doublings));
            let lives = u32::try_from(every.as_secs() / turn.as_secs()).unwrap() + 1;
            // The watch opens in the turn after the probe, its successor in the first one after its life.
            let renewal = turn + turn * lives;
            prop_assert_eq!(Probe::of(renewal, every, turn), Probe::Due);
            prop_assert_eq!(Probe::of(renewal + LATE, every, turn), Probe::Due);
            prop_assert_eq!(Probe::of(renewal + every + turn * 2, every, turn), Probe::Overdue);
        }
    }
}
