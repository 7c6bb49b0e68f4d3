//! The listing of folders, and what it changes in the tree: mark what is known, meet what is there, sweep the rest.

use std::path::PathBuf;
use std::sync::Arc;

use rustix::io::Errno;

use super::{Folder, NO_FOLDER, Refused, Tree};
use crate::cgroup::group::{Container, Group, Mark, Pod, Shared};
use crate::cgroup::listing::is_gone;
use crate::cgroup::roots::MAX_FOLDERS;
use crate::cgroup::{OnError, names};
use crate::error::SourceError;

/// The path of a folder of the leading hierarchy, for messages and watches.
fn full_path(shared: &Shared, path: &str) -> PathBuf {
    shared.layout.lead().path.join(path)
}

fn failed(shared: &Shared, path: &str, errno: Errno) -> SourceError {
    SourceError::Read { path: full_path(shared, path), error: errno.into() }
}

impl Tree {
    /// Searches for roots; answers whether one came or went.
    pub(super) fn find_roots(&mut self, shared: &Arc<Shared>, on_error: OnError<'_>) -> bool {
        for folder in self.folders.iter_mut().filter(|folder| folder.mark.folder == NO_FOLDER) {
            folder.mark.seen = false;
        }
        let Self { search, lister, folders, last_folder, .. } = self;
        let mut changed = false;
        let searched = search.roots(lister, &shared.layout.lead().dir, |path, inode| {
            changed |= meet_folder(folders, last_folder, NO_FOLDER, ("", path), inode);
        });
        match searched {
            Ok(true) => return self.sweep_folders(NO_FOLDER) || changed,
            Ok(false) => on_error(&SourceError::TooMany {
                path: shared.layout.lead().path.clone(),
                what: "folders",
                limit: MAX_FOLDERS,
            }),
            Err(errno) => on_error(&failed(shared, "", errno)),
        }
        changed
    }

    /// Lists what is marked, and what is found meanwhile; answers whether anything changed.
    pub(super) fn scan(&mut self, shared: &Arc<Shared>, on_error: OnError<'_>) -> bool {
        let had_refused = std::mem::take(&mut self.refused);
        let mut untold = None;
        let mut changed = false;
        while let Some(at) = self.folders.iter().position(|folder| folder.mark.dirty) {
            self.watch_folder(shared, at, on_error);
            let (told, watch) = (self.folders[at].mark.told, self.folders[at].mark.watch);
            if self.scan_folder(shared, at, on_error) {
                changed = true;
                untold = untold.or((!told).then_some(watch));
            }
        }
        while let Some(at) = self.pods.iter().position(|pod| pod.group.mark.dirty) {
            self.watch_pod(shared, at, on_error);
            let (told, watch) = (self.pods[at].group.mark.told, self.pods[at].group.mark.watch);
            if self.scan_pod(shared, at, on_error) {
                changed = true;
                untold = untold.or((!told).then_some(watch));
            }
        }
        // Room that was made elsewhere is no event of the folder that waited for it.
        if let (Some(watch), true) = (untold, had_refused == Refused::default()) {
            self.watches.drain();
            if self.watches.are_told() && !self.watches.has_changed(watch) {
                self.watches.strike();
            }
        }
        let path = || shared.layout.lead().path.clone();
        if self.refused.pods {
            on_error(&SourceError::TooMany { path: path(), what: "pods", limit: self.bounds.pods });
        }
        if self.refused.containers {
            on_error(&SourceError::TooMany {
                path: path(),
                what: "containers",
                limit: self.bounds.containers,
            });
        }
        changed
    }

    fn watch_folder(&mut self, shared: &Shared, at: usize, on_error: OnError<'_>) {
        let folder = &mut self.folders[at];
        if folder.mark.watch.is_none() && self.watches.are_told() {
            let added = self.watches.add(&full_path(shared, &folder.path));
            folder.mark.watch = added.map_err(|error| on_error(&error)).ok().flatten();
        }
    }

    fn watch_pod(&mut self, shared: &Shared, at: usize, on_error: OnError<'_>) {
        let group = &mut self.pods[at].group;
        if group.mark.watch.is_none() && self.watches.are_told() {
            let added = self.watches.add(&full_path(shared, group.path()));
            group.mark.watch = added.map_err(|error| on_error(&error)).ok().flatten();
        }
    }

