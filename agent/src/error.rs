//! The closed set of reasons under which a failed read is counted.

use std::io;
use std::path::PathBuf;

/// Why a source gave nothing. The name is the value of the metric attribute `class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorClass {
    /// The file or object does not exist.
    NotFound,
    /// The kernel or the peer refused access.
    Permission,
    /// The content is not what the source's format allows.
    Parse,
    /// Any other I/O error.
    Io,
    /// No answer in time.
    Timeout,
    /// The source exists but cannot answer now.
    Unavailable,
    /// tare itself declined: a bound or a filter of its own would be broken.
    Refused,
}

impl ErrorClass {
    /// Every class, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::NotFound,
        Self::Permission,
        Self::Parse,
        Self::Io,
        Self::Timeout,
        Self::Unavailable,
        Self::Refused,
    ];

    /// The metric attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Permission => "permission",
            Self::Parse => "parse",
            Self::Io => "io",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
        }
    }

    /// The class of an I/O error.
    pub fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::Permission,
            io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::InvalidData => Self::Parse,
            io::ErrorKind::WouldBlock => Self::Unavailable,
            // A process or cgroup that went away between open and read.
            _ if matches!(error.raw_os_error(), Some(3 | 19)) => Self::NotFound, // ESRCH, ENODEV
            _ => Self::Io,
        }
    }
}

/// A source that could not be read or understood.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The kernel answered with an error.
    #[error("{path}: {error}", path = path.display())]
    Read {
        /// What was read.
        path: PathBuf,
        /// The kernel's answer.
        error: io::Error,
    },
    /// The content does not have the source's format.
    #[error("{path}: {what} at byte {at}", path = path.display())]
    Parse {
        /// What was read.
        path: PathBuf,
        /// What was expected or missing.
        what: &'static str,
        /// Where in the file, counted from zero.
        at: usize,
    },
    /// The file is larger than the source's bound.
    #[error("{path}: larger than {limit} bytes", path = path.display())]
    TooLarge {
        /// What was read.
        path: PathBuf,
        /// The bound in bytes.
        limit: usize,
    },
    /// The source names more objects than are followed.
    #[error("{path}: more than {limit} {what}", path = path.display())]
    TooMany {
        /// What was read.
        path: PathBuf,
        /// What there is too much of.
        what: &'static str,
        /// How many are followed at most.
        limit: usize,
    },
    /// The answer did not come in time.
    #[error("{path}: no answer within the time limit", path = path.display())]
    Timeout {
        /// What was asked.
        path: PathBuf,
    },
}

impl SourceError {
    /// The class under which this error is counted.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Read { error, .. } => ErrorClass::of(error),
            Self::Parse { .. } => ErrorClass::Parse,
            Self::TooLarge { .. } | Self::TooMany { .. } => ErrorClass::Refused,
            Self::Timeout { .. } => ErrorClass::Timeout,
        }
    }
}
