//! Who asks, and what they may. Tokens are random words that this server has given out; nothing else is admitted.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::question::Question;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// What the product's role allows: LIST and WATCH of pods, GET of its own DaemonSet. Its own kubelet answers it
    /// `/stats`, `/metrics` and `/pods`.
    Agent,
    /// What a kubelet has: it may ask for reviews.
    Kubelet,
    /// Everything there is, and never queued: a member of `system:masters`.
    Everything,
    /// Nothing at all.
    Nothing,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) rights: Rights,
}

/// The subresources of a node that [`Rights::Agent`] may read at the kubelet.
const NODE_SUBRESOURCES: [&str; 3] = ["stats", "metrics", "pods"];

impl User {
    /// Whoever shows no credential.
    pub(super) fn anonymous() -> Self {
        Self { name: "system:anonymous".to_owned(), rights: Rights::Nothing }
    }

    /// Whether this user may ask that, where the product's DaemonSet has this namespace and name.
    pub(super) fn may(&self, question: &Question, daemon_set: (&str, &str)) -> bool {
        let (namespace, name) = (question.namespace.as_deref(), question.name.as_deref());
        if question.resource.is_empty() {
            return self.rights == Rights::Everything
                || matches!(question.path.as_str(), "/version" | "/readyz" | "/livez" | "/healthz");
        }
        match (self.rights, question.verb.as_str(), question.group_resource().as_str()) {
            (Rights::Everything, ..)
            | (Rights::Agent, "list" | "watch", "pods")
            | (
                Rights::Kubelet,
                "create",
                "tokenreviews.authentication.k8s.io" | "subjectaccessreviews.authorization.k8s.io",
            ) => true,
            (Rights::Agent, "get", "daemonsets.apps") => {
                namespace == Some(daemon_set.0) && name == Some(daemon_set.1)
            }
            _ => false,
        }
    }

    /// Whether a kubelet may answer this user about that subresource of its node.
    pub(super) fn may_read_node(&self, subresource: &str) -> bool {
        match self.rights {
            Rights::Everything => true,
            Rights::Agent => NODE_SUBRESOURCES.contains(&subresource),
            Rights::Kubelet | Rights::Nothing => false,
        }
    }
}

/// Every account and its token.
#[derive(Debug)]
pub(super) struct Accounts {
    /// Makes tokens of one instance worthless for another.
    instance: u128,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_token: HashMap<String, User>,
    tokens: HashMap<String, String>,
}

impl Accounts {
    pub(super) fn new(instance: u128) -> Self {
        Self { instance, known: Mutex::default() }
    }

    /// The token of an account; the first call decides what it may.
    pub(super) fn token(&self, name: &str, rights: Rights) -> String {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = known.tokens.get(name) {
            return token.clone();
        }
        let token = format!("simulated-{:032x}-{:06}", self.instance, known.tokens.len());
        known.tokens.insert(name.to_owned(), token.clone());
        known.by_token.insert(token.clone(), User { name: name.to_owned(), rights });
        token
    }

    /// Whose token this is.
    pub(super) fn identify(&self, token: &str) -> Option<User> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).by_token.get(token).cloned()
    }

    /// The account of that name.
    pub(super) fn named(&self, name: &str) -> Option<User> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_token.get(known.tokens.get(name)?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(rights: Rights, method: &str, path: &str) -> bool {
        let user = User { name: "someone".to_owned(), rights };
        user.may(&Question::read(method, path), ("tare", "tare"))
    }

    #[test]
    fn the_agent_may_ask_its_three_questions_and_no_other() {
        let own = "/apis/apps/v1/namespaces/tare/daemonsets/tare";
        assert!(
            may(Rights::Agent, "GET", "/api/v1/pods") && may(Rights::Agent, "GET", "/api/v1/pods?watch=1")
        );
        assert!(may(Rights::Agent, "GET", own));
        for (method, path) in [
            ("GET", "/api/v1/nodes"),
            ("POST", "/api/v1/pods"),
            ("GET", "/api/v1/namespaces/x/pods/y"),
            ("GET", "/apis/apps/v1/namespaces/tare/daemonsets"),
            ("GET", "/apis/apps/v1/namespaces/tare/daemonsets/another"),
            ("GET", "/apis/apps/v1/namespaces/another/daemonsets/tare"),
            ("PATCH", own),
            ("GET", "/api/v1/pods/x/log"),
            ("GET", "/apis"),
        ] {
            assert!(!may(Rights::Agent, method, path), "{method} {path}");
        }
        assert!(!may(Rights::Nothing, "GET", "/api/v1/pods") && may(Rights::Nothing, "GET", "/readyz"));
    }

    #[test]
    fn a_token_is_good_for_its_account_and_its_server_only() {
        let (one, other) = (Accounts::new(1), Accounts::new(2));
        let token = one.token("a", Rights::Agent);
        assert_eq!(one.token("a", Rights::Everything), token);
        assert_eq!(
            one.identify(&token).map(|user| (user.name, user.rights)),
            Some(("a".to_owned(), Rights::Agent))
        );
        assert_ne!(one.token("b", Rights::Nothing), token);
        other.token("a", Rights::Agent);
        assert_eq!(other.identify(&token), None);
    }
}
