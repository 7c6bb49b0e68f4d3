//! Why there is no answer, in words that a person can act on.

use std::error::Error as _;
use std::io;

/// Why a request was not answered with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A file of the credential or of whom to trust cannot be used; nothing was sent.
    #[error("{0}")]
    Credential(String),
    /// No connection: nobody listens there.
    #[error("the kubelet is not there: {0}")]
    Connect(String),
    /// The handshake failed: one of both does not trust the other.
    #[error("TLS with the kubelet: {what}{}", hint(.what))]
    Tls {
        /// What the library says.
        what: String,
    },
    /// The connection broke.
    #[error("the connection to the kubelet was lost: {0}")]
    Lost(String),
    /// Nothing in time, or not all of it.
    #[error("the kubelet did not answer in time")]
    Timeout,
    /// Another status than 200.
    #[error("{}", status(*.code, .path, .said))]
    Status {
        /// The status.
        code: u16,
        /// What was asked for.
        path: &'static str,
        /// What the kubelet said, at most 1 KiB.
        said: String,
    },
    /// The answer is not what it should be.
    #[error("the kubelet's answer cannot be used: {0}")]
    Unusable(String),
}

impl Trouble {
    pub(super) fn lost(error: &hyper::Error) -> Self {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::Lost(format!("{error}{cause}"))
    }

    pub(super) fn connect(error: &io::Error) -> Self {
        Self::Connect(error.to_string())
    }
}

/// What a person does about a certificate that nobody knows.
fn hint(what: &str) -> &'static str {
    if what.contains("certificate") {
        "; if the kubelet has signed its certificate itself, set kubelet.pinned_cert_file"
    } else {
        ""
    }
}

fn status(code: u16, path: &str, said: &str) -> String {
    let why = match (code, path) {
        (401, _) => "it does not accept the credential".to_owned(),
        (403, "/stats/summary") => "the ClusterRole needs `get` on nodes/stats".to_owned(),
        (403, "/pods") => {
            "the ClusterRole needs `get` on nodes/pods, which kubelets know since 1.33".to_owned()
        }
        (300..=399, _) => "a redirect, which is not followed".to_owned(),
        _ => said.to_owned(),
    };
    let colon = if why.is_empty() { "" } else { ": " };
    format!("the kubelet answered {path} with {code}{colon}{why}")
}
