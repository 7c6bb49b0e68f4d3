use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_message_is_decompressed_up_to_four_mebibytes_and_only_its_beginning_is_kept() {
    for (length, fits) in [(0, true), (MAX_KEPT, true), (4 << 20, true), ((4 << 20) + 1, false)] {
        match decompress(&gzip(&vec![0; length]), true) {
            Ok(Plain { bytes, complete }) => {
                assert!(fits, "{length}");
                assert_eq!((bytes.len(), complete), (length.min(MAX_KEPT), length <= MAX_KEPT));
                assert!(bytes.capacity() <= 2 * MAX_KEPT, "{}", bytes.capacity());
            }
            Err(what) => assert!(!fits && what.contains("longer than 4194304"), "{length}: {what}"),
        }
    }
}

#[test]
fn of_a_message_that_was_not_kept_whole_the_beginning_counts() {
    let plain: Vec<u8> = (0..=255).collect();
    let zipped = gzip(&plain);
    let half = &zipped[..zipped.len() / 2];
    let Plain { bytes, complete } = decompress(half, false).unwrap();
    assert!(!complete && !bytes.is_empty() && plain.starts_with(&bytes), "{bytes:?}");
    assert_eq!(decompress(half, true).err().as_deref(), Some("is damaged gzip"));
}

proptest! {
    #[test]
    fn any_bytes_are_decompressed_within_bounds_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
        complete: bool,
    ) {
        for message in [bytes.clone(), [&gzip(b"x")[..], &bytes].concat()] {
            if let Ok(plain) = decompress(&message, complete) {
                prop_assert!(plain.bytes.len() <= MAX_KEPT);
            }
        }
    }

    #[test]
    fn what_was_compressed_comes_back(plain in prop::collection::vec(any::<u8>(), 0..5_000)) {
        let Plain { bytes, complete } = decompress(&gzip(&plain), true).unwrap();
        prop_assert!(complete && bytes == plain);
    }
}
