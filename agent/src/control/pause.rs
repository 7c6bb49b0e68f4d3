//! Whether a person said stop: decided from the content of one file. Pure.
//!
//! The file is the only truth: `tare pause`, the signals and an editor's `touch` all write it, so a pause outlives a
//! restart, an OOM kill and a lost socket. Any content pauses until the file is gone. Only a file that holds exactly
//! `until <RFC 3339>`, which `tare pause --for` writes, ends by itself.
//!
//! Invariant: in doubt, paused. A file that is there but cannot be read, or is not understood, pauses.

use shared_informer::clock::Wall;

use super::time;

/// More of a file is not looked at: it is no expiry, so it pauses without end.
pub const MAX_BYTES: usize = 256;

/// What was found where the pause file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// No file.
    Absent,
    /// A file with this beginning.
    Bytes(&'a [u8]),
    /// A file, or something else, that does not let itself be read.
    Unreadable,
}

/// Whether the agent may ask anything of the API server and the kubelet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pause {
    /// It may.
    #[default]
    Running,
    /// A person said stop.
    Paused {
        /// When that ends by itself; none if it does not.
        until: Option<Wall>,
        /// Where it was said.
        cause: Cause,
    },
}

/// Where it was said that the agent is to pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// In the pause file.
    File,
    /// The pause file cannot be read.
    Unreadable,
    /// Over the socket or by a signal, while the file could not be written: lost with the process.
    Memory,
}

impl Cause {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Unreadable => "unreadable",
            Self::Memory => "memory",
        }
    }
}

impl Pause {
    /// Whether it is a pause.
    pub const fn is_paused(self) -> bool {
        matches!(self, Self::Paused { .. })
    }

    /// Both: paused if either is, and until the later of their ends.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Running, other) => other,
            (this, Self::Running) => this,
            (Self::Paused { until: first, cause }, Self::Paused { until: second, .. }) => {
                Self::Paused { until: first.zip(second).map(|(first, second)| first.max(second)), cause }
            }
        }
    }
}

/// What the file says at `now`.
pub fn state(content: Content<'_>, now: Wall) -> Pause {
    let bytes = match content {
        Content::Absent => return Pause::Running,
        Content::Unreadable => return Pause::Paused { until: None, cause: Cause::Unreadable },
        Content::Bytes(bytes) => bytes,
    };
    match expiry(bytes) {
        Some(until) if until <= now => Pause::Running,
        until => Pause::Paused { until, cause: Cause::File },
    }
}

/// The content that pauses until then, or without end.
pub fn content(until: Option<Wall>) -> String {
    match until {
        Some(until) => format!("until {}\n", time::text(until)),
        None => "paused\n".to_owned(),
    }
}

fn expiry(bytes: &[u8]) -> Option<Wall> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    time::parse(std::str::from_utf8(bytes).ok()?.trim().strip_prefix("until ")?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const NOW: Wall = Wall::new(Duration::from_secs(1_795_244_279));

    fn of(bytes: &[u8]) -> Pause {
        state(Content::Bytes(bytes), NOW)
    }

    #[test]
    fn no_file_is_no_pause_and_any_file_is_one() {
        assert_eq!(state(Content::Absent, NOW), Pause::Running);
        let endless = Pause::Paused { until: None, cause: Cause::File };
        for bytes in [&b""[..], b"\n", b"no", b"until", b"until tomorrow", b"until 2020-01-01", b"\xff\xfe"] {
            assert_eq!(of(bytes), endless, "{bytes:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_pauses() {
        let unreadable = Pause::Paused { until: None, cause: Cause::Unreadable };
        assert_eq!(state(Content::Unreadable, NOW), unreadable);
    }

    #[test]
    fn an_expiry_pauses_up_to_its_instant_and_not_longer() {
        let second = Duration::from_secs(1);
        assert_eq!(of(content(Some(NOW)).as_bytes()), Pause::Running);
        assert_eq!(of(content(Some(NOW.minus(second))).as_bytes()), Pause::Running);
        let later = NOW.plus(second);
        let paused = Pause::Paused { until: Some(later), cause: Cause::File };
        assert_eq!(of(content(Some(later)).as_bytes()), paused);
        assert!(of(content(None).as_bytes()).is_paused());
    }

    #[test]
    fn an_expiry_with_anything_beside_it_is_no_expiry() {
        let past = content(Some(NOW.minus(Duration::from_secs(9))));
        assert_eq!(of(past.as_bytes()), Pause::Running);
        for text in [format!("{past}x"), format!("x{past}"), format!("{past}{}", " ".repeat(MAX_BYTES))] {
            assert!(of(text.as_bytes()).is_paused(), "{text:?}");
        }
    }

    #[test]
    fn of_two_pauses_the_longer_counts() {
        let until = |seconds: Option<u64>| Pause::Paused {
            until: seconds.map(|seconds| Wall::new(Duration::from_secs(seconds))),
            cause: Cause::Memory,
        };
        assert_eq!(until(Some(5)).and(until(Some(9))), until(Some(9)));
        assert_eq!(until(Some(5)).and(until(None)), until(None));
        assert_eq!(Pause::Running.and(until(Some(5))), until(Some(5)));
        assert_eq!(until(Some(5)).and(Pause::Running), until(Some(5)));
        assert_eq!(Pause::Running.and(Pause::Running), Pause::Running);
    }

    proptest! {
        #[test]
        fn only_an_expiry_that_is_over_lets_an_existing_file_not_pause(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if of(&bytes) == Pause::Running {
                prop_assert!(expiry(&bytes).is_some_and(|until| until <= NOW));
            }
        }
    }
}
