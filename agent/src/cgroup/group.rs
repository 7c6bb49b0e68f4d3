//! One cgroup: its place, its kept descriptors, and the bare reading of one of its files.
//!
//! A kept file is read with `pread` from its start. After the cgroup was removed that answers `ENODEV`, also when
//! another one of the same name was made, so a group never reads a stranger's figures through it. It is then
//! *gone*: nothing more is read, nothing is reported, and the tree looks again.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use exporter::model::Timestamp;
use rustix::fs::{AtFlags, Mode, OFlags, statat};
use rustix::io::Errno;

use super::descriptors::Descriptors;
use super::figures::{Figures, Wanted};
use super::layout::{FILES, File, Hierarchy, Layout};
use super::listing::{self, Name};
use super::read::Reader;
use super::{OnError, parse};
use crate::error::SourceError;
use crate::source::KeptFile;

/// The first size of a read buffer; every file but a long `io.stat` or `memory.stat` fits.
const FIRST_READ: usize = 4096;
/// The most that is read of any one file: the blkio files of a thousand devices.
const MAX_FILE: usize = 256 << 10;
/// A file that is not there is asked for again after 1, 3, 7, ... reads, and at least at every 63rd.
const MAX_BACK_OFF: u8 = 63;

/// What the groups of a tree have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) layout: Layout,
    pub(super) wanted: Wanted,
    pub(super) descriptors: Arc<Descriptors>,
    /// The host's `proc/meminfo`, for the root.
    pub(super) meminfo: PathBuf,
}

/// Where a group is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) shared: Arc<Shared>,
    /// Below each hierarchy; empty for the root.
    pub(super) path: Box<str>,
    pub(super) inode: u64,
}

impl Place {
    pub(super) fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// The path of a file, for messages.
    pub(super) fn path_of(&self, file: File) -> PathBuf {
        let Some((hierarchy, name)) = self.locate(file) else { return PathBuf::from(&*self.path) };
        hierarchy.path.join(&*self.path).join(name)
    }

    fn locate(&self, file: File) -> Option<(&Hierarchy, &'static str)> {
        self.shared.layout.locate(file, self.is_root())
    }

    fn exists(&self) -> bool {
        listing::exists(&self.shared.layout.lead().dir, &self.path)
    }
}

/// A file of a group.
#[derive(Debug, Default)]
struct Slot {
    kept: Option<OwnedFd>,
    /// The reads to pass over before a file that was not there is asked for again.
    wait: u8,
    /// The last such wait.
    back_off: u8,
}

/// The files of a group.
#[derive(Debug, Default)]
pub(super) struct Files {
    slots: [Slot; FILES],
    /// The cgroup is no more.
    pub(super) gone: bool,
}

/// Why there is no text.
#[derive(Debug)]
pub(super) enum Failure {
    /// This machine has no such file, or it is not asked for now, or the cgroup is gone: nothing to report.
    Absent,
    /// There is none now.
    Missing(Errno),
    /// Anything else.
    Failed(SourceError),
}

impl Files {
    /// Reads `file` whole into `buffer`; answers how much of it that is.
    pub(super) fn read(&mut self, place: &Place, file: File, buffer: &mut Vec<u8>) -> Result<usize, Failure> {
        let Some((hierarchy, name)) = place.locate(file) else { return Err(Failure::Absent) };
        let slot = &mut self.slots[file as usize];
        if self.gone {
            return Err(Failure::Absent);
        }
        if slot.wait > 0 {
            slot.wait -= 1;
            return Err(Failure::Absent);
        }
        match slot.text(place, hierarchy, name, buffer) {
            Ok(Some(length)) => {
                slot.back_off = 0;
                Ok(length)
            }
            Ok(None) => {
                slot.drop_kept(&place.shared.descriptors);
                Err(Failure::Failed(SourceError::TooLarge { path: place.path_of(file), limit: MAX_FILE }))
            }
            Err(errno) => {
                slot.drop_kept(&place.shared.descriptors);
                Err(self.judge(place, file, errno))
            }
        }
    }

    /// An object that is gone says so itself. A file that is not there may be one that this kernel does not have:
    /// only without its folder the cgroup is gone.
    fn judge(&mut self, place: &Place, file: File, errno: Errno) -> Failure {
        if errno == Errno::NODEV || (listing::is_gone(errno) && !place.exists()) {
            self.gone = true;
            return Failure::Absent;
        }
        if !matches!(errno, Errno::NOENT | Errno::OPNOTSUPP) {
            return Failure::Failed(SourceError::Read { path: place.path_of(file), error: errno.into() });
        }
        let slot = &mut self.slots[file as usize];
        slot.back_off = (slot.back_off * 2 + 1).min(MAX_BACK_OFF);
        slot.wait = slot.back_off - 1;
        Failure::Missing(errno)
    }

    /// Lets go of a file whose content made no sense.
    pub(super) fn reopen(&mut self, place: &Place, file: File) {
        self.slots[file as usize].drop_kept(&place.shared.descriptors);
    }
}

