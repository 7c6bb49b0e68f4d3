//! The loop between a queue and a transport.
//!
//! One request is in flight. A failure pauses the destination, not only the request: while it pauses, the
//! queue goes on accepting and drops its oldest, and a request that grows too old meanwhile does not let
//! the next one knock earlier. With a disk log a second loop runs beside this one and moves to the disk what
//! the backend does not take; requests from there are sent when the queue is empty. Every item taken from
//! the queue is delivered, dropped for a reason, stored or counted as lost to the shutdown.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::spill::Spill;
use super::status::Health;
use crate::compress::{Compressor, Payload};
use crate::disk::Replayed;
use crate::model::Timestamp;
use crate::queue::{DropReason, InFlight, Queue};
use crate::retry::{self, Decision, Failure};
use crate::transport::{Reply, Transport};

mod replay;

use self::replay::Halves;

/// Moves requests from one queue to one backend.
pub(super) struct Forwarder<T> {
    queue: Arc<Queue>,
    health: Arc<Health>,
    pub(super) transport: T,
    compressor: Compressor,
    limits: retry::Limits,
    pub(super) random: fastrand::Rng,
    /// Retryable failures since the backend last answered otherwise.
    failures: u32,
    pause: Option<Pause>,
    spill: Option<Spill>,
    /// Whether credentials were read anew for the request that comes from the disk next.
    renewed: bool,
    /// The request from the disk that was too large.
    halves: Option<Box<Halves>>,
}

/// What is sent next.
enum Job {
    Live(InFlight),
    FromDisk(Replayed),
}

/// No request is sent before its end.
#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Instant,
    /// The part for which the backend asked, and which even a shutdown does not cut short.
    asked: Instant,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    /// The deadline of the shutdown is here, or nothing more can be done before it.
    End,
}

/// How sending one item ended.
struct Sent {
    flow: Flow,
    /// The item, if it is not accounted for because the backend found it too large.
    too_large: Option<InFlight>,
}

impl Sent {
    const ON: Self = Self { flow: Flow::On, too_large: None };

    /// The item is accounted for and the loop goes on, or not.
    const fn end(flow: Flow) -> Self {
        Self { flow, too_large: None }
    }
}

/// What came of sending one body.
struct Answer {
    decision: Decision,
    /// The backend refused our credentials.
    unauthorized: bool,
}

/// The request to shut down: once it came, its deadline.
struct Stop<'a, F> {
    shutdown: Pin<&'a mut F>,
    /// Until when requests are sent.
    deadline: Option<Instant>,
    /// Until when what is left is written to the disk.
    last: Option<Instant>,
    /// Whether there is a disk to write to.
    disk: bool,
}

/// The part of a shutdown that belongs to the disk is a quarter, at most this.
const WRITING: Duration = Duration::from_secs(1);

impl<F: Future<Output = Instant>> Stop<'_, F> {
    /// Waits until a shutdown is asked for. May be dropped and called again.
    async fn requested(&mut self) -> Instant {
        if let Some(deadline) = self.deadline {
            return deadline;
        }
        let last = self.shutdown.as_mut().await;
        let left = last.saturating_duration_since(Instant::now());
        let writing = if self.disk { WRITING.min(left / 4) } else { Duration::ZERO };
        self.last = Some(last);
        *self.deadline.insert(last - writing)
    }

    /// Waits until the shutdown's deadline. May be dropped and called again.
    async fn over(&mut self) {
        let deadline = self.requested().await;
        sleep_until(deadline).await;
    }
}

impl<T: Transport> Forwarder<T> {
    pub(super) fn new(
        queue: Arc<Queue>,
        health: Arc<Health>,
        transport: T,
        compressor: Compressor,
        limits: retry::Limits,
        spill: Option<Spill>,
    ) -> Self {
        let random = fastrand::Rng::new();
        Self {
            queue,
            health,
            transport,
            compressor,
            limits,
            random,
            failures: 0,
            pause: None,
            spill,
            renewed: false,
            halves: None,
        }
    }

    /// See [`super::Output::run`].
    pub(super) async fn run(mut self, shutdown: impl Future<Output = Instant>) {
        let disk = self.spill.is_some();
        let mut stop = Stop { shutdown: pin!(shutdown), deadline: None, last: None, disk };
        match self.spill.clone() {
            None => self.forward(&mut stop).await,
            Some(spill) => {
                let queue = Arc::clone(&self.queue);
                tokio::select! {
                    biased;
                    () = self.forward(&mut stop) => {}
                    () = spill.run(&queue) => {}
                }
                spill.finish(&queue, stop.last).await;
            }
        }
        // Dropping `self` closes the queue.
    }

    /// Until the shutdown is over, or nothing is left to send in it.
    async fn forward<F: Future<Output = Instant>>(&mut self, stop: &mut Stop<'_, F>) {
        while self.hold(stop).await == Flow::On
            && let Some(job) = self.next(stop).await
        {
            let flow = match job {
                Job::Live(item) => self.deliver(item, stop).await,
                // Boxed: rare, and for most outputs room that is never used.
                Job::FromDisk(replayed) => Box::pin(self.replay(replayed, stop)).await,
            };
            if flow == Flow::End {
                break;
            }
        }
    }

    /// What to send next; none when a drain has emptied the queue. What was collected comes before what
    /// waits on the disk, which is not drained at all: it is safe there.
    async fn next<F: Future<Output = Instant>>(&mut self, stop: &mut Stop<'_, F>) -> Option<Job> {
        while stop.deadline.is_none() {
            tokio::select! {
                biased;
                _ = stop.requested() => {}
                item = self.queue.pop() => return Some(Job::Live(item)),
                replayed = Spill::replay(self.spill.as_mut()) => {
                    if let Some(replayed) = replayed {
                        return Some(Job::FromDisk(replayed));
                    }
                }
                () = self.transport.idle() => {}
            }
        }
        self.queue.try_pop().map(Job::Live)
    }

