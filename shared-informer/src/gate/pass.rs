//! What a request carries through the client's stack: its permit, and the counter of its answer's bytes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::ledger::Permit;

/// A permit on its way to the gate. Clones are the same pass: extensions must be `Clone`, the permit is not, so whoever
/// comes first takes it and everybody else comes too late.
#[derive(Debug, Clone)]
pub struct Pass(Arc<Carried>);

#[derive(Debug)]
struct Carried {
    permit: Mutex<Option<Permit>>,
    bytes: AtomicU64,
}

impl Pass {
    /// Carries this permit.
    pub fn new(permit: Permit) -> Self {
        Self(Arc::new(Carried { permit: Mutex::new(Some(permit)), bytes: AtomicU64::new(0) }))
    }

    /// The bytes on the wire of the answer since this was last asked: before decompression, with the head as far as it
    /// can be seen. What frames the chunks and TLS records is not seen.
    pub fn take_bytes(&self) -> u64 {
        self.0.bytes.swap(0, Ordering::Relaxed)
    }

    pub(super) fn take(&self) -> Option<Permit> {
        self.0.permit.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn count(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
