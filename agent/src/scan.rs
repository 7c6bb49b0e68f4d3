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
