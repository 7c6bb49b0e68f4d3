//! The ledger of one agent: no request without a permit, no permit without a turn, and every one is accounted for.
//!
//! Pure: it is told the time and what happened. It grants before the act and settles afterwards what is only known
//! then. The invariants:
//! - a turn holds at most two requests: LIST then WATCH, or WATCH and a size probe in either order, or one of them;
//! - the second one is granted only after the first one succeeded: nothing is retried inside a turn;
//! - every permit is counted exactly once: with its status, or with `none` when its turn is over;
//! - LISTs of one agent stay within the fleet's byte ceiling in any 60 s, and each is followed by the pause in which all
//!   other nodes can LIST as much at half of that ceiling;
//! - reviews that a scrape of the kubelet causes are charged, never too few (see [`crate::reviews`]).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::carried::{Carried, Verdict};
use crate::clock::{Mono, Now};
use crate::counts::{Asked, Counts, Reason, Resource, Status, Verb, closed};
use crate::derive::{ASSUMED_LIST_BYTES, BYTE_WINDOW, REQUESTS_PER_TURN};
use crate::guard::Guard;
use crate::phase::Salt;
use crate::reviews::{Access, Answer, Charge, ReviewCache, Subresource};
use crate::turns::Turn;
use crate::window::SlidingSum;

/// What may be asked of the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Request {
    /// GET of the agent's own DaemonSet.
    Size,
    /// LIST of the node's pods.
    List {
        /// Whether this life has had a list already (counted as a relist).
        again: bool,
    },
    /// WATCH of the node's pods.
    Watch,
}

impl Request {
    /// The part of the counted key that is known before the answer.
    pub const fn asked(self) -> Asked {
        match self {
            Self::Size => Asked { verb: Verb::Get, resource: Resource::DaemonSets, reason: Reason::Size },
            Self::List { again } => {
                let reason = if again { Reason::Relist } else { Reason::List };
                Asked { verb: Verb::List, resource: Resource::Pods, reason }
            }
            Self::Watch => Asked { verb: Verb::Watch, resource: Resource::Pods, reason: Reason::Watch },
        }
    }

    /// Whether a turn may hold this request after `first`.
    const fn may_follow(self, first: Self) -> bool {
        matches!((first, self), (Self::List { .. } | Self::Size, Self::Watch) | (Self::Watch, Self::Size))
    }
}

closed! {
    /// Why a permit was refused: the attribute `source` of `tare.kube_api.throttled`.
    Refusal {
        /// There is no turn, or it is over, or it is one for something else.
        Turn = "turn",
        /// The turn's two requests are spent.
        Spent = "spent",
        /// A request of this turn failed, or has no answer yet.
        Failed = "failed",
        /// These two do not go together in one turn.
        Combination = "combination",
        /// The guard behind the turns.
        Guard = "guard",
        /// LIST bytes have to be repaid first.
        ListBytes = "list_bytes",
        /// The watch carried too much.
        Carried = "carried",
        /// This scrape has read that already, or has to stop.
        Scrape = "scrape",
    }
}

/// The right to send one request, until its turn is over. It cannot be copied: the gate takes it away.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    request: Request,
    deadline: Mono,
}

/// The place of a granted request in the books. It cannot be copied, and settling takes it away.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket {
    serial: u64,
    request: Request,
}

impl Ticket {
    /// What was granted.
    pub const fn request(&self) -> Request {
        self.request
    }
}

impl Permit {
    /// What it allows.
    pub const fn request(&self) -> Request {
        self.request
    }

    /// When what has no answer is cut off.
    pub const fn deadline(&self) -> Mono {
        self.deadline
    }
}

/// The right to one scrape of the kubelet: each subresource once, until one of them fails.
#[derive(Debug, PartialEq, Eq)]
pub struct Scrape {
    deadline: Mono,
    single: bool,
    asked: Vec<Subresource>,
    stopped: bool,
}

/// The right to one request of a scrape. It cannot be copied; one that is never settled is settled as unanswered.
#[derive(Debug, PartialEq, Eq)]
pub struct ScrapePermit {
    serial: u64,
}

#[derive(Debug)]
struct SentScrape {
    serial: u64,
    sent: Mono,
    deadline: Mono,
    access: Access,
    subresource: Subresource,
}

