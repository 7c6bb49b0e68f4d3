//! The unix socket: made with mode 0600 before anybody can see it, and taken over from a dead agent only.
//!
//! It is bound under a temporary name in the same directory, given its mode, and renamed into place: there is no moment in
//! which others could connect, and a stale socket is replaced in one step.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody answers there.
    #[error("another agent answers on the socket {path}; a second one needs a --socket of its own", path = .0.display())]
    Live(PathBuf),
    /// The file system's answer.
    #[error("the socket {path} cannot be made: {error}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The answer.
        error: io::Error,
    },
}

/// A socket that is listened to, and removed when this is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode, so that nobody else's socket is removed.
    identity: Option<(u64, u64)>,
}

impl Socket {
    /// Listens at `path`, non-blocking. The directory is made where it is missing (mode 0755).
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        use io::ErrorKind::ConnectionRefused as Refused;
        let failed = |error| BindError::Io { path: path.to_owned(), error };
        match fs::symlink_metadata(path) {
            Ok(found) if !std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()) => {
                return Err(failed(io::Error::new(io::ErrorKind::AlreadyExists, "there is something else")));
            }
            Ok(_) => match UnixStream::connect(path) {
                Ok(_) => return Err(BindError::Live(path.to_owned())),
                // Its owner is dead, or has just gone.
                Err(error) if matches!(error.kind(), Refused | io::ErrorKind::NotFound) => {}
                // Whether its owner lives cannot be known: it is not ours to replace.
                Err(error) => return Err(failed(error)),
            },
            Err(_) => {}
        }
        Self::make(path).map_err(failed)
    }

    fn make(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
        }
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        let temporary = PathBuf::from(temporary);
        let _ = fs::remove_file(&temporary);
        let listener = UnixListener::bind(&temporary)?;
        let placed = fs::set_permissions(&temporary, Permissions::from_mode(0o600))
            .and_then(|()| listener.set_nonblocking(true))
            .and_then(|()| fs::rename(&temporary, path));
        if placed.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        placed?;
        Ok(Self { listener, path: path.to_owned(), identity: identity(path) })
    }

    /// What connections come from.
    pub const fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_the_owners_alone_and_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/tare.sock");
        let socket = Socket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(UnixStream::connect(&path).is_ok());
        drop(socket);
        assert_eq!(fs::read_dir(folder.path().join("run")).unwrap().count(), 0);
    }

    #[test]
    fn a_live_socket_is_refused_by_name_and_goes_on_living() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tare.sock");
        let _first = Socket::bind(&path).unwrap();
        let error = Socket::bind(&path).unwrap_err();
        assert!(matches!(error, BindError::Live(_)) && error.to_string().contains("tare.sock"), "{error}");
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn a_stale_socket_is_replaced_and_its_late_owner_does_not_remove_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tare.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a dead agent leaves its socket");
        let mut late = Socket::bind(&path).unwrap();
        // As after a crash: nobody listens any more, but the file is there.
        late.listener = UnixListener::bind(folder.path().join("elsewhere")).unwrap();
        let new = Socket::bind(&path).unwrap();
        drop(late);
        assert!(UnixStream::connect(&path).is_ok());
        drop(new);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tare.sock");
        fs::write(&path, "precious").unwrap();
        assert!(matches!(Socket::bind(&path), Err(BindError::Io { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let error = Socket::bind(&folder.path().join("x".repeat(200))).unwrap_err();
        assert!(matches!(error, BindError::Io { .. }), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