    /// Lists one folder of pods; in a root also the folders of the QoS classes.
    fn scan_folder(&mut self, shared: &Arc<Shared>, at: usize, on_error: OnError<'_>) -> bool {
        let Self { lister, folders, pods, last_key, last_folder, bounds, .. } = self;
        let folder = &mut folders[at];
        let (id, is_root) = (folder.id, folder.mark.folder == NO_FOLDER);
        folder.mark.dirty = false;
        folder.mark.failed = false;
        let path = std::mem::take(&mut folder.path);
        folders
            .iter_mut()
            .filter(|folder| folder.mark.folder == id)
            .for_each(|folder| folder.mark.seen = false);
        pods.iter_mut().filter(|pod| pod.group.mark.folder == id).for_each(|pod| pod.group.mark.seen = false);
        let known = pods.len();
        let (mut changed, mut refused) = (false, false);
        let listed = lister.folders(&shared.layout.lead().dir, &path, |name, inode| {
            if let (Some((uid, _)), Ok(name)) = (names::pod(name), std::str::from_utf8(name)) {
                if meet_pod(&mut pods[..known], id, uid.as_str(), inode) {
                    return;
                }
                if pods.len() >= bounds.pods {
                    refused = true;
                    return;
                }
                *last_key += 1;
                let group = Group::new(shared, format!("{path}/{name}").into(), inode, id);
                pods.push(Pod { uid: uid.as_str().into(), key: *last_key, group, containers: Vec::new() });
                changed = true;
            } else if let (true, Some(_), Ok(name)) =
                (is_root, names::qos_folder(name), std::str::from_utf8(name))
            {
                changed |= meet_folder(folders, last_folder, id, (&path, name), inode);
            }
        });
        self.folders[at].path = path;
        match listed {
            Ok(()) => {
                let (folders, pods) = (self.sweep_folders(id), self.sweep_pods(id));
                changed |= folders | pods;
            }
            Err(errno) if is_gone(errno) => {
                self.remove_folder(id);
                changed = true;
            }
            Err(errno) => {
                on_error(&failed(shared, &self.folders[at].path, errno));
                self.folders[at].mark.failed = true;
            }
        }
        // What was swept may have made room: the folder is listed again.
        let has_room = self.pods.len() < self.bounds.pods;
        if let (true, true, Some(folder)) = (refused, has_room, self.folders.get_mut(at)) {
            folder.mark.dirty = true;
        }
        self.refused.pods |= refused && !has_room;
        if changed {
            self.pods.sort_unstable_by(|one, other| (&one.uid, one.key).cmp(&(&other.uid, other.key)));
        }
        changed
    }

    /// Lists one pod's containers.
    fn scan_pod(&mut self, shared: &Arc<Shared>, at: usize, on_error: OnError<'_>) -> bool {
        let all: usize = self.pods.iter().map(|pod| pod.containers.len()).sum();
        let Self { lister, pods, last_key, bounds, .. } = self;
        let Pod { group, containers, .. } = &mut pods[at];
        group.mark.dirty = false;
        group.mark.failed = false;
        for container in &mut *containers {
            container.group.mark.seen = false;
        }
        let known = containers.len();
        let (mut changed, mut refused) = (false, false);
        let path = group.path();
        let listed = lister.folders(&shared.layout.lead().dir, path, |name, inode| {
            let (Some(id), Ok(name)) = (names::container(name), std::str::from_utf8(name)) else { return };
            if meet_container(&mut containers[..known], id, inode) {
                return;
            }
            if all + containers.len() - known >= bounds.containers {
                refused = true;
                return;
            }
            *last_key += 1;
            let group = Group::new(shared, format!("{path}/{name}").into(), inode, NO_FOLDER);
            containers.push(Container { id: id.into(), key: *last_key, group });
            changed = true;
        });
        match listed {
            Ok(()) => {
                let before = containers.len();
                containers.retain(|container| container.group.mark.seen);
                changed |= containers.len() != before;
            }
            // The folder that it was in tells of it, now or at the next refresh.
            Err(errno) if is_gone(errno) => {
                changed |= !containers.is_empty();
                containers.clear();
                group.lose();
            }
            Err(errno) => {
                on_error(&failed(shared, group.path(), errno));
                group.mark.failed = true;
            }
        }
        let has_room = all + containers.len() - known < bounds.containers;
        group.mark.dirty = refused && has_room;
        self.refused.containers |= refused && !has_room;
        if changed {
            containers.sort_unstable_by(|one, other| (&one.id, one.key).cmp(&(&other.id, other.key)));
        }
        changed
    }

