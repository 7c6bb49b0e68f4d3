//! What a request waits for: seats of Priority & Fairness, then the server's CPU. One level and one queue, first come,
//! first served; the real server has several and mixes them, which spreads the same wait over more clients.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::prices::{Kind, Prices};

#[cfg(test)]
mod tests;

/// How large the server is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// CPUs that work on requests.
    pub cores: usize,
    /// Seats of all requests under way. The real default is 600 for all levels together.
    pub seats: u32,
    /// Requests that may wait for seats; one more is answered with 429.
    pub queue: usize,
    /// How long one waits at most, then it is answered with 429. The real one: a quarter of the request's time limit.
    pub patience: Duration,
    /// What `Retry-After` says then.
    pub retry_after: Duration,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            cores: 2,
            seats: 600,
            queue: 6_400,
            patience: Duration::from_secs(15),
            retry_after: Duration::from_secs(1),
        }
    }
}

/// Admits requests and charges for them.
#[derive(Debug)]
pub(super) struct Fairness {
    prices: Option<Prices>,
    capacity: Capacity,
    seats: Arc<Semaphore>,
    waiting: AtomicUsize,
    cores: Mutex<Cores>,
}

/// Until when each CPU is taken.
#[derive(Debug)]
struct Cores(Vec<Instant>);

impl Cores {
    /// Takes the CPU that is free first for `work`; gives when that is done.
    fn take(&mut self, now: Instant, work: Duration) -> Instant {
        let Some(first) = self.0.iter_mut().min() else { return now };
        *first = (*first).max(now) + work;
        *first
    }
}

/// A request's seats; they are free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seats {
    _permit: Option<OwnedSemaphorePermit>,
}

/// There was no room for the request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// A place in the queue, given back when it is dropped: also by a client that goes away.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Fairness {
    /// Without prices everything is done at once.
    pub(super) fn new(prices: Option<Prices>, capacity: Capacity) -> Self {
        Self {
            prices,
            capacity,
            seats: Arc::new(Semaphore::new(capacity.seats as usize)),
            waiting: AtomicUsize::new(0),
            cores: Mutex::new(Cores(vec![Instant::now(); capacity.cores.max(1)])),
        }
    }

    /// Whole seconds.
    pub(super) fn retry_after(&self) -> u64 {
        self.capacity.retry_after.as_secs()
    }

    /// Waits for the seats of a request; one that is exempt takes none.
    pub(super) async fn admit(&self, kind: Kind, exempt: bool) -> Result<Seats, Full> {
        let Some(prices) = self.prices.as_ref().filter(|_| !exempt) else {
            return Ok(Seats { _permit: None });
        };
        let wanted = prices.of(kind).seats.min(self.capacity.seats);
        if let Ok(permit) = Arc::clone(&self.seats).try_acquire_many_owned(wanted) {
            return Ok(Seats { _permit: Some(permit) });
        }
        let place = Place(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.capacity.queue {
            return Err(Full);
        }
        let permit = Arc::clone(&self.seats).acquire_many_owned(wanted);
        let permit = tokio::time::timeout(self.capacity.patience, permit).await;
        drop(place);
        // The semaphore is never closed.
        permit.ok().and_then(Result::ok).map(|permit| Seats { _permit: Some(permit) }).ok_or(Full)
    }

    /// Does the work of a request in a cluster of so many pods.
    pub(super) async fn work(&self, kind: Kind, pods: usize) {
        if let Some(done) = self.charge(kind, pods) {
            tokio::time::sleep_until(done).await;
        }
    }

    /// Charges for work that nobody waits for; gives when it is done.
    pub(super) fn charge(&self, kind: Kind, pods: usize) -> Option<Instant> {
        let cpu = self.prices.as_ref()?.cpu(kind, u32::try_from(pods).unwrap_or(u32::MAX));
        let mut cores = self.cores.lock().unwrap_or_else(PoisonError::into_inner);
        Some(cores.take(Instant::now(), cpu))
    }
}
