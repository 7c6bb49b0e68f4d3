use std::time::Duration;

use proptest::prelude::*;

use super::{decode, encode};
use crate::pod::{Pod, parse};
use crate::remembered::{ClusterId, Header, MAX_BYTES, Unusable};

/// The bytes around the body.
const FRONT: usize = 20;
const CHECKSUM: usize = 4;
const OURS: ClusterId = ClusterId([7; 32]);
/// A file as version 1 wrote it. It must be readable, and be written again, for as long as this is version 1.
const GOLDEN: &[u8] = include_bytes!("../../../tests/fixtures/index.v1");

struct WithImages;

impl crate::pod::Keep for WithImages {
    fn label(&self, _: &str) -> bool {
        true
    }
    fn annotation(&self, _: &str) -> bool {
        true
    }
    fn image_ids(&self) -> bool {
        true
    }
}

fn fixtures() -> Vec<Pod> {
    let read = |json: &[u8]| parse(json, &WithImages).unwrap();
    vec![
        read(include_bytes!("../../../tests/fixtures/pods/recorded-deployment.json")),
        read(include_bytes!("../../../tests/fixtures/pods/recorded-statefulset.json")),
        read(include_bytes!("../../../tests/fixtures/pods/static-mirror.json")),
        read(include_bytes!("../../../tests/fixtures/pods/cron-job.json")),
        read(include_bytes!("../../../tests/fixtures/pods/init-and-ephemeral.json")),
        read(include_bytes!("../../../tests/fixtures/pods/no-status.json")),
    ]
}

fn header() -> Header {
    let saved_at = Duration::new(1_795_244_279, 123_456_789);
    Header { cluster: OURS, resource_version: "120077".into(), saved_at, kept: 0 }
}

fn file() -> Vec<u8> {
    encode(&header(), &fixtures(), MAX_BYTES).unwrap()
}

/// A file whose frame is right, whatever is in it.
fn sealed(version: u32, body: &[u8]) -> Vec<u8> {
    let mut file = b"tare-idx".to_vec();
    file.extend(version.to_le_bytes());
    file.extend((body.len() as u64).to_le_bytes());
    file.extend(body);
    file.extend(crc32c::crc32c(&file).to_le_bytes());
    file
}

fn reason(file: &[u8]) -> &'static str {
    decode(file, OURS, MAX_BYTES).map_or_else(|error| error.reason(), |_| "taken")
}

#[test]
fn what_is_written_is_read_exactly() {
    let read = decode(&file(), OURS, MAX_BYTES).unwrap();
    assert_eq!((read.header, read.pods), (header(), fixtures()));
    let empty = decode(&encode(&header(), [], MAX_BYTES).unwrap(), OURS, MAX_BYTES).unwrap();
    assert!(empty.pods.is_empty());
}

#[test]
fn version_one_stays_version_one() {
    assert_eq!(decode(GOLDEN, OURS, MAX_BYTES).unwrap().pods, fixtures());
    assert!(
        file() == GOLDEN,
        "the format changed: raise VERSION, and keep or drop the old fixture knowingly"
    );
}

#[test]
fn every_byte_that_changes_is_noticed() {
    let whole = file();
    for at in 0..whole.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            let reason = reason(&damaged);
            assert!(matches!(reason, "corrupt" | "foreign"), "byte {at}: {reason}");
        }
    }
}

#[test]
fn every_truncation_and_every_addition_is_noticed() {
    let whole = file();
    for end in 0..whole.len() {
        assert_eq!(reason(&whole[..end]), "corrupt", "the first {end} bytes");
    }
    assert_eq!(reason(&[&whole[..], &[0]].concat()), "corrupt");
    assert_eq!(reason(&[&whole[..], &whole[..]].concat()), "corrupt");
}