/// What bounds an agent's LISTs and watch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// N used.
    pub nodes: u32,
    /// This release's ceiling for LIST bytes per second, of the whole cluster.
    pub list_bytes_per_second: f64,
    /// The bytes that the next LIST is expected to take; none if there was no LIST yet.
    pub list_bytes: Option<u64>,
}

#[derive(Debug)]
struct Entry {
    serial: u64,
    request: Request,
    status: Option<Status>,
}

#[derive(Debug)]
struct OpenTurn {
    turn: Turn,
    entries: Vec<Entry>,
    probed_kubelet: bool,
}

/// The books of one agent.
#[derive(Debug)]
pub struct Ledger {
    limits: Limits,
    guard: Guard,
    open: Option<OpenTurn>,
    scrapes: Vec<SentScrape>,
    serial: u64,
    counts: Counts,
    refused: BTreeMap<Refusal, u64>,
    listed: SlidingSum,
    list_free_at: Mono,
    carried: Carried,
    reviews: ReviewCache,
}

impl Ledger {
    /// Empty books. `carried_bound` is in bytes per 10 minutes.
    pub fn new(limits: Limits, guard: Guard, carried_bound: u64) -> Self {
        Self {
            limits,
            guard,
            open: None,
            scrapes: Vec::new(),
            serial: 0,
            counts: Counts::new(),
            refused: BTreeMap::new(),
            listed: SlidingSum::new(BYTE_WINDOW),
            list_free_at: Mono::new(Duration::ZERO),
            carried: Carried::new(carried_bound),
            reviews: ReviewCache::new(),
        }
    }

    /// Follows a change of N, of the declaration, or of the period.
    pub fn retune(&mut self, limits: Limits, period: Duration) {
        self.limits = limits;
        self.guard.retune(period);
    }

    /// Opens a turn; the one before is over.
    pub fn begin(&mut self, now: Now, turn: Turn) {
        self.close(now.mono);
        if turn.salt() == Salt::Turn {
            self.open = Some(OpenTurn { turn, entries: Vec::with_capacity(2), probed_kubelet: false });
        }
    }

    /// Closes the turn if it is over, and the scrapes that have no answer. To be called at their deadlines; what has no
    /// answer is counted as `none`.
    pub fn tick(&mut self, now: Now) {
        if self.open.as_ref().is_some_and(|open| !open.turn.is_open(now)) {
            self.close(now.mono);
        }
        for late in self.scrapes.extract_if(.., |scrape| now.mono >= scrape.deadline).collect::<Vec<_>>() {
            self.charge_reviews(&late, Answer::None);
        }
    }

    /// Ends the turn at once, as when a person said stop.
    pub fn close(&mut self, now: Mono) {
        let Some(open) = self.open.take() else { return };
        for entry in open.entries.into_iter().filter(|entry| entry.status.is_none()) {
            self.counts.add(entry.request.asked(), Status::None, 1);
            if let Request::List { .. } = entry.request {
                // Cut off: how much of it the server wrote is not known, so all that was expected is charged.
                self.charge_list(now, self.limits.list_bytes.unwrap_or(ASSUMED_LIST_BYTES));
            }
        }
    }

    /// A permit for one request, to be sent now, and its place in the books.
    ///
    /// # Errors
    /// The first rule that forbids it; every refusal is counted.
    pub fn grant(&mut self, now: Now, request: Request) -> Result<(Permit, Ticket), Refusal> {
        self.tick(now);
        self.try_grant(now, request).inspect_err(|refusal| self.refuse(*refusal))
    }

    fn try_grant(&mut self, now: Now, request: Request) -> Result<(Permit, Ticket), Refusal> {
        self.fits_turn(request)?;
        self.may_be_asked(now.mono, request)?;
        let open = self.open.as_mut().ok_or(Refusal::Turn)?;
        // The guard comes last: what is refused for another reason takes nothing from it.
        self.guard.take(now.mono).map_err(|_| Refusal::Guard)?;
        self.serial += 1;
        open.entries.push(Entry { serial: self.serial, request, status: None });
        let permit = Permit { request, deadline: open.turn.deadline() };
        Ok((permit, Ticket { serial: self.serial, request }))
    }

