//! Asks a running agent, for the command line: one connection, one line each way, bounded in time and length.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::protocol::{Answer, MAX_ANSWER, Request, TIME_LIMIT};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("no agent answers on the socket {path} ({error}); is it running, and with this --socket?", path = path.display())]
    Nobody {
        /// Which socket.
        path: PathBuf,
        /// The kernel's answer.
        error: io::Error,
    },
    /// The socket belongs to somebody else.
    #[error("the socket {path} may only be used by its owner and root", path = .0.display())]
    Forbidden(PathBuf),
    /// The conversation broke, or took too long.
    #[error("the agent on the socket {path} did not answer: {error}", path = path.display())]
    Silent {
        /// Which socket.
        path: PathBuf,
        /// The kernel's answer.
        error: io::Error,
    },
    /// What came back is no answer of tare's.
    #[error("what answers on the socket {path} is not understood", path = path.display())]
    Answer {
        /// Which socket.
        path: PathBuf,
    },
}

/// Asks once.
///
/// # Errors
/// [`AskError`]; each names the socket.
pub fn ask(path: &Path, request: Request) -> Result<Answer, AskError> {
    let mut stream = UnixStream::connect(path).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => AskError::Forbidden(path.to_owned()),
        _ => AskError::Nobody { path: path.to_owned(), error },
    })?;
    let line =
        exchange(&mut stream, request).map_err(|error| AskError::Silent { path: path.to_owned(), error })?;
    serde_json::from_slice(&line).map_err(|_| AskError::Answer { path: path.to_owned() })
}

fn exchange(stream: &mut UnixStream, request: Request) -> io::Result<Vec<u8>> {
    // A little more than the other side's limit, so that its answer is heard rather than our impatience.
    let patience = TIME_LIMIT * 2;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER as u64).read_to_end(&mut answer)?;
    Ok(answer)
}
