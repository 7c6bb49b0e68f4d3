//! The counting, on the server's side: arrival times, and the fullest windows that they make.
//!
//! It shares no code with the ledger of the agents. What the agents say about themselves is compared with it.

use super::time::{Millis, SECOND, Span};

/// The window in which requests are counted.
const REQUESTS: Millis = 10 * SECOND;
/// The window in which LIST bytes are counted.
const BYTES: Millis = 60 * SECOND;

/// Everything that arrived, by its time.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Requests of agents.
    pub(super) own: Vec<Millis>,
    /// Reviews that the kubelets sent because they were scraped.
    pub(super) reviews: Vec<Millis>,
    /// WATCHes of agents, which are among their requests.
    pub(super) watches: Vec<Millis>,
    /// Bytes of LIST bodies that were written.
    pub(super) lists: Vec<(Millis, u64)>,
}

/// The fullest windows in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Worst {
    /// Requests in 10 s, hidden ones included.
    pub(crate) requests: u64,
    /// Of agents alone.
    pub(crate) own: u64,
    /// Of kubelets alone.
    pub(crate) reviews: u64,
    /// LIST bytes in 60 s.
    pub(crate) list_bytes: u64,
}

impl Worst {
    /// The fuller one of both, in each respect.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            requests: self.requests.max(other.requests),
            own: self.own.max(other.own),
            reviews: self.reviews.max(other.reviews),
            list_bytes: self.list_bytes.max(other.list_bytes),
        }
    }
}

impl Arrivals {
    /// In the order of time.
    pub(super) fn sort(&mut self) {
        self.own.sort_unstable();
        self.reviews.sort_unstable();
        self.lists.sort_unstable();
    }

    /// Requests of agents and of kubelets that lie within `span`; to be called when they are sorted.
    pub(super) fn number(&self, span: Span) -> (u64, u64) {
        (within(&self.own, span).len() as u64, within(&self.reviews, span).len() as u64)
    }

    /// The fullest windows that lie within `span`; to be called when they are sorted.
    pub(super) fn worst(&self, span: Span) -> Worst {
        let own = within(&self.own, span);
        let reviews = within(&self.reviews, span);
        let mut all = [own, reviews].concat();
        all.sort_unstable();
        let first = self.lists.partition_point(|(at, _)| *at < span.from);
        let last = self.lists.partition_point(|(at, _)| *at < span.to).max(first);
        Worst {
            requests: fullest(all.iter().map(|at| (*at, 1)), REQUESTS),
            own: fullest(own.iter().map(|at| (*at, 1)), REQUESTS),
            reviews: fullest(reviews.iter().map(|at| (*at, 1)), REQUESTS),
            list_bytes: fullest(self.lists[first..last].iter().copied(), BYTES),
        }
    }
}

fn within(times: &[Millis], span: Span) -> &[Millis] {
    let first = times.partition_point(|at| *at < span.from);
    let last = times.partition_point(|at| *at < span.to).max(first);
    &times[first..last]
}

/// The largest sum of weights in any window of this length; `events` are in the order of time.
fn fullest(events: impl Iterator<Item = (Millis, u64)> + Clone, window: Millis) -> u64 {
    let (mut oldest, mut sum, mut most) = (events.clone(), 0, 0);
    let mut tail = oldest.next();
    for (at, weight) in events {
        sum += weight;
        while let Some((first, gone)) = tail.filter(|(first, _)| at - first >= window) {
            debug_assert!(first <= at, "events are in the order of time");
            sum -= gone;
            tail = oldest.next();
        }
        most = most.max(sum);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_as_long_as_declared_and_not_a_millisecond_longer() {
        let at = |times: &[Millis]| fullest(times.iter().map(|at| (*at, 1)), REQUESTS);
        assert_eq!(at(&[]), 0);
        assert_eq!(at(&[0, 9_999]), 2);
        assert_eq!(at(&[0, 10_000]), 1);
        assert_eq!(at(&[0, 1, 2, 10_001, 10_001, 10_001, 10_001, 30_000]), 5);
    }

    #[test]
    fn windows_are_looked_for_within_the_stretch_and_hidden_requests_count_with_the_others() {
        let mut arrivals = Arrivals {
            own: vec![5, 1, 20_000],
            reviews: vec![2, 20_001],
            watches: Vec::new(),
            lists: vec![(50_000, 7), (5, 3)],
        };
        arrivals.sort();
        let worst = arrivals.worst(Span::new(0, 100_000));
        assert_eq!(worst, Worst { requests: 3, own: 2, reviews: 1, list_bytes: 10 });
        let later = arrivals.worst(Span::new(5, 60_000));
        assert_eq!((later.requests, later.list_bytes), (2, 10));
    }
}