    /// The rules of the turn.
    fn fits_turn(&self, request: Request) -> Result<(), Refusal> {
        let open = self.open.as_ref().ok_or(Refusal::Turn)?;
        if open.entries.len() >= REQUESTS_PER_TURN as usize {
            return Err(Refusal::Spent);
        }
        match open.entries.first() {
            Some(first) if !request.may_follow(first.request) => Err(Refusal::Combination),
            Some(first) if !first.status.is_some_and(Status::is_success) => Err(Refusal::Failed),
            _ => Ok(()),
        }
    }

    /// The rules that do not depend on the turn.
    fn may_be_asked(&mut self, now: Mono, request: Request) -> Result<(), Refusal> {
        match request {
            Request::Size => Ok(()),
            Request::List { .. } => {
                let ceiling = self.limits.list_bytes_per_second * BYTE_WINDOW.as_secs_f64();
                let expected = self.limits.list_bytes.unwrap_or(ASSUMED_LIST_BYTES);
                let with_it = as_f64(self.listed.sum(now).saturating_add(expected));
                let free = now >= self.list_free_at && with_it <= ceiling;
                if free { Ok(()) } else { Err(Refusal::ListBytes) }
            }
            Request::Watch => match self.carried.verdict(now) {
                Verdict::Keep => Ok(()),
                Verdict::CloseUntil(_) => Err(Refusal::Carried),
            },
        }
    }

    /// Settles a request: its status, and for a LIST the bytes on the wire. The bytes of a watch are
    /// [`carried`](Self::carried). After the end of its turn the request is counted already, as `none`; its bytes still are.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is used up by settling it")]
    pub fn settle(&mut self, now: Now, ticket: Ticket, status: Status, bytes: u64) {
        self.tick(now);
        let Ticket { serial, request } = ticket;
        let entries = self.open.iter_mut().flat_map(|open| open.entries.iter_mut());
        let in_time = entries.into_iter().find(|entry| entry.serial == serial);
        let expected = self.limits.list_bytes.unwrap_or(ASSUMED_LIST_BYTES);
        let mut charged = 0;
        if let Some(entry) = in_time {
            entry.status = Some(status);
            self.counts.add(request.asked(), status, 1);
        } else {
            charged = expected;
        }
        if matches!(request, Request::List { .. }) {
            self.charge_list(now.mono, bytes.saturating_sub(charged));
        }
    }

    fn charge_list(&mut self, now: Mono, bytes: u64) {
        self.listed.add(now, bytes);
        let fair = self.limits.list_bytes_per_second / 2.0 / f64::from(self.limits.nodes.max(1));
        let pause = Duration::try_from_secs_f64(as_f64(bytes) / fair).unwrap_or(Duration::MAX);
        self.list_free_at = self.list_free_at.max(now).plus(pause);
    }

    /// What an open watch brought.
    pub fn carried(&mut self, now: Now, bytes: u64) -> Verdict {
        self.carried.add(now.mono, bytes)
    }

    /// A scrape of the kubelet in a slot of its own; the slot is spent.
    ///
    /// # Errors
    /// The slot is no slot for scrapes, or it is over.
    pub fn scrape(&mut self, now: Now, slot: &Turn) -> Result<Scrape, Refusal> {
        if slot.salt() != Salt::Scrape || !slot.is_open(now) {
            self.refuse(Refusal::Turn);
            return Err(Refusal::Turn);
        }
        Ok(Scrape { deadline: slot.deadline(), single: false, asked: Vec::new(), stopped: false })
    }

    /// One request to a kubelet whose scrapes were stopped, inside the open turn; once per turn.
    ///
    /// # Errors
    /// There is no turn, or it had its probe.
    pub fn probe_kubelet(&mut self, now: Now) -> Result<Scrape, Refusal> {
        self.tick(now);
        match &mut self.open {
            Some(open) if !open.probed_kubelet => {
                open.probed_kubelet = true;
                Ok(Scrape { deadline: open.turn.deadline(), single: true, asked: Vec::new(), stopped: false })
            }
            _ => {
                self.refuse(Refusal::Turn);
                Err(Refusal::Turn)
            }
        }
    }

