//! The names of the log's files, and the content of the cursor. Pure.

/// The file that remembers how far the log was delivered.
pub(super) const CURSOR: &str = "cursor";

const MAGIC: [u8; 8] = *b"tare-cu\x01";
const LENGTH: usize = 20;

/// `<number of its first record>-<salt>.seg`, both as 16 hexadecimal digits.
pub(super) fn segment(first: u64, salt: u64) -> String {
    format!("{first:016x}-{salt:016x}.seg")
}

/// The first number and the salt of a segment; none for any other file.
pub(super) fn parse_segment(name: &str) -> Option<(u64, u64)> {
    let (first, salt) = name.strip_suffix(".seg")?.split_once('-')?;
    let number = |digits: &str| u64::from_str_radix(digits, 16).ok();
    let (first, salt) = (number(first)?, number(salt)?);
    (segment(first, salt) == name).then_some((first, salt))
}

/// The cursor file that says: every record below `number` is done with.
pub(super) fn encode_cursor(number: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(LENGTH);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&number.to_le_bytes());
    let checksum = crc32c::crc32c(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// The number in a cursor file; none if it is damaged.
pub(super) fn decode_cursor(data: &[u8]) -> Option<u64> {
    let data: &[u8; LENGTH] = data.try_into().ok()?;
    let (fields, checksum) = data.split_last_chunk::<4>()?;
    if crc32c::crc32c(fields) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let number = fields.strip_prefix(&MAGIC)?.first_chunk()?;
    Some(u64::from_le_bytes(*number))
}
