use proptest::prelude::*;

use super::super::damage;
use super::*;

const OURS: ClusterId = ClusterId([7; 32]);

fn known() -> KnownSize {
    let wall = |seconds| Wall::new(Duration::new(seconds, 123_456_789));
    KnownSize {
        nodes: Some(4_321),
        created: Some(wall(1_795_000_000)),
        joined: true,
        list_bytes: Some(360_000),
        in_force: Declaration::new(49.7, 16 << 20, 0.1).unwrap(),
        raised: Some(wall(1_795_100_000)),
    }
}

fn file() -> Vec<u8> {
    encode(OURS, &known()).unwrap()
}

fn reason(file: &[u8]) -> &'static str {
    decode(file, OURS).map_or_else(|error| error.reason(), |_| "taken")
}

/// A right frame around this text.
fn sealed(text: &str) -> Vec<u8> {
    let mut file = FRAME.begin();
    file.extend(text.as_bytes());
    FRAME.seal(file, MAX_BYTES).unwrap()
}

/// The text in the frame.
fn body() -> String {
    String::from_utf8(FRAME.open(&file(), MAX_BYTES).unwrap().to_vec()).unwrap()
}

#[test]
fn what_is_written_is_read_exactly() {
    assert_eq!(decode(&file(), OURS).unwrap(), known());
    let nothing =
        KnownSize { nodes: None, created: None, joined: false, list_bytes: None, raised: None, ..known() };
    assert_eq!(decode(&encode(OURS, &nothing).unwrap(), OURS).unwrap(), nothing);
}

#[test]
fn a_truncation_at_any_byte_is_noticed() {
    damage::truncations_are_noticed(&file(), reason);
}

#[test]
fn a_flip_of_any_byte_is_noticed() {
    damage::flips_are_noticed(&file(), reason);
}

#[test]
fn the_knowledge_of_another_cluster_is_not_believed() {
    assert!(matches!(decode(&file(), ClusterId([8; 32])), Err(Unusable::OtherCluster)));
}

#[test]
fn a_later_version_another_kind_and_too_much_have_their_reasons() {
    let later = Frame { version: 2, ..FRAME }.write_json(&1, MAX_BYTES).unwrap();
    assert_eq!(reason(&later), "version");
    let index = Frame { magic: *b"tare-idx", version: 1 }.write_json(&1, MAX_BYTES).unwrap();
    assert_eq!(reason(&index), "foreign");
    assert_eq!(reason(&vec![b't'; MAX_BYTES + 1]), "too_large");
}

#[test]
fn a_number_out_of_its_range_is_malformed_even_in_a_right_frame() {
    assert_eq!(reason(&sealed(&body())), "taken");
    for (right, wrong) in [
        ("4321", "0"),
        ("4321", "4294967295"),
        ("4321", "-1"),
        ("\"49.7\"", "\"0\""),
        ("\"49.7\"", "\"NaN\""),
        ("\"49.7\"", "49.7"),
        ("\"0.1\"", "\"1.1\""),
        ("16777216", "0"),
        ("\"joined\"", "\"joyned\""),
        ("}", ",\"more\":1}"),
    ] {
        let text = body().replacen(right, wrong, 1);
        assert_ne!(text, body());
        assert_eq!(reason(&sealed(&text)), "malformed", "{right} as {wrong}");
    }
}

proptest! {
    #[test]
    fn any_declaration_comes_back_to_the_last_bit(
        requests in 1e-6..1e5f64,
        bytes in 1..1u64 << 39,
        share in 1e-6..1.0f64,
        raised: Option<Duration>,
        nodes in prop::option::of(1..=MAX_NODES),
        joined: bool,
    ) {
        let in_force = Declaration::new(requests, bytes, share).unwrap();
        let known = KnownSize { nodes, joined, in_force, raised: raised.map(Wall::new), ..known() };
        prop_assert_eq!(decode(&encode(OURS, &known).unwrap(), OURS).unwrap(), known);
    }

    #[test]
    fn any_damage_is_noticed(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let whole = file();
        let mut damaged = whole.clone();
        for (at, byte) in changes {
            damaged[at.index(whole.len())] = byte;
        }
        prop_assume!(damaged != whole);
        prop_assert_ne!(reason(&damaged), "taken");
    }
}
