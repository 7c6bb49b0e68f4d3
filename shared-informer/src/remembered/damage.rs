//! What every file of the state directory has to notice, whatever it holds.

/// A file cut off anywhere, or with a byte too many, is corrupt; `reason` says why a file is not taken.
pub(super) fn truncations_are_noticed(whole: &[u8], reason: impl Fn(&[u8]) -> &'static str) {
    assert_eq!(reason(whole), "taken");
    for end in 0..whole.len() {
        assert_eq!(reason(&whole[..end]), "corrupt", "the first {end} bytes");
    }
    assert_eq!(reason(&[whole, b"\n"].concat()), "corrupt");
}

/// No byte can be another one.
pub(super) fn flips_are_noticed(whole: &[u8], reason: impl Fn(&[u8]) -> &'static str) {
    for at in 0..whole.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = whole.to_vec();
            damaged[at] ^= flip;
            assert!(matches!(reason(&damaged), "corrupt" | "foreign"), "byte {at}");
        }
    }
}
