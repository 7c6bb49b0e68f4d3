//! Why a command failed, and the exit code that says so (`sysexits.h` where it has one).

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config::Problems;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A check that the command was asked to make did not hold.
    #[error("tare: {0}")]
    Check(String),
    /// The command line is wrong; the text is clap's, with its own prefix.
    #[error("{0}")]
    Usage(String),
    /// The configuration or the environment is wrong.
    #[error(transparent)]
    Configuration(#[from] Problems),
    /// What the configuration names cannot be used, for example a certificate that cannot be read.
    #[error("tare: {0}")]
    Refused(String),
    /// A service that is needed does not answer.
    #[error("tare: {0}")]
    Unavailable(String),
    /// An error inside tare.
    #[error("tare: internal error: {0}")]
    Internal(String),
    /// The supervised agent failed in the end; it has said why.
    #[error("tare: the agent ended with exit code {0}")]
    Agent(u8),
    /// A file could not be read or written.
    #[error("tare: {path}: {error}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The kernel's answer.
        error: io::Error,
    },
    /// The answer could not be written.
    #[error("tare: standard output: {0}")]
    Output(io::Error),
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Agent(code) => *code,
            Self::Check(_) => 1,
            Self::Usage(_) | Self::Configuration(_) | Self::Refused(_) => 64,
            Self::Unavailable(_) => 69,
            Self::Internal(_) => 70,
            Self::File { .. } | Self::Output(_) => 74,
        })
    }

    /// A file that could not be read or written.
    pub fn file(path: &Path, error: io::Error) -> Self {
        Self::File { path: path.to_owned(), error }
    }
}

/// The result of writing to standard output. A reader that went away (`| head`) has seen enough.
pub(super) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_has_seen_enough_and_any_other_trouble_is_an_error() {
        assert!(written(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(matches!(written(Err(io::ErrorKind::StorageFull.into())), Err(Failure::Output(_))));
    }
}
