//! What the agent tells its supervisor: that it handles signals now, how long it may take to stop, and its last words.
//!
//! It is a pipe in the place of the agent's standard input, which the agent does not read: no file is needed, so it
//! works on a full or read-only disk as well. Words are bounded on both sides; a pipe that is full or closed costs the
//! agent nothing but the words.

use std::io::{self, PipeReader, Read as _};
use std::time::Duration;

/// Begins a line that ends in milliseconds: signals are handled from now on, and a stop takes so long at most.
const READY: &[u8] = b"ready ";
/// The longest such line.
const MAX_LINE: usize = READY.len() + "18446744073709551615\n".len();
/// The longest last words, in bytes: less than a pipe holds.
pub const MAX_WORDS: usize = 4096;

/// The agent's end.
#[derive(Debug)]
pub struct Sender(());

impl Sender {
    /// The pipe of an agent that has a supervisor.
    pub const fn of_supervised() -> Self {
        Self(())
    }

    /// Says that signals are handled now, and how long a stop may take. Said again where that changes.
    pub fn ready(&self, stop: Duration) {
        self.say(&[READY, format!("{}\n", stop.as_millis()).as_bytes()].concat());
    }

    /// Says why the agent ends.
    pub fn last_words(&self, words: &str) {
        self.say(&words.as_bytes()[..words.len().min(MAX_WORDS)]);
    }

    #[expect(clippy::unused_self, reason = "only an agent with a supervisor may write there")]
    fn say(&self, bytes: &[u8]) {
        // Without a listener nothing is lost that anybody would have heard.
        let _ = rustix::io::write(io::stdin(), bytes);
    }
}

/// The supervisor's end.
#[derive(Debug)]
pub(super) struct Receiver {
    pipe: PipeReader,
    heard: Vec<u8>,
    closed: bool,
}

impl Receiver {
    pub(super) fn new(pipe: PipeReader) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self { pipe, heard: Vec::new(), closed: false })
    }

    /// The pipe, as long as there is something to wait for.
    pub(super) fn pipe(&self) -> Option<&PipeReader> {
        (!self.closed).then_some(&self.pipe)
    }

    /// Hears what there is; how long a stop may take, where the agent has just said that it is ready.
    pub(super) fn hear(&mut self) -> Option<Duration> {
        let mut buffer = [0; MAX_WORDS];
        loop {
            match self.pipe.read(&mut buffer) {
                Ok(0) => {
                    self.closed = true;
                    break;
                }
                Ok(length) => {
                    let room = (MAX_LINE + MAX_WORDS).saturating_sub(self.heard.len());
                    self.heard.extend(buffer.iter().take(length.min(room)));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.closed |= error.kind() != io::ErrorKind::WouldBlock;
                    break;
                }
            }
        }
        let mut ready = None;
        while let Some((stop, length)) = said_ready(&self.heard) {
            ready = Some(stop);
            self.heard.drain(..length);
        }
        ready
    }

    /// The last words of an agent that has ended, on one line.
    pub(super) fn last_words(mut self) -> Option<String> {
        self.hear();
        let words = String::from_utf8_lossy(&self.heard);
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        (!words.is_empty()).then_some(words)
    }
}

/// A whole line at the beginning of what was heard that says ready: how long a stop may take, and the line's length.
fn said_ready(heard: &[u8]) -> Option<(Duration, usize)> {
    let line = heard.split_inclusive(|byte| *byte == b'\n').next()?;
    let number = std::str::from_utf8(line.strip_prefix(READY)?.strip_suffix(b"\n")?).ok()?;
    Some((Duration::from_millis(number.parse().ok()?), line.len()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn channel() -> (Receiver, io::PipeWriter) {
        let (reader, writer) = io::pipe().unwrap();
        (Receiver::new(reader).unwrap(), writer)
    }

    #[test]
    fn readiness_is_heard_each_time_it_is_said_and_the_last_words_at_the_end() {
        let (mut receiver, mut writer) = channel();
        assert_eq!(receiver.hear(), None, "nothing said, nothing heard, nothing waited for");
        writer.write_all(b"ready 50").unwrap();
        assert_eq!(receiver.hear(), None);
        writer.write_all(b"00\n").unwrap();
        assert_eq!(receiver.hear(), Some(Duration::from_secs(5)));
        assert_eq!(receiver.hear(), None);
        writer.write_all(b"ready 8000\nready 9000\nwords on\n  two lines\n").unwrap();
        assert_eq!(receiver.hear(), Some(Duration::from_secs(9)));
        drop(writer);
        assert_eq!(receiver.last_words().unwrap(), "words on two lines");
    }

    #[test]
    fn words_without_readiness_are_heard_and_silence_is_none() {
        let (mut receiver, mut writer) = channel();
        writer.write_all(b"ready or not\n").unwrap();
        assert_eq!(receiver.hear(), None);
        assert_eq!(receiver.last_words().unwrap(), "ready or not");
        let (mut silent, writer) = channel();
        drop(writer);
        assert!(silent.hear().is_none() && silent.pipe().is_none());
        assert_eq!(silent.last_words(), None);
    }

    #[test]
    fn an_agent_that_talks_on_and_on_is_not_kept() {
        let (mut receiver, mut writer) = channel();
        for _ in 0..100 {
            writer.write_all(&[b'x'; MAX_WORDS]).unwrap();
            receiver.hear();
        }
        assert!(receiver.last_words().unwrap().len() <= MAX_LINE + MAX_WORDS);
    }
}
