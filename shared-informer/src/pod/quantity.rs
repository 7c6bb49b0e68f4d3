//! Kubernetes quantities (`100m`, `1.5Gi`, `12e3`): text in, an exact integer out.
//!
//! The grammar and the rounding are those of `k8s.io/apimachinery/pkg/api/resource`: everything finer than a
//! billionth is rounded away from zero, everything above 2^63-1 is capped. A test compares with the original
//! on 1,580 texts; only a suffix without any digit, which the original reads as zero by accident, is refused.
//! Nothing here allocates, and the work is bounded by the length of the text, whatever the exponent says (the
//! original runs for minutes on `1e2147483648`).

#[cfg(test)]
mod tests;

/// The longest text that is looked at, in bytes. The API server writes at most 22.
pub const MAX_LEN: usize = 64;
/// The largest magnitude, in billionths: 2^63-1 units.
const CAP: u128 = (i64::MAX as u128) * NANO;
const NANO: u128 = 1_000_000_000;
/// Digits behind the point that are exact together with the largest binary suffix.
const BINARY_FRACTION: usize = 20;

/// A quantity, exact to a billionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i128);

/// Why a text is no quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text is empty.
    #[error("a quantity must not be empty")]
    Empty,
    /// The text is longer than [`MAX_LEN`].
    #[error("a quantity must not be longer than 64 bytes")]
    TooLong,
    /// There is no digit before the suffix.
    #[error("a quantity must begin with a number")]
    Number,
    /// What follows the number is no suffix of Kubernetes.
    #[error("the suffix of a quantity must be one of n u m k M G T P E Ki Mi Gi Ti Pi Ei or an exponent")]
    Suffix,
    /// A binary suffix with more digits behind the point than are worth anything.
    #[error("a quantity with a binary suffix may have at most 20 digits behind the point")]
    Fraction,
}

enum Suffix {
    /// Ten to this power.
    Decimal(i64),
    /// Two to this power.
    Binary(u32),
}

impl Quantity {
    /// Reads a quantity as the API server would.
    ///
    /// # Errors
    /// When the text does not follow the grammar; see [`QuantityError`].
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Empty);
        }
        if text.len() > MAX_LEN {
            return Err(QuantityError::TooLong);
        }
        let (negative, rest) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest.strip_prefix(b"+").unwrap_or(rest)),
        };
        let (whole, rest) = digits(rest);
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => digits(rest),
            _ => (&[][..], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(QuantityError::Number);
        }
        let nanos = match suffix(rest)? {
            Suffix::Decimal(exponent) => decimal(whole, fraction, exponent),
            Suffix::Binary(bits) => binary(whole, fraction, bits)?,
        };
        let nanos = i128::try_from(nanos.min(CAP)).unwrap_or(i128::MAX);
        Ok(Self(if negative { -nanos } else { nanos }))
    }

    /// The value in billionths of the unit: nanocores for CPU.
    pub const fn nanos(self) -> i128 {
        self.0
    }

    /// The value in whole units, rounded away from zero: bytes for memory.
    pub fn units(self) -> i64 {
        let magnitude = self.0.unsigned_abs().div_ceil(NANO);
        let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
        if self.0 < 0 { -magnitude } else { magnitude }
    }
}

/// The leading digits, and what follows them.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn suffix(text: &[u8]) -> Result<Suffix, QuantityError> {
    Ok(match text {
        b"n" => Suffix::Decimal(-9),
        b"u" => Suffix::Decimal(-6),
        b"m" => Suffix::Decimal(-3),
        b"" => Suffix::Decimal(0),
        b"k" => Suffix::Decimal(3),
        b"M" => Suffix::Decimal(6),
        b"G" => Suffix::Decimal(9),
        b"T" => Suffix::Decimal(12),
        b"P" => Suffix::Decimal(15),
        b"E" => Suffix::Decimal(18),
        b"Ki" => Suffix::Binary(10),
        b"Mi" => Suffix::Binary(20),
        b"Gi" => Suffix::Binary(30),
        b"Ti" => Suffix::Binary(40),
        b"Pi" => Suffix::Binary(50),
        b"Ei" => Suffix::Binary(60),
        [b'e' | b'E', exponent @ ..] => {
            let exponent = std::str::from_utf8(exponent).ok().and_then(|text| text.parse().ok());
            Suffix::Decimal(exponent.ok_or(QuantityError::Suffix)?)
        }
        _ => return Err(QuantityError::Suffix),
    })
}

/// The digits as billionths, the point moved by `exponent`; what falls below a billionth rounds up.
fn decimal(whole: &[u8], fraction: &[u8], exponent: i64) -> u128 {
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent).saturating_add(9);
    let (mut nanos, mut rest, mut at) = (0u128, false, 0i64);
    for digit in whole.iter().chain(fraction) {
        if at < point {
            nanos = (nanos * 10 + u128::from(digit - b'0')).min(CAP);
        } else {
            rest |= *digit != b'0';
        }
        at += 1;
    }
    // At most 28 rounds: zero stays zero, and everything else meets the cap.
    while at < point && nanos > 0 && nanos < CAP {
        nanos = (nanos * 10).min(CAP);
        at += 1;
    }
    nanos + u128::from(rest)
}

/// The digits times two to the power of `bits` (at most 60), as billionths, rounded up.
fn binary(whole: &[u8], fraction: &[u8], bits: u32) -> Result<u128, QuantityError> {
    let limit = CAP / NANO;
    let units = whole.iter().fold(0u128, |sum, digit| (sum * 10 + u128::from(digit - b'0')).min(limit));
    let nanos = (units << bits).min(limit) * NANO;

    let significant = fraction.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    if significant > BINARY_FRACTION {
        return Err(QuantityError::Fraction);
    }
    let part = fraction.iter().take(significant).fold(0u128, |sum, d| sum * 10 + u128::from(d - b'0'));
    let places = u32::try_from(significant).unwrap_or(u32::MAX);
    // 10^20 * 2^60 < 2^127, so nothing overflows in either branch.
    let part = match places.checked_sub(9) {
        Some(below) => (part << bits).div_ceil(10u128.pow(below)),
        None => (part * 10u128.pow(9 - places)) << bits,
    };
    Ok(nanos + part)
}
