//! Why a file of the state directory is of no use.

use std::io;

/// Why a file was not taken. [`Unusable::reason`] is the value of the metric attribute `reason`.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Larger than the bound.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// Does not begin as a file of its kind does.
    #[error("the file is something else than its name says")]
    Foreign,
    /// Cut off, prolonged or changed after it was written.
    #[error("the file is damaged: {what}")]
    Corrupt {
        /// What shows it.
        what: &'static str,
    },
    /// Written by another version of tare.
    #[error("the file has format version {found}, this is {ours}")]
    Version {
        /// The file's version.
        found: u32,
        /// The one that is read.
        ours: u32,
    },
    /// Undamaged, but its content does not follow the format.
    #[error("the file's {what} cannot be read")]
    Malformed {
        /// Which part of it.
        what: &'static str,
    },
    /// What it knows is of another cluster.
    #[error("the file belongs to another cluster")]
    OtherCluster,
    /// The file system answered with an error.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl Unusable {
    /// Every reason, in the order of the documentation.
    pub const REASONS: [&'static str; 7] =
        ["too_large", "foreign", "corrupt", "version", "malformed", "other_cluster", "io"];

    /// The metric attribute's value.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Foreign => "foreign",
            Self::Corrupt { .. } => "corrupt",
            Self::Version { .. } => "version",
            Self::Malformed { .. } => "malformed",
            Self::OtherCluster => "other_cluster",
            Self::Io(_) => "io",
        }
    }

    /// Whether the file itself is at fault and should be set aside, rather than the way to it.
    pub const fn is_the_files_fault(&self) -> bool {
        !matches!(self, Self::Io(_))
    }
}
