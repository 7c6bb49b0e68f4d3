//! The frame around every file of the state directory: it tells a whole file of ours from anything else. Pure.
//!
//! ```text
//! offset  bytes
//!      0      8  magic: which kind of file
//!      8      4  version, little endian
//!     12      8  length of the body, little endian
//!     20      n  body
//!   20+n      4  CRC32C of everything before, little endian
//! ```
//! Invariant: a body is given out only where length, checksum, magic and version are right. A later version of
//! any kind may change its body, never the frame.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Unusable;

/// Magic, version, length of the body.
const FRONT: usize = 8 + 4 + 8;
const CHECKSUM: usize = 4;

/// One kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Its first eight bytes.
    pub magic: [u8; 8],
    /// The version that is written, and the only one that is read.
    pub version: u32,
}

impl Frame {
    /// The beginning of a file; the body is appended to it, then it is given to [`Frame::seal`].
    pub fn begin(&self) -> Vec<u8> {
        let mut file = Vec::from(self.magic);
        file.extend(self.version.to_le_bytes());
        file.extend(0u64.to_le_bytes());
        file
    }

    /// Whether a file that has grown to this length can still be sealed within the bound.
    pub const fn fits(file: &[u8], max_bytes: usize) -> bool {
        file.len() + CHECKSUM <= max_bytes
    }

    /// Completes what [`Frame::begin`] began.
    ///
    /// # Errors
    /// [`Unusable::TooLarge`] above `max_bytes`: better no file than one that the next life refuses.
    pub fn seal(&self, mut file: Vec<u8>, max_bytes: usize) -> Result<Vec<u8>, Unusable> {
        if !Self::fits(&file, max_bytes) {
            return Err(Unusable::TooLarge { limit: max_bytes });
        }
        let body = file.len().saturating_sub(FRONT) as u64;
        if let Some(length) = file.get_mut(12..FRONT) {
            length.copy_from_slice(&body.to_le_bytes());
        }
        file.extend(crc32c::crc32c(&file).to_le_bytes());
        Ok(file)
    }

    /// The body, after everything around it was checked.
    ///
    /// # Errors
    /// See [`Unusable`]; neither `Malformed`, `OtherCluster` nor `Io`.
    pub fn open<'f>(&self, file: &'f [u8], max_bytes: usize) -> Result<&'f [u8], Unusable> {
        if file.len() > max_bytes {
            return Err(Unusable::TooLarge { limit: max_bytes });
        }
        let shown = file.get(..self.magic.len()).unwrap_or(file);
        if !self.magic.starts_with(shown) {
            return Err(Unusable::Foreign);
        }
        let short = Unusable::Corrupt { what: "too short" };
        let Some((content, checksum)) = file.split_last_chunk::<CHECKSUM>() else { return Err(short) };
        let Some((front, body)) = content.split_first_chunk::<FRONT>() else { return Err(short) };
        if crc32c::crc32c(content) != u32::from_le_bytes(*checksum) {
            return Err(Unusable::Corrupt { what: "wrong checksum" });
        }
        let [_, _, _, _, _, _, _, _, v1, v2, v3, v4, length @ ..] = *front;
        if u64::try_from(body.len()).ok() != Some(u64::from_le_bytes(length)) {
            return Err(Unusable::Corrupt { what: "wrong length" });
        }
        match u32::from_le_bytes([v1, v2, v3, v4]) {
            version if version == self.version => Ok(body),
            found => Err(Unusable::Version { found, ours: self.version }),
        }
    }

    /// A file whose body is one JSON document.
    ///
    /// # Errors
    /// As [`Frame::seal`]; [`Unusable::Malformed`] is not to be expected.
    pub fn write_json(&self, content: &impl Serialize, max_bytes: usize) -> Result<Vec<u8>, Unusable> {
        let mut file = self.begin();
        serde_json::to_writer(&mut file, content).map_err(|_| Unusable::Malformed { what: "content" })?;
        self.seal(file, max_bytes)
    }

    /// The content of a file whose body is one JSON document.
    ///
    /// # Errors
    /// As [`Frame::open`], and [`Unusable::Malformed`].
    pub fn read_json<T: DeserializeOwned>(&self, file: &[u8], max_bytes: usize) -> Result<T, Unusable> {
        serde_json::from_slice(self.open(file, max_bytes)?)
            .map_err(|_| Unusable::Malformed { what: "content" })
    }
}
