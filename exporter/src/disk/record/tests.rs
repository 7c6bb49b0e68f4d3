use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const SALT: u64 = 0x1234_5678_9abc_def0;

fn record() -> impl Strategy<Value = Record> {
    // Bodies made of the magic's own bytes, too.
    let byte = prop_oneof![any::<u8>(), prop::sample::select(MAGIC.to_vec())];
    let fields = (any::<bool>(), any::<bool>(), any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
    (fields, vec(byte, 0..300)).prop_map(|((own, gzip, number, points, first, last), payload)| Record {
        number,
        class: if own { Class::SelfTelemetry } else { Class::Data },
        compression: if gzip { Compression::Gzip } else { Compression::None },
        points,
        first: Timestamp(first),
        last: Timestamp(last),
        payload: payload.into(),
    })
}

/// The bytes of a segment, and where each record ends.
fn segment(records: &[Record]) -> (Vec<u8>, Vec<usize>) {
    let (mut data, mut ends) = (Vec::new(), Vec::new());
    for record in records {
        data.extend(encode(SALT, record).expect("small enough"));
        ends.push(data.len());
    }
    (data, ends)
}

fn sound(data: Vec<u8>) -> Vec<Record> {
    let data = Bytes::from(data);
    let (mut found, mut offset) = (Vec::new(), 0);
    while let Some((piece, end)) = next_piece(&data, SALT, offset) {
        assert!(end > offset && end <= data.len(), "it always gets on");
        offset = end;
        if let Piece::Sound(record) = piece {
            found.push(record);
        }
    }
    assert_eq!(offset, data.len());
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_cut_off_and_whichever_bits_flip_exactly_the_untouched_records_are_found(
        records in vec(record(), 0..8),
        flips in vec((any::<prop::sample::Index>(), 0_u8..8), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (original, ends) = segment(&records);
        let mut data = original.clone();
        for (at, bit) in flips.iter().filter(|_| !original.is_empty()) {
            data[at.index(original.len())] ^= 1 << bit;
        }
        data.truncate(cut.map_or(data.len(), |at| at.index(data.len() + 1)));
        let mut expected = Vec::new();
        let mut start = 0;
        for (record, end) in records.into_iter().zip(ends) {
            if data.get(start..end) == original.get(start..end) {
                expected.push(record);
            }
            start = end;
        }
        prop_assert_eq!(sound(data), expected);
    }

    #[test]
    fn bytes_of_a_stranger_hold_no_record(data in vec(any::<u8>(), 0..2_000), other in record()) {
        prop_assert_eq!(sound(data.clone()), []);
        let mut data = data;
        data.extend(encode(!SALT, &other).expect("small enough"));
        prop_assert_eq!(sound(data), []);
    }
}

fn plain(number: u64, payload: Vec<u8>) -> Record {
    let (class, compression) = (Class::Data, Compression::None);
    let (first, last) = (Timestamp(5), Timestamp(9));
    Record { number, class, compression, points: 7, first, last, payload: payload.into() }
}

#[test]
fn a_record_inside_the_body_of_a_damaged_one_is_not_taken_for_one() {
    let inner = encode(!SALT, &plain(4, vec![1; 30])).expect("small enough");
    let (mut data, ends) = segment(&[plain(1, inner), plain(2, vec![2])]);
    data[9] ^= 1;
    assert_eq!(sound(data.clone()), [plain(2, vec![2])]);
    let noise = next_piece(&data.into(), SALT, 0);
    assert_eq!(noise, Some((Piece::Noise, ends[0])));
}

#[test]
fn a_damaged_body_is_skipped_by_its_sound_header_which_says_what_was_lost() {
    let (mut data, ends) = segment(&[plain(3, vec![0; 50])]);
    data[HEADER + 20] ^= 0x40;
    let piece = next_piece(&data.into(), SALT, 0);
    assert_eq!(piece, Some((Piece::Rotten { number: 3, points: 7 }, ends[0])));
}

#[test]
fn the_layout_on_the_disk_does_not_change_within_a_version() {
    let bytes = encode(SALT, &plain(3, b"body".to_vec())).expect("small enough");
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let expected = [
        "745271b1",         // magic
        "01000000",         // version, class, compression, nothing
        "04000000",         // length of the body
        "50c93f26",         // CRC32C of the body
        "0700000000000000", // points
        "0500000000000000", // first sample
        "0900000000000000", // last sample
        "f0debc9a78563412", // salt
        "0300000000000000", // number
        "3e651ed1",         // CRC32C of the header
        "626f6479",
    ];
    assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283, "the checksum is the one of RFC 3720");
    assert_eq!(hex, expected.concat());
}

#[test]
fn a_body_beyond_the_bound_is_refused() {
    assert_eq!(encode(SALT, &plain(1, vec![0; MAX_PAYLOAD + 1])), None);
    assert!(encode(SALT, &plain(1, vec![0; MAX_PAYLOAD])).is_some());
}
