//! CONNECT: the proxy is asked for a way to the backend, and what is spoken then it only passes on.
//!
//! The answer is read byte by byte up to the end of its head, because what follows belongs to the backend (an
//! HTTP/2 server speaks first), and is bounded; it is rare, so that the system calls do not matter.

use std::fmt::Write as _;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::Server;
use crate::dial::Trouble;
use crate::retry::Failure;
use crate::text;

/// The largest head of an answer, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// Asks for a way to `host`, which is not resolved here. When it answers, the stream leads there.
///
/// # Errors
/// [`Failure::Proxy`] with what the proxy said instead.
pub(crate) async fn open(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &Server,
    host: &str,
    port: u16,
) -> Result<(), Trouble> {
    let cut = |error: std::io::Error| refused(format!("it ended the connection: {}", text::chain(&error)));
    stream.write_all(&request(server, host, port)).await.map_err(cut)?;
    stream.flush().await.map_err(cut)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(refused(format!("its answer has a head above {MAX_HEAD} bytes")));
        }
        head.push(stream.read_u8().await.map_err(cut)?);
    }
    judge(&head)
}

fn refused(detail: String) -> Trouble {
    Trouble::new(Failure::Proxy, detail)
}

fn request(server: &Server, host: &str, port: u16) -> Vec<u8> {
    let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
    let mut head = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        head,
        "CONNECT {open}{host}{close}:{port} HTTP/1.1\r\nhost: {open}{host}{close}:{port}\r\n\
         user-agent: tare/{}\r\n",
        env!("CARGO_PKG_VERSION")
    );
    let mut out = head.into_bytes();
    if let Some(value) = &server.authorization {
        out.extend_from_slice(b"proxy-authorization: ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Any 2xx opens the way (RFC 9110, section 9.3.6).
fn judge(head: &[u8]) -> Result<(), Trouble> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let status = line
        .strip_prefix(b"HTTP/1.")
        .and_then(|rest| rest.split_first_chunk::<2>())
        .filter(|([minor, space], _)| minor.is_ascii_digit() && *space == b' ')
        .and_then(|(_, rest)| rest.first_chunk::<3>())
        .filter(|digits| digits.iter().all(u8::is_ascii_digit));
    match status {
        Some([b'2', ..]) => Ok(()),
        Some(status) => {
            let hint = if status == b"407" { " (are its credentials right?)" } else { "" };
            let said = line.get(9..).unwrap_or_default();
            Err(refused(format!("it answered CONNECT with {}{hint}", text::clean(said))))
        }
        None => Err(refused("it does not answer as an HTTP proxy".to_owned())),
    }
}
