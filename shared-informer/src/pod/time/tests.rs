use proptest::prelude::*;

use super::Timestamp;

fn seconds(text: &str) -> Option<i64> {
    Timestamp::parse(text).map(Timestamp::unix_seconds)
}

#[test]
fn known_instants_read_as_their_unix_time() {
    // Checked with `date -u -d <text> +%s`.
    for (text, expected) in [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59Z", -1),
        ("2026-11-21T06:57:59Z", 1_795_244_279),
        ("2024-02-29T12:00:00Z", 1_709_208_000),
        ("2000-02-29T00:00:00Z", 951_782_400),
        ("1900-03-01T00:00:00Z", -2_203_891_200),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("0001-01-01T00:00:00Z", -62_135_596_800),
    ] {
        assert_eq!(seconds(text), Some(expected), "{text}");
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn fractions_are_dropped_and_offsets_are_applied() {
    assert_eq!(seconds("2026-11-21T07:43:29.707495261Z"), seconds("2026-11-21T07:43:29Z"));
    assert_eq!(seconds("2026-11-21T07:57:59+01:00"), seconds("2026-11-21T06:57:59Z"));
    assert_eq!(seconds("2026-11-21T01:27:59.5-05:30"), seconds("2026-11-21T06:57:59Z"));
}

#[test]
fn what_is_no_instant_is_refused() {
    for text in [
        "",
        "2026",
        "2026-11-21",
        "2026-11-21T06:57:59",
        "2026-11-21 06:57:59Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00ZZ",
        "-026-01-01T00:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00+00:01",
        "２026-01-01T00:00:00Z",
    ] {
        assert_eq!(seconds(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn writing_and_reading_are_inverse(seconds in -62_135_596_800i64..=253_402_300_799) {
        let written = Timestamp(seconds).to_string();
        prop_assert_eq!(Timestamp::parse(&written), Some(Timestamp(seconds)));
    }

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,40}|[0-9T:.Z+-]{19,30}") {
        let _ = Timestamp::parse(&text);
    }
}
