//! Lines out of chunks that may end anywhere. Pure; holds no more than one line of at most [`LINE_LIMIT`] bytes.

/// The longest line that is handed out. The kernel's have 150 bytes, with IPv6 about 180.
pub(super) const LINE_LIMIT: usize = 512;

/// The line that the chunks so far have begun.
#[derive(Debug)]
pub(super) struct Lines {
    /// Its bytes, as long as they are at most [`LINE_LIMIT`].
    begun: Vec<u8>,
    /// Its length so far.
    length: usize,
    /// Where it begins in the file.
    at: usize,
}

impl Lines {
    /// Before the first chunk.
    pub(super) fn new() -> Self {
        Self { begun: Vec::with_capacity(LINE_LIMIT), length: 0, at: 0 }
    }

    /// Hands each line that `chunk` completes to `visit`, with the offset of its first byte; without its
    /// content if it is too long.
    pub(super) fn feed(&mut self, chunk: &[u8], mut visit: impl FnMut(usize, Option<&[u8]>)) {
        let mut rest = chunk;
        while let Some(newline) = rest.iter().position(|byte| *byte == b'\n') {
            self.end(&rest[..newline], &mut visit);
            rest = &rest[newline + 1..];
        }
        self.keep(rest);
    }

    /// Hands out a last line without newline, and starts again.
    pub(super) fn finish(&mut self, mut visit: impl FnMut(usize, Option<&[u8]>)) {
        if self.length > 0 {
            self.end(&[], &mut visit);
        }
        self.at = 0;
    }

    fn end(&mut self, last: &[u8], visit: &mut impl FnMut(usize, Option<&[u8]>)) {
        let whole = self.length == 0 && last.len() <= LINE_LIMIT;
        if whole {
            visit(self.at, Some(last));
            self.length = last.len();
        } else {
            self.keep(last);
            visit(self.at, (self.length <= LINE_LIMIT).then_some(&self.begun));
        }
        self.at += self.length + 1;
        self.length = 0;
        self.begun.clear();
    }

    fn keep(&mut self, part: &[u8]) {
        self.length += part.len();
        if self.length <= LINE_LIMIT {
            self.begun.extend_from_slice(part);
        }
    }
}