    /// Sends one body, counts what came of it, and notes the pause that follows a failure. None where the
    /// deadline came first.
    async fn exchange<F: Future<Output = Instant>>(
        &mut self,
        payload: &Payload,
        stop: &mut Stop<'_, F>,
    ) -> Option<Answer> {
        let reply = tokio::select! {
            biased;
            reply = self.transport.send(payload) => reply,
            () = stop.over() => return None,
        };
        if reply.handed_over {
            self.queue.stats().handed_over(payload.bytes.len());
        }
        let unauthorized = reply.outcome.failure() == Some(Failure::Unauthorized);
        let decision = self.judge(reply);
        if let Decision::RetryAfter { wait, asked } = decision {
            let now = Instant::now();
            self.pause = Some(Pause { until: now + wait, asked: now + asked });
        }
        if let Some(spill) = &self.spill {
            spill.set_away(self.failures > 0, &self.queue);
        }
        Some(Answer { decision, unauthorized })
    }

    /// What happens to a request at the end of the shutdown: it goes back, to be written to the disk with
    /// all others, or it is lost.
    fn left_over(&self, item: InFlight) -> Flow {
        match self.spill {
            Some(_) => item.put_back(),
            None => item.dropped(DropReason::Shutdown),
        }
        Flow::End
    }

    /// Sends one item until it is delivered or given up, and accounts for it. What the backend finds too
    /// large is split once, and its halves are sent one after the other.
    async fn deliver<F: Future<Output = Instant>>(&mut self, item: InFlight, stop: &mut Stop<'_, F>) -> Flow {
        let mut split = false;
        // What is to be sent next and after that.
        let (mut next, mut last) = (Some(item), None);
        while let Some(item) = next.take().or_else(|| last.take()) {
            let Sent { flow, too_large } = self.send(item, stop).await;
            match too_large {
                None => {}
                Some(half) if split => half.dropped(DropReason::TooLarge),
                Some(whole) => match whole.split() {
                    Ok([first, second]) => {
                        split = true;
                        (next, last) = (Some(first), Some(second));
                    }
                    Err(whole) => whole.dropped(DropReason::TooLarge),
                },
            }
            if flow == Flow::End {
                for rest in next.into_iter().chain(last) {
                    self.left_over(rest);
                }
                return Flow::End;
            }
        }
        Flow::On
    }

    /// Sends one item until it is accounted for, or found too large.
    async fn send<F: Future<Output = Instant>>(&mut self, item: InFlight, stop: &mut Stop<'_, F>) -> Sent {
        let mut payload = None;
        let mut renewed = false;
        loop {
            if self.hold(stop).await == Flow::End {
                return Sent::end(self.left_over(item));
            }
            if item.is_too_old() {
                match &self.spill {
                    Some(spill) => spill.store(item, payload, DropReason::TooOld).await,
                    None => item.dropped(DropReason::TooOld),
                }
                return Sent::ON;
            }
            self.queue.stats().attempt(payload.is_some());
            let payload = payload.get_or_insert_with(|| {
                self.queue.stats().encoded(item.body().len());
                self.compressor.compress(item.body())
            });
            let Some(answer) = self.exchange(payload, stop).await else {
                return Sent::end(self.left_over(item));
            };
            match answer.decision {
                // Once: credentials may have rotated since they were read.
                Decision::Drop(_) if answer.unauthorized && !renewed && self.transport.renew() => {
                    renewed = true;
                    continue;
                }
                Decision::Drop(DropReason::TooLarge) => return Sent { too_large: Some(item), ..Sent::ON },
                Decision::Delivered => item.delivered(0),
                Decision::DeliveredPartly { rejected } => item.delivered(rejected),
                Decision::Drop(reason) => item.dropped(reason),
                Decision::RetryAfter { .. } => continue,
            }
            return Sent::ON;
        }
    }

    /// Waits for the end of a pause. A shutdown that is asked for meanwhile cuts it down to what the
    /// backend asked for: one last try is better than none. One that outlasts the deadline ends the loop.
    async fn hold<F: Future<Output = Instant>>(&mut self, stop: &mut Stop<'_, F>) -> Flow {
        while let Some(pause) = self.pause {
            let waited = async {
                tokio::select! {
                    () = sleep_until(pause.until) => {}
                    () = self.transport.idle() => {}
                }
            };
            match stop.deadline {
                Some(deadline) if pause.until >= deadline => return Flow::End,
                Some(_) => {
                    waited.await;
                    self.pause = None;
                }
                None => tokio::select! {
                    biased;
                    () = waited => self.pause = None,
                    _ = stop.requested() => self.pause = Some(Pause { until: pause.asked, ..pause }),
                },
            }
        }
        Flow::On
    }

    /// Counts what came of an exchange, tells people, and decides.
    fn judge(&mut self, reply: Reply) -> Decision {
        let Reply { outcome, remark, unreadable, .. } = reply;
        let now = Timestamp::now();
        let decision = retry::decide(outcome.verdict(now), self.failures, self.random.f64(), &self.limits);
        let again = matches!(decision, Decision::RetryAfter { .. });
        self.failures = if again { self.failures.saturating_add(1) } else { 0 };
        if unreadable {
            self.queue.stats().unreadable_answer();
        }
        match outcome.failure() {
            Some(failure) => {
                self.queue.stats().failed(failure);
                self.health.failed(now, &remark.unwrap_or_default(), decision);
            }
            None => self.health.succeeded(now, remark),
        }
        decision
    }
}

impl<T> Drop for Forwarder<T> {
    fn drop(&mut self) {
        self.queue.close();
    }
}
