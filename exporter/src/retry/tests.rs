use super::*;

mod fleet;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);
const LIMITS: Limits = Limits {
    initial: Duration::from_secs(1),
    max: Duration::from_secs(30),
    max_asked: Duration::from_mins(5),
};

fn answered(status: u16, retry_after: Option<RetryAfter>) -> Outcome {
    Outcome::Answered { status, retry_after, rejected: 0 }
}

fn decision(outcome: Outcome, failures: u32, random: f64) -> Decision {
    decide(outcome.verdict(NOW), failures, random, &LIMITS)
}

#[test]
fn every_status_is_delivered_retried_or_dropped_as_the_specification_says() {
    for status in 100..=999 {
        let expected = match status {
            200..=299 => Decision::Delivered,
            429 | 502 | 503 | 504 => Decision::RetryAfter { wait: Duration::ZERO, asked: Duration::ZERO },
            413 => Decision::Drop(DropReason::TooLarge),
            _ => Decision::Drop(DropReason::Rejected),
        };
        assert_eq!(decision(answered(status, None), 0, 0.0), expected, "{status}");
    }
}

#[test]
fn every_status_is_counted_under_the_class_of_its_kind() {
    for (status, class) in [
        (101, Some(Failure::Rejected)),
        (200, None),
        (204, None),
        (299, None),
        (300, Some(Failure::Redirect)),
        (399, Some(Failure::Redirect)),
        (400, Some(Failure::Rejected)),
        (401, Some(Failure::Unauthorized)),
        (403, Some(Failure::Unauthorized)),
        (404, Some(Failure::Rejected)),
        (413, Some(Failure::TooLarge)),
        (429, Some(Failure::Throttled)),
        (500, Some(Failure::Rejected)),
        (501, Some(Failure::Rejected)),
        (502, Some(Failure::Unavailable)),
        (503, Some(Failure::Unavailable)),
        (504, Some(Failure::Unavailable)),
        (505, Some(Failure::Rejected)),
        (999, Some(Failure::Rejected)),
    ] {
        assert_eq!(answered(status, None).failure(), class, "{status}");
    }
}

#[test]
fn a_missing_answer_is_always_retried() {
    for failure in [
        Failure::Resolve,
        Failure::Connect,
        Failure::Tls,
        Failure::Timeout,
        Failure::Disconnected,
        Failure::Protocol,
    ] {
        let outcome = Outcome::Unanswered(failure);
        assert_eq!(outcome.failure(), Some(failure));
        let expected = Decision::RetryAfter { wait: Duration::from_millis(500), asked: Duration::ZERO };
        assert_eq!(decision(outcome, 0, 0.5), expected, "{failure:?}");
    }
}

#[test]
fn a_partial_success_is_delivered_and_never_retried_whatever_else_the_answer_says() {
    let outcome = Outcome::Answered { status: 200, retry_after: Some(RetryAfter::Seconds(1)), rejected: 7 };
    assert_eq!(decision(outcome, 3, 0.9), Decision::DeliveredPartly { rejected: 7 });
}

#[test]
fn the_number_of_attempts_never_ends_the_retries() {
    for failures in [0, 1, 31, 32, 1_000, u32::MAX] {
        let decision = decision(answered(503, None), failures, 0.999);
        assert!(matches!(decision, Decision::RetryAfter { .. }), "{failures}: {decision:?}");
    }
}

#[test]
fn the_window_doubles_up_to_its_bound_and_the_wait_is_drawn_from_all_of_it() {
    for (failures, seconds) in [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30), (u32::MAX, 30)] {
        let window = Duration::from_secs(seconds);
        for random in [0.0, 0.25, 0.5, 1.0] {
            let wait = window.mul_f64(random);
            let expected = Decision::RetryAfter { wait, asked: Duration::ZERO };
            assert_eq!(decision(answered(503, None), failures, random), expected, "{failures} {random}");
        }
    }
}

#[test]
fn a_fleet_that_fails_at_one_moment_comes_back_spread_over_the_window() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut buckets = [0_u32; 10];
    for _ in 0..10_000 {
        let Decision::RetryAfter { wait, .. } = decision(answered(503, None), 9, random.f64()) else {
            panic!("503 is retried");
        };
        buckets[usize::try_from(wait.as_millis() / 3_000).expect("small")] += 1;
    }
    // 1,000 expected in each tenth of the window; six standard deviations are 180.
    assert!(buckets.iter().all(|count| count.abs_diff(1_000) < 180), "{buckets:?}");
}

#[test]
fn the_backends_wish_is_a_floor_under_the_jitter_and_bounded() {
    let after = |retry_after| decision(answered(429, Some(retry_after)), 0, 0.5);
    let drawn = Duration::from_millis(500);
    for (retry_after, asked) in [
        (RetryAfter::Seconds(0), Duration::ZERO),
        (RetryAfter::Seconds(20), Duration::from_secs(20)),
        (RetryAfter::Seconds(300), Duration::from_mins(5)),
        (RetryAfter::Seconds(u64::MAX), Duration::from_mins(5)),
        (RetryAfter::At(Timestamp(NOW.0 + 20_000_000_000)), Duration::from_secs(20)),
        (RetryAfter::At(Timestamp(NOW.0 - 1)), Duration::ZERO),
        (RetryAfter::At(Timestamp(u64::MAX)), Duration::from_mins(5)),
    ] {
        assert_eq!(
            after(retry_after),
            Decision::RetryAfter { wait: asked + drawn, asked },
            "{retry_after:?}"
        );
    }
}

