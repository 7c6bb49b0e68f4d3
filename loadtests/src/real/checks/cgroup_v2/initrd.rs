//! An initial file system for a kernel: a cpio archive in the "newc" format (the kernel's
//! `Documentation/driver-api/early-userspace/buffer-format.rst`), uncompressed because decompressing costs an
//! emulated CPU more than reading.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;

/// A regular file that may be executed.
const PROGRAM: u32 = 0o100_755;
const FOLDER: u32 = 0o040_755;

/// Writes an archive to `out`, entry by entry.
pub(super) struct Archive<W> {
    out: W,
    entries: u32,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, entries: 0 }
    }

    /// A folder; the one around it has to be there already.
    pub(super) fn folder(&mut self, path: &str) -> io::Result<()> {
        self.entry(path, FOLDER, &[])
    }

    /// A copy of the file `from`, executable.
    pub(super) fn program(&mut self, path: &str, from: &Path) -> anyhow::Result<()> {
        let content = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
        Ok(self.entry(path, PROGRAM, &content)?)
    }

    /// A file with this content.
    pub(super) fn file(&mut self, path: &str, content: &str) -> io::Result<()> {
        self.entry(path, 0o100_644, content.as_bytes())
    }

    /// The end mark.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.out.flush()
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        let too_large = |_| io::Error::other("larger than the format allows");
        let size = u32::try_from(content.len()).map_err(too_large)?;
        let name_size = u32::try_from(path.len() + 1).map_err(too_large)?;
        self.entries += 1;
        // Inode, mode, owner, group, links, time, size, device and its minor, special file and its minor, length
        // of the name with its NUL, checksum (unused).
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        let mut header = String::from("070701");
        for field in fields {
            // Writing to a String cannot fail.
            let _ = write!(header, "{field:08x}");
        }
        self.out.write_all(header.as_bytes())?;
        self.out.write_all(path.as_bytes())?;
        self.out.write_all(&[0])?;
        self.pad(header.len() + path.len() + 1)?;
        self.out.write_all(content)?;
        self.pad(content.len())
    }

    /// Names and contents both end at a multiple of four.
    fn pad(&mut self, length: usize) -> io::Result<()> {
        let rest = length.next_multiple_of(4) - length;
        self.out.write_all(&[0; 3][..rest])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_followed_by_an_end_mark() {
        let mut bytes = Vec::new();
        let mut archive = Archive::new(&mut bytes);
        archive.folder("a").unwrap();
        archive.file("a/b", "hello").unwrap();
        archive.finish().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.len() % 4, 0);
        assert!(text.starts_with("070701000000010000"), "{text}");
        // 110 bytes of header and "a\0" make 112; the next header begins right there.
        assert_eq!(text.get(112..118), Some("070701"));
        // 112 + 110 + "a/b\0" is 226, padded to 228.
        assert_eq!(text.get(228..236), Some("hello\0\0\0"));
        assert_eq!(text.get(236..242), Some("070701"));
        assert!(text.trim_end_matches('\0').ends_with("TRAILER!!!"));
    }
}
