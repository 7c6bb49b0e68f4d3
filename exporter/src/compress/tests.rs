use std::io::Read as _;

use proptest::prelude::*;

use super::*;

fn unzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).expect("one whole gzip member");
    out
}

/// Telemetry-like bytes: runs of a few patterns, some noise.
fn body() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec((any::<u8>(), 0_usize..1_000), 0..60)
        .prop_map(|runs| runs.into_iter().flat_map(|(byte, len)| std::iter::repeat_n(byte, len)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_reused_encoder_writes_a_sound_member_for_each_body(
        bodies in proptest::collection::vec(body(), 1..4),
    ) {
        let mut compressor = Compressor::new(Compression::Gzip);
        for body in bodies {
            let wire = compressor.compress(&Bytes::from(body.clone()));
            prop_assert_eq!(unzip(&wire.bytes), body);
        }
    }
}

#[test]
fn incompressible_and_large_bodies_come_back_whole_and_their_buffer_is_not_kept() {
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(3 << 20).collect();
    let mut compressor = Compressor::new(Compression::Gzip);
    let wire = compressor.compress(&Bytes::from(noise.clone()));
    assert!(wire.bytes.len() > noise.len(), "noise does not shrink");
    assert_eq!(unzip(&wire.bytes), noise);
    assert_eq!(compressor.out.capacity(), 0);
    let small = Bytes::from_static(b"small");
    assert_eq!(unzip(&compressor.compress(&small).bytes), small);
}

#[test]
fn without_compression_the_body_is_shared_and_no_encoder_is_made() {
    let mut compressor = Compressor::new(Compression::None);
    let body = Bytes::from(vec![1, 2, 3]);
    let wire = compressor.compress(&body);
    assert_eq!((wire.bytes.as_ptr(), wire.bytes.len()), (body.as_ptr(), body.len()));
    assert_eq!(wire.compression.content_encoding(), None);
    assert!(compressor.encoder.is_none());
}

#[test]
fn what_was_compressed_is_read_back_up_to_a_bound_and_damage_is_none() {
    for compression in [Compression::None, Compression::Gzip] {
        let body = Bytes::from(vec![7; 100_000]);
        let payload = Compressor::new(compression).compress(&body);
        assert_eq!(decompress(&payload, 100_000), Some(body));
        assert_eq!(decompress(&payload, 99_999), None, "{compression:?}");
    }
    // A megabyte in a few thousand bytes: what is above the bound is not even made room for.
    let bomb = Compressor::new(Compression::Gzip).compress(&Bytes::from(vec![0; 1 << 20]));
    assert!(bomb.bytes.len() < 20_000);
    assert_eq!(decompress(&bomb, 1_000), None);
    for cut in [0, 1, bomb.bytes.len() / 2, bomb.bytes.len() - 1] {
        let bytes = bomb.bytes.slice(..cut);
        assert_eq!(decompress(&Payload { bytes, ..bomb.clone() }, 2 << 20), None, "{cut}");
    }
}
