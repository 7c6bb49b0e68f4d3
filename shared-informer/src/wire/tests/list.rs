//! A LIST against the parser that reads it whole.

use proptest::prelude::*;
use serde_json::Value;

use super::super::inflate::Inflate;
use super::super::list::Reader;
use super::*;
use crate::informer::event::{List, Unusable};
use crate::pod::{self, Refusal};
use crate::wire::answer::Encoding;

fn body(items: &[&str]) -> String {
    let items = items.join(",");
    format!(
        r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"1985"}},"items":[{items}]}}"#
    )
}

fn read(body: &[u8], bounds: Bounds) -> Result<List, Unusable> {
    read_pieces(&[body], bounds)
}

fn read_pieces(pieces: &[&[u8]], bounds: Bounds) -> Result<List, Unusable> {
    let mut reader = Reader::new(keep(), bounds);
    pieces.iter().try_for_each(|piece| reader.feed(piece))?;
    reader.finish()
}

/// Everything that a LIST says, to be compared.
type Said = (Box<str>, bool, Vec<pod::Pod>, [u32; 6]);

fn said(list: Result<List, Unusable>) -> Result<Said, Unusable> {
    list.map(|list| (list.resource_version, list.truncated, list.pods, list.refused))
}

#[test]
fn the_recorded_pods_are_read_as_one_by_one_wherever_the_metadata_stand() {
    let expected: Vec<_> =
        RECORDED.iter().map(|json| pod::parse(json.as_bytes(), &keep()).unwrap()).collect();
    let before = body(RECORDED);
    let after = format!(
        r#" {{ "items" : [ {} ] , "x" : [1, {{"items":[]}}, "]}}"] ,"metadata":{{"resourceVersion":"1985","continue":""}}, "kind":"PodList"}}
"#,
        RECORDED.join(" , ")
    );
    for body in [before, after] {
        let list = read(body.as_bytes(), Bounds::default()).unwrap();
        assert_eq!(list.pods, expected);
        assert_eq!((&*list.resource_version, list.truncated, list.refused), ("1985", false, [0; 6]));
    }
}

#[test]
fn a_continue_token_is_told() {
    let body = r#"{"kind":"PodList","metadata":{"resourceVersion":"7","continue":"abc"},"items":null}"#;
    let list = read(body.as_bytes(), Bounds::default()).unwrap();
    assert!(list.truncated && list.pods.is_empty());
}

