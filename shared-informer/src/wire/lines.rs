//! A stream, split into its lines, each within a bound.

use crate::informer::event::End;

/// What is kept between lines; a long line's memory is given back.
const KEPT: usize = 64 << 10;

/// A stream that is being split.
#[derive(Debug)]
pub struct Lines {
    limit: usize,
    begun: Vec<u8>,
}

impl Lines {
    /// Lines of at most `limit` bytes, without their end.
    pub const fn new(limit: usize) -> Self {
        Self { limit, begun: Vec::new() }
    }

    /// Takes the next bytes and gives each line that is complete to `each`.
    ///
    /// # Errors
    /// A line is longer than the limit, be it complete or not; or what `each` said. Nothing can be read after that.
    pub fn feed(&mut self, chunk: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), End>) -> Result<(), End> {
        let mut rest = chunk;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let (end, after) = rest.split_at(at);
            rest = after.get(1..).unwrap_or_default();
            if self.begun.len() + end.len() > self.limit {
                return Err(End::TooLarge);
            }
            if self.begun.is_empty() {
                each(end)?;
            } else {
                self.begun.extend_from_slice(end);
                let said = each(&self.begun);
                self.begun.clear();
                self.begun.shrink_to(KEPT);
                said?;
            }
        }
        if self.begun.len() + rest.len() > self.limit {
            return Err(End::TooLarge);
        }
        self.begun.extend_from_slice(rest);
        Ok(())
    }

    /// How the stream ended, if it ends now in good order: cut within a line, or after one.
    pub fn finish(&self) -> End {
        if self.begun.is_empty() { End::Closed } else { End::Broken }
    }
}
