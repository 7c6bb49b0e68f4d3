//! Figures as people read them: three significant digits, thousands apart, units that fit.

/// `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number that is not negative with three significant digits: `0.000781`, `3.91`, `12,500`.
pub(super) fn figure(number: f64) -> String {
    if number >= 100.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float's cast saturates"
        )]
        return count(number.round() as u64);
    }
    // The places behind the point that leave three digits, and no more than a millionth.
    let places = (0..7).find(|places| number * 10_f64.powi(*places) >= 99.95).unwrap_or(6);
    let places = usize::try_from(places).unwrap_or(0);
    let text = format!("{number:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `352 KiB`, `16 MiB`, `1.68 GiB`.
pub(super) fn bytes(number: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut rest = number;
    let mut unit = "PiB";
    for name in units {
        unit = name;
        if rest < 1_024.0 || name == "TiB" {
            break;
        }
        rest /= 1_024.0;
    }
    format!("{} {unit}", figure(rest))
}

/// `10 s`, `21 min 20 s`, `5 h 41 min`: two units, the smaller one rounded down.
pub(super) fn seconds(number: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let mut parts = Vec::new();
    let mut rest = number;
    for (unit, size) in units {
        if rest >= size {
            parts.push(format!("{} {unit}", rest / size));
        } else if !parts.is_empty() {
            break;
        }
        rest %= size;
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// `83 %`; a part of nothing is nothing.
pub(super) fn percent(part: f64, whole: f64) -> String {
    if whole > 0.0 { format!("{} %", figure(100.0 * part / whole)) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_keep_three_digits() {
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1_000, 1_234_567].map(count).as_slice());
        let figures = [0.0, 0.000_781_25, 0.013, 3.906, 50.0, 99.97, 12_499.6].map(figure);
        assert_eq!(figures, ["0", "0.000781", "0.013", "3.91", "50", "100", "12,500"]);
        assert_eq!(
            [0.0, 360_000.0, 16_777_216.0, 1.8e9].map(bytes),
            ["0 B", "352 KiB", "16 MiB", "1.68 GiB"]
        );
        let times = [0, 10, 160, 1_280, 20_480, 86_400, 90_061].map(seconds);
        assert_eq!(times, ["0 s", "10 s", "2 min 40 s", "21 min 20 s", "5 h 41 min", "1 d", "1 d 1 h"]);
        assert_eq!((percent(1.0, 4.0), percent(1.0, 0.0)), ("25 %".to_owned(), String::new()));
    }
}
