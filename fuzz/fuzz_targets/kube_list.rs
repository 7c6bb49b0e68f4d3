//! Any bytes as the answer to a LIST, or to a size probe: read within bounds, the same however they are cut, and no more
//! than a parser of the whole reads in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use shared_informer::informer::event::{List, Unusable};
use shared_informer::wire::list::Reader;
use shared_informer::wire::{Bounds, Kept, daemon_set};

/// Small bounds, so that short inputs meet them.
const BOUNDS: Bounds = Bounds {
    list_bytes: 12 << 10,
    list_items: 12,
    kept_bytes: 8 << 10,
    item_bytes: 4 << 10,
    other_bytes: 512,
    line_bytes: 4 << 10,
    object_bytes: 4 << 10,
};

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<List, Unusable> {
    let keep = Kept::new((|_: &str| true, |key: &str| key.len() < 8));
    let mut reader = Reader::new(keep, BOUNDS);
    for piece in pieces {
        reader.feed(piece)?;
        assert!(reader.held_bytes() <= 2 * BOUNDS.item_bytes, "{} bytes held", reader.held_bytes());
    }
    reader.finish()
}

/// The items of a list, as a parser of the whole sees them.
fn items(body: &[u8]) -> Option<usize> {
    let value: Value = serde_json::from_slice(body).ok()?;
    match value.get("items")? {
        Value::Array(items) => Some(items.len()),
        Value::Null => Some(0),
        _ => None,
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((step, body)) = input.split_first() else { return };
    let whole = read(std::iter::once(body));
    let cut = read(body.chunks(usize::from(*step).max(1)));
    match (&whole, &cut) {
        (Ok(whole), Ok(cut)) => {
            assert_eq!((&whole.resource_version, whole.truncated), (&cut.resource_version, cut.truncated));
            assert_eq!((&whole.pods, whole.refused), (&cut.pods, cut.refused));
            let read = whole.pods.len() + whole.refused.iter().sum::<u32>() as usize;
            assert!(read <= BOUNDS.list_items && body.len() <= BOUNDS.list_bytes);
            // Items are validated one by one; what the whole is to a parser may still fail by depth or text encoding.
            if let Some(items) = items(body) {
                assert_eq!(items, read);
            }
        }
        (Err(whole), Err(cut)) => assert_eq!(whole, cut),
        _ => panic!("cut into {step}: {whole:?}, {cut:?}"),
    }
    // Text that is skipped need not be UTF-8; to the parser of the whole that is no JSON.
    if daemon_set::read(body).is_ok()
        && let Ok(value) = serde_json::from_slice::<Value>(body)
    {
        assert_eq!(value["kind"], "DaemonSet");
    }
});
