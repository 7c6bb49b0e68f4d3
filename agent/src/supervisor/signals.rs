//! The supervisor's signals: handlers set a flag and write one byte, the loop wakes and looks at the flags.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

use super::core::Ask;

/// Signals with what they ask for, in the order in which they are looked at: of those that came together a pause
/// has the last word over a resume, and a stop over everything.
const ASKS: [(i32, Ask); 5] = [
    (SIGUSR2, Ask::Resume),
    (SIGUSR1, Ask::Pause),
    (SIGHUP, Ask::Reload),
    (SIGINT, Ask::Interrupt),
    (SIGTERM, Ask::Terminate),
];

/// The signals that came.
#[derive(Debug)]
pub(super) struct Signals {
    wake: UnixStream,
    flags: [Arc<AtomicBool>; ASKS.len()],
}

impl Signals {
    /// Takes the signals over.
    pub(super) fn install() -> io::Result<Self> {
        let (wake, write) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let flags: [Arc<AtomicBool>; ASKS.len()] = Default::default();
        for ((signal, _), flag) in ASKS.iter().zip(&flags) {
            // The flag first: who is woken must find it.
            signal_hook::flag::register(*signal, Arc::clone(flag))?;
            signal_hook::low_level::pipe::register(*signal, write.try_clone()?)?;
        }
        signal_hook::low_level::pipe::register(SIGCHLD, write)?;
        Ok(Self { wake, flags })
    }

    /// Readable when a signal came, SIGCHLD included.
    pub(super) const fn wake(&self) -> &UnixStream {
        &self.wake
    }

    /// What was asked for since the last time.
    pub(super) fn take(&self) -> Vec<Ask> {
        let mut bytes = [0; 64];
        while (&self.wake).read(&mut bytes).is_ok_and(|length| length == bytes.len()) {}
        let asked = ASKS.iter().zip(&self.flags).filter(|(_, flag)| flag.swap(false, Ordering::SeqCst));
        asked.map(|((_, ask), _)| *ask).collect()
    }
}

/// The signal that asks for this.
pub(super) const fn number(ask: Ask) -> rustix::process::Signal {
    use rustix::process::Signal;
    match ask {
        Ask::Terminate => Signal::TERM,
        Ask::Interrupt => Signal::INT,
        Ask::Reload => Signal::HUP,
        Ask::Pause => Signal::USR1,
        Ask::Resume => Signal::USR2,
    }
}
