use proptest::prelude::*;

use super::{ImageRef, canonical};

/// What the original says: text (JSON), repository or `!`, tag, algorithm, digest, canonical form or `!`.
const ORACLE: &str = include_str!("../../../tests/fixtures/oracle/images.tsv");

#[test]
fn every_reference_splits_as_it_does_in_the_collector() {
    let mut compared = 0;
    for line in ORACLE.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [text, repository, tag, algorithm, digest, canon] = fields[..] else { panic!("{line}") };
        let text: String = serde_json::from_str(text).unwrap();
        let read = ImageRef::parse(&text);
        assert_eq!(read.map_or("!", |read| read.repository), repository, "{text:?}");
        assert_eq!(read.and_then(|read| read.tag).unwrap_or_default(), tag, "{text:?}");
        let expected = (!digest.is_empty()).then(|| format!("{algorithm}:{digest}"));
        assert_eq!(read.and_then(|read| read.digest), expected.as_deref(), "{text:?}");
        assert_eq!(canonical(&text).as_deref().unwrap_or("!"), canon, "canonical form of {text:?}");
        compared += 1;
    }
    assert_eq!(compared, 1211);
}

#[test]
fn a_missing_tag_is_latest_but_no_version() {
    let bare = ImageRef::parse("registry.example:5000/team/app").unwrap();
    assert_eq!(bare.tag_or_latest(), "latest");
    assert_eq!(bare.service_version(), None);
}

#[test]
fn the_service_version_joins_tag_and_digest() {
    let digest = format!("sha256:{}", "0f".repeat(32));
    let both = format!("app:1.2@{digest}");
    assert_eq!(ImageRef::parse(&both).unwrap().service_version(), Some(format!("1.2@{digest}")));
    let only = format!("app@{digest}");
    assert_eq!(ImageRef::parse(&only).unwrap().service_version(), Some(digest));
    assert_eq!(ImageRef::parse("app:1.2").unwrap().service_version(), Some("1.2".into()));
}

proptest! {
    #[test]
    fn any_text_is_split_or_refused_without_panic(text in "\\PC{0,40}|[a-bA._:/@\\[\\]-]{0,30}") {
        if let Some(read) = ImageRef::parse(&text) {
            let tag = read.tag.map(|tag| format!(":{tag}")).unwrap_or_default();
            let digest = read.digest.map(|digest| format!("@{digest}")).unwrap_or_default();
            prop_assert_eq!(format!("{}{tag}{digest}", read.repository), text.clone(), "nothing is lost");
        }
        let _ = canonical(&text);
    }
}
