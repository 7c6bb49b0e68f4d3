//! What the informer asks of the shell. Commands are executed in their order, each before the next.

use std::time::Duration;

use super::event::RequestId;
use crate::ledger::{Permit, Scrape};
use crate::phase::Salt;

/// Something to be done.
#[derive(Debug)]
pub enum Command {
    /// Write [`super::Informer::spend`] to the state directory: before the request that follows is sent.
    SaveSpend,
    /// Write [`super::Informer::known_size`] to the state directory.
    SaveSize,
    /// Write the index and its version to the state directory.
    SaveIndex,
    /// Send a request; every [`super::event::Event`] about it carries this id.
    Send(Send),
    /// Let go of a request or an open watch: close its connection. Nothing more is heard of it.
    Abort(RequestId),
    /// The credential was refused: read it again before the next request.
    RenewCredential,
    /// A slot, or a turn with a probe, in which the kubelet may be scraped. The reader asks
    /// [`super::Informer::grant_scrape`] for each of its requests.
    Scrape(Scrape, Salt),
}

/// One request, with the right to send it.
#[derive(Debug)]
pub struct Send {
    /// Its name.
    pub id: RequestId,
    /// The right to send it, for the gate.
    pub permit: Permit,
    /// What to ask for.
    pub ask: Ask,
}

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// GET the agent's own DaemonSet with `resourceVersion=0`.
    Size,
    /// LIST the node's pods with `resourceVersion=0`.
    List {
        /// `limit`, at least one.
        limit: u32,
    },
    /// WATCH the node's pods with bookmarks.
    Watch {
        /// `resourceVersion`.
        resource_version: Box<str>,
        /// `timeoutSeconds`.
        timeout: Duration,
    },
}
