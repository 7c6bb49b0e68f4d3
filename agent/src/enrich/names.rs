//! Names on their way out: what Kubernetes would not have accepted as a name is none.
//!
//! The API server checks its names; folders, links and the kubelet's answers are taken at their word by nobody.

use shared_informer::pod::limits;

/// What is named, which decides how long a name may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A DNS label: 63 characters.
    Namespace,
    /// A DNS subdomain: 253 characters.
    Pod,
    /// A DNS label.
    Container,
    /// A DNS label.
    Volume,
}

impl Kind {
    const fn limit(self) -> usize {
        match self {
            Self::Pod => limits::NAME,
            Self::Namespace | Self::Container | Self::Volume => limits::LABEL,
        }
    }
}

/// The name, cut at its limit; `None` for what is no name at all.
pub(super) fn name(kind: Kind, text: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    if text.is_empty() || !text.bytes().all(plain) {
        return None;
    }
    text.get(..text.len().min(kind.limit()))
}

/// A uid or a container ID, which are opaque: printable ASCII, cut at [`limits::OPAQUE`].
pub(super) fn opaque(text: &str) -> Option<&str> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    text.get(..text.len().min(limits::OPAQUE))
}
