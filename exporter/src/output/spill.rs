//! Between the queue and the disk log: what goes there, and how fast it comes back.
//!
//! Requests move to the disk while the backend is away (the last exchange failed in a way that is retried)
//! and while a class has used more than half of its memory or of its time; the oldest first, one at a time, so that the
//! queue is the only buffer. They come back when the queue is empty, at a bounded rate. Where the disk
//! fails they stay in the queue, which drops its oldest as if there were no disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::compress::Payload;
use crate::disk::{Handle, Replayed};
use crate::queue::{DropReason, InFlight, Queue};

/// The way to the disk log and back. Clones share everything but the pace.
#[derive(Clone)]
pub(super) struct Spill {
    log: Handle,
    away: Arc<AtomicBool>,
    /// Replayed bytes per second.
    rate: u64,
    /// No request is replayed before this.
    next: Instant,
}

impl Spill {
    pub(super) fn new(log: Handle, rate: u64) -> Self {
        Self { log, away: Arc::default(), rate, next: Instant::now() }
    }

    pub(super) fn log(&self) -> &Handle {
        &self.log
    }

    /// Whether the backend is away is known after each exchange.
    pub(super) fn set_away(&self, away: bool, queue: &Queue) {
        if self.away.swap(away, Ordering::Relaxed) != away {
            queue.wake();
        }
    }

    /// Moves requests to the disk for as long as it is polled.
    pub(super) async fn run(&self, queue: &Arc<Queue>) {
        // A quarter: so that what was young at one look is not too old at the next.
        let look = queue.limits().max_age / 4;
        loop {
            let due = self.away.load(Ordering::Relaxed) || queue.is_pressed();
            let Some(item) = due.then(|| queue.try_pop()).flatten() else {
                tokio::select! {
                    () = queue.changed() => {}
                    () = sleep(look) => {}
                }
                continue;
            };
            if let Err(Some(kept)) = self.log.append(item, None, false).await {
                match kept.again {
                    Some(again) => {
                        kept.item.put_back();
                        sleep(again.max(Duration::from_millis(1))).await;
                    }
                    None => kept.item.dropped(DropReason::TooLarge),
                }
            }
        }
    }

    /// Writes a request that would be dropped for `reason`, and drops it where that fails.
    pub(super) async fn store(&self, item: InFlight, payload: Option<Payload>, reason: DropReason) {
        if let Err(Some(kept)) = self.log.append(item, payload, false).await {
            kept.item.dropped(reason);
        }
    }

    /// The next request from the disk, when there is one and the pace allows it; none where the log could
    /// not say. Never returns without a log.
    pub(super) async fn replay(spill: Option<&mut Self>) -> Option<Replayed> {
        let Some(spill) = spill else { return std::future::pending().await };
        spill.log.filled().await;
        sleep_until(spill.next).await;
        let now = Instant::now();
        match spill.log.next().await {
            Ok(replayed) => {
                let bytes = replayed.as_ref().map_or(0, |replayed| replayed.payload.bytes.len());
                spill.next = now + pace(bytes, spill.rate);
                replayed
            }
            Err(again) => {
                spill.next = now + again;
                None
            }
        }
    }

    /// Writes what is left in the queue, until the deadline, and closes the log.
    pub(super) async fn finish(&self, queue: &Arc<Queue>, deadline: Option<Instant>) {
        let writing = async {
            let mut insist = true;
            while let Some(item) = queue.try_pop() {
                if let Err(kept) = self.log.append(item, None, insist).await {
                    if let Some(kept) = kept {
                        kept.item.dropped(DropReason::Shutdown);
                    }
                    insist = false;
                }
            }
            queue.close();
            self.log.close().await;
        };
        match deadline {
            // What is pushed or under way at this moment is counted as lost to the shutdown.
            Some(deadline) => tokio::select! {
                biased;
                () = writing => {}
                () = sleep_until(deadline) => {}
            },
            None => writing.await,
        }
    }
}

/// How long `bytes` take at `rate` bytes per second.
fn pace(bytes: usize, rate: u64) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Duration::from_millis(bytes.saturating_mul(1_000) / rate.max(1))
}
