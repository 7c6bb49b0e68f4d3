//! One event of the audit log, and which of a request's events counts. Pure.

use std::collections::HashSet;

use serde::Deserialize;

/// What every event begins with.
const START: &str = "{\"kind\":\"Event\"";

/// What is read of an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    #[serde(rename = "auditID")]
    id: String,
    stage: String,
    pub(super) verb: String,
    #[serde(default, rename = "requestURI")]
    pub(super) uri: String,
    #[serde(default)]
    pub(super) user: User,
    #[serde(default)]
    pub(super) user_agent: String,
    #[serde(default)]
    pub(super) object_ref: Object,
    #[serde(default)]
    pub(super) response_status: Status,
    pub(super) request_received_timestamp: String,
}

/// Who asked.
#[derive(Default, Deserialize)]
pub(super) struct User {
    #[serde(default)]
    pub(super) username: String,
}

/// What about.
#[derive(Default, Deserialize)]
pub(super) struct Object {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    pub(super) namespace: String,
    #[serde(default)]
    pub(super) name: String,
}

/// What was answered.
#[derive(Default, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) code: u16,
}

impl Event {
    /// The event of a line.
    pub(super) fn whole(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// The event behind one that a killed server left unfinished.
    pub(super) fn glued(line: &str) -> Option<Self> {
        let (_, glued) = line.rsplit_once(START)?;
        Self::whole(&format!("{START}{glued}"))
    }
}

impl Object {
    /// With its subresource, as in `pods/status`; empty for paths that are no resource.
    pub(super) fn resource(&self) -> String {
        let Self { resource, subresource, .. } = self;
        if subresource.is_empty() { resource.clone() } else { format!("{resource}/{subresource}") }
    }
}

/// Requests that were started and have not ended: their start has been counted.
#[derive(Debug, Default)]
pub(super) struct Open(HashSet<String>);

impl Open {
    /// Whether this is the event by which its request counts.
    pub(super) fn counts(&mut self, event: &Event) -> bool {
        if event.stage == "ResponseStarted" {
            self.0.insert(event.id.clone());
            return true;
        }
        !self.0.remove(&event.id)
    }
}
