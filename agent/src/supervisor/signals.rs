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

    /// Empties the wake and gives what was asked for since the last time.
    pub(super) fn take(&self) -> Taken {
        let mut bytes = [0; 64];
        while (&self.wake).read(&mut bytes).is_ok_and(|length| length == bytes.len()) {}
        let asked = ASKS.iter().zip(&self.flags).filter(|(_, flag)| flag.swap(false, Ordering::SeqCst));
        Taken { asks: asked.map(|((_, ask), _)| *ask).collect() }
    }
}

/// The wake was emptied. Whoever looks for what signals tell of (children that ended) needs this: what happens after the look
/// wakes again, whereas a wake that is emptied after the look takes its news with it.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) asks: Vec<Ask>,
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn wakes(signals: &Signals) -> bool {
        let mut wake = [PollFd::new(&signals.wake, PollFlags::IN)];
        poll(&mut wake, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
    }

    #[test]
    fn what_comes_after_the_wake_was_emptied_wakes_again_and_what_came_before_does_not() {
        let (wake, mut handler) = UnixStream::pair().unwrap();
        wake.set_nonblocking(true).unwrap();
        let signals = Signals { wake, flags: Default::default() };
        handler.write_all(&[0; 100]).unwrap();
        signals.flags[4].store(true, Ordering::SeqCst);
        let taken = signals.take();
        assert_eq!(taken.asks, [Ask::Terminate]);
        assert!(!wakes(&signals));
        handler.write_all(&[0]).unwrap();
        drop(taken);
        assert!(wakes(&signals), "a child that ends while the loop looks for it is not seen");
    }
}
