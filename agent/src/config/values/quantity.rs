//! Durations (`500ms`, `1m30s`) and sizes (`2MiB`) between two bounds. A number without a unit is refused: what a
//! person meant by `timeout: 10` cannot be known.

use std::fmt::Write as _;
use std::time::Duration;

use crate::config::report::quote;
use crate::config::schema::Scalar;

/// A duration between two bounds in milliseconds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<const MIN_MS: u64, const MAX_MS: u64>(Duration);

/// How often something is read: one second to one hour.
pub type Interval = Span<1_000, 3_600_000>;

impl<const MIN_MS: u64, const MAX_MS: u64> Span<MIN_MS, MAX_MS> {
    /// `milliseconds`, brought between the bounds.
    pub const fn millis(milliseconds: u64) -> Self {
        let low = if milliseconds < MIN_MS { MIN_MS } else { milliseconds };
        Self(Duration::from_millis(if low > MAX_MS { MAX_MS } else { low }))
    }

    /// `seconds`, brought between the bounds.
    pub const fn seconds(seconds: u64) -> Self {
        Self::millis(seconds.saturating_mul(1_000))
    }

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// A number of milliseconds, as the environment variables of OpenTelemetry carry it.
    ///
    /// # Errors
    /// As [`Scalar::parse`].
    pub fn parse_millis(text: &str) -> Result<Self, String> {
        let Ok(milliseconds) = text.parse() else {
            return Err(format!("expected a whole number of milliseconds, found {}", quote(text)));
        };
        Self::checked(milliseconds).map_err(|bounds| format!("{milliseconds} milliseconds are {bounds}"))
    }

    fn checked(milliseconds: u64) -> Result<Self, String> {
        if milliseconds < MIN_MS {
            Err(format!("less than the smallest value, {}", print_duration(MIN_MS)))
        } else if milliseconds > MAX_MS {
            Err(format!("more than the largest value, {}", print_duration(MAX_MS)))
        } else {
            Ok(Self(Duration::from_millis(milliseconds)))
        }
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> Scalar for Span<MIN_MS, MAX_MS> {
    fn parse(text: &str) -> Result<Self, String> {
        let milliseconds = parse_duration(text)?;
        Self::checked(milliseconds).map_err(|bounds| format!("{text} is {bounds}"))
    }

    fn print(&self) -> String {
        print_duration(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX))
    }

    fn kind() -> String {
        format!("a duration from {} to {}", print_duration(MIN_MS), print_duration(MAX_MS))
    }
}

const DURATION_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Milliseconds of `1h30m`, `10s` or `500ms`.
fn parse_duration(text: &str) -> Result<u64, String> {
    let wrong = || format!("expected a duration like 500ms, 10s or 1m30s, found {}", quote(text));
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{} has no unit; write {}s or {}ms", shown(text), shown(text), shown(text)));
    }
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, unit, after) = quantity(rest).ok_or_else(wrong)?;
        let (_, size) = DURATION_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total = number.checked_mul(*size).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = after;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// Splits `10s...` into the number, its unit and the rest.
fn quantity(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, rest) = text.split_at(digits);
    let letters = rest.find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(letters);
    Some((number.parse().ok()?, unit, after))
}

fn print_duration(milliseconds: u64) -> String {
    let mut text = String::new();
    let mut rest = milliseconds;
    for (unit, size) in DURATION_UNITS {
        if rest >= size {
            let _ = write!(text, "{}{unit}", rest / size);
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn shown(digits: &str) -> String {
    digits.chars().take(20).collect()
}

/// A number of bytes between two bounds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size<const MIN: u64, const MAX: u64>(u64);

const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl<const MIN: u64, const MAX: u64> Size<MIN, MAX> {
    /// `mebibytes`, brought between the bounds.
    pub const fn mib(mebibytes: u64) -> Self {
        Self::kib(mebibytes.saturating_mul(1 << 10))
    }

    /// `kibibytes`, brought between the bounds.
    pub const fn kib(kibibytes: u64) -> Self {
        let bytes = kibibytes.saturating_mul(1 << 10);
        let low = if bytes < MIN { MIN } else { bytes };
        Self(if low > MAX { MAX } else { low })
    }

    /// Bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> Scalar for Size<MIN, MAX> {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a size like 512KiB or 2MiB, found {}", quote(text));
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("{} has no unit; the units are B, KiB, MiB and GiB", shown(text)));
        }
        let (number, unit, after) = quantity(text).ok_or_else(wrong)?;
        let (_, size) = SIZE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let bytes = number.checked_mul(*size).filter(|_| after.is_empty()).ok_or_else(wrong)?;
        match bytes {
            _ if bytes < MIN => Err(format!("{text} is less than the smallest value, {}", print_size(MIN))),
            _ if bytes > MAX => Err(format!("{text} is more than the largest value, {}", print_size(MAX))),
            _ => Ok(Self(bytes)),
        }
    }

    fn print(&self) -> String {
        print_size(self.0)
    }

    fn kind() -> String {
        format!("a size from {} to {}", print_size(MIN), print_size(MAX))
    }
}

fn print_size(bytes: u64) -> String {
    let unit = SIZE_UNITS.iter().find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size));
    unit.map_or_else(|| format!("{bytes}B"), |(unit, size)| format!("{}{unit}", bytes / size))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type AnySpan = Span<0, { u64::MAX }>;
    type AnySize = Size<0, { u64::MAX }>;

    #[test]
    fn units_add_up_and_nothing_else_is_understood() {
        let millis = |text| AnySpan::parse(text).map(|span| span.get().as_millis()).ok();
        assert_eq!(millis("1h1m1s1ms"), Some(3_661_001));
        assert_eq!(millis("90s"), Some(90_000));
        for text in
            ["", "s", "1", "1.5s", "1 s", "1S", "1d", "1s1", "+1s", "1\u{b5}s", "18446744073709551615h"]
        {
            assert_eq!(millis(text), None, "{text:?}");
        }
        assert_eq!(AnySize::parse("2MiB").map(Size::get), Ok(2 << 20));
        for text in ["", "MiB", "1", "1MB", "1mib", "1MiB1KiB", "17179869184GiB"] {
            assert!(AnySize::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn both_bounds_are_allowed_and_nothing_beyond_them() {
        type Narrow = Span<1_000, 2_000>;
        assert!(Narrow::parse("1s").is_ok() && Narrow::parse("2s").is_ok());
        assert!(Narrow::parse("999ms").is_err() && Narrow::parse("2001ms").is_err());
        assert_eq!(Narrow::seconds(7).get(), Duration::from_secs(2), "a default cannot leave the bounds");
        assert_eq!(Narrow::parse_millis("1500").map(Narrow::get), Ok(Duration::from_millis(1500)));
        assert_eq!(
            Narrow::parse_millis("10"),
            Err("10 milliseconds are less than the smallest value, 1s".to_owned()),
            "a number of seconds where milliseconds are meant"
        );
    }

    proptest! {
        #[test]
        fn every_duration_and_size_reads_back_as_it_is_printed(number: u64) {
            let span = AnySpan::millis(number);
            prop_assert_eq!(AnySpan::parse(&span.print()), Ok(span));
            let size = Size::<0, { u64::MAX }>(number);
            prop_assert_eq!(AnySize::parse(&size.print()), Ok(size));
        }
    }
}
