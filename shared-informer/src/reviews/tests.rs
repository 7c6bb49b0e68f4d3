use proptest::prelude::*;

use super::*;

const OK: Answer = Answer::Status { code: 200, after: Duration::from_millis(20) };

fn at(seconds: u64) -> Mono {
    Mono::new(Duration::from_secs(1_000 + seconds))
}

fn totals(cache: &mut ReviewCache, access: Access, times: impl Iterator<Item = u64>) -> (u32, u32) {
    times
        .map(|time| cache.settle(at(time), access, Subresource::Stats, OK))
        .fold((0, 0), |sum, charge| (sum.0 + charge.token_reviews, sum.1 + charge.access_reviews))
}

#[test]
fn a_scrape_a_minute_costs_a_token_review_every_two_and_an_access_review_every_five() {
    let hour = || (0..3_600).step_by(60);
    assert_eq!(totals(&mut ReviewCache::default(), Access::Token, hour()), (30, 12));
    assert_eq!(totals(&mut ReviewCache::default(), Access::X509, hour()), (0, 12));
    assert_eq!(totals(&mut ReviewCache::default(), Access::ReadOnly, hour()), (0, 0));
    assert_eq!(totals(&mut ReviewCache::default(), Access::Off, hour()), (0, 0));
}

#[test]
fn every_subresource_is_reviewed_on_its_own() {
    let mut cache = ReviewCache::default();
    cache.settle(at(0), Access::Token, Subresource::Stats, OK);
    let pods = cache.settle(at(1), Access::Token, Subresource::Pods, OK);
    assert_eq!(pods, Charge { token_reviews: 0, access_reviews: 1 });
}

#[test]
fn a_failed_token_review_is_charged_five_times_and_never_remembered() {
    let mut cache = ReviewCache::default();
    let refused = Answer::Status { code: 401, after: Duration::from_secs(3) };
    for time in [0, 1, 2] {
        let charge = cache.settle(at(time), Access::Token, Subresource::Stats, refused);
        assert_eq!(charge, Charge { token_reviews: 5, access_reviews: 0 });
    }
}

#[test]
fn a_denied_access_is_remembered_for_thirty_seconds_and_pods_are_denied_twice() {
    let mut cache = ReviewCache::default();
    let denied = Answer::Status { code: 403, after: Duration::from_millis(20) };
    assert_eq!(cache.settle(at(0), Access::X509, Subresource::Pods, denied).access_reviews, 2);
    assert_eq!(cache.expected(at(29), Access::X509, Subresource::Pods).total(), 0);
    assert_eq!(cache.expected(at(30), Access::X509, Subresource::Pods).total(), 1);
}

#[test]
fn a_good_answer_that_took_long_may_hide_failed_attempts() {
    let slow = Answer::Status { code: 200, after: FIRST_RETRY };
    let charge = ReviewCache::default().settle(at(0), Access::Token, Subresource::Stats, slow);
    assert_eq!(charge, Charge { token_reviews: 5, access_reviews: 5 });
}

#[test]
fn no_answer_is_charged_as_the_dearest_case_and_empties_the_cache() {
    let mut cache = ReviewCache::default();
    cache.settle(at(0), Access::Token, Subresource::Stats, OK);
    let charge = cache.settle(at(1), Access::Token, Subresource::Stats, Answer::None);
    assert_eq!(charge, Charge { token_reviews: 5, access_reviews: 5 });
    assert_eq!(cache.expected(at(2), Access::Token, Subresource::Stats).total(), 2);
}

#[test]
fn a_refused_connection_reaches_no_reviewer() {
    let charge = ReviewCache::default().settle(at(0), Access::Token, Subresource::Stats, Answer::Refused);
    assert_eq!(charge.total(), 0);
}

#[test]
fn a_scrape_that_is_sent_before_and_handled_after_the_end_of_an_entry_is_charged() {
    let mut cache = ReviewCache::default();
    cache.settle(at(0), Access::Token, Subresource::Stats, OK);
    let answer = Answer::Status { code: 200, after: Duration::from_millis(321) };
    let just_before = at(120).minus(Duration::from_millis(320));
    assert_eq!(cache.settle(just_before, Access::Token, Subresource::Stats, answer).token_reviews, 1);
}

/// A kubelet that handles a request a little after it was sent, with caches of its own and reviews that can fail.
#[derive(Default)]
struct Kubelet {
    token_until: Option<Mono>,
    access: Option<(Mono, u16)>,
}

impl Kubelet {
    /// The status and how many reviews were sent. `tries` is what each review needs here; six is a failure.
    fn handle(&mut self, at: Mono, tries: u32, decision: u16) -> (u16, u32) {
        let mut asked = 0;
        if self.token_until.is_none_or(|until| at > until) {
            asked += tries.min(ATTEMPTS);
            if tries > ATTEMPTS {
                return (401, asked);
            }
            self.token_until = Some(at.plus(TOKEN_TTL));
        }
        if let Some((until, code)) = self.access
            && at <= until
        {
            return (code, asked);
        }
        asked += tries.min(ATTEMPTS);
        if tries > ATTEMPTS {
            return (500, asked);
        }
        let ttl = if decision == 200 { ALLOW_TTL } else { DENY_TTL };
        self.access = Some((at.plus(ttl), decision));
        (decision, asked)
    }
}

proptest! {
    #[test]
    fn up_to_any_time_a_kubelet_has_not_asked_more_than_is_charged(
        steps in prop::collection::vec((1_u64..200_000, 1_u64..400, 0_u32..12, any::<bool>()), 1..200),
    ) {
        let (mut cache, mut kubelet, mut now) = (ReviewCache::default(), Kubelet::default(), at(0));
        let (mut charged, mut happened) = (0, 0);
        for (gap, latency, trouble, allowed) in steps {
            now = now.plus(Duration::from_millis(gap));
            let tries = if trouble < 6 { 1 } else { trouble - 5 };
            let handled = now.plus(Duration::from_millis(latency));
            let (code, asked) = kubelet.handle(handled, tries, if allowed { 200 } else { 403 });
            // A second attempt comes half a second after the first one at the earliest.
            let after = Duration::from_millis(latency + if asked > 2 || tries > 1 { 500 } else { 0 });
            charged += cache.settle(now, Access::Token, Subresource::Stats, Answer::Status { code, after }).total();
            happened += asked;
            prop_assert!(charged >= happened, "{charged} charged, {happened} asked");
        }
    }
}
