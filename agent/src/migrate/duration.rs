//! Durations as Go writes them (`1.5h`, `1m30s`, `500us`) in tare's words.

use crate::config::report::quote;

/// Milliseconds per unit; units below a millisecond are rounded up to whole milliseconds at the end.
const UNITS: [(&str, f64); 7] =
    [("ns", 1e-6), ("us", 1e-3), ("µs", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4), ("h", 3.6e6)];

/// Milliseconds of `text`, rounded up.
///
/// # Errors
/// The reason why the value is left out.
pub(super) fn millis(text: &str) -> Result<u64, String> {
    let wrong = || format!("expected a duration like 10s, found {}", quote(text));
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest
            .find(|character: char| !(character.is_ascii_digit() || character == '.'))
            .ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|character: char| character.is_ascii_digit() || character == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total += number.parse::<f64>().map_err(|_| wrong())? * size;
        rest = after;
    }
    whole(total).ok_or_else(wrong)
}

/// The smallest whole number that is not below `value`, up to a year of milliseconds.
fn whole(value: f64) -> Option<u64> {
    const YEAR: f64 = 3.2e10;
    // A little less than what a sum of fractions may be too much by.
    let value = (value - 1e-6).ceil().max(0.0);
    (value <= YEAR).then(|| format!("{value:.0}").parse().ok()).flatten()
}

/// `milliseconds` in tare's words.
pub(super) fn print(milliseconds: u64) -> String {
    use crate::config::schema::Scalar as _;
    use crate::config::values::quantity::Span;
    Span::<0, { u64::MAX }>::millis(milliseconds).print()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go_are_read_and_rounded_up_to_milliseconds() {
        for (text, expected) in [
            ("10s", "10s"),
            ("1.5h", "1h30m"),
            ("1m30s", "1m30s"),
            ("0", "0s"),
            ("500us", "1ms"),
            ("90000ms", "1m30s"),
        ] {
            assert_eq!(millis(text).map(print).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "10", "s", "-1s", "10 s", "1d", "1..5s", "99999999h"] {
            assert!(millis(text).is_err(), "{text}");
        }
    }
}
