//! One line of a WATCH: an event and its object.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Kept, status};
use crate::informer::event::{End, Item};
use crate::pod;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Reads a line. A pod that is refused is an item as well: the watch goes on without it.
///
/// # Errors
/// The line is no event.
pub fn item(line: &[u8], keep: &Kept) -> Result<Item, End> {
    let event: Event<'_> = serde_json::from_slice(line).map_err(|_| End::Malformed)?;
    let object = event.object.get().as_bytes();
    let head = || pod::head(object).map_err(|_| End::Malformed);
    match &*event.kind {
        "ADDED" | "MODIFIED" => Ok(match pod::parse(object, keep) {
            Ok(pod) => Item::Applied(Box::new(pod)),
            Err(error) => Item::Refused(error.refusal(), head().ok().map(Box::new)),
        }),
        "DELETED" => Ok(Item::Deleted(Box::new(head()?))),
        "BOOKMARK" => {
            let version = head()?.resource_version.filter(|version| !version.is_empty());
            version.map(Item::Bookmark).ok_or(End::Malformed)
        }
        "ERROR" => status::read(object).map(Item::Error).ok_or(End::Malformed),
        _ => Err(End::Malformed),
    }
}
