//! Image references, split as the collector splits them.
//!
//! The grammar is that of `github.com/distribution/reference`; a test compares with the original on 1,211
//! texts. A reference is borrowed from the text; only [`canonical`] allocates.

#[cfg(test)]
mod tests;

/// The longest path of a repository, without the registry's host.
const MAX_PATH: usize = 255;
const MAX_TAG: usize = 128;
const DEFAULT_DOMAIN: &str = "docker.io";

/// The parts of an image reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageRef<'a> {
    /// Registry and path as written, for example `registry.example:5000/team/app`.
    pub repository: &'a str,
    /// The tag, if one is written.
    pub tag: Option<&'a str>,
    /// The digest with its algorithm, for example `sha256:0f...`, if one is written.
    pub digest: Option<&'a str>,
}

impl<'a> ImageRef<'a> {
    /// Splits a reference; `None` if it does not follow the grammar.
    pub fn parse(image: &'a str) -> Option<Self> {
        let (rest, digest) = match image.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (image, None),
        };
        if !digest.is_none_or(is_digest) {
            return None;
        }
        // Neither a path nor a tag holds a colon, so the last one starts the tag unless a path follows it.
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (rest, None),
        };
        (tag.is_none_or(is_tag) && is_name(repository)).then_some(Self { repository, tag, digest })
    }

    /// The tag as the collector reports it: `latest` where none is written.
    pub fn tag_or_latest(&self) -> &'a str {
        self.tag.unwrap_or("latest")
    }

    /// `service.version` by the semantic conventions: tag and digest, or the one that is written.
    pub fn service_version(&self) -> Option<String> {
        match (self.tag, self.digest) {
            (Some(tag), Some(digest)) => Some(format!("{tag}@{digest}")),
            (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
            (None, None) => None,
        }
    }
}

/// The reference with host and digest, as it stands in `container.image.repo_digests`; `None` for one without
/// a digest (a bare image ID) or with a scheme.
pub fn canonical(image: &str) -> Option<String> {
    // A text that is an identifier or a digest as a whole names no repository.
    if is_digest(image) || (image.len() == 64 && is_lower_hex(image)) {
        return None;
    }
    let (domain, library, remainder) = match image.split_once('/') {
        None => (DEFAULT_DOMAIN, true, image),
        Some((DEFAULT_DOMAIN | "index.docker.io", rest)) => (DEFAULT_DOMAIN, !rest.contains('/'), rest),
        Some((first, rest)) if is_host(first) => (first, false, rest),
        Some(_) => (DEFAULT_DOMAIN, false, image),
    };
    let path = remainder.split(':').next().unwrap_or_default();
    if path.chars().any(char::is_uppercase) {
        return None;
    }
    let whole = format!("{domain}/{}{remainder}", if library { "library/" } else { "" });
    ImageRef::parse(&whole)?.digest.is_some().then_some(whole)
}

/// Whether the first part of a path is read as a host by convention.
fn is_host(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.chars().any(char::is_uppercase)
}

fn is_digest(text: &str) -> bool {
    let length = match text.split_once(':') {
        Some(("sha256", _)) => 64,
        Some(("sha384", _)) => 96,
        Some(("sha512", _)) => 128,
        _ => return false,
    };
    text.split_once(':').is_some_and(|(_, hex)| hex.len() == length && is_lower_hex(hex))
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= MAX_TAG
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, path)) if is_domain(domain) && is_path(path) => path.len() <= MAX_PATH,
        _ => is_path(text) && text.len() <= MAX_PATH,
    }
}

/// Host names with an optional port, and IPv6 addresses in brackets.
fn is_domain(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, port)| {
            !address.is_empty()
                && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
                && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    port.is_none_or(is_port)
        && host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_path(text: &str) -> bool {
    text.split('/').all(is_component)
}

/// Lower-case letters and digits, joined by one of `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut rest = text.as_bytes();
    loop {
        let word = rest.iter().take_while(|byte| plain(**byte)).count();
        rest = rest.get(word..).unwrap_or_default();
        let joint = match rest {
            _ if word == 0 => return false,
            [] => return true,
            [b'_', b'_', ..] => 2,
            [b'.' | b'_', ..] => 1,
            _ => rest.iter().take_while(|byte| **byte == b'-').count(),
        };
        if joint == 0 {
            return false;
        }
        rest = rest.get(joint..).unwrap_or_default();
    }
}
