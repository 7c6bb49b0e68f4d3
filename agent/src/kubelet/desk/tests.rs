use std::time::Duration;

use shared_informer::pod::Refusal;

use super::*;
use crate::kubelet::settings::Credential;
use crate::kubelet::summary::Part;

fn now(seconds: u64) -> Now {
    let at = Duration::from_secs(seconds);
    Now { wall: Wall::new(Duration::from_secs(1_795_244_279) + at), mono: Mono::new(at) }
}

fn settings(subresources: &[Subresource], credential: Credential, trust: Trust) -> Settings {
    Settings {
        address: ([192, 0, 2, 7], 10_250).into(),
        credential,
        trust,
        subresources: subresources.to_vec(),
        period: Duration::from_mins(1),
        node: "node-1".to_owned(),
    }
}

fn answered(code: u16, result: Result<(), Trouble>) -> Exchange {
    let answer = Answer::Status { code, after: Duration::from_millis(10) };
    Exchange { answer, bytes: 100, forgot: false, result }
}

fn denied() -> Exchange {
    answered(403, Err(Trouble::Status { code: 403, path: "/pods", said: String::new() }))
}

/// A desk of which every metric has a point.
pub(crate) fn busy(ladder: Ladder) -> Desk {
    let desk = Desk::new(ladder);
    desk.begin(&settings(&[Subresource::Stats], Credential::Token("/t".into()), Trust::Anyone));
    desk.set_periods(Some(Duration::from_mins(1)), None);
    desk.record(now(1), Subresource::Stats, &answered(200, Ok(())));
    let mut refused = Refused::default();
    refused.add(Part::Volume, Refusal::TooLong);
    desk.record_refused(&refused);
    desk
}

#[test]
fn a_rung_is_up_from_a_good_answer_until_a_bad_one_and_has_no_standing_when_unread() {
    let ladder = Ladder::default();
    let desk = Desk::new(ladder.clone());
    let both = [Subresource::Stats, Subresource::Pods];
    desk.begin(&settings(&both, Credential::Token("/t".into()), Trust::Anyone));
    let told = || ladder.iter().map(|(rung, up)| (rung.as_str(), up)).collect::<Vec<_>>();
    assert_eq!(told(), [("kubelet", false), ("kubelet_pods", false)]);
    desk.record(now(1), Subresource::Stats, &answered(200, Ok(())));
    desk.record(now(1), Subresource::Pods, &denied());
    assert_eq!(told(), [("kubelet", true), ("kubelet_pods", false)]);
    desk.falls(Subresource::Stats);
    assert_eq!(told(), [("kubelet", false), ("kubelet_pods", false)]);
    desk.begin(&settings(&[Subresource::Stats], Credential::None, Trust::Plain));
    assert_eq!(told(), [("kubelet", false)]);
    desk.end(None);
    assert_eq!((told(), desk.status()), (vec![], None));
}

#[test]
fn people_see_whether_it_is_scraped_in_slots_or_was_stopped_and_by_what() {
    let desk = Desk::default();
    desk.begin(&settings(
        &[Subresource::Stats],
        Credential::Token("/t".into()),
        Trust::Pinned("/k.crt".into()),
    ));
    desk.set_periods(Some(Duration::from_secs(210)), Some(Duration::from_secs(640)));
    desk.record(now(1), Subresource::Stats, &answered(200, Ok(())));
    let status = desk.status().unwrap();
    assert_eq!((&*status.mode, status.interval_s, status.summary_up), ("slots", Some(210), Some(true)));
    assert_eq!(status.last_success.as_deref(), Some("2026-11-21T06:58:00Z"));
    assert_eq!(status.trust.as_deref(), Some("pinned to /k.crt"));
    desk.record(now(2), Subresource::Stats, &denied());
    let status = desk.status().unwrap();
    assert_eq!((&*status.mode, status.interval_s, status.summary_up), ("stopped", Some(640), Some(false)));
    assert!(status.last_error.unwrap().text.contains("nodes/pods"));
    assert_eq!(desk.last_success(now(9).mono), Some(Duration::from_secs(8)));
    desk.end(Some("because".to_owned()));
    let status = desk.status().unwrap();
    assert_eq!((&*status.mode, status.why.as_deref(), status.address), ("off", Some("because"), None));
}

#[test]
fn scrapes_that_cause_no_reviews_are_never_stopped() {
    let desk = Desk::default();
    desk.begin(&settings(&[Subresource::Stats], Credential::None, Trust::Plain));
    desk.set_periods(Some(Duration::from_mins(1)), None);
    desk.record(now(1), Subresource::Stats, &denied());
    assert_eq!((&*desk.status().unwrap().mode, desk.interval()), ("slots", Some(Duration::from_mins(1))));
}

#[test]
fn only_a_certificate_that_nobody_checks_is_insecure() {
    let desk = Desk::default();
    assert_eq!(desk.insecure(), None);
    for (trust, insecure) in [
        (Trust::Plain, false),
        (Trust::Pinned("/k".into()), false),
        (Trust::Authorities("/c".into()), false),
        (Trust::Anyone, true),
    ] {
        desk.begin(&settings(&[Subresource::Stats], Credential::None, trust));
        assert_eq!(desk.insecure(), Some(insecure));
    }
}

#[test]
fn every_way_in_which_a_request_ends_is_counted_under_a_name_of_its_own() {
    let status = |code| Err(Trouble::Status { code, path: "/pods", said: String::new() });
    let with = |answer, result| Exchange { answer, bytes: 0, forgot: false, result };
    let desk = Desk::default();
    let lost = || Err(Trouble::Lost(String::new()));
    for (exchange, name) in [
        (answered(200, Ok(())), "200"),
        (answered(200, lost()), "unusable"),
        (answered(401, status(401)), "401"),
        (answered(403, status(403)), "403"),
        (answered(307, status(307)), "redirect"),
        (answered(404, status(404)), "4xx"),
        (answered(500, status(500)), "5xx"),
        (with(Answer::Refused, lost()), "unsent"),
        (with(Answer::None, lost()), "none"),
    ] {
        let before = desk.counts().requests;
        desk.record(now(1), Subresource::Stats, &exchange);
        let new: Vec<_> =
            desk.counts().requests.into_iter().filter(|(key, _)| !before.contains_key(key)).collect();
        assert!(matches!(&*new, [((Subresource::Stats, outcome), 1)] if outcome.as_str() == name), "{new:?}");
    }
}

#[test]
fn the_same_trouble_again_is_no_news_until_something_has_gone_well() {
    let desk = Desk::default();
    desk.begin(&settings(&[Subresource::Stats], Credential::None, Trust::Plain));
    let record = |at, exchange: &Exchange| desk.record(now(at), Subresource::Stats, exchange);
    assert!(record(1, &denied()));
    assert!(!record(2, &denied()));
    assert!(desk.record_unasked(now(3), &Trouble::Timeout), "another one");
    assert!(!desk.record_unasked(now(4), &Trouble::Timeout));
    assert!(!record(5, &answered(200, Ok(()))));
    assert!(desk.record_unasked(now(6), &Trouble::Timeout), "the first one after a success");
}
