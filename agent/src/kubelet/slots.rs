//! When the kubelet may be asked, and who has to be told what came of it.
//!
//! Where a scrape can make the kubelet ask the API server, or there is an API server at all, the shared watch's ledger
//! says when ([`Budget`]); without one only scrapes that cost nobody anything are left, and the node's own phase says
//! when ([`Free`]).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use shared_informer::clocks::Clocks;
use shared_informer::driver::Handle;
use shared_informer::ledger::{Scrape, ScrapePermit};
use shared_informer::phase::Salt;
use shared_informer::reviews::{Answer, Subresource};
use shared_informer::turns::{Decision, Turns};
use tokio::sync::mpsc;

/// The right to scrape.
#[async_trait]
pub trait Slots: Send {
    /// Waits for the next slot, for ever if there is none. What came while the last one was in use is dropped; how many
    /// were is the result. May be dropped and called again.
    async fn next(&mut self) -> u64;

    /// Whether this may be asked in the present slot. After a yes comes [`settle`](Self::settle).
    async fn grant(&mut self, subresource: Subresource) -> bool;

    /// What came of the request that was granted.
    async fn settle(&mut self, answer: Answer);

    /// The kubelet may have forgotten what it asked the API server.
    async fn forget(&mut self);
}

/// Where the shared watch puts its slots; a reader takes them from there, one at a time. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Desk(Arc<Mutex<Option<mpsc::Sender<Scrape>>>>);

impl Desk {
    /// A slot begins. One that finds no reader, or a busy one, is dropped: it costs nobody anything.
    pub fn offer(&self, scrape: Scrape) {
        if let Some(reader) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            drop(reader.try_send(scrape));
        }
    }

    /// From now on the slots come here.
    fn take(&self) -> mpsc::Receiver<Scrape> {
        let (sender, receiver) = mpsc::channel(1);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }
}

/// Slots and permits from the budget.
pub struct Budget {
    handle: Handle,
    slots: mpsc::Receiver<Scrape>,
    scrape: Option<Scrape>,
    permit: Option<ScrapePermit>,
}

impl Budget {
    /// Takes the slots from `desk` and the permits from the driver behind `handle`.
    pub fn new(handle: Handle, desk: &Desk) -> Self {
        Self { handle, slots: desk.take(), scrape: None, permit: None }
    }
}

#[async_trait]
impl Slots for Budget {
    async fn next(&mut self) -> u64 {
        let mut dropped = 0;
        if self.scrape.take().is_some() {
            while self.slots.try_recv().is_ok() {
                dropped += 1;
            }
        }
        match self.slots.recv().await {
            Some(scrape) => self.scrape = Some(scrape),
            // The driver has ended, which is a fault of its own.
            None => std::future::pending().await,
        }
        dropped
    }

    async fn grant(&mut self, subresource: Subresource) -> bool {
        let Some(scrape) = self.scrape.take() else { return false };
        let Ok((scrape, permit)) = self.handle.grant_scrape(scrape, subresource).await else { return false };
        self.scrape = Some(scrape);
        self.permit = permit.ok();
        self.permit.is_some()
    }

    async fn settle(&mut self, answer: Answer) {
        let (Some(scrape), Some(permit)) = (self.scrape.take(), self.permit.take()) else { return };
        self.scrape = self.handle.settle_scrape(scrape, permit, answer).await.ok();
    }

    async fn forget(&mut self) {
        // A driver that has ended has forgotten everything.
        let _ = self.handle.forget_reviews().await;
    }
}

/// A slot in every period, at the node's own phase. For scrapes that cause no reviews.
pub struct Free {
    turns: Turns,
    period: Duration,
    clocks: Arc<dyn Clocks>,
}

impl Free {
    /// The slots of this node.
    pub fn new(node: &str, period: Duration, clocks: Arc<dyn Clocks>) -> Self {
        let turns = Turns::new(node, Salt::Scrape, clocks.now().mono, None);
        Self { turns, period, clocks }
    }
}

#[async_trait]
impl Slots for Free {
    async fn next(&mut self) -> u64 {
        loop {
            let now = self.clocks.now();
            match self.turns.poll(now, self.period) {
                Decision::Start(_) => return 0,
                Decision::Wait { after, .. } => self.clocks.reached(now.mono.plus(after)).await,
            }
        }
    }

    async fn grant(&mut self, _: Subresource) -> bool {
        true
    }

    async fn settle(&mut self, _: Answer) {}

    async fn forget(&mut self) {}
}

#[cfg(test)]
mod tests {
    use shared_informer::clock::{Mono, Now, Wall};
    use shared_informer::clocks::Reached;

    use super::*;

    /// Clocks that are where somebody waits for them to be.
    struct Jumping(Mutex<Duration>);

    impl Clocks for Jumping {
        fn now(&self) -> Now {
            let at = *self.0.lock().unwrap();
            Now { wall: Wall::new(Duration::from_secs(1_795_244_279) + at), mono: Mono::new(at) }
        }

        fn reached(&self, until: Mono) -> Reached<'_> {
            let mut at = self.0.lock().unwrap();
            *at = (*at).max(until.since_origin());
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn free_slots_come_once_in_a_period_at_the_nodes_own_phase_and_never_at_the_start() {
        let period = Duration::from_mins(1);
        let clocks = Arc::new(Jumping(Mutex::new(Duration::ZERO)));
        let mut instants = Vec::new();
        let mut free = Free::new("node-1", period, Arc::clone(&clocks) as _);
        for _ in 0..5 {
            assert_eq!(free.next().await, 0);
            assert!(free.grant(Subresource::Stats).await);
            instants.push(clocks.now());
        }
        let phase = shared_informer::phase::Phase::of("node-1", Salt::Scrape);
        for now in &instants {
            assert!(now.wall.since(phase.at_or_before(now.wall, period).unwrap()) <= Duration::from_secs(1));
        }
        for pair in instants.windows(2) {
            assert_eq!(pair[1].mono.since(pair[0].mono), period);
        }
        assert!(instants[0].mono.since_origin() >= shared_informer::turns::SETTLE);
    }
}
