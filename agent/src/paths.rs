//! The one type that makes host paths.
//!
//! An agent in a container sees the host's `/proc` and `/sys` below a mount point (`/host/proc`), or the whole
//! host below `/hostfs`. No other module joins such a path, so a test can point the agent at a fixture tree.

use std::path::{Path, PathBuf};

/// Where the host's files are, as this process sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPaths {
    root: PathBuf,
    proc: PathBuf,
    sys: PathBuf,
}

impl HostPaths {
    /// `root` is the host's `/`; `proc` and `sys` default to `root/proc` and `root/sys`.
    pub fn new(root: impl Into<PathBuf>, proc: Option<PathBuf>, sys: Option<PathBuf>) -> Self {
        let root = root.into();
        Self {
            proc: proc.unwrap_or_else(|| root.join("proc")),
            sys: sys.unwrap_or_else(|| root.join("sys")),
            root,
        }
    }

    /// A file below the host's `/proc`, for example `proc("stat")`.
    pub fn proc(&self, below: impl AsRef<Path>) -> PathBuf {
        join(&self.proc, below.as_ref())
    }

    /// A file below the host's `/sys`.
    pub fn sys(&self, below: impl AsRef<Path>) -> PathBuf {
        join(&self.sys, below.as_ref())
    }

    /// The path under which this process reaches the absolute path `host` of the host.
    pub fn host(&self, host: impl AsRef<Path>) -> PathBuf {
        join(&self.root, host.as_ref())
    }

    /// A file of this process itself: always its own `/proc/self`, wherever the host's is.
    pub fn own(&self, below: impl AsRef<Path>) -> PathBuf {
        join(Path::new("/proc/self"), below.as_ref())
    }

    /// Whether the host's `/` is this process's `/`.
    pub fn is_local(&self) -> bool {
        self.root == Path::new("/")
    }
}

impl Default for HostPaths {
    fn default() -> Self {
        Self::new("/", None, None)
    }
}

/// Joins without letting an absolute `below` replace `base`.
fn join(base: &Path, below: &Path) -> PathBuf {
    base.join(below.strip_prefix("/").unwrap_or(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_path_stays_below_the_configured_root() {
        let paths = HostPaths::new("/hostfs", None, Some(PathBuf::from("/host/sys")));
        assert_eq!(paths.proc("stat"), Path::new("/hostfs/proc/stat"));
        assert_eq!(paths.sys("block/vda"), Path::new("/host/sys/block/vda"));
        assert_eq!(paths.host("/var/lib"), Path::new("/hostfs/var/lib"));
        assert!(!paths.is_local());
    }
}
