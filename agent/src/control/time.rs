//! Times and durations as people and scripts read them.

use std::time::{Duration, UNIX_EPOCH};

use shared_informer::clock::Wall;

/// The last second of the year 9999, the last that RFC 3339 can write.
const LAST: u64 = 253_402_300_799;

/// RFC 3339 in UTC with whole seconds, rounded down.
pub fn text(time: Wall) -> String {
    let seconds = Duration::from_secs(time.since_origin().as_secs().min(LAST));
    let time = UNIX_EPOCH.checked_add(seconds).unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Reads what [`text`] writes.
pub fn parse(text: &str) -> Option<Wall> {
    let time = humantime::parse_rfc3339(text).ok()?;
    time.duration_since(UNIX_EPOCH).ok().map(Wall::new)
}

/// A duration in whole seconds, such as `1h 3m 20s`.
pub fn duration(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_no_time_is_too_late_to_be_written() {
        let time = Wall::new(Duration::from_secs(1_795_244_279));
        assert_eq!(text(time), "2026-11-21T06:57:59Z");
        assert_eq!(parse(&text(time)), Some(time));
        assert_eq!(text(Wall::new(Duration::MAX)), "9999-12-31T23:59:59Z");
        assert_eq!(parse("tomorrow"), None);
        assert_eq!(parse("1969-12-31T23:59:59Z"), None);
    }
}
