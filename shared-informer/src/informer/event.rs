//! What the shell tells the informer: the closed set of things that can happen on the wire.
//!
//! Everything here is plain data, already parsed and bounded. Which bytes became which event is the shell's part
//! ([`crate::wire`]); what follows from it is decided by [`super::Informer`].

use crate::clock::Wall;
use crate::counts::closed;
use crate::distress::RetryAfter;
use crate::pod::Pod;
use crate::size::Reading;

/// One request, for as long as anything can be heard of it. Never used twice in a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// Something happened to a request.
#[derive(Debug)]
pub struct Event {
    /// Which one. What is said of a request that was aborted is not listened to.
    pub id: RequestId,
    /// Bytes on the wire since the last event of this request, before decompression, headers included as far as they
    /// can be seen.
    pub bytes: u64,
    /// What happened.
    pub what: Happened,
}

/// What happened to a request.
#[derive(Debug)]
pub enum Happened {
    /// The last that is heard of a size probe or a LIST, or of a WATCH that did not open.
    Done(Outcome),
    /// A WATCH was answered 200: items follow.
    Opened,
    /// An open watch brought something.
    Item(Item),
    /// An open watch is over.
    Ended(End),
}

/// What a request came to.
#[derive(Debug)]
pub enum Outcome {
    /// The size probe's answer.
    Size(DaemonSet),
    /// A LIST's answer.
    List(List),
    /// An answer with a status other than 200.
    Status(Rejection),
    /// 200, with a body that cannot be used.
    Unusable(Unusable),
    /// No answer.
    Failed(Failure),
}

/// What a size probe reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonSet {
    /// The number of nodes, and whether the controller has caught up.
    pub reading: Reading,
    /// `metadata.creationTimestamp`: the beginning of the installation.
    pub created: Option<Wall>,
    /// Whether the annotation `tare.dev/pause` is `"true"`.
    pub paused: bool,
}

/// What a LIST reads.
#[derive(Debug)]
pub struct List {
    /// `metadata.resourceVersion`.
    pub resource_version: Box<str>,
    /// Whether `metadata.continue` says that there is more.
    pub truncated: bool,
    /// The pods that could be read.
    pub pods: Vec<Pod>,
    /// Pods that were refused, by their reasons in the order of [`crate::pod::Refusal::ALL`].
    pub refused: [u32; crate::pod::Refusal::ALL.len()],
}

/// An answer other than 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The HTTP status, or the code of an ERROR event.
    pub code: u16,
    /// `Retry-After`.
    pub retry_after: Option<RetryAfter>,
    /// The server's words, bounded.
    pub message: Box<str>,
}

closed! {
    /// Why the body of a 200 cannot be used: an attribute value.
    Unusable {
        /// More bytes than any honest answer has.
        TooLarge = "too_large",
        /// It ended before it was complete.
        Truncated = "truncated",
        /// Not JSON, or not the object that was asked for.
        Malformed = "malformed",
        /// A content type other than JSON, or an encoding that was not asked for.
        ContentType = "content_type",
    }
}

closed! {
    /// Why there is no answer: an attribute value.
    Failure {
        /// Nobody listens: the connection was refused.
        Refused = "refused",
        /// The connection could not be made, or broke.
        Connection = "connection",
        /// The server could not be verified, or did not accept us.
        Tls = "tls",
        /// A redirect, which is never followed.
        Redirect = "redirect",
        /// The credential could not be read; nothing was sent.
        Credential = "credential",
        /// The gate refused the request; nothing was sent.
        Gate = "gate",
    }
}

/// What an open watch brings.
#[derive(Debug)]
pub enum Item {
    /// ADDED or MODIFIED.
    Applied(Box<Pod>),
    /// ADDED or MODIFIED with a pod that was refused for this reason; its version and uid if they could be read.
    Refused(crate::pod::Refusal, Option<Box<crate::pod::Head>>),
    /// DELETED.
    Deleted(Box<crate::pod::Head>),
    /// BOOKMARK with its version.
    Bookmark(Box<str>),
    /// ERROR: the watch is over with it.
    Error(Rejection),
}

closed! {
    /// How an open watch ended by itself: an attribute value of `watch.restarts`.
    End {
        /// The server closed it in good order.
        Closed = "closed",
        /// The connection broke, or the last line was cut.
        Broken = "broken",
        /// A line longer than any honest event.
        TooLarge = "too_large",
        /// A line that is no event.
        Malformed = "malformed",
    }
}
