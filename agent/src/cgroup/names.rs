//! What the names of cgroups say: which is the root of all pods, a folder of a QoS class, a pod, a container.
//!
//! The kubelet's cgroupfs driver makes `kubepods/burstable/pod<uid>`, its systemd driver
//! `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice` with `_` for each `-` of the uid.
//! A slice's name holds its parents' names, so below a prefix all of them begin with it
//! (`kubelet-kubepods-burstable.slice`). Runtimes name a container's cgroup by its ID, alone or as
//! `<runtime>-<id>.scope`.
//!
//! Pure, without allocation, and never panics: a name of the wrong length or with other characters is none.

#[cfg(test)]
mod tests;

/// The longest uid: a UUID has 36 characters, a hash 32; a static pod's manifest may choose another.
const MAX_UID: usize = 64;
/// The length of a container's ID: 64 hexadecimal digits with every runtime known.
const ID: std::ops::RangeInclusive<usize> = 32..=64;
/// The root of all pods, in every driver.
const ROOT: &str = "kubepods";

/// A pod's quality of service class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qos {
    /// Requests equal limits; such pods have no folder of their class.
    Guaranteed,
    /// Some requests.
    Burstable,
    /// No requests.
    BestEffort,
}

/// A pod's uid, with dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uid {
    bytes: [u8; MAX_UID],
    length: usize,
}

impl Uid {
    /// The uid in `text`, where each `_` stands for a dash if `escaped`.
    pub(crate) fn new(text: &[u8], escaped: bool) -> Option<Self> {
        let mut uid = Self { bytes: [0; MAX_UID], length: text.len() };
        if text.is_empty() || text.len() > MAX_UID {
            return None;
        }
        for (to, from) in uid.bytes.iter_mut().zip(text) {
            *to = match from {
                b'_' if escaped => b'-',
                b'-' if !escaped => b'-',
                letter if letter.is_ascii_alphanumeric() => *letter,
                _ => return None,
            };
        }
        Some(uid)
    }

    /// The uid: letters, digits and dashes, at most 64.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// Whether `name` is the cgroup of all pods: `kubepods`, `kubepods.slice`, `<prefix>-kubepods.slice`.
pub fn is_root(name: &[u8]) -> bool {
    name == ROOT.as_bytes() || name.strip_suffix(b".slice").is_some_and(is_root_stem)
}

/// The class whose folder `name` is: `burstable`, `kubepods-burstable.slice`.
pub fn qos_folder(name: &[u8]) -> Option<Qos> {
    match name {
        b"burstable" => Some(Qos::Burstable),
        b"besteffort" => Some(Qos::BestEffort),
        _ => qos_stem(name.strip_suffix(b".slice")?).filter(|qos| *qos != Qos::Guaranteed),
    }
}

/// The uid of the pod whose cgroup `name` is, and its class where the name holds it.
pub fn pod(name: &[u8]) -> Option<(Uid, Option<Qos>)> {
    if let Some(uid) = name.strip_prefix(b"pod") {
        return Some((Uid::new(uid, false)?, None));
    }
    let stem = name.strip_suffix(b".slice")?;
    // Dashes separate the parents' names, so the last one begins the pod's own.
    let dash = stem.iter().rposition(|byte| *byte == b'-')?;
    let uid = Uid::new(stem[dash + 1..].strip_prefix(b"pod")?, true)?;
    Some((uid, Some(qos_stem(&stem[..dash])?)))
}

/// The ID of the container whose cgroup `name` is: `<id>`, `<runtime>-<id>`, with or without `.scope`. A monitor's
/// scope (`crio-conmon-<id>.scope`) is no container, nor is any other scope (`init.scope`).
pub fn container(name: &[u8]) -> Option<&str> {
    let stem = name.strip_suffix(b".scope").unwrap_or(name);
    let (runtime, id) = match stem.iter().rposition(|byte| *byte == b'-') {
        Some(dash) => (Some(&stem[..dash]), &stem[dash + 1..]),
        None => (None, stem),
    };
    if runtime.is_none() && stem.len() != name.len() {
        return None;
    }
    let is_runtime = |runtime: &[u8]| {
        let letters = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        (1..=32).contains(&runtime.len()) && runtime.iter().all(letters) && !runtime.ends_with(b"conmon")
    };
    let is_id = ID.contains(&id.len()) && id.iter().all(u8::is_ascii_hexdigit);
    if is_id && runtime.is_none_or(is_runtime) { std::str::from_utf8(id).ok() } else { None }
}

/// The class that a slice's stem ends with, `Guaranteed` for the root's own.
fn qos_stem(stem: &[u8]) -> Option<Qos> {
    if is_root_stem(stem) {
        return Some(Qos::Guaranteed);
    }
    let dash = stem.iter().rposition(|byte| *byte == b'-')?;
    let qos = match &stem[dash + 1..] {
        b"burstable" => Qos::Burstable,
        b"besteffort" => Qos::BestEffort,
        _ => return None,
    };
    is_root_stem(&stem[..dash]).then_some(qos)
}

/// `kubepods` or `<prefix>-kubepods`.
fn is_root_stem(stem: &[u8]) -> bool {
    match stem.strip_suffix(ROOT.as_bytes()) {
        Some([]) => true,
        Some([prefix @ .., b'-']) => !prefix.is_empty() && prefix.iter().all(|byte| is_slice_letter(*byte)),
        _ => false,
    }
}

/// What systemd allows in a unit's name.
const fn is_slice_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'\\' | b'@')
}
