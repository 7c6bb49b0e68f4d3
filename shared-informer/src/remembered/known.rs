//! What is known of the cluster and of this node's part in it: the file `size.v1`. Pure.
//!
//! It spares a restarted agent the caution of one that knows nothing: the number of nodes (used twice over until this
//! life's first probe), whether the node has joined the rollout, and which declaration was in force, so that a crash
//! loop is no way around the steps of a raise.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::frame::Frame;
use super::{ClusterId, Unusable};
use crate::clock::Wall;
use crate::declaration::{Declaration, MAX_NODES};

#[cfg(test)]
mod tests;

const FRAME: Frame = Frame { magic: *b"tare-siz", version: 1 };
/// The size above which such a file is not read; what is written takes some 600 bytes.
pub const MAX_BYTES: usize = 4096;

/// The content of `size.v1`.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownSize {
    /// The number of nodes as the last probe read it, 1 to [`MAX_NODES`]; none if no probe ever said one.
    pub nodes: Option<u32>,
    /// When the DaemonSet was created.
    pub created: Option<Wall>,
    /// Whether this node has entered its step of the rollout.
    pub joined: bool,
    /// What the last LIST took on the wire, in bytes.
    pub list_bytes: Option<u64>,
    /// The declaration that was in force.
    pub in_force: Declaration,
    /// When a higher declaration was first seen, while it is not in force yet.
    pub raised: Option<Wall>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cluster: ClusterId,
    nodes: Option<u32>,
    created: Option<Duration>,
    joined: bool,
    list_bytes: Option<u64>,
    in_force: Declared,
    raised: Option<Duration>,
}

/// Numbers with a fraction are texts here: the shortest that is read as the same number again, whoever reads it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    requests_per_second: String,
    list_bytes_per_second: u64,
    share: String,
}

/// The bytes of a file.
///
/// # Errors
/// None is to be expected.
pub fn encode(cluster: ClusterId, known: &KnownSize) -> Result<Vec<u8>, Unusable> {
    let in_force = Declared {
        requests_per_second: known.in_force.requests_per_second().to_string(),
        list_bytes_per_second: known.in_force.list_bytes_per_second(),
        share: known.in_force.share().to_string(),
    };
    let written = Written {
        cluster,
        nodes: known.nodes,
        created: known.created.map(Wall::since_origin),
        joined: known.joined,
        list_bytes: known.list_bytes,
        in_force,
        raised: known.raised.map(Wall::since_origin),
    };
    FRAME.write_json(&written, MAX_BYTES)
}

/// The content of a file, if it is whole, ours, and of this cluster.
///
/// # Errors
/// See [`Unusable`]; never [`Unusable::Io`].
pub fn decode(file: &[u8], cluster: ClusterId) -> Result<KnownSize, Unusable> {
    let written: Written = FRAME.read_json(file, MAX_BYTES)?;
    if written.cluster != cluster {
        return Err(Unusable::OtherCluster);
    }
    if written.nodes.is_some_and(|nodes| !(1..=MAX_NODES).contains(&nodes)) {
        return Err(Unusable::Malformed { what: "number of nodes" });
    }
    let in_force = declaration(&written.in_force).ok_or(Unusable::Malformed { what: "declaration" })?;
    Ok(KnownSize {
        nodes: written.nodes,
        created: written.created.map(Wall::new),
        joined: written.joined,
        list_bytes: written.list_bytes,
        in_force,
        raised: written.raised.map(Wall::new),
    })
}

fn declaration(declared: &Declared) -> Option<Declaration> {
    let requests = declared.requests_per_second.parse().ok()?;
    let share = declared.share.parse().ok()?;
    Declaration::new(requests, declared.list_bytes_per_second, share).ok()
}
