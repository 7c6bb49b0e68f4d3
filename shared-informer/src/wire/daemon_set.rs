//! The size probe's answer: a DaemonSet, of which six fields are read.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use crate::clock::Wall;
use crate::informer::event::{DaemonSet, Unusable};
use crate::pod::Timestamp;
use crate::size::Reading;

/// The annotation that pauses the whole fleet.
const PAUSE: &str = "tare.dev/pause";

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    metadata: Option<Meta<'a>>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    generation: Option<i64>,
    #[serde(borrow)]
    creation_timestamp: Option<Cow<'a, str>>,
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    desired_number_scheduled: Option<u32>,
    observed_generation: Option<i64>,
}

/// Whether [`PAUSE`] is `"true"`; all other annotations are skipped without being built.
struct Annotations {
    paused: bool,
}

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Annotations;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Annotations, A::Error> {
                let mut paused = false;
                while let Some(key) = pairs.next_key::<Cow<'de, str>>()? {
                    if key == PAUSE {
                        paused = pairs.next_value::<Cow<'de, str>>()? == "true";
                    } else {
                        pairs.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Annotations { paused })
            }
        }
        from.deserialize_map(Pairs)
    }
}

/// Reads a DaemonSet. A field that is absent is zero, as Go writes it; a size of zero counts as unknown further on.
///
/// # Errors
/// Not JSON, or not a DaemonSet.
pub fn read(json: &[u8]) -> Result<DaemonSet, Unusable> {
    let object: Object<'_> = serde_json::from_slice(json).map_err(|_| Unusable::Malformed)?;
    let (Some(meta), Some(status)) = (object.metadata, object.status) else {
        return Err(Unusable::Malformed);
    };
    if object.kind.as_deref() != Some("DaemonSet") {
        return Err(Unusable::Malformed);
    }
    let created = meta.creation_timestamp.as_deref().and_then(Timestamp::parse);
    let since = created.and_then(|at| u64::try_from(at.unix_seconds()).ok());
    Ok(DaemonSet {
        reading: Reading {
            desired: status.desired_number_scheduled.unwrap_or(0),
            observed_generation: status.observed_generation.unwrap_or(0),
            generation: meta.generation.unwrap_or(0),
        },
        created: since.map(|seconds| Wall::new(Duration::from_secs(seconds))),
        paused: meta.annotations.is_some_and(|annotations| annotations.paused),
    })
}
