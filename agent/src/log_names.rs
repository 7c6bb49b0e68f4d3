//! Names without the API and without privileges: the links in `/var/log/containers`.
//!
//! The kubelet keeps one link there for each container that has a log, sandboxes excepted. Names and targets of links are
//! readable by anyone; the folders that they lead to are not, and are never opened. The folder is read again when its
//! modification time says so, and also while that time is too young to tell two changes apart ([`folder`]); a refresh of
//! a folder at rest is one `stat` and allocates nothing. What a link says is validated ([`parse`]) and bounded.
//!
//! The invariant: the table is that of one whole reading of the folder. A reading that fails leaves the one before.

use std::time::SystemTime;

use self::folder::{Folder, Outcome};
use crate::error::SourceError;
use crate::paths::HostPaths;

mod folder;
pub mod parse;
#[cfg(test)]
mod tests;

/// The folder of the kubelet's links, below the host's root.
const FOLDER: &str = "var/log/containers";
/// The most entries that are looked at: a node of 500 pods with 10 containers each, restarted once.
const LINK_LIMIT: usize = 10_000;
/// The fewest characters of an ID that was cut off by which a container is found: with fewer, another container of the
/// pod or its sandbox may begin alike (one in 2^32 with eight), and no name is better than a wrong one.
const ID_PREFIX: usize = 8;

/// What one link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogName {
    /// The pod's namespace.
    pub namespace: Box<str>,
    /// The pod's name.
    pub pod: Box<str>,
    /// The container's name.
    pub container: Box<str>,
    /// The container's ID; only its beginning, perhaps nothing, where the link's name was cut at 255 characters.
    pub id: Box<str>,
    /// From the link's target: the uid as the cgroup has it (a static pod's is the hash of its configuration).
    pub uid: Option<Box<str>>,
    /// From the link's target: how often the container had been restarted when this log was begun.
    pub restarts: Option<u32>,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: LogName,
    /// Whether the ID is only the beginning of one.
    cut: bool,
}

impl Entry {
    fn new(link: &parse::Link<'_>) -> Self {
        let name = LogName {
            namespace: link.namespace.into(),
            pod: link.pod.into(),
            container: link.container.into(),
            id: link.id.into(),
            uid: link.uid.map(Into::into),
            restarts: link.restarts,
        };
        Self { name, cut: link.cut }
    }

    /// The uid, empty where the target did not tell it.
    fn uid(&self) -> &str {
        self.name.uid.as_deref().unwrap_or_default()
    }

    /// The order of the table; unique but for links that contradict each other.
    fn key(&self) -> (&str, &str, &str, Option<u32>) {
        (self.uid(), &self.name.id, &self.name.container, self.name.restarts)
    }
}

/// The links as of the last refresh.
#[derive(Debug, Default)]
pub struct LogNames {
    folder: Folder,
    /// In the order of [`Entry::key`].
    entries: Vec<Entry>,
    refused: usize,
    is_up: bool,
    version: u64,
}

impl LogNames {
    /// Nothing is read yet.
    pub fn new(paths: &HostPaths) -> Self {
        Self { folder: Folder::new(paths.host(FOLDER), LINK_LIMIT), ..Self::default() }
    }

    /// Reads the folder again where it changed; answers whether anything did.
    ///
    /// # Errors
    /// [`SourceError::Read`] where the folder cannot be read: what was known stays known. The same for a link that cannot
    /// be read, and [`SourceError::TooMany`] above 10,000 entries: what was read up to there is known
    /// ([`Self::version`] tells whether that is a change), and [`Self::is_up`] holds.
    pub fn refresh(&mut self) -> Result<bool, SourceError> {
        self.refresh_at(SystemTime::now())
    }

    fn refresh_at(&mut self, now: SystemTime) -> Result<bool, SourceError> {
        let mut entries = Vec::new();
        let mut refused = 0;
        let visit =
            |name: &[u8], target: Option<&[u8]>| match target.and_then(|target| parse::link(name, target)) {
                Some(link) => entries.push(Entry::new(&link)),
                None => refused += 1,
            };
        let outcome = self.folder.read(now, visit);
        self.is_up = outcome.is_ok();
        let failed = match outcome? {
            Outcome::Unchanged => return Ok(false),
            Outcome::Read(failed) => failed,
        };
        entries.sort_unstable_by(|one, other| one.key().cmp(&other.key()));
        self.refused = refused;
        let changed = entries != self.entries;
        if changed {
            self.entries = entries;
            self.version += 1;
        }
        failed.map_or(Ok(changed), Err)
    }

    /// Whether the folder could be read the last time.
    pub const fn is_up(&self) -> bool {
        self.is_up
    }

    /// Grows with each refresh that changed anything.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// How many entries of the folder were no links of the kubelet's, the last time that it was read.
    pub const fn refused(&self) -> usize {
        self.refused
    }

    /// The container of this ID in the pod of this (cgroup) uid. Nothing for a sandbox, and nothing where a cut ID leaves
    /// more than one container possible or says too little.
    pub fn container(&self, uid: &str, id: &str) -> Option<&LogName> {
        if uid.is_empty() || id.is_empty() {
            return None;
        }
        let pod = self.of_pod(uid);
        let whole = with_id(pod, id).or_else(|| with_id(self.of_pod(""), id));
        whole.or_else(|| {
            let mut possible = pod.iter().filter(|entry| {
                entry.cut && entry.name.id.len() >= ID_PREFIX && id.starts_with(&*entry.name.id)
            });
            let only = possible.next()?;
            possible.next().is_none().then_some(&only.name)
        })
    }

    /// Any container of the pod of this (cgroup) uid: namespace and name of the pod.
    pub fn pod(&self, uid: &str) -> Option<&LogName> {
        self.containers(uid).next()
    }

    /// Every container of the pod of this (cgroup) uid that has a log, those of earlier restarts included.
    pub fn containers(&self, uid: &str) -> impl Iterator<Item = &LogName> {
        let pod = if uid.is_empty() { &[] } else { self.of_pod(uid) };
        pod.iter().map(|entry| &entry.name)
    }

    /// The rows of this uid; those without one for an empty text.
    fn of_pod(&self, uid: &str) -> &[Entry] {
        let from = self.entries.partition_point(|entry| entry.uid() < uid);
        let rest = &self.entries[from..];
        &rest[..rest.partition_point(|entry| entry.uid() == uid)]
    }
}

/// The row of this whole ID.
fn with_id<'e>(pod: &'e [Entry], id: &str) -> Option<&'e LogName> {
    let entry = pod.get(pod.partition_point(|entry| *entry.name.id < *id))?;
    (*entry.name.id == *id && !entry.cut).then_some(&entry.name)
}
