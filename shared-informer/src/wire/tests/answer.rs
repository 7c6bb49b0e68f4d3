//! Heads of answers.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::super::answer::{Encoding, Verdict, judge, retry_after};
use super::super::status::rejection;
use crate::clock::Wall;
use crate::distress::RetryAfter;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(header).collect()
}

fn judged(code: u16, pairs: &[(&str, &str)], gzip: bool) -> Verdict {
    judge(StatusCode::from_u16(code).unwrap(), &headers(pairs), gzip)
}

#[test]
fn only_json_in_an_encoding_that_was_asked_for_is_read() {
    let json = ("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(judged(200, &[json], false), Verdict::Read(Encoding::Identity));
    assert_eq!(
        judged(200, &[json, ("content-encoding", "identity")], false),
        Verdict::Read(Encoding::Identity)
    );
    assert_eq!(judged(200, &[json, ("content-encoding", "GZIP")], true), Verdict::Read(Encoding::Gzip));
    for foreign in [
        judged(200, &[], true),
        judged(200, &[("content-type", "text/html")], true),
        judged(200, &[("content-type", "application/json5")], true),
        judged(200, &[("content-type", "application/vnd.kubernetes.protobuf")], true),
        judged(200, &[json, ("content-encoding", "gzip")], false),
        judged(200, &[json, ("content-encoding", "br")], true),
        judged(200, &[json, ("content-encoding", "gzip"), ("content-encoding", "gzip")], true),
    ] {
        assert_eq!(foreign, Verdict::Foreign);
    }
}

#[test]
fn a_redirect_is_a_redirect_and_any_other_status_a_rejection() {
    for code in [300, 301, 302, 303, 307, 308, 304] {
        assert_eq!(judged(code, &[("location", "https://elsewhere/")], true), Verdict::Redirect);
    }
    for code in [201, 204, 206, 400, 401, 403, 404, 410, 429, 500, 503, 504, 999] {
        assert_eq!(judged(code, &[], true), Verdict::Rejected(code, None));
    }
}

#[test]
fn a_wish_is_read_in_seconds_and_as_a_date() {
    let wish = |value| retry_after(&headers(&[("retry-after", value)]));
    assert_eq!(wish("120"), Some(RetryAfter::Delay(Duration::from_mins(2))));
    assert_eq!(wish(" 0 "), Some(RetryAfter::Delay(Duration::ZERO)));
    assert_eq!(wish("99999999999999999999999"), Some(RetryAfter::Delay(Duration::from_secs(u64::MAX))));
    let date = Wall::new(Duration::from_secs(784_111_777));
    assert_eq!(wish("Sun, 06 Nov 1994 08:49:37 GMT"), Some(RetryAfter::Date(date)));
    assert_eq!(wish("Sunday, 06-Nov-94 08:49:37 GMT"), Some(RetryAfter::Date(date)));
    for none in ["", "-1", "1.5", "soon", "+5", "Sun, 06 Nov 1994"] {
        assert_eq!(wish(none), None, "{none:?}");
    }
}

#[test]
fn the_servers_words_are_bounded_and_fit_for_a_log() {
    let said = rejection(503, None, b"\x1b[31mover\nloaded\xff");
    assert_eq!(&*said.message, " [31mover loaded\u{fffd}");
    assert_eq!(rejection(500, None, "é".repeat(5_000).as_bytes()).message.chars().count(), 256);
}

#[test]
fn the_headers_wish_comes_before_the_bodys() {
    let body =
        br#"{"kind":"Status","message":"too many requests","details":{"retryAfterSeconds":1},"code":200}"#;
    let header = Some(RetryAfter::Delay(Duration::from_secs(9)));
    assert_eq!(rejection(429, header, body).retry_after, header);
    let said = rejection(429, None, body);
    assert_eq!((said.code, &*said.message), (429, "too many requests"), "the status is that of the answer");
    assert_eq!(said.retry_after, Some(RetryAfter::Delay(Duration::from_secs(1))));
}
