//! Whose reviews the API server was asked for: [`super::super::flags::AUDIT_REVIEWS`] has the questions written down too.
//!
//! A kubelet asks in its own name, whoever made it ask; only the question says whom it is about.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;
use serde::Deserialize;

/// When each review was asked for, by whom it is about.
#[derive(Debug, Default)]
pub(in crate::real) struct Reviews {
    /// TokenReviews, by token.
    tokens: BTreeMap<String, Vec<SystemTime>>,
    /// SubjectAccessReviews, by user.
    access: BTreeMap<String, Vec<SystemTime>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    #[serde(default)]
    object_ref: Object,
    #[serde(default)]
    request_object: Option<Request>,
    request_received_timestamp: String,
}

#[derive(Default, Deserialize)]
struct Object {
    #[serde(default)]
    resource: String,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default)]
    token: String,
    #[serde(default)]
    user: String,
}

impl Reviews {
    /// Everything in the log so far.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(in crate::real) fn read(log: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(log).with_context(|| format!("reading {}", log.display()))?;
        let mut reviews = Self::default();
        text.lines().for_each(|line| reviews.line(line));
        Ok(reviews)
    }

    fn line(&mut self, line: &str) {
        // Lists of pods are long, and nothing else of them is of interest.
        if !line.contains("reviews\"") {
            return;
        }
        let Ok(event) = serde_json::from_str::<Event>(line) else { return };
        let Ok(received) = humantime::parse_rfc3339(&event.request_received_timestamp) else { return };
        if event.stage != "ResponseComplete" || event.verb != "create" {
            return;
        }
        let Spec { token, user } = event.request_object.map(|request| request.spec).unwrap_or_default();
        let (of, whom) = match event.object_ref.resource.as_str() {
            "tokenreviews" => (&mut self.tokens, token),
            "subjectaccessreviews" => (&mut self.access, user),
            _ => return,
        };
        of.entry(whom).or_default().push(received);
    }

    /// Reviews of this token.
    pub(in crate::real) fn of_token(&self, token: &str) -> &[SystemTime] {
        self.tokens.get(token).map(Vec::as_slice).unwrap_or_default()
    }

    /// Reviews of what this user may do.
    pub(in crate::real) fn of_user(&self, user: &str) -> &[SystemTime] {
        self.access.get(user).map(Vec::as_slice).unwrap_or_default()
    }

    /// How many reviews there were of anybody's.
    pub(in crate::real) fn all(&self) -> usize {
        self.tokens.values().chain(self.access.values()).map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_review_counts_once_for_whom_it_is_about() {
        let line = |stage: &str, resource: &str, spec: &str| {
            format!(
                r#"{{"kind":"Event","auditID":"a","stage":"{stage}","verb":"create","objectRef":{{"resource":"{resource}"}},
                "requestObject":{{"spec":{spec}}},"requestReceivedTimestamp":"2026-11-21T10:00:00.000000Z"}}"#
            )
            .replace('\n', "")
        };
        let mut reviews = Reviews::default();
        reviews.line(&line("ResponseComplete", "tokenreviews", r#"{"token":"t"}"#));
        reviews.line(&line("ResponseComplete", "subjectaccessreviews", r#"{"user":"u"}"#));
        reviews.line(&line("ResponseComplete", "subjectaccessreviews", r#"{"user":"v"}"#));
        reviews.line(&line("ResponseStarted", "tokenreviews", r#"{"token":"t"}"#));
        reviews.line(&line("ResponseComplete", "pods", r#"{"token":"reviews"}"#));
        reviews.line("broken reviews\"");
        assert_eq!((reviews.of_token("t").len(), reviews.of_user("u").len(), reviews.all()), (1, 1, 3));
        assert_eq!(reviews.of_token("u").len(), 0);
    }
}
