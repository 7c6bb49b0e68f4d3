//! The name and the target of a link in `/var/log/containers`. Pure.
//!
//! The kubelet names a link `<pod>_<namespace>_<container>-<id>.log`, cut at 255 characters with its ending kept, and
//! lets it lead to `/var/log/pods/<namespace>_<pod>_<uid>/<container>/<restarts>.log`. That target is whole where the name
//! is not, so the target says who it is, the name must agree with it as far as it goes, and what is left of the name is
//! the ID. Every part is held to the limits that Kubernetes puts on it.

#[cfg(test)]
mod tests;

/// The longest name of a link, its ending included (`ext4MaxFileNameLen` of the kubelet).
const NAME_LIMIT: usize = 255;
const ENDING: &str = ".log";
/// The longest label of a name: that of a namespace or a container.
const LABEL_LIMIT: usize = 63;
/// The longest name of a pod: a DNS subdomain.
const SUBDOMAIN_LIMIT: usize = 253;
/// The longest uid: the API server's have 36 characters, the hash of a static pod 32, one set in a manifest any number.
const UID_LIMIT: usize = 64;
/// The length of a container's ID with containerd, CRI-O and Docker, and the longest that is taken.
const ID_LIMIT: usize = 64;

/// What a link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod's name.
    pub pod: &'a str,
    /// The container's name.
    pub container: &'a str,
    /// The container's ID, or its beginning.
    pub id: &'a str,
    /// Whether the ID is only the beginning of one, of which nothing may be left.
    pub cut: bool,
    /// The pod's uid, where the target has the kubelet's form.
    pub uid: Option<&'a str>,
    /// The container's restarts, where the target has the kubelet's form.
    pub restarts: Option<u32>,
}

/// What the link `name` with this `target` says; `None` where it is no link of the kubelet's, or where the two contradict
/// each other.
pub fn link<'a>(name: &'a [u8], target: &'a [u8]) -> Option<Link<'a>> {
    if name.len() > NAME_LIMIT {
        return None;
    }
    let stem = std::str::from_utf8(name).ok()?.strip_suffix(ENDING)?;
    let is_full = name.len() == NAME_LIMIT;
    match Target::new(target) {
        Some(target) => target.with_name(stem, is_full),
        None => without_target(stem, is_full),
    }
}

/// What the end of a target says.
struct Target<'a> {
    namespace: &'a str,
    pod: &'a str,
    uid: &'a str,
    container: &'a str,
    restarts: u32,
}

impl<'a> Target<'a> {
    /// The last three parts count: the folder before them is a setting of the kubelet (`podLogsDir`).
    fn new(target: &'a [u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(target).ok()?.rsplit('/');
        let (file, container, folder) = (parts.next()?, parts.next()?, parts.next()?);
        let mut names = folder.splitn(3, '_');
        let (namespace, pod, uid) = (names.next()?, names.next()?, names.next()?);
        let valid = is_label(namespace) && is_subdomain(pod) && is_uid(uid) && is_label(container);
        let restarts =
            file.strip_suffix(ENDING).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        valid.then_some(Self { namespace, pod, uid, container, restarts: restarts?.parse().ok()? })
    }

    /// The ID is what follows the names in the link's name, of which the end may be cut off anywhere.
    fn with_name(&self, stem: &'a str, is_full: bool) -> Option<Link<'a>> {
        let mut id = stem;
        for part in [self.pod, "_", self.namespace, "_", self.container, "-"] {
            id = match id.strip_prefix(part) {
                Some(rest) => rest,
                None if is_full && part.starts_with(id) => "",
                None => return None,
            };
        }
        let cut = is_full && id.len() < ID_LIMIT;
        let Self { namespace, pod, uid, container, restarts } = *self;
        (is_id(id) || (cut && id.is_empty())).then_some(Link {
            namespace,
            pod,
            container,
            id,
            cut,
            uid: Some(uid),
            restarts: Some(restarts),
        })
    }
}

/// A name alone: only where nothing was cut off can its parts be told apart.
fn without_target(stem: &str, is_full: bool) -> Option<Link<'_>> {
    let mut names = stem.splitn(3, '_');
    let (pod, namespace, rest) = (names.next()?, names.next()?, names.next()?);
    let (container, id) = rest.rsplit_once('-')?;
    let whole = is_id(id) && (!is_full || id.len() == ID_LIMIT);
    (whole && is_subdomain(pod) && is_label(namespace) && is_label(container)).then_some(Link {
        namespace,
        pod,
        container,
        id,
        cut: false,
        uid: None,
        restarts: None,
    })
}

/// A label of RFC 1123.
fn is_label(name: &str) -> bool {
    name.len() <= LABEL_LIMIT && is_joined(name, is_lower, b"-")
}

/// A subdomain of RFC 1123, whose labels Kubernetes does not hold to 63 characters.
fn is_subdomain(name: &str) -> bool {
    name.len() <= SUBDOMAIN_LIMIT && name.split('.').all(|label| is_joined(label, is_lower, b"-"))
}

/// A uid as the API server and the kubelet make it, or as a manifest may set it.
fn is_uid(uid: &str) -> bool {
    uid.len() <= UID_LIMIT && is_joined(uid, |byte| byte.is_ascii_alphanumeric(), b"-.")
}

const fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Whether a text begins and ends with an `inner` byte and has nothing but those and `joints`.
fn is_joined(text: &str, inner: impl Fn(u8) -> bool, joints: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_some_and(|byte| inner(*byte)))
        && bytes.iter().all(|byte| inner(*byte) || joints.contains(byte))
}

/// An ID: hexadecimal with today's runtimes, letters and digits with any.
fn is_id(id: &str) -> bool {
    (1..=ID_LIMIT).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
