//! What a change of the index came to: the closed set for the counters.

/// What became of a pod that was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Applied {
    /// The pod is new.
    Added,
    /// The pod was known; it changed, or is now confirmed.
    Updated,
    /// The pod was known in every detail: a replayed event.
    Unchanged,
    /// A newer version is known, or the deletion of this one: a replayed event.
    Stale,
    /// A bound of [`super::Limits`] would be broken. What was known of the pod, if anything, stays.
    Refused,
}

/// What a LIST changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResetSummary {
    /// Pods that were not known.
    pub added: usize,
    /// Pods that changed or were confirmed.
    pub updated: usize,
    /// Pods that are gone.
    pub removed: usize,
    /// Pods for which there was no room.
    pub refused: usize,
}
