//! The switches: how a simulated server is, or the way to it.

use std::time::Duration;

/// How the server is. It changes at once, for open watches too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Well.
    #[default]
    Good,
    /// Nobody listens: a new connection is refused. Open ones go on.
    Refusing,
    /// Nobody listens and every connection is cut.
    Down,
    /// Every request is answered with this status. Watches end.
    Failing(u16),
    /// Every request is answered with 429 and a wish. Watches end.
    Throttling {
        /// What `Retry-After` says, in whole seconds.
        retry_after: Duration,
    },
    /// Requests arrive and are counted, and have no answer before this is over; open watches are silent.
    Stalled,
    /// LISTs begin and do not end; everything else is well.
    ListsStall,
}

impl Health {
    /// Whether a new connection is taken.
    pub(super) const fn listens(self) -> bool {
        !matches!(self, Self::Refusing | Self::Down)
    }

    /// Whether open watches end.
    pub(super) const fn ends_watches(self) -> bool {
        matches!(self, Self::Down | Self::Failing(_) | Self::Throttling { .. })
    }

    /// Whether a watch brings what there is to bring.
    pub(super) const fn carries(self) -> bool {
        !matches!(self, Self::Stalled)
    }
}