#[test]
fn a_pod_that_is_refused_is_counted_and_its_neighbours_are_kept() {
    let large = format!(r#"{{"metadata":{{"name":"{}"}}}}"#, "x".repeat(40_000));
    let items = [RECORDED[0], r#"{"metadata":{"name":"n"}}"#, "7", &large, RECORDED[1]];
    let bounds = Bounds { item_bytes: 32_000, ..Bounds::default() };
    let list = read(body(&items).as_bytes(), bounds).unwrap();
    assert_eq!(list.pods.len(), 2);
    let counted = |refusal: Refusal| list.refused[refusal as usize];
    assert_eq!(counted(Refusal::Missing), 1);
    assert_eq!(counted(Refusal::Malformed), 1, "a number is no pod");
    assert_eq!(counted(Refusal::TooLarge), 1);
    assert_eq!(list.refused.iter().sum::<u32>(), 3);
}

#[test]
fn counts_stand_in_the_order_of_the_reasons() {
    for (place, refusal) in Refusal::ALL.iter().enumerate() {
        assert_eq!(*refusal as usize, place);
    }
}

#[test]
fn a_list_cut_off_anywhere_is_truncated_and_never_shorter() {
    let body = body(&[RECORDED[0], RECORDED[3]]);
    for end in 0..body.len() {
        assert_eq!(
            said(read(&body.as_bytes()[..end], Bounds::default())).unwrap_err(),
            Unusable::Truncated,
            "{end}"
        );
    }
}

#[test]
fn what_is_no_list_of_pods_with_a_version_is_malformed() {
    let whole = body(&[]);
    for wrong in [
        "null",
        "[]",
        "{}",
        "x",
        r#"{"kind":"Status","metadata":{},"status":"Failure"}"#,
        r#"{"kind":"PodList","metadata":{"resourceVersion":"7"}}"#,
        r#"{"kind":"PodList","metadata":{"resourceVersion":""},"items":[]}"#,
        r#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":{}}"#,
        r#"{"kind":"NodeList","metadata":{"resourceVersion":"7"},"items":[]}"#,
        r#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[],"items":[]}"#,
        r#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[,]}"#,
        r#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[{]}]}"#,
        r#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[],}"#,
        r#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[],"x":[}}"#,
        &format!("{whole}{whole}"),
    ] {
        assert_eq!(
            said(read(wrong.as_bytes(), Bounds::default())).unwrap_err(),
            Unusable::Malformed,
            "{wrong}"
        );
    }
}

#[test]
fn each_bound_holds() {
    let body = body(&[RECORDED[0], RECORDED[1]]);
    let exact = Bounds { list_bytes: body.len(), list_items: 2, ..Bounds::default() };
    assert!(read(body.as_bytes(), exact).is_ok());
    for bounds in [
        Bounds { list_bytes: body.len() - 1, ..exact },
        Bounds { list_items: 1, ..exact },
        Bounds { kept_bytes: 1_000, ..exact },
        Bounds { other_bytes: 10, ..exact },
    ] {
        assert_eq!(said(read(body.as_bytes(), bounds)).unwrap_err(), Unusable::TooLarge, "{bounds:?}");
    }
}

#[test]
fn a_list_that_never_ends_holds_no_more_than_an_item_and_its_bound() {
    let item = compact(RECORDED[0]);
    let bounds =
        Bounds { list_bytes: 4 << 20, list_items: usize::MAX, kept_bytes: usize::MAX, ..Bounds::default() };
    let mut reader = Reader::new(keep(), bounds);
    reader.feed(br#"{"kind":"PodList","items":[7"#).unwrap();
    let mut fed = 0;
    // The pods themselves are bounded by another test; here they are refused, so that only the reader holds anything.
    let refused = item.replace("\"name\":\"web", "\"nome\":\"web").replace("uid", "uit");
    let chunk = format!(",{refused}").repeat(8);
    let end = loop {
        fed += chunk.len();
        assert!(fed < 5 << 20, "it took everything");
        match reader.feed(chunk.as_bytes()) {
            Ok(()) => assert!(reader.held_bytes() <= 4 * item.len(), "{}", reader.held_bytes()),
            Err(why) => break why,
        }
    };
    assert_eq!(end, Unusable::TooLarge);
    assert!(fed > 4 << 20);
}

#[test]
fn an_item_that_never_ends_is_let_go_of_at_its_bound() {
    let bounds = Bounds { item_bytes: 1 << 20, list_bytes: 6 << 20, ..Bounds::default() };
    let mut reader = Reader::new(keep(), bounds);
    reader.feed(br#"{"kind":"PodList","items":[{"x":""#).unwrap();
    let chunk = vec![b'x'; 16 << 10];
    let (mut most, mut fed) = (0, 0);
    while reader.feed(&chunk).is_ok() {
        most = most.max(reader.held_bytes());
        fed += chunk.len();
        assert!(fed < 7 << 20, "it took everything");
    }
    assert!(most <= 2 << 20, "{most}");
    assert_eq!(reader.held_bytes(), 0);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn inflate(pieces: &[&[u8]], bounds: Bounds) -> Result<List, Unusable> {
    let mut inflate = Inflate::new(Encoding::Gzip, Reader::new(keep(), bounds));
    pieces.iter().try_for_each(|piece| inflate.feed(piece))?;
    inflate.finish()
}

#[test]
fn a_compressed_list_is_the_same_list_and_a_damaged_one_is_none() {
    let body = body(RECORDED);
    let packed = gzip(body.as_bytes());
    let plain = said(read(body.as_bytes(), Bounds::default()));
    assert_eq!(said(inflate(&[&packed], Bounds::default())), plain);
    let cut = &packed[..packed.len() - 1];
    assert_eq!(said(inflate(&[cut], Bounds::default())).unwrap_err(), Unusable::Truncated);
    assert!(inflate(&[body.as_bytes()], Bounds::default()).is_err(), "not gzip at all");
    let mut flipped = packed.clone();
    let crc = flipped.len() - 6;
    flipped[crc] ^= 1;
    assert!(inflate(&[&flipped], Bounds::default()).is_err(), "the checksum is looked at");
}

#[test]
fn a_small_body_cannot_become_a_large_one() {
    let bomb = gzip(format!(r#"{{"x":"{}"}}"#, "0".repeat(16 << 20)).as_bytes());
    assert!(bomb.len() < 1 << 20);
    let bounds = Bounds { other_bytes: 1 << 10, ..Bounds::default() };
    assert_eq!(said(inflate(&[&bomb], bounds)).unwrap_err(), Unusable::TooLarge);
}

/// What the body says, read at once by the oracle; none if it is not the JSON of a list of pods.
fn oracle(body: &[u8]) -> Option<(String, bool, usize)> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let object = value.as_object()?;
    let version =
        object.get("metadata")?.get("resourceVersion")?.as_str().filter(|version| !version.is_empty())?;
    let more = object.get("metadata")?.get("continue").and_then(Value::as_str).unwrap_or_default();
    let items = match object.get("items")? {
        Value::Array(items) => items.len(),
        Value::Null => 0,
        _ => return None,
    };
    (object.get("kind")? == "PodList").then(|| (version.to_owned(), !more.is_empty(), items))
}

proptest! {
    #[test]
    fn how_the_bytes_are_cut_changes_nothing(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        packed in any::<bool>(),
    ) {
        let mut body = body(&[&compact(RECORDED[0]), "{}", &compact(RECORDED[3])]).into_bytes();
        if packed {
            body = gzip(&body);
        }
        if let Some((at, byte)) = damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let read = if packed { inflate } else { read_pieces };
        let (whole, cut) = (read(&[&body], Bounds::default()), read(&pieces(&body, &cuts), Bounds::default()));
        prop_assert_eq!(said(whole), said(cut));
    }

    #[test]
    fn what_is_read_is_what_a_parser_of_the_whole_reads(text in json_like()) {
        let list = read(text.as_bytes(), Bounds::default());
        match (oracle(text.as_bytes()), list) {
            (Some((version, truncated, items)), Ok(list)) => {
                prop_assert_eq!((&*version, truncated), (&*list.resource_version, list.truncated));
                prop_assert_eq!(items, list.pods.len() + list.refused.iter().sum::<u32>() as usize);
            }
            (None, Err(_)) => {}
            // The oracle takes a field that comes twice; the last one wins there.
            (Some(_), Err(Unusable::Malformed)) => {
                prop_assert!(text.matches("\"items\"").count() > 1 || text.matches("\"metadata\"").count() > 1
                    || text.matches("\"kind\"").count() > 1 || text.matches("resourceVersion").count() > 1
                    || text.matches("continue").count() > 1, "{}", text);
            }
            (expected, list) => prop_assert!(false, "{text}: {expected:?}, {:?}", said(list)),
        }
    }
}

/// Texts near the language: the tokens of a list in nearly any order.
fn json_like() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        r#""kind":"PodList""#,
        r#""metadata":{"resourceVersion":"1"}"#,
        r#""metadata":{"resourceVersion":"1","continue":"x"}"#,
        r#""items":[]"#,
        r#""items":[{},{"a":[1,"]"]}]"#,
        r#""items":null"#,
        r#""x":{"y":"}\""}"#,
        r#""x":1e3"#,
        r#""x":tru"#,
        r#""x":[}"#,
    ]);
    let fields = prop::collection::vec(token, 2..6);
    (fields, prop::option::weighted(0.3, any::<prop::sample::Index>())).prop_map(|(fields, cut)| {
        let text = format!("{{{}}}", fields.join(" ,\n"));
        cut.map_or(text.clone(), |cut| text.get(..cut.index(text.len())).unwrap_or_default().to_owned())
    })
}
