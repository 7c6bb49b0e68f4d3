//! `tare prepare-state`: hands the state directory to the user that the agent runs as.
//!
//! Runs before the agent, as root with the one capability that it takes (CAP_CHOWN): the folder on the host belongs to
//! root when the kubelet has made it. It changes the owner of that one folder and of nothing in it, and never follows a
//! link: whoever can write next to it must not choose what is given away.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Gid, Uid};

use super::{Failure, PrepareStateArgs};

/// Hands the folder over; one that belongs to the user already is left alone.
pub(super) fn prepare_state(arguments: &PrepareStateArgs) -> Result<(), Failure> {
    let PrepareStateArgs { uid, directory } = arguments;
    let failed = |error: io::Error| Failure::file(directory, error);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder: OwnedFd =
        rustix::fs::open(directory, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
    let folder = File::from(folder);
    let found = folder.metadata().map_err(failed)?;
    if std::os::unix::fs::MetadataExt::uid(&found) == *uid {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(*uid), Gid::from_raw(*uid));
    rustix::fs::fchown(&folder, Some(user), Some(group)).map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};
    use std::path::Path;

    use super::*;

    fn prepare(uid: u32, directory: &Path) -> Result<(), Failure> {
        prepare_state(&PrepareStateArgs { uid, directory: directory.to_owned() })
    }

    #[test]
    fn a_folder_is_handed_over_by_root_and_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let owner = || std::fs::metadata(folder.path()).unwrap().uid();
        let (before, other) = (owner(), 65_532);
        assert!(prepare(before, folder.path()).is_ok());
        assert_eq!(owner(), before);
        let handed = prepare(other, folder.path());
        // Only who has CAP_CHOWN may; tests run with it and without.
        assert_eq!(handed.is_ok(), owner() == other);
        assert_eq!(handed.is_ok(), rustix::process::geteuid().is_root());
    }

    #[test]
    fn neither_a_link_nor_a_file_is_handed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link, file) =
            (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
        std::fs::create_dir(&target).unwrap();
        symlink(&target, &link).unwrap();
        std::fs::write(&file, "").unwrap();
        for path in [&link, &file, &folder.path().join("missing")] {
            assert!(prepare(65_532, path).is_err(), "{}", path.display());
        }
        assert_ne!(std::fs::metadata(&target).unwrap().uid(), 65_532);
    }
}
