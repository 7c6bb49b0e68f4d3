//! Every pod's cgroup on this node: found once, and looked for again only where something changed.
//!
//! The folders that hold pods (`kubepods` and those of the QoS classes) and the pods' own are watched; a refresh
//! lists those that an event or a failed read points at. Every sixth one lists all of them, so that a change that
//! was not told is found as well; every thirtieth one also searches for other roots.
//!
//! Invariants: pods are sorted by uid and containers by ID; a key is given once; a cgroup is known by its inode, so
//! another one of the same name is another one.

use std::path::PathBuf;
use std::sync::Arc;

use super::OnError;
use super::descriptors::{DescriptorUse, Descriptors, default_limit};
use super::figures::Wanted;
use super::group::{Group, Mark, Pod, Shared};
use super::layout::Layout;
use super::listing::Lister;
use super::roots::Search;
use super::watch::Watches;
use crate::paths::HostPaths;

mod scan;
#[cfg(test)]
mod tests;

/// Refreshes after which every folder is listed, told or not.
const LIST_EVERY: u64 = 6;
/// Refreshes after which roots are searched for where there is one; where there is none it is [`LIST_EVERY`].
const SEARCH_EVERY: u64 = 30;

/// A folder that holds pods.
#[derive(Debug)]
struct Folder {
    /// Given once.
    id: u32,
    /// Below the hierarchy.
    path: Box<str>,
    inode: u64,
    /// A root is in no folder: it has [`NO_FOLDER`].
    mark: Mark,
}

/// What a root is in.
const NO_FOLDER: u32 = 0;

/// Every pod's cgroup on this node.
#[derive(Debug)]
pub struct Tree {
    base: PathBuf,
    meminfo: PathBuf,
    wanted: Wanted,
    descriptors: Arc<Descriptors>,
    shared: Option<Arc<Shared>>,
    root: Group,
    pods: Vec<Pod>,
    folders: Vec<Folder>,
    /// The watch on the hierarchy, where roots appear.
    top: Option<i32>,
    watches: Watches,
    lister: Lister,
    search: Search,
    turn: u64,
    last_key: u64,
    last_folder: u32,
    refused: Refused,
    bounds: Bounds,
}

/// How much is followed.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    pods: usize,
    containers: usize,
}

/// A kubelet runs 110 pods unless told otherwise; sandboxes are containers.
const BOUNDS: Bounds = Bounds { pods: 1000, containers: 5000 };

/// What was not taken up for want of room, in the last scan.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Refused {
    pods: bool,
    containers: bool,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new(&HostPaths::default(), Wanted::default())
    }
}

impl Tree {
    /// Nothing is read yet. Descriptors are kept for half of what the process may open, at most 512.
    pub fn new(paths: &HostPaths, wanted: Wanted) -> Self {
        Self::with_descriptors(paths, wanted, default_limit())
    }

    /// The same with a bound for the descriptors that are kept.
    pub fn with_descriptors(paths: &HostPaths, wanted: Wanted, limit: usize) -> Self {
        Self {
            base: paths.sys("fs/cgroup"),
            meminfo: paths.proc("meminfo"),
            wanted,
            descriptors: Arc::new(Descriptors::new(limit)),
            shared: None,
            root: Group::default(),
            pods: Vec::new(),
            folders: Vec::new(),
            top: None,
            watches: Watches::default(),
            lister: Lister::default(),
            search: Search::default(),
            turn: 0,
            last_key: 0,
            last_folder: NO_FOLDER,
            refused: Refused::default(),
            bounds: BOUNDS,
        }
    }

    /// Looks whether pods or containers came or went: cheap where nothing did. Answers whether anything changed.
    ///
    /// Reported are: a machine without cgroups, hierarchies that a wanted figure needs and that are not there, folders
    /// that cannot be listed, events that cannot be had, and pods and containers beyond the bounds (1,000 and 5,000).
    pub fn refresh(&mut self, _buffer: &mut Vec<u8>, on_error: OnError<'_>) -> bool {
        let turn = self.turn;
        self.turn += 1;
        let search_every = if self.folders.is_empty() { LIST_EVERY } else { SEARCH_EVERY };
        let is_redetected = self.folders.is_empty() && turn.is_multiple_of(SEARCH_EVERY);
        if is_redetected || (self.shared.is_none() && turn.is_multiple_of(LIST_EVERY)) {
            self.detect(on_error);
        }
        let Some(shared) = self.shared.clone() else { return false };
        let are_told = self.watches.drain();
        let is_searched = turn.is_multiple_of(search_every) || self.watches.has_changed(self.top);
        let everything = !are_told || turn.is_multiple_of(LIST_EVERY) || self.refused != Refused::default();
        self.mark_changes(everything);
        let searched = is_searched && self.find_roots(&shared, on_error);
        let scanned = self.scan(&shared, on_error);
        searched || scanned
    }

    /// Whether there are cgroups of pods on this machine at all: a kubelet has made their root.
    pub const fn is_present(&self) -> bool {
        !self.folders.is_empty()
    }

    /// The pods as of the last refresh, in the order of their uids.
    pub fn pods_mut(&mut self) -> &mut [Pod] {
        &mut self.pods
    }

    /// The cgroup of the whole node.
    pub const fn root_mut(&mut self) -> &mut Group {
        &mut self.root
    }

    /// How many descriptors of files are kept, and how many may be. A handful of folders comes on top.
    pub fn descriptors(&self) -> DescriptorUse {
        self.descriptors.usage()
    }

    /// Finds out what is mounted. Groups of an earlier layout are not there: there were no pods.
    fn detect(&mut self, on_error: OnError<'_>) {
        let layout = match Layout::detect(&self.base) {
            Ok(layout) => layout,
            Err(error) => {
                self.shared = None;
                return on_error(&error);
            }
        };
        for error in layout.absent(&self.base, self.wanted) {
            on_error(&error);
        }
        if let Err(error) = self.watches.start(&self.base) {
            on_error(&error);
        }
        self.watches.remove(self.top);
        self.top = self.watches.add(&layout.lead().path).unwrap_or_else(|error| {
            on_error(&error);
            None
        });
        let shared = Arc::new(Shared {
            layout,
            wanted: self.wanted,
            descriptors: Arc::clone(&self.descriptors),
            meminfo: self.meminfo.clone(),
        });
        self.root = Group::new(&shared, Box::default(), 0, NO_FOLDER);
        self.shared = Some(shared);
    }

    /// Marks the folders that have to be listed: those that an event was told of, those with something in them that
    /// a read has found gone, those that could not be listed or watched; or all.
    fn mark_changes(&mut self, everything: bool) {
        let Self { folders, pods, watches, .. } = self;
        let judge = |mark: &mut Mark, has_gone: bool| {
            mark.told = watches.has_changed(mark.watch);
            mark.watch = mark.watch.filter(|_| !watches.is_lost(mark.watch));
            let unwatched = mark.watch.is_none() && watches.are_told();
            mark.dirty = everything || mark.told || mark.failed || has_gone || unwatched;
        };
        for folder in &mut *folders {
            let has_gone = pods.iter().any(|pod| pod.group.mark.folder == folder.id && pod.group.is_gone());
            judge(&mut folder.mark, has_gone);
        }
        for pod in pods {
            let has_gone = pod.containers.iter().any(|container| container.group.is_gone());
            judge(&mut pod.group.mark, has_gone);
        }
        self.watches.clear();
    }
}
