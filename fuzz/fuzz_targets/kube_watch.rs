//! Any bytes as what an open watch brings: lines within their bound, the same items and the same end however they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use shared_informer::informer::event::Item;
use shared_informer::wire::Kept;
use shared_informer::wire::lines::Lines;
use shared_informer::wire::watch;

/// Short, so that inputs meet it.
const LONGEST: usize = 4 << 10;
/// The longest words of a server that are kept.
const WORDS: usize = 256;

/// What was read, as text, and how it ended.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, &'static str) {
    let keep = Kept::new((|_: &str| true, |key: &str| key.len() < 8));
    let (mut lines, mut items) = (Lines::new(LONGEST), Vec::new());
    for piece in pieces {
        let fed = lines.feed(piece, |line| {
            assert!(line.len() <= LONGEST && !line.contains(&b'\n'));
            let item = watch::item(line, &keep)?;
            check(line, &item);
            items.push(format!("{item:?}"));
            Ok(())
        });
        if let Err(end) = fed {
            return (items, end.as_str());
        }
    }
    (items, lines.finish().as_str())
}

/// The item against a parser of the whole line. (Text that is not UTF-8 may be skipped, but is not JSON to it.)
fn check(line: &[u8], item: &Item) {
    if let Item::Error(rejection) = item {
        assert!(
            rejection.message.chars().count() <= WORDS && !rejection.message.chars().any(char::is_control)
        );
    }
    let Ok(value) = serde_json::from_slice::<Value>(line) else { return };
    let kind = value["type"].as_str().expect("an event has a type");
    let fits = match item {
        Item::Applied(_) | Item::Refused(..) => matches!(kind, "ADDED" | "MODIFIED"),
        Item::Deleted(_) => kind == "DELETED",
        Item::Bookmark(version) => kind == "BOOKMARK" && !version.is_empty(),
        Item::Error(_) => kind == "ERROR",
    };
    assert!(fits, "{kind}: {item:?}");
}

fuzz_target!(|input: &[u8]| {
    let Some((step, body)) = input.split_first() else { return };
    let whole = read(std::iter::once(body));
    let cut = read(body.chunks(usize::from(*step).max(1)));
    assert_eq!(whole, cut);
});
