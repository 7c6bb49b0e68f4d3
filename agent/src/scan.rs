//! A scanner over the bytes of a procfs file: lines, words and decimal numbers, without allocation.
//!
//! It never panics and never reads past its slice; a number that does not fit is no number.

/// The lines of `text` without their newlines; a last line without one counts.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n').take(if text.is_empty() { 0 } else { usize::MAX })
}

/// A cursor over the blank-separated words of one line.
#[derive(Debug, Clone)]
pub struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    /// The words of `line`; blanks are spaces and tabs.
    pub const fn new(line: &'a [u8]) -> Self {
        Self(line)
    }

    /// The next word, parsed as a decimal number; `None` at the end or where it is no number below 2^64.
    pub fn u64(&mut self) -> Option<u64> {
        decimal(self.next()?)
    }

    /// What has not been read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|byte| !matches!(byte, b' ' | b'\t'))?;
        let word = &self.0[start..];
        let end = word.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(word.len());
        self.0 = &word[end..];
        Some(&word[..end])
    }
}

/// A decimal number without sign; `None` for an empty word, another character, or 2^64 and more.
pub fn decimal(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// A decimal number with an optional fraction (`0.52`, `2596.126`); `None` for anything else: no sign, no
/// exponent, at most 32 characters.
pub fn fraction(word: &[u8]) -> Option<f64> {
    let mut halves = word.splitn(2, |byte| *byte == b'.');
    let digits = |half: &[u8]| half.iter().all(u8::is_ascii_digit);
    let (whole, part) = (halves.next()?, halves.next().unwrap_or_default());
    if whole.is_empty() || !digits(whole) || !digits(part) || word.len() > 32 {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The position of `part` in `text`, where `part` is a subslice of it: for the offset in an error.
pub fn offset(text: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr()).min(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_outside_64_bits_and_foreign_characters_are_no_numbers() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(decimal(b"18446744073709551616"), None);
        for word in [&b""[..], b"-1", b"1x", b"0x1", b" 1"] {
            assert_eq!(decimal(word), None, "{word:?}");
        }
    }

    #[test]
    fn a_fraction_has_digits_and_at_most_one_point() {
        for (word, number) in [(&b"0.52"[..], 0.52), (b"2596.126", 2596.126), (b"7", 7.0), (b"1.", 1.0)] {
            assert_eq!(fraction(word), Some(number), "{word:?}");
        }
        for word in [&b""[..], b".", b".5", b"-1.0", b"1e3", b"inf", b"nan", b"1.2.3", b"1,5", &[b'1'; 33]] {
            assert_eq!(fraction(word), None, "{word:?}");
        }
    }

    #[test]
    fn the_offset_of_a_line_is_where_it_begins_in_its_text() {
        let text = b"one\ntwo\n";
        let offsets: Vec<_> = lines(text).map(|line| offset(text, line)).collect();
        assert_eq!(offsets, [0, 4]);
    }

    proptest! {
        #[test]
        fn words_are_what_split_ascii_whitespace_gives(line in "[a-z0-9 \t:-]{0,60}") {
            let ours: Vec<_> = Words::new(line.as_bytes()).collect();
            let theirs: Vec<_> = line.split_ascii_whitespace().map(str::as_bytes).collect();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn lines_are_what_str_lines_gives(text in "[a-z \n]{0,60}") {
            let ours: Vec<_> = lines(text.as_bytes()).collect();
            let theirs: Vec<_> = text.strip_suffix('\n').unwrap_or(&text).split('\n').map(str::as_bytes).collect();
            if text.strip_suffix('\n').unwrap_or(&text).is_empty() {
                prop_assert!(ours.is_empty());
            } else {
                prop_assert_eq!(ours, theirs);
            }
        }
    }
}