#[test]
fn retry_after_is_read_as_seconds_or_as_any_http_date_and_as_nothing_else() {
    let date = Some(RetryAfter::At(Timestamp(784_111_777_000_000_000)));
    for (text, expected) in [
        ("120", Some(RetryAfter::Seconds(120))),
        (" 0 ", Some(RetryAfter::Seconds(0))),
        ("99999999999999999999999", Some(RetryAfter::Seconds(u64::MAX))),
        ("Sun, 06 Nov 1994 08:49:37 GMT", date),
        ("Sunday, 06-Nov-94 08:49:37 GMT", date),
        ("Sun Nov  6 08:49:37 1994", date),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("soon", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
    ] {
        assert_eq!(RetryAfter::parse(text), expected, "{text:?}");
    }
}

fn called(code: Code, retry_info: Option<Duration>, too_large: bool) -> Outcome {
    Outcome::Called { code, retry_info, too_large, rejected: 0 }
}

#[test]
fn every_grpc_code_is_delivered_retried_or_dropped_as_the_specification_says() {
    let wish = Duration::from_secs(7);
    let retried = |asked| Decision::RetryAfter { wait: asked, asked };
    let rejected = Decision::Drop(DropReason::Rejected);
    for (number, name, bare, with_retry_info, class) in [
        (0, "OK", Decision::Delivered, Decision::Delivered, None),
        (1, "CANCELLED", retried(Duration::ZERO), retried(wish), Some(Failure::Unavailable)),
        (2, "UNKNOWN", rejected, rejected, Some(Failure::Rejected)),
        (3, "INVALID_ARGUMENT", rejected, rejected, Some(Failure::Rejected)),
        (4, "DEADLINE_EXCEEDED", retried(Duration::ZERO), retried(wish), Some(Failure::Unavailable)),
        (5, "NOT_FOUND", rejected, rejected, Some(Failure::Rejected)),
        (6, "ALREADY_EXISTS", rejected, rejected, Some(Failure::Rejected)),
        (7, "PERMISSION_DENIED", rejected, rejected, Some(Failure::Unauthorized)),
        (8, "RESOURCE_EXHAUSTED", rejected, retried(wish), Some(Failure::Rejected)),
        (9, "FAILED_PRECONDITION", rejected, rejected, Some(Failure::Rejected)),
        (10, "ABORTED", retried(Duration::ZERO), retried(wish), Some(Failure::Unavailable)),
        (11, "OUT_OF_RANGE", retried(Duration::ZERO), retried(wish), Some(Failure::Unavailable)),
        (12, "UNIMPLEMENTED", rejected, rejected, Some(Failure::Rejected)),
        (13, "INTERNAL", rejected, rejected, Some(Failure::Rejected)),
        (14, "UNAVAILABLE", retried(Duration::ZERO), retried(wish), Some(Failure::Unavailable)),
        (15, "DATA_LOSS", retried(Duration::ZERO), retried(wish), Some(Failure::Unavailable)),
        (16, "UNAUTHENTICATED", rejected, rejected, Some(Failure::Unauthorized)),
    ] {
        let code = Code::parse(&number.to_string()).expect("a number");
        assert_eq!((code as usize, code.as_str()), (number, name));
        assert_eq!(decision(called(code, None, false), 0, 0.0), bare, "{name}");
        assert_eq!(decision(called(code, Some(wish), false), 0, 0.0), with_retry_info, "{name}");
        assert_eq!(called(code, None, false).failure(), class, "{name}");
    }
    assert_eq!(Code::ALL.len(), 17);
}

#[test]
fn only_resource_exhausted_without_retry_info_can_mean_that_a_message_is_too_large() {
    for code in Code::ALL {
        let decision = decision(called(code, None, true), 0, 0.0);
        let too_large = decision == Decision::Drop(DropReason::TooLarge);
        assert_eq!(too_large, code == Code::ResourceExhausted, "{code:?}");
    }
    let throttled = called(Code::ResourceExhausted, Some(Duration::ZERO), true);
    assert_eq!(throttled.failure(), Some(Failure::Throttled));
}

#[test]
fn a_number_that_is_no_code_is_unknown_and_what_is_no_number_is_no_code() {
    for (text, expected) in [
        ("0", Some(Code::Ok)),
        ("016", Some(Code::Unauthenticated)),
        ("17", Some(Code::Unknown)),
        ("99999999999999999999999", Some(Code::Unknown)),
        ("", None),
        ("-1", None),
        ("OK", None),
    ] {
        assert_eq!(Code::parse(text), expected, "{text:?}");
    }
}

#[test]
fn a_partial_success_over_grpc_is_never_retried() {
    let retry_info = Some(Duration::from_secs(1));
    let outcome = Outcome::Called { code: Code::Ok, retry_info, too_large: true, rejected: 7 };
    assert_eq!(decision(outcome, 3, 0.9), Decision::DeliveredPartly { rejected: 7 });
}