    /// A permit for one request of a scrape.
    ///
    /// # Errors
    /// The scrape is over, was stopped by an answer, or has had this subresource.
    pub fn grant_scrape(
        &mut self,
        now: Now,
        scrape: &mut Scrape,
        access: Access,
        subresource: Subresource,
    ) -> Result<ScrapePermit, Refusal> {
        let done = scrape.stopped
            || scrape.asked.contains(&subresource)
            || (scrape.single && !scrape.asked.is_empty());
        if done || now.mono >= scrape.deadline || access == Access::Off {
            self.refuse(Refusal::Scrape);
            return Err(Refusal::Scrape);
        }
        scrape.asked.push(subresource);
        self.serial += 1;
        let (serial, sent, deadline) = (self.serial, now.mono, scrape.deadline);
        self.scrapes.push(SentScrape { serial, sent, deadline, access, subresource });
        Ok(ScrapePermit { serial })
    }

    /// Charges the reviews that a request to the kubelet has caused at most. Anything but a 200 ends the scrape.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is used up by settling it")]
    pub fn settle_scrape(&mut self, now: Now, scrape: &mut Scrape, permit: ScrapePermit, answer: Answer) {
        self.tick(now);
        scrape.stopped |= !matches!(answer, Answer::Status { code: 200, .. });
        let ScrapePermit { serial } = permit;
        let settled: Vec<_> = self.scrapes.extract_if(.., |sent| sent.serial == serial).collect();
        for sent in settled {
            self.charge_reviews(&sent, answer);
        }
    }

    fn charge_reviews(&mut self, sent: &SentScrape, answer: Answer) {
        let charge = self.reviews.settle(sent.sent, sent.access, sent.subresource, answer);
        let authenticated = !matches!(answer, Answer::None | Answer::Status { code: 401, .. });
        let decided = matches!(answer, Answer::Status { code: 200 | 403, .. });
        let status = |known: bool| if known { Status::Created } else { Status::None };
        self.counts.add(Asked::TOKEN_REVIEW, status(authenticated), u64::from(charge.token_reviews));
        self.counts.add(Asked::ACCESS_REVIEW, status(decided), u64::from(charge.access_reviews));
    }

    /// The kubelet may have lost its caches: a lost connection, a new credential.
    pub fn forget_reviews(&mut self) {
        self.reviews.forget();
    }

    /// Whether a watch may be open, after what it has carried.
    pub fn carried_verdict(&self, now: Now) -> Verdict {
        self.carried.verdict(now.mono)
    }

    /// Goes on counting where an earlier life stopped. To be called before anything is granted.
    pub fn continue_from(&mut self, counts: Counts) {
        self.counts = counts;
    }

    /// Counts as `none` what an earlier life had sent without hearing the answer.
    pub fn adopt(&mut self, outstanding: impl IntoIterator<Item = (Asked, u64)>) {
        for (asked, number) in outstanding {
            self.counts.add(asked, Status::None, number);
        }
    }

    /// What was granted and is not counted yet, at most: to be saved before it is sent.
    pub fn outstanding(&self) -> Vec<(Asked, u64)> {
        let entries = self.open.iter().flat_map(|open| &open.entries).filter(|entry| entry.status.is_none());
        let own = entries.map(|entry| (entry.request.asked(), 1));
        let hidden = self.scrapes.iter().flat_map(|sent| {
            let worst = Charge::worst(sent.access, sent.subresource);
            let tokens = (Asked::TOKEN_REVIEW, u64::from(worst.token_reviews));
            [tokens, (Asked::ACCESS_REVIEW, u64::from(worst.access_reviews))]
        });
        own.chain(hidden).filter(|(_, number)| *number > 0).collect()
    }

    /// Everything that was asked, hidden requests included.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The bytes that watches brought in this life.
    pub const fn carried_total(&self) -> u64 {
        self.carried.total()
    }

    /// How often each rule refused a permit.
    pub fn refused(&self) -> impl Iterator<Item = (Refusal, u64)> + '_ {
        self.refused.iter().map(|(refusal, count)| (*refusal, *count))
    }

    fn refuse(&mut self, refusal: Refusal) {
        *self.refused.entry(refusal).or_default() += 1;
    }
}

/// Bytes as a float: what is held here is far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "a rounding in the 16th digit does not matter to a ceiling")]
const fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests;