    /// Forgets the folders in `parent` that were not met.
    fn sweep_folders(&mut self, parent: u32) -> bool {
        let mut changed = false;
        let is_lost = |folder: &Folder| folder.mark.folder == parent && !folder.mark.seen;
        while let Some(id) = self.folders.iter().find(|folder| is_lost(folder)).map(|folder| folder.id) {
            self.remove_folder(id);
            changed = true;
        }
        changed
    }

    /// Forgets a folder and all that is in it.
    fn remove_folder(&mut self, id: u32) {
        let Self { folders, pods, watches, .. } = self;
        pods.retain(|pod| {
            let in_it = |folder: &Folder| folder.id == pod.group.mark.folder && folder.mark.folder == id;
            let is_lost = pod.group.mark.folder == id || folders.iter().any(in_it);
            if is_lost {
                watches.remove(pod.group.mark.watch);
            }
            !is_lost
        });
        folders.retain(|folder| {
            let is_lost = folder.id == id || folder.mark.folder == id;
            if is_lost {
                watches.remove(folder.mark.watch);
            }
            !is_lost
        });
    }

    /// Forgets the pods in a folder that were not met.
    fn sweep_pods(&mut self, folder: u32) -> bool {
        let Self { pods, watches, .. } = self;
        let before = pods.len();
        pods.retain(|pod| {
            let is_lost = pod.group.mark.folder == folder && !pod.group.mark.seen;
            if is_lost {
                watches.remove(pod.group.mark.watch);
            }
            !is_lost
        });
        pods.len() != before
    }
}

/// Marks the folder as seen, or adds it; answers whether it is new. `path` is its parent's path and the rest.
fn meet_folder(
    folders: &mut Vec<Folder>,
    last: &mut u32,
    parent: u32,
    path: (&str, &str),
    inode: u64,
) -> bool {
    let is_it = |of: &str| {
        of.strip_suffix(path.1).is_some_and(|rest| rest.strip_suffix('/').unwrap_or(rest) == path.0)
    };
    let known =
        |folder: &&mut Folder| folder.mark.folder == parent && folder.inode == inode && is_it(&folder.path);
    if let Some(folder) = folders.iter_mut().find(known) {
        folder.mark.seen = true;
        return false;
    }
    *last += 1;
    let path = [path.0, path.1].join(if path.0.is_empty() { "" } else { "/" });
    folders.push(Folder { id: *last, path: path.into(), inode, mark: Mark::found_in(parent) });
    true
}

/// Marks the pod as seen where it is known; `pods` are sorted.
fn meet_pod(pods: &mut [Pod], folder: u32, uid: &str, inode: u64) -> bool {
    let first = pods.partition_point(|pod| &*pod.uid < uid);
    let of_uid = pods[first..].iter_mut().take_while(|pod| &*pod.uid == uid);
    meet(of_uid.map(|pod| &mut pod.group).filter(|group| group.mark.folder == folder), inode)
}

/// Marks the container as seen where it is known; `containers` are sorted.
fn meet_container(containers: &mut [Container], id: &str, inode: u64) -> bool {
    let first = containers.partition_point(|container| &*container.id < id);
    let of_id = containers[first..].iter_mut().take_while(|container| &*container.id == id);
    meet(of_id.map(|container| &mut container.group), inode)
}

fn meet<'g>(mut groups: impl Iterator<Item = &'g mut Group>, inode: u64) -> bool {
    let Some(group) = groups.find(|group| group.inode() == inode) else { return false };
    group.mark.seen = true;
    group.revive();
    true
}
