//! Sockets by state from the kernel's `sock_diag` interface (what `ss` uses).
//!
//! Reading `net/tcp` and `net/tcp6` walks the kernel's hash table of connections once for each file and read; with
//! the usual 262,144 buckets that is 2.3 ms each. One dump over netlink visits it once for both families and skips
//! empty buckets without a lock: 0.17 ms on the same machine. It answers for the network namespace of this
//! process, needs no rights, and may be missing (no `inet_diag` module, a seccomp profile): then the files serve.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

use super::count::{Counter, Family, State};

#[cfg(test)]
mod tests;

/// What one datagram of the kernel holds at most, with room to spare: it fills 16 to 32 KiB.
const DATAGRAM: usize = 64 << 10;
/// The most sockets of one dump; more are refused, as a file above its bound is.
const SOCKET_LIMIT: usize = 430_000;
/// The kernel answers at once; this only keeps a broken one from holding up the thread.
const PATIENCE: Duration = Duration::from_secs(1);

/// `NLMSG_ERROR` and `NLMSG_DONE` (`linux/netlink.h`).
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// `TCPDIAG_GETSOCK` (`linux/inet_diag.h`): unlike `SOCK_DIAG_BY_FAMILY` it dumps IPv4 and IPv6 in one walk.
const GET_SOCKETS: u16 = 18;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;
/// The states from ESTABLISHED (1) to CLOSING (11), as bits.
const STATES: u32 = 0xffe;

/// Why a dump gave nothing. The files are read instead.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiagError {
    /// The kernel refused the socket, the request, or did not answer.
    #[error("sock_diag: {0}")]
    Kernel(#[from] rustix::io::Errno),
    /// The answer is no netlink message.
    #[error("sock_diag: malformed answer")]
    Malformed,
    /// There are more sockets than are counted.
    #[error("sock_diag: more than {SOCKET_LIMIT} sockets")]
    TooMany,
}

/// An open `sock_diag` socket.
#[derive(Debug)]
pub(super) struct Diag {
    socket: OwnedFd,
    sequence: u32,
}

impl Diag {
    /// Opens the socket; nothing is asked yet.
    pub(super) fn open() -> Result<Self, DiagError> {
        let socket = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            Some(netlink::SOCK_DIAG),
        )?;
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(PATIENCE))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Counts every TCP socket of this process's network namespace.
    pub(super) fn count(&mut self, buffer: &mut Vec<u8>, counter: &mut Counter) -> Result<(), DiagError> {
        self.sequence = self.sequence.wrapping_add(1);
        let kernel = SocketAddrNetlink::new(0, 0);
        rustix::net::sendto(&self.socket, &request(self.sequence), SendFlags::empty(), &kernel)?;
        if buffer.len() < DATAGRAM {
            buffer.resize(DATAGRAM, 0);
        }
        let mut sockets = 0;
        loop {
            let (length, _) = rustix::net::recv(&self.socket, &mut buffer[..DATAGRAM], RecvFlags::empty())?;
            let done = messages(&buffer[..length], self.sequence, |family, state, local| {
                sockets += 1;
                counter.socket(family, state, local);
            })?;
            if sockets > SOCKET_LIMIT {
                return Err(DiagError::TooMany);
            }
            if done {
                return Ok(());
            }
        }
    }
}

/// The request: `struct nlmsghdr` and `struct inet_diag_req`, with no filter but the states.
fn request(sequence: u32) -> [u8; 76] {
    let mut request = [0; 76];
    request[0..4].copy_from_slice(&76_u32.to_ne_bytes());
    request[4..6].copy_from_slice(&GET_SOCKETS.to_ne_bytes());
    request[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    request[8..12].copy_from_slice(&sequence.to_ne_bytes());
    // Family, prefix lengths and extensions are zero, and so is the 48-byte socket id.
    request[68..72].copy_from_slice(&STATES.to_ne_bytes());
    request
}

/// Hands each socket of a datagram to `visit`: family, state, and port and address of its own end. Answers
/// whether the dump is complete. Messages that answer another request are passed over.
fn messages(
    mut datagram: &[u8],
    sequence: u32,
    mut visit: impl FnMut(Family, State, &[u8; 20]),
) -> Result<bool, DiagError> {
    if datagram.is_empty() {
        return Err(DiagError::Malformed);
    }
    while !datagram.is_empty() {
        let header = datagram.first_chunk::<HEADER>().ok_or(DiagError::Malformed)?;
        let [l0, l1, l2, l3, t0, t1, _, _, s0, s1, s2, s3, ..] = *header;
        let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
        let body = datagram.get(HEADER..length).ok_or(DiagError::Malformed)?;
        // Messages are padded to four bytes; the last one may come without.
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
        if u32::from_ne_bytes([s0, s1, s2, s3]) != sequence {
            continue;
        }
        match u16::from_ne_bytes([t0, t1]) {
            DONE => return Ok(true),
            ERROR => {
                let code = body.first_chunk::<4>().copied().map_or(0, i32::from_ne_bytes);
                return Err(rustix::io::Errno::from_raw_os_error(-code).into());
            }
            GET_SOCKETS => {
                let (family, state, local) = socket(body).ok_or(DiagError::Malformed)?;
                visit(family, state, local);
            }
            _ => {}
        }
    }
    Ok(false)
}

/// `struct inet_diag_msg`: family, state, timer, retransmits, ports (own, peer), addresses (own, peer), and more.
fn socket(body: &[u8]) -> Option<(Family, State, &[u8; 20])> {
    let family = match i32::from(*body.first()?) {
        2 => Family::V4,
        10 => Family::V6,
        _ => return None,
    };
    let state = State::from_number(*body.get(1)?)?;
    // Own port, the peer's port (which a listener does not have), own address.
    let local = body.get(4..24)?.first_chunk::<20>()?;
    Some((family, state, local))
}
