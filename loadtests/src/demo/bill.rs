//! The bill as the server's side counts it: when each request arrived, against what was declared. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// The window of the declaration.
const WINDOW: Duration = Duration::from_secs(10);
/// How many seconds are shown.
const SHOWN: usize = 60;

/// What arrived in all, and in which windows.
#[derive(Debug)]
pub(super) struct Bill {
    /// What a window may hold.
    pub(super) ceiling: u64,
    /// Requests since the start.
    pub(super) total: u64,
    /// The fullest window so far.
    pub(super) worst: u64,
    /// The requests of the newest window, oldest first.
    window: VecDeque<Duration>,
    /// Requests in each second, oldest first.
    seconds: VecDeque<u64>,
    /// Which second the newest one is.
    second: u64,
}

impl Bill {
    /// Nothing has arrived; `requests_per_second` is declared.
    pub(super) fn new(requests_per_second: u32) -> Self {
        Self {
            ceiling: u64::from(requests_per_second) * WINDOW.as_secs(),
            total: 0,
            worst: 0,
            window: VecDeque::new(),
            seconds: VecDeque::from([0]),
            second: 0,
        }
    }

    /// A request arrived at this time after the start; not before those that were noted.
    pub(super) fn note(&mut self, at: Duration) {
        self.pass(at);
        self.total += 1;
        self.window.push_back(at);
        self.worst = self.worst.max(self.now());
        if let Some(newest) = self.seconds.back_mut() {
            *newest += 1;
        }
    }

    /// The time is now this much after the start.
    pub(super) fn pass(&mut self, now: Duration) {
        while self.window.front().is_some_and(|first| now.saturating_sub(*first) >= WINDOW) {
            self.window.pop_front();
        }
        while self.second < now.as_secs() {
            self.second += 1;
            self.seconds.push_back(0);
            if self.seconds.len() > SHOWN {
                self.seconds.pop_front();
            }
        }
    }

    /// Requests in the window that ends now.
    pub(super) fn now(&self) -> u64 {
        self.window.len() as u64
    }

    /// Requests in each of the last seconds, oldest first.
    pub(super) fn seconds(&self) -> Vec<u64> {
        self.seconds.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_window_is_ten_seconds_and_the_fullest_one_is_kept() {
        let mut bill = Bill::new(5);
        for ms in [0, 100, 9_999, 10_000] {
            bill.note(at(ms));
        }
        assert_eq!((bill.total, bill.worst, bill.now(), bill.ceiling), (4, 3, 3, 50));
        bill.pass(at(30_000));
        assert_eq!((bill.worst, bill.now()), (3, 0));
    }

    #[test]
    fn seconds_without_a_request_are_shown_and_old_ones_forgotten() {
        let mut bill = Bill::new(1);
        bill.note(at(500));
        bill.note(at(3_200));
        assert_eq!(bill.seconds(), [1, 0, 0, 1]);
        bill.pass(at(100_000));
        assert_eq!(bill.seconds(), vec![0; SHOWN]);
    }
}
