//! Foreign words, made fit for a log.

/// The most characters of a server's words that are kept.
const LONGEST: usize = 256;

/// The first [`LONGEST`] characters on one line, without control characters.
pub(super) fn bounded(text: &str) -> Box<str> {
    let clean = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(LONGEST).collect::<String>().into()
}
