//! One node's kubelet with its two webhook caches. What it asks the API server is counted there.

use super::api::{Api, Health};
use super::load::Admission;
use super::time::{MINUTE, Millis, SECOND};
use crate::prices::Kind;

/// How long a token that was found good is believed.
const TOKEN: Millis = 2 * MINUTE;
/// How long an access that was allowed is.
const ALLOWED: Millis = 5 * MINUTE;
/// A review that fails is tried five times, at these times after the scrape.
const ATTEMPTS: [Millis; 5] = [0, 500, 1_250, 2_375, 4_060];
/// What was sent this long before a partition heals still arrives.
pub(super) const IN_FLIGHT: Millis = 60 * SECOND;

/// The caches: until when the token is believed, and each subresource allowed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kubelet {
    token_until: Millis,
    allowed_until: [Millis; 2],
}

impl Kubelet {
    /// Handles a scrape that arrives at `at`: the status and how long the answer takes; none if it never comes.
    pub(super) fn scrape(&mut self, at: Millis, subresource: usize, api: &mut Api) -> Option<(u16, Millis)> {
        let trouble = api.trouble(at);
        let reviews = [
            (&mut self.token_until, TOKEN, 401, Kind::TokenReview),
            (&mut self.allowed_until[subresource % 2], ALLOWED, 500, Kind::AccessReview),
        ];
        let mut waited = 0;
        for (until, ttl, failure, kind) in reviews {
            if at < *until {
                continue;
            }
            match trouble.map_or(Health::Good, |trouble| trouble.health) {
                Health::Good | Health::ListsStall => {
                    let Admission::After(wait) = api.review(at, kind) else {
                        for after in &ATTEMPTS[1..] {
                            api.expect_review(at + after, kind);
                        }
                        return Some((failure, 4_080));
                    };
                    waited += wait;
                    *until = at + 15 + ttl;
                }
                Health::Failing | Health::Throttling(_) => {
                    for after in ATTEMPTS {
                        api.expect_review(at + after, kind);
                    }
                    return Some((failure, 4_080));
                }
                Health::Refusing => return Some((failure, 4_080)),
                Health::Stalled => {
                    api.review(at, kind);
                    return None;
                }
                Health::Partition { .. } => {
                    let heals = trouble.map_or(at, |trouble| trouble.span.to);
                    if heals - at <= IN_FLIGHT {
                        api.expect_review(heals, kind);
                    }
                    return None;
                }
            }
        }
        Some((200, 30 + waited))
    }
}