impl Slot {
    /// `None` for a file above the bound.
    fn text(
        &mut self,
        place: &Place,
        hierarchy: &Hierarchy,
        name: &str,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<usize>, Errno> {
        if let Some(kept) = &self.kept {
            return read_all(kept, buffer);
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let open = |name: &std::ffi::CStr| rustix::fs::openat(&hierarchy.dir, name, flags, Mode::empty());
        let opened = Name::new(&place.path, name)?.with(open)?;
        let length = read_all(&opened, buffer)?;
        if place.shared.descriptors.take() {
            self.kept = Some(opened);
        }
        Ok(length)
    }

    fn drop_kept(&mut self, descriptors: &Descriptors) {
        if self.kept.take().is_some() {
            descriptors.give_back(1);
        }
    }
}

/// Reads from the start to the end. A read that does not fill the buffer is the last: the kernel makes these
/// files whole. `None` above the bound.
fn read_all(file: &OwnedFd, buffer: &mut Vec<u8>) -> Result<Option<usize>, Errno> {
    if buffer.len() < FIRST_READ {
        buffer.resize(FIRST_READ, 0);
    }
    let mut filled = 0;
    loop {
        match rustix::io::pread(file, &mut buffer[filled..], filled as u64) {
            Ok(count) => {
                filled += count;
                if filled > MAX_FILE {
                    return Ok(None);
                }
                if count == 0 || filled < buffer.len() {
                    return Ok(Some(filled));
                }
                buffer.resize(buffer.len() * 2, 0);
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// What the tree notes about a folder.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a note of its own")]
pub(super) struct Mark {
    /// The folder that it was found in.
    pub(super) folder: u32,
    /// The watch on it.
    pub(super) watch: Option<i32>,
    /// What is in it has to be looked at.
    pub(super) dirty: bool,
    /// That it changed was told, or it is new.
    pub(super) told: bool,
    /// It could not be listed: it is tried again.
    pub(super) failed: bool,
    /// It was in the last listing.
    pub(super) seen: bool,
}

impl Mark {
    /// Of what was found just now in `folder`.
    pub(super) fn found_in(folder: u32) -> Self {
        Self { folder, dirty: true, told: true, seen: true, ..Self::default() }
    }
}

/// One cgroup with its kept descriptors.
#[derive(Debug, Default)]
pub struct Group {
    place: Option<Place>,
    files: Files,
    /// Of the root only.
    meminfo: Option<Box<KeptFile>>,
    pub(super) mark: Mark,
}

impl Group {
    pub(super) fn new(shared: &Arc<Shared>, path: Box<str>, inode: u64, folder: u32) -> Self {
        let meminfo = path.is_empty().then(|| Box::new(KeptFile::new(shared.meminfo.clone())));
        Self {
            place: Some(Place { shared: Arc::clone(shared), path, inode }),
            meminfo,
            files: Files::default(),
            mark: Mark::found_in(folder),
        }
    }

    /// Reads what is wanted through `buffer`; allocates nothing in a steady state.
    ///
    /// What cannot be read is absent and reported, each file by itself. Two things are absent and not reported: a
    /// cgroup that was removed since the last refresh (the next one finds that out), and pressure on a kernel that
    /// does not tell it. A file that is not there (a controller that is off) is reported each time that it is asked
    /// for, which is ever more rarely, and at least at every 63rd read.
    pub fn read(&mut self, buffer: &mut Vec<u8>, on_error: OnError<'_>) -> Figures {
        let Some(place) = &self.place else { return Figures::default() };
        Reader { place, files: &mut self.files, meminfo: self.meminfo.as_deref_mut(), buffer, on_error }
            .figures()
    }

    /// Whether a read has found that the cgroup is no more.
    pub(super) const fn is_gone(&self) -> bool {
        self.files.gone
    }

    /// Its folder is no more.
    pub(super) const fn lose(&mut self) {
        self.files.gone = true;
    }

    /// The folder was found again: its files are asked for again.
    pub(super) const fn revive(&mut self) {
        self.files.gone = false;
    }

    /// When the cgroup was made, which is when its counters began: the time of its folder, which the kernel leaves alone
    /// while cgroups below it come and go. The kubelet has a container's start from the same place. `None` where the
    /// folder is gone.
    pub fn created(&self) -> Option<Timestamp> {
        let place = self.place.as_ref()?;
        let name = Name::new(&place.path, "").ok()?;
        let status =
            name.with(|name| statat(&place.shared.layout.lead().dir, name, AtFlags::SYMLINK_NOFOLLOW));
        let status = status.ok().filter(|status| status.st_ino == place.inode)?;
        let seconds = u64::try_from(status.st_mtime).ok()?.checked_mul(1_000_000_000)?;
        seconds.checked_add(status.st_mtime_nsec).map(Timestamp)
    }

    pub(super) fn path(&self) -> &str {
        self.place.as_ref().map_or("", |place| &place.path)
    }

    pub(super) fn inode(&self) -> u64 {
        self.place.as_ref().map_or(0, |place| place.inode)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let Some(place) = &self.place else { return };
        for slot in &mut self.files.slots {
            slot.drop_kept(&place.shared.descriptors);
        }
    }
}

/// A container's cgroup.
#[derive(Debug)]
pub struct Container {
    /// The runtime's identifier, as the cgroup's name has it (without prefix and suffix).
    pub id: Box<str>,
    /// Never used a second time in the life of the [`Tree`](super::Tree): another appearance of the same name has
    /// another key.
    pub key: u64,
    /// Its files.
    pub group: Group,
}

/// A pod's cgroup.
#[derive(Debug)]
pub struct Pod {
    /// The uid in the cgroup's name, with dashes: for a static pod it is the hash of its configuration.
    pub uid: Box<str>,
    /// As [`Container::key`].
    pub key: u64,
    /// Its files.
    pub group: Group,
    /// The cgroups below it, the sandbox's included, in the order of their IDs.
    pub containers: Vec<Container>,
}

/// The error for a text that is not what it should be.
pub(super) fn malformed(place: &Place, file: File, bad: parse::Bad) -> SourceError {
    SourceError::Parse { path: place.path_of(file), what: bad.what, at: bad.at }
}
