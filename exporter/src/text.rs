//! Foreign text for logs and status: bounded, and without anything that could pass for more than text.

use std::error::Error;

/// The most characters that are kept of a foreign text.
const MAX: usize = 200;

/// The text for people. Characters that are neither letters, digits, ASCII signs nor spaces (line ends,
/// terminal sequences, characters that reverse the direction of writing) become spaces, runs of spaces
/// become one, and what is longer than 200 characters is cut.
pub(crate) fn clean(bytes: &[u8]) -> String {
    // Four bytes at most for a character: the rest could never be shown.
    let bytes = bytes.get(..4 * (MAX + 1)).unwrap_or(bytes);
    let mut out = String::new();
    let mut count = 0;
    let mut gap = false;
    for character in String::from_utf8_lossy(bytes).chars() {
        if !(character.is_ascii_graphic() || character.is_alphanumeric()) {
            gap = !out.is_empty();
            continue;
        }
        if count >= MAX {
            out.push_str("...");
            break;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
            count += 1;
        }
        out.push(character);
        count += 1;
    }
    out
}

/// An error with its causes, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    // A chain of errors is short; the bound guards against one that refers to itself.
    for _ in 0..8 {
        let Some(cause) = next else { break };
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    clean(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_break_a_line_steer_a_terminal_or_grow() {
        assert_eq!(clean(b"  bad\r\n\x1b[31mtoken\0 "), "bad [31mtoken");
        assert_eq!(clean("Gr\u{fc}\u{df}e \u{202e}live".as_bytes()), "Gr\u{fc}\u{df}e live");
        assert_eq!(clean(&[0xff, 0xfe, b'x']), "x");
        assert_eq!(clean(b""), "");
        assert_eq!(clean(&[b'a'; 200]), "a".repeat(200));
        assert_eq!(clean(&[b'a'; 5_000]), format!("{}...", "a".repeat(200)));
        assert!(clean("\u{1d400} ".repeat(5_000).as_bytes()).chars().count() <= 204);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn an_error_is_told_with_its_cause() {
        assert_eq!(chain(&Outer(std::io::Error::other("the disk is gone"))), "outer: the disk is gone");
    }
}
