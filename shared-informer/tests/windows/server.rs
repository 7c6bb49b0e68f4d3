//! The server's side: it notes when each request arrived, and decides what becomes of it. The kubelets stand here too,
//! because what they ask is counted here.

use std::time::Duration;

/// How the API server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Good,
    /// Nobody listens: nothing arrives.
    Refusing,
    /// Every request is answered with 503.
    Failing,
    /// Requests arrive and are never answered.
    Stalled,
}

/// A deterministic source of numbers (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % limit
    }
}

/// Arrival times, milliseconds of true time.
#[derive(Debug, Default)]
pub(crate) struct Server {
    own: Vec<u64>,
    reviews: Vec<u64>,
}

impl Server {
    pub(crate) fn arrives(&mut self, at: u64) {
        self.own.push(at);
    }

    pub(crate) fn own(&self) -> u64 {
        self.own.len() as u64
    }

    pub(crate) fn reviews(&self) -> u64 {
        self.reviews.len() as u64
    }

    /// The most requests in any window of 10 s: all, tare's own, the kubelets'.
    pub(crate) fn worst_windows(&self) -> (usize, usize, usize) {
        let all = [self.own.as_slice(), &self.reviews].concat();
        (worst(all), worst(self.own.clone()), worst(self.reviews.clone()))
    }
}

fn worst(mut times: Vec<u64>) -> usize {
    times.sort_unstable();
    let (mut first, mut most) = (0, 0);
    for (last, time) in times.iter().enumerate() {
        while time - times[first] >= 10_000 {
            first += 1;
        }
        most = most.max(last - first + 1);
    }
    most
}

/// One node's kubelet with its two caches.
#[derive(Debug, Default)]
pub(crate) struct Kubelet {
    token_until: u64,
    allowed_until: u64,
}

impl Kubelet {
    /// Handles a scrape that arrives at `at`: the status and how long the answer takes, or none if it never comes.
    pub(crate) fn scrape(&mut self, at: u64, health: Health, server: &mut Server) -> Option<(u16, Duration)> {
        for (until, ttl, failure) in
            [(&mut self.token_until, 120_000, 401), (&mut self.allowed_until, 300_000, 500)]
        {
            if at < *until {
                continue;
            }
            match health {
                Health::Good => {
                    server.reviews.push(at);
                    *until = at + 15 + ttl;
                }
                // The kubelet tries five times and gives up.
                Health::Failing => {
                    server.reviews.extend([0, 500, 1_250, 2_375, 4_060].map(|after| at + after));
                    return Some((failure, Duration::from_millis(4_080)));
                }
                Health::Refusing => return Some((failure, Duration::from_millis(4_080))),
                Health::Stalled => {
                    server.reviews.push(at);
                    return None;
                }
            }
        }
        Some((200, Duration::from_millis(30)))
    }
}
