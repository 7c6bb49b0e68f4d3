//! Requests from the disk log: sent once each, and back they go where that fails.
//!
//! One that the backend finds too large is halved once, as a fresh one is. The log knows nothing of halves: it
//! keeps the whole until both came to an end, so that a kill in between repeats a half and loses none. What
//! became of the first is remembered here, for when the whole comes again.

use std::future::Future;

use tokio::time::Instant;

use super::{Flow, Forwarder, Stop};
use crate::compress::{Compressor, Payload, decompress};
use crate::disk::{End, Replayed};
use crate::queue::DropReason;
use crate::request::halve;
use crate::retry::Decision;
use crate::transport::Transport;

/// The halves of the request with this number that are not both settled.
pub(super) struct Halves {
    number: u64,
    first: Half,
    second: Half,
    /// What became of the first.
    ended: Option<End>,
}

struct Half {
    payload: Payload,
    points: u64,
}

impl Halves {
    /// Cuts a request in two; none where that cannot be done without losing count of its points. It is
    /// decompressed up to `most` bytes.
    fn of(replayed: &Replayed, most: usize, compressor: &mut Compressor) -> Option<Self> {
        let body = decompress(&replayed.payload, most)?;
        let [first, second] = halve::halves(&body)?;
        if first.points + second.points != replayed.points() {
            return None;
        }
        let [first, second] = [first, second].map(|half| {
            let payload = compressor.compress(&half.body);
            Half { payload, points: half.points }
        });
        Some(Self { number: replayed.number(), first, second, ended: None })
    }

    /// The one to be sent.
    fn next(&self) -> &Payload {
        if self.ended.is_none() { &self.first.payload } else { &self.second.payload }
    }

    /// One came to its end; both with their points, if that was the second.
    fn end(&mut self, end: End) -> Option<[(u64, End); 2]> {
        match self.ended {
            None => {
                self.ended = Some(end);
                None
            }
            Some(first) => Some([(self.first.points, first), (self.second.points, end)]),
        }
    }
}

impl<T: Transport> Forwarder<T> {
    /// Sends one request from the disk, or its halves one after the other, once: where that fails it goes back,
    /// and what was collected meanwhile is tried before it.
    pub(super) async fn replay<F: Future<Output = Instant>>(
        &mut self,
        replayed: Replayed,
        stop: &mut Stop<'_, F>,
    ) -> Flow {
        self.halves.take_if(|halves| halves.number != replayed.number());
        loop {
            let payload = self.halves.as_ref().map_or(&replayed.payload, |halves| halves.next()).clone();
            self.queue.stats().attempt(false);
            let Some(answer) = self.exchange(&payload, stop).await else { return Flow::End };
            let renewed = std::mem::take(&mut self.renewed);
            let end = match answer.decision {
                // Once: credentials may have rotated since they were read. It goes back, and comes first again.
                Decision::Drop(_) if answer.unauthorized && !renewed && self.transport.renew() => {
                    self.renewed = true;
                    return Flow::On;
                }
                Decision::RetryAfter { .. } => return Flow::On,
                Decision::Drop(DropReason::TooLarge) if self.halves.is_none() => {
                    let most = self.queue.limits().max_bytes;
                    self.halves = Halves::of(&replayed, most, &mut self.compressor).map(Box::new);
                    if self.halves.is_some() {
                        continue;
                    }
                    End::Dropped(DropReason::TooLarge)
                }
                Decision::Delivered => End::Sent { rejected: 0 },
                Decision::DeliveredPartly { rejected } => End::Sent { rejected },
                Decision::Drop(reason) => End::Dropped(reason),
            };
            let Some(halves) = &mut self.halves else {
                replayed.ended(end);
                return Flow::On;
            };
            if let Some(ends) = halves.end(end) {
                self.halves = None;
                replayed.ended_in_halves(ends);
                return Flow::On;
            }
        }
    }
}
