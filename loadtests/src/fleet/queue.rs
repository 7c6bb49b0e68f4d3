//! What will happen, in the order of time: a wheel of seconds, and the second that has come in its order.
//!
//! A hundred thousand agents have some five events each ahead of them, most of them minutes or hours away. One heap of them all
//! would cost more than everything else in a run. Few of those that a second holds are scheduled while it runs: those lie in a
//! small heap beside it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::time::{Millis, SECOND};

/// An event with its time and its place among those at the same time.
type Scheduled<T> = (Millis, u64, T);

/// Events until the end of a run. Those at the same time come in the order in which they were scheduled.
#[derive(Debug)]
pub(super) struct Queue<T> {
    ends: Millis,
    seconds: Vec<Vec<Scheduled<T>>>,
    /// Which second has come.
    current: usize,
    /// What it held when it came, the next one last.
    due: Vec<Scheduled<T>>,
    /// What was scheduled for it since.
    late: BinaryHeap<Reverse<Scheduled<T>>>,
    sequence: u64,
}

impl<T: Ord> Queue<T> {
    /// An empty queue for a run of this length.
    pub(super) fn new(ends: Millis) -> Self {
        let seconds = (0..=ends / SECOND).map(|_| Vec::new()).collect();
        Self { ends, seconds, current: 0, due: Vec::new(), late: BinaryHeap::new(), sequence: 0 }
    }

    /// What is after the end of the run does not happen.
    pub(super) fn push(&mut self, at: Millis, event: T) {
        if at >= self.ends {
            return;
        }
        self.sequence += 1;
        let scheduled = (at, self.sequence, event);
        match self.seconds.get_mut(second(at)) {
            Some(bucket) if second(at) > self.current => bucket.push(scheduled),
            _ => self.late.push(Reverse(scheduled)),
        }
    }

    /// The next event.
    pub(super) fn pop(&mut self) -> Option<(Millis, T)> {
        while self.due.is_empty() && self.late.is_empty() {
            self.current += 1;
            self.due = std::mem::take(self.seconds.get_mut(self.current)?);
            self.due.sort_unstable_by_key(|(at, sequence, _)| Reverse((*at, *sequence)));
        }
        let key = |(at, sequence, _): &Scheduled<T>| (*at, *sequence);
        let first = match (self.due.last(), self.late.peek()) {
            (Some(due), Some(Reverse(late))) if key(late) < key(due) => None,
            (None, _) => None,
            (Some(_), _) => self.due.pop(),
        };
        let first = first.or_else(|| self.late.pop().map(|Reverse(late)| late));
        first.map(|(at, _, event)| (at, event))
    }
}

fn second(at: Millis) -> usize {
    usize::try_from(at / SECOND).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::random::Random;

    #[test]
    fn events_come_in_the_order_of_time_and_then_of_scheduling_and_none_after_the_end() {
        let (mut queue, mut random) = (Queue::new(100_500), Random(1));
        let mut expected = Vec::new();
        for number in 0..10_000_u64 {
            let at = random.below(120_000) / 10 * 10;
            queue.push(at, u64::MAX - number);
            expected.push((at, number));
        }
        expected.retain(|(at, _)| *at < 100_500);
        expected.sort_unstable();
        let popped = std::iter::from_fn(|| queue.pop()).map(|(at, event)| (at, u64::MAX - event));
        assert_eq!(popped.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_scheduled_for_now_comes_before_what_is_later() {
        let mut queue = Queue::new(10_000);
        queue.push(5_500, 'b');
        queue.push(5_100, 'a');
        assert_eq!(queue.pop(), Some((5_100, 'a')));
        queue.push(5_100, 'c');
        queue.push(5_600, 'd');
        assert_eq!([queue.pop(), queue.pop(), queue.pop()].map(|event| event.unwrap().1), ['c', 'b', 'd']);
        assert_eq!(queue.pop(), None);
    }
}
