//! Each request of the audit log with what it was about: who did what because of which object.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;

use super::event::{Event, Open};

/// One request.
#[derive(Debug, Clone)]
pub(in crate::real) struct Act {
    /// When the server received it.
    pub(in crate::real) at: SystemTime,
    /// As the server names it: get, list, watch, create and so on.
    pub(in crate::real) verb: String,
    /// With its subresource, as in `pods/status`.
    pub(in crate::real) resource: String,
    /// Empty where it is about no object of a namespace.
    pub(in crate::real) namespace: String,
    /// Empty where it is about several.
    pub(in crate::real) name: String,
    /// Who the server took the client for.
    pub(in crate::real) user: String,
    /// As the client named itself.
    pub(in crate::real) user_agent: String,
    /// Path and query.
    pub(in crate::real) uri: String,
    /// The HTTP status of the answer.
    pub(in crate::real) code: u16,
}

/// Every request in the log so far, in the order in which they were logged; a watch counts when it starts.
///
/// # Errors
/// When it cannot be read.
pub(in crate::real) fn read(log: &Path) -> anyhow::Result<Vec<Act>> {
    let text = fs::read_to_string(log).with_context(|| format!("reading {}", log.display()))?;
    let mut open = Open::default();
    Ok(text.lines().filter_map(|line| act(line, &mut open)).collect())
}

fn act(line: &str, open: &mut Open) -> Option<Act> {
    let event = Event::whole(line).or_else(|| Event::glued(line))?;
    if !open.counts(&event) {
        return None;
    }
    let resource = event.object_ref.resource();
    Some(Act {
        at: humantime::parse_rfc3339(&event.request_received_timestamp).ok()?,
        verb: event.verb,
        resource,
        namespace: event.object_ref.namespace,
        name: event.object_ref.name,
        user: event.user.username,
        user_agent: event.user_agent,
        uri: event.uri,
        code: event.response_status.code,
    })
}

impl Act {
    /// Who did what, in words that are the same on every node: `kubelet patch pods/status`.
    pub(in crate::real) fn cause(&self) -> String {
        let last = self.user.rsplit(':').next().unwrap_or_default();
        let who = if self.user.starts_with("system:node:") { "kubelet" } else { last };
        let which = if self.resource == "configmaps" && self.name == "kube-root-ca.crt" {
            " (authority)"
        } else {
            ""
        };
        format!("{who} {} {}{which}", self.verb, self.resource)
    }
}

/// How often each cause.
pub(in crate::real) fn causes<'a>(acts: impl IntoIterator<Item = &'a Act>) -> BTreeMap<String, usize> {
    let mut causes = BTreeMap::new();
    for act in acts {
        *causes.entry(act.cause()).or_default() += 1;
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_once_with_its_cause_also_behind_a_broken_line() {
        let event = |id: &str, stage: &str, verb: &str, user: &str| {
            format!(
                r#"{{"kind":"Event","auditID":"{id}","stage":"{stage}","verb":"{verb}","requestURI":"/x","user":{{"username":"{user}"}},"objectRef":{{"resource":"pods","subresource":"status","namespace":"n","name":"p"}},"requestReceivedTimestamp":"2026-11-21T10:00:00.000000Z"}}"#
            )
        };
        let lines = [
            event("a", "ResponseStarted", "watch", "system:node:node-0000"),
            event("a", "ResponseComplete", "watch", "system:node:node-0000"),
            format!(
                "{{\"kind\":\"Event\",\"audit{}",
                event("b", "ResponseComplete", "patch", "system:serviceaccount:k:gc")
            ),
            "broken".to_owned(),
        ];
        let mut open = Open::default();
        let acts: Vec<_> = lines.iter().filter_map(|line| act(line, &mut open)).collect();
        let causes: Vec<_> = causes(&acts).into_iter().collect();
        let expected = [("gc patch pods/status".to_owned(), 1), ("kubelet watch pods/status".to_owned(), 1)];
        assert_eq!(causes, expected);
        assert_eq!(acts[1].namespace, "n");
    }
}
