//! What went wrong with the state directory: counted under closed sets, and logged when it changes.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared_informer::remembered::Unusable;

macro_rules! names {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

names! {
    /// What is kept in the directory; the name is the file's.
    Kept {
        /// One agent per node.
        Lock = "lock",
        /// The cluster's size and this node's part in the rollout.
        Size = "size.v1",
        /// The requests so far.
        Spend = "spend.v1",
        /// The node's pods.
        Index = "index.v1",
        /// A person said stop.
        Pause = "pause",
        /// The supervisor's back-off.
        Supervisor = "supervisor.v1",
    }
}

names! {
    /// Why the directory could not be used.
    Trouble {
        /// It does not exist and could not be made.
        Missing = "missing",
        /// The kernel refuses access.
        Permission = "permission",
        /// It is mounted read-only.
        ReadOnly = "read_only",
        /// No space or no quota is left.
        Full = "full",
        /// Any other error.
        Io = "io",
    }
}

impl Trouble {
    /// The reason of an I/O error.
    pub fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Permission,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io,
        }
    }
}

/// One count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which file.
    pub kept: Kept,
    /// Why: one of [`Trouble`] (it could not be written) or of [`Unusable::REASONS`] (what was there is of no use).
    pub reason: &'static str,
    /// How often.
    pub count: u64,
}

/// The counts of one directory.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<(Kept, &'static str), u64>,
    trouble: Option<Trouble>,
}

impl Troubles {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, kept: Kept, reason: &'static str) {
        let mut state = self.state();
        let count = state.counts.entry((kept, reason)).or_default();
        *count = count.saturating_add(1);
    }

    /// What was found is of no use.
    pub(super) fn unusable(&self, kept: Kept, path: &Path, error: &Unusable) {
        self.count(kept, error.reason());
        tracing::warn!(
            file = %path.display(), reason = error.reason(), %error,
            "what was remembered is of no use; the agent starts without it"
        );
    }

    /// Something could not be written. Logged when the reason is another one than the last time.
    pub(super) fn failed(&self, kept: Kept, path: &Path, error: &io::Error) {
        let trouble = Trouble::of(error);
        self.count(kept, trouble.as_str());
        let before = self.state().trouble.replace(trouble);
        if before != Some(trouble) {
            tracing::warn!(
                file = %path.display(), reason = trouble.as_str(), %error,
                "the state directory cannot be written; what is learnt now is lost with this process"
            );
        }
    }

    /// Something was written.
    pub(super) fn saved(&self, path: &Path) {
        if self.state().trouble.take().is_some() {
            tracing::info!(file = %path.display(), "the state directory can be written again");
        }
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.state().trouble
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry = |((kept, reason), count): (&(Kept, &'static str), &u64)| Entry {
            kept: *kept,
            reason,
            count: *count,
        };
        self.state().counts.iter().map(entry).collect()
    }
}
