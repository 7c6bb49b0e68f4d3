//! Reads protobuf fields without copying.
//!
//! For the bytes of our own encoder, yet safe on any: a field that does not end inside its message is an
//! error, never a read past it, and an error ends the iteration.

use super::{FIXED32, FIXED64, LEN, VARINT};

/// The bytes are no protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a protobuf message")]
pub(crate) struct Malformed;

/// The payload of a field, by wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    /// Integers, booleans and enums.
    Varint(u64),
    /// Eight bytes: `fixed64`, `sfixed64`, `double`.
    Fixed64(u64),
    /// Four bytes.
    Fixed32,
    /// Strings and messages.
    Bytes(&'a [u8]),
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    pub(crate) payload: Payload<'a>,
    /// The whole field: tag, length and payload.
    pub(crate) raw: &'a [u8],
}

/// The fields of a message in the order of its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) const fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn read(message: &'a [u8]) -> Option<(Field<'a>, &'a [u8])> {
        let (key, rest) = varint(message)?;
        // The key holds a 29-bit field number, never zero, and three bits of wire type.
        let number = key >> 3;
        if number == 0 || number >= 1 << 29 {
            return None;
        }
        let (payload, rest) = match (key & 7).to_le_bytes()[0] {
            VARINT => varint(rest).map(|(value, rest)| (Payload::Varint(value), rest))?,
            FIXED64 => rest
                .split_first_chunk()
                .map(|(bytes, rest)| (Payload::Fixed64(u64::from_le_bytes(*bytes)), rest))?,
            LEN => {
                let (length, rest) = varint(rest)?;
                let (body, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (Payload::Bytes(body), rest)
            }
            FIXED32 => rest.split_first_chunk::<4>().map(|(_, rest)| (Payload::Fixed32, rest))?,
            _ => return None,
        };
        let raw = message.get(..message.len() - rest.len())?;
        Some((Field { number, payload, raw }, rest))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let read = Self::read(self.0);
        self.0 = read.map_or(&[], |(_, rest)| rest);
        Some(read.map(|(field, _)| field).ok_or(Malformed))
    }
}

/// The varint at the start of `bytes` and what follows it; none where it is cut off or does not fit 64 bits.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        if index == 9 && *byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{put_len_header, put_varint, tag, varint_len};

    proptest! {
        #[test]
        fn a_varint_is_read_as_it_was_written_and_its_length_is_known(value: u64, shift in 0..64_u32) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            prop_assert_eq!(bytes.len(), varint_len(value));
            prop_assert_eq!(bytes.len(), prost::encoding::encoded_len_varint(value));
            for cut in 0..bytes.len() {
                prop_assert_eq!(varint(&bytes[..cut]), None);
            }
            bytes.push(0xff);
            prop_assert_eq!(varint(&bytes), Some((value, &[0xff][..])));
        }

        #[test]
        fn any_bytes_are_read_to_an_end_and_only_an_error_leaves_some_unread(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut read = 0;
            let mut failed = false;
            for field in Fields::new(&bytes) {
                prop_assert!(!failed, "nothing follows an error");
                match field {
                    Ok(field) => read += field.raw.len(),
                    Err(Malformed) => failed = true,
                }
            }
            prop_assert_eq!(read == bytes.len(), !failed);
        }
    }

    #[test]
    fn a_field_that_does_not_end_inside_its_message_is_an_error() {
        let mut cut = vec![tag(1, VARINT), 5];
        put_len_header(&mut cut, 2, 4);
        cut.extend_from_slice(b"abc");
        let fields: Vec<_> = Fields::new(&cut).collect();
        let first = Field { number: 1, payload: Payload::Varint(5), raw: &[8, 5] };
        assert_eq!(fields, [Ok(first), Err(Malformed)]);
        for malformed in [&[tag(1, FIXED64), 0][..], &[tag(1, FIXED32), 0], &[tag(1, 3)], &[tag(0, 0), 0]] {
            assert_eq!(Fields::new(malformed).collect::<Vec<_>>(), [Err(Malformed)], "{malformed:?}");
        }
        let mut most = [0xff; 10];
        most[9] = 1;
        assert_eq!(varint(&most), Some((u64::MAX, &[][..])));
        most[9] = 2;
        assert_eq!(varint(&most), None, "more than 64 bits");
        assert_eq!(varint(&[0x80; 11]), None, "more than ten bytes");
    }
}
