//! What the agent tells its supervisor: that it handles signals now, and its last words.
//!
//! It is a pipe in the place of the agent's standard input, which the agent does not read: no file is needed, so it
//! works on a full or read-only disk as well. Words are bounded on both sides; a pipe that is full or closed costs the
//! agent nothing but the words.

use std::io::{self, PipeReader, Read as _};

/// The first line: signals are handled from now on.
const READY: &[u8] = b"ready\n";
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

    /// Says that signals are handled now.
    pub fn ready(&self) {
        self.say(READY);
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
    ready: bool,
    closed: bool,
}

impl Receiver {
    pub(super) fn new(pipe: PipeReader) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self { pipe, heard: Vec::new(), ready: false, closed: false })
    }

    /// The pipe, as long as there is something to wait for.
    pub(super) fn pipe(&self) -> Option<&PipeReader> {
        (!self.closed).then_some(&self.pipe)
    }

    /// Hears what there is; true once, when the agent has said that it is ready.
    pub(super) fn hear(&mut self) -> bool {
        let mut buffer = [0; MAX_WORDS];
        loop {
            match self.pipe.read(&mut buffer) {
                Ok(0) => {
                    self.closed = true;
                    break;
                }
                Ok(length) => {
                    let room = (READY.len() + MAX_WORDS).saturating_sub(self.heard.len());
                    self.heard.extend(buffer.iter().take(length.min(room)));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.closed |= error.kind() != io::ErrorKind::WouldBlock;
                    break;
                }
            }
        }
        let ready = !self.ready && self.heard.starts_with(READY);
        self.ready |= ready;
        ready
    }

    /// The last words of an agent that has ended, on one line.
    pub(super) fn last_words(mut self) -> Option<String> {
        self.hear();
        let said = self.heard.strip_prefix(READY).unwrap_or(&self.heard);
        let words = String::from_utf8_lossy(said);
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        (!words.is_empty()).then_some(words)
    }
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
    fn readiness_is_heard_once_and_the_last_words_at_the_end() {
        let (mut receiver, mut writer) = channel();
        assert!(!receiver.hear(), "nothing said, nothing heard, nothing waited for");
        writer.write_all(b"rea").unwrap();
        assert!(!receiver.hear());
        writer.write_all(b"dy\nwords on\n  two lines\n").unwrap();
        assert!(receiver.hear());
        assert!(!receiver.hear());
        drop(writer);
        assert_eq!(receiver.last_words().unwrap(), "words on two lines");
    }

    #[test]
    fn words_without_readiness_are_heard_and_silence_is_none() {
        let (mut receiver, mut writer) = channel();
        writer.write_all(b"ready or not").unwrap();
        assert!(!receiver.hear());
        assert_eq!(receiver.last_words().unwrap(), "ready or not");
        let (mut silent, writer) = channel();
        drop(writer);
        assert!(!silent.hear() && silent.pipe().is_none());
        assert_eq!(silent.last_words(), None);
    }

    #[test]
    fn an_agent_that_talks_on_and_on_is_not_kept() {
        let (mut receiver, mut writer) = channel();
        for _ in 0..100 {
            writer.write_all(&[b'x'; MAX_WORDS]).unwrap();
            receiver.hear();
        }
        assert!(receiver.last_words().unwrap().len() <= READY.len() + MAX_WORDS);
    }
}
