//! SipHash-2-4 (Aumasson and Bernstein, 2012): a fixed, published hash with good mixing of short, similar names.
//!
//! Written out because the standard library promises no stability for its hashers, and a turn's phase must be
//! the same in every version of tare, on every machine. It is no secret: the key is a constant.

/// The hash of `message` under the key whose little-endian halves are `k0` and `k1`.
pub(crate) fn siphash24(k0: u64, k1: u64, message: &[u8]) -> u64 {
    let mut state = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let (words, rest) = message.as_chunks::<8>();
    for word in words {
        compress(&mut state, u64::from_le_bytes(*word));
    }
    // The last word: what is left over, and the length modulo 256 in the highest byte.
    let mut last = [0_u8; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    last[7] = message.len().to_le_bytes()[0];
    compress(&mut state, u64::from_le_bytes(last));
    state[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

fn compress(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    round(state);
    state[0] ^= word;
}

fn round([v0, v1, v2, v3]: &mut [u64; 4]) {
    *v0 = v0.wrapping_add(*v1);
    *v2 = v2.wrapping_add(*v3);
    *v1 = v1.rotate_left(13) ^ *v0;
    *v3 = v3.rotate_left(16) ^ *v2;
    *v0 = v0.rotate_left(32);
    *v2 = v2.wrapping_add(*v1);
    *v0 = v0.wrapping_add(*v3);
    *v1 = v1.rotate_left(17) ^ *v2;
    *v3 = v3.rotate_left(21) ^ *v0;
    *v2 = v2.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use proptest::prelude::*;

    use super::siphash24;

    #[test]
    fn the_vector_of_the_published_paper_comes_out() {
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(siphash24(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908, &message), 0xa129_ca61_49be_45e5);
    }

    proptest! {
        #[test]
        #[expect(deprecated, reason = "the one SipHash-2-4 of the standard library is the oracle here")]
        fn every_message_hashes_as_the_standard_librarys_siphash(
            k0: u64, k1: u64, message in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut oracle = std::hash::SipHasher::new_with_keys(k0, k1);
            oracle.write(&message);
            prop_assert_eq!(siphash24(k0, k1, &message), oracle.finish());
        }
    }
}