#[test]
fn a_length_that_lies_is_noticed_even_with_a_right_checksum() {
    let mut lying = sealed(1, b"{}\n");
    lying[12] += 1;
    let end = lying.len() - CHECKSUM;
    let checksum = crc32c::crc32c(&lying[..end]).to_le_bytes();
    lying[end..].copy_from_slice(&checksum);
    assert!(matches!(decode(&lying, OURS, MAX_BYTES), Err(Unusable::Corrupt { what: "wrong length" })));
}

#[test]
fn each_kind_of_useless_file_has_its_reason() {
    assert_eq!(reason(b"{\"pods\":[]}"), "foreign");
    assert_eq!(reason(b""), "corrupt");
    assert_eq!(reason(&sealed(2, b"whatever comes")), "version");
    assert_eq!(reason(&sealed(0, b"")), "version");
    assert_eq!(reason(&sealed(1, b"")), "malformed");
    assert_eq!(reason(&sealed(1, b"{}\n")), "malformed");
    let body = &file()[FRONT..file().len() - CHECKSUM];
    assert_eq!(reason(&sealed(1, body)), "taken");
    assert_eq!(reason(&sealed(1, &[body, b"{\"namespace\":\"n\"}\n"].concat())), "malformed");
    let other = decode(&file(), ClusterId([8; 32]), MAX_BYTES).unwrap_err();
    assert_eq!(other.reason(), "other_cluster");
}

#[test]
fn an_empty_version_is_no_version() {
    let mut nameless = header();
    nameless.resource_version = "".into();
    assert_eq!(reason(&encode(&nameless, [], MAX_BYTES).unwrap()), "malformed");
}

#[test]
fn the_bound_holds_in_both_directions() {
    let exact = file().len();
    assert!(encode(&header(), &fixtures(), exact).is_ok());
    assert!(matches!(encode(&header(), &fixtures(), exact - 1), Err(Unusable::TooLarge { .. })));
    assert!(decode(&file(), OURS, exact).is_ok());
    assert!(matches!(decode(&file(), OURS, exact - 1), Err(Unusable::TooLarge { .. })));
    assert!(matches!(encode(&header(), [], 50), Err(Unusable::TooLarge { limit: 50 })));
}

#[test]
fn a_version_from_the_future_has_no_age() {
    let second = Duration::from_secs(1);
    assert_eq!(header().age(header().saved_at + second), Some(second));
    assert_eq!(header().age(header().saved_at.checked_sub(second).unwrap()), None);
}

#[test]
fn every_reason_is_in_the_closed_set() {
    let io = Unusable::Io(std::io::Error::other("x"));
    let all = [
        Unusable::TooLarge { limit: 0 },
        Unusable::Foreign,
        Unusable::Corrupt { what: "" },
        Unusable::Version { found: 2, ours: 1 },
        Unusable::Malformed { what: "" },
        Unusable::OtherCluster,
        io,
    ];
    assert_eq!(all.map(|error| error.reason()), Unusable::REASONS);
}

proptest! {
    #[test]
    fn any_damage_is_noticed(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let whole = file();
        let mut damaged = whole.clone();
        for (at, byte) in changes {
            damaged[at.index(whole.len())] = byte;
        }
        prop_assume!(damaged != whole);
        prop_assert_ne!(reason(&damaged), "taken");
    }

    #[test]
    fn any_bytes_in_a_right_frame_are_read_or_refused_without_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(reason(&sealed(1, &body)), "malformed");
    }

    #[test]
    fn any_labels_come_back_as_they_were(
        labels in proptest::collection::vec(("\\PC{0,20}", "\\PC{0,20}"), 0..10),
        version in "[0-9]{1,20}",
    ) {
        let mut pod = fixtures().remove(0);
        pod.labels = labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        let header = Header { resource_version: version.into(), ..header() };
        let read = decode(&encode(&header, [&pod], MAX_BYTES).unwrap(), OURS, MAX_BYTES).unwrap();
        prop_assert_eq!((read.header, read.pods), (header, vec![pod]));
    }
}
