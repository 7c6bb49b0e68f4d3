//! Which folders changed since the last look: inotify on the folders that hold pods and containers.
//!
//! The kernel does not keep the modification time of a cgroup's folder (only after somebody set an attribute of
//! it), so the times tell nothing. Its events do, at the price of one `read` that finds nothing in a steady state.
//! A watch stays in the kernel after its folder was removed, so whoever forgets a folder takes its watch away.
//!
//! Where events cannot be had (no instance or no watch left for this user), or were found not to come (another
//! mount of the same hierarchy in another cgroup namespace has its own), everything is looked at each time.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::listing::is_gone;
use crate::error::SourceError;

/// Room for some 200 events in one read.
const EVENTS: usize = 4096;
/// So many changes that were not told, and the events are not relied on any more.
const STRIKES: u8 = 2;

/// The watches of one tree.
#[derive(Debug, Default)]
pub(super) struct Watches {
    inotify: Option<OwnedFd>,
    started: bool,
    events: Vec<MaybeUninit<u8>>,
    /// The watches that something happened to, without order.
    changed: Vec<i32>,
    /// Those of them that the kernel has taken away.
    lost: Vec<i32>,
    strikes: u8,
}

impl Watches {
    /// Starts where that was not tried yet.
    ///
    /// # Errors
    /// The kernel's answer, once; afterwards nothing is watched.
    pub(super) fn start(&mut self, base: &Path) -> Result<(), SourceError> {
        if self.started {
            return Ok(());
        }
        self.started = true;
        let flags = CreateFlags::CLOEXEC | CreateFlags::NONBLOCK;
        let made = inotify::init(flags);
        self.inotify = Some(made.map_err(|errno| failed(base, errno))?);
        self.events.resize(EVENTS, MaybeUninit::uninit());
        Ok(())
    }

    /// Whether changes are told.
    pub(super) const fn are_told(&self) -> bool {
        self.inotify.is_some()
    }

    /// Watches the folder at `path`; `None` where that cannot be done because nothing is watched or it is gone.
    ///
    /// # Errors
    /// Any other answer of the kernel; nothing is watched from then on.
    pub(super) fn add(&mut self, path: &Path) -> Result<Option<i32>, SourceError> {
        let Some(inotify) = &self.inotify else { return Ok(None) };
        let flags = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR;
        match inotify::add_watch(inotify, path, flags) {
            Ok(watch) => Ok(Some(watch)),
            Err(errno) if is_gone(errno) => Ok(None),
            Err(errno) => {
                self.inotify = None;
                Err(failed(path, errno))
            }
        }
    }

    /// Takes a watch away; one that the kernel has taken away itself is none.
    pub(super) fn remove(&self, watch: Option<i32>) {
        if let (Some(inotify), Some(watch)) = (&self.inotify, watch) {
            let _gone_already = inotify::remove_watch(inotify, watch);
        }
    }

    /// Takes up what was told since the last call, in addition to what was taken up before [`Watches::clear`].
    /// Answers false where the kernel dropped some of it, or nothing is told: anything may have changed.
    pub(super) fn drain(&mut self) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let mut complete = true;
        let mut reader = inotify::Reader::new(inotify, &mut self.events);
        loop {
            match reader.next() {
                Ok(event) => {
                    complete &= !event.events().contains(ReadFlags::QUEUE_OVERFLOW);
                    if event.events().contains(ReadFlags::IGNORED) {
                        self.lost.push(event.wd());
                    }
                    if self.changed.last() != Some(&event.wd()) {
                        self.changed.push(event.wd());
                    }
                }
                Err(Errno::INTR) => {}
                Err(_) => return complete,
            }
        }
    }

    /// Whether something was told of a watch.
    pub(super) fn has_changed(&self, watch: Option<i32>) -> bool {
        watch.is_some_and(|watch| self.changed.contains(&watch))
    }

    /// Whether the kernel has taken a watch away, as it does where the folder's filesystem drops the inode.
    pub(super) fn is_lost(&self, watch: Option<i32>) -> bool {
        watch.is_some_and(|watch| self.lost.contains(&watch))
    }

    /// Forgets what was told.
    pub(super) fn clear(&mut self) {
        self.changed.clear();
        self.lost.clear();
    }

    /// A change was found that was not told.
    pub(super) fn strike(&mut self) {
        self.strikes = self.strikes.saturating_add(1);
        if self.strikes >= STRIKES {
            self.inotify = None;
        }
    }
}

fn failed(path: &Path, errno: Errno) -> SourceError {
    SourceError::Read { path: path.to_owned(), error: errno.into() }
}
