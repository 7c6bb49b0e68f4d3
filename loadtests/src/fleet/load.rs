//! What the requests of a run cost the simulated API server, and what becomes of it when that is more than it has.
//!
//! Every request that arrives is booked at its full price ([`crate::prices`]), whatever the answer. A seat is held for as long
//! as the request keeps a processor busy: that is what an idle server needs, so the seats are a lower bound. The books are kept
//! here and nowhere else; they share no code with the ledger of the agents.
//!
//! With a [`Capacity`] the server can also collapse: its processors and its seats work off what has arrived in order, whoever
//! would wait longer than Priority & Fairness lets a request wait is answered with 429. Times are whole nanoseconds, so that
//! sums do not depend on their order.

use std::collections::BTreeMap;

use super::time::{Millis, SECOND, Span};
use crate::prices::{Kind, Prices};

/// Nanoseconds.
type Nanos = u64;

const NANOS_PER_MILLI: Nanos = 1_000_000;
/// Priority & Fairness gives up on a queued request after a quarter of the request timeout of 60 s.
const LONGEST_WAIT: Millis = 15 * SECOND;
/// What the 429 then asks for, seconds.
pub(super) const RETRY_AFTER: u32 = 1;
/// The window in which the fullest stretch is looked for, seconds.
const WINDOW: usize = 10;

/// What each kind of request costs in a cluster of a given size.
#[derive(Debug, Clone)]
pub(super) struct Tariff {
    of: [(Nanos, u32); Kind::ALL.len()],
}

impl Tariff {
    pub(super) fn new(prices: &Prices, pods: u32) -> Self {
        let of = Kind::ALL.map(|kind| {
            let cpu = prices.cpu(kind, pods).as_nanos();
            (Nanos::try_from(cpu).unwrap_or(Nanos::MAX), prices.of(kind).seats)
        });
        Self { of }
    }

    const fn price(&self, kind: Kind) -> (Nanos, u32) {
        self.of[kind as usize]
    }
}

/// How much control plane there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Capacity {
    /// Processors.
    pub(crate) cores: u32,
    /// Seats of the priority level to which the requests belong.
    pub(crate) seats: u32,
}

impl Capacity {
    /// Two processors; and of the 600 requests that kube-apiserver serves at once by default, what the shares of its priority
    /// levels (100 of 245) leave to `workload-low`, which is where a ServiceAccount's requests belong. The kubelets' reviews
    /// have a level of their own and are booked on this one all the same.
    pub(crate) const SMALL: Self = Self { cores: 2, seats: 245 };
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is worked on after this long.
    After(Millis),
    /// 429.
    Refused,
}

/// The books.
#[derive(Debug)]
pub(super) struct Load {
    tariff: Tariff,
    capacity: Option<Capacity>,
    waiting: Waiting,
    counts: [u64; Kind::ALL.len()],
    /// For each second of the run.
    cpu: Vec<Nanos>,
    seats: Vec<Nanos>,
    /// What means are about.
    measured: Span,
    carried: Carried,
    refused: u64,
    longest_wait: Millis,
}

/// Work that was admitted, of processors and of seats, in whole seconds: what came in the same second counts as not yet done,
/// so that a wait is rather too long than too short.
#[derive(Debug)]
struct Waiting {
    admitted: Vec<(Nanos, Nanos)>,
    /// Up to which second the backlog is known.
    second: usize,
    backlog: (Nanos, Nanos),
}

impl Waiting {
    fn new(seconds: usize) -> Self {
        Self { admitted: vec![(0, 0); seconds], second: 0, backlog: (0, 0) }
    }

    /// How long somebody waits who comes in this second, at these thousandths of processors and of seats.
    fn at(&mut self, second: usize, rates: (Nanos, Nanos)) -> Millis {
        let done = |rate: Nanos| rate * NANOS_PER_MILLI;
        while self.second < second {
            let (processors, places) = self.admitted[self.second];
            self.backlog.0 = (self.backlog.0 + processors).saturating_sub(done(rates.0));
            self.backlog.1 = (self.backlog.1 + places).saturating_sub(done(rates.1));
            self.second += 1;
        }
        let (processors, places) = self.admitted[second.max(self.second)];
        let wait = |work: Nanos, rate: Nanos| work * 1_000 / rate.max(1) / NANOS_PER_MILLI;
        wait(self.backlog.0 + processors, rates.0).max(wait(self.backlog.1 + places, rates.1))
    }

    fn add(&mut self, second: usize, (processors, places): (Nanos, Nanos)) {
        let admitted = &mut self.admitted[second.max(self.second)];
        admitted.0 += processors;
        admitted.1 += places;
    }
}

/// What open watches brought.
#[derive(Debug, Clone, Copy, Default)]
struct Carried {
    bytes: u64,
    events: u64,
}

impl Load {
    pub(super) fn new(tariff: Tariff, capacity: Option<Capacity>, measured: Span) -> Self {
        let seconds = usize::try_from(measured.to / SECOND + 1).unwrap_or(1);
        Self {
            tariff,
            capacity,
            waiting: Waiting::new(seconds),
            counts: [0; Kind::ALL.len()],
            cpu: vec![0; seconds],
            seats: vec![0; seconds],
            measured,
            carried: Carried::default(),
            refused: 0,
            longest_wait: 0,
        }
    }

    /// A request arrives while `open` watches are open.
    pub(super) fn book(&mut self, at: Millis, kind: Kind, open: u32) -> Admission {
        let (second, work) = self.price(at, kind);
        let Some(capacity) = self.capacity else { return Admission::After(0) };
        let rates = (self.left(capacity, open), Nanos::from(capacity.seats) * 1_000);
        let wait = self.waiting.at(second, rates);
        self.longest_wait = self.longest_wait.max(wait);
        if wait > LONGEST_WAIT {
            self.refused += 1;
            return Admission::Refused;
        }
        self.waiting.add(second, work);
        Admission::After(wait)
    }

    /// A request that will arrive: one that is tried again, or that something holds back.
    pub(super) fn expect(&mut self, at: Millis, kind: Kind) {
        let (second, work) = self.price(at, kind);
        self.waiting.add(second, work);
    }

    /// Into the books: its second, and what it takes of processors and of seats.
    fn price(&mut self, at: Millis, kind: Kind) -> (usize, (Nanos, Nanos)) {
        let (cpu, seats) = self.tariff.price(kind);
        let second = usize::try_from(at / SECOND).unwrap_or(usize::MAX).min(self.cpu.len() - 1);
        let work = (cpu, cpu * Nanos::from(seats));
        self.counts[kind as usize] += 1;
        self.cpu[second] += work.0;
        self.seats[second] += work.1;
        (second, work)
    }

    /// Thousandths of a processor that open watches with their bookmarks leave to requests.
    fn left(&self, capacity: Capacity, open: u32) -> Nanos {
        let bookmarks = Nanos::from(open) * self.tariff.price(Kind::WatchEvent).0 / 60;
        (Nanos::from(capacity.cores) * 1_000).saturating_sub(bookmarks / NANOS_PER_MILLI).max(1)
    }

    /// A watch brings something.
    pub(super) const fn carry(&mut self, at: Millis, bytes: u64) {
        if self.measured.contains(at) {
            self.carried.bytes += bytes;
            self.carried.events += 1;
        }
    }

    /// What it all came to.
    pub(super) fn bill(&self) -> Bill {
        let span = self.measured;
        let counted = Kind::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0);
        let within = |seconds: &[Nanos]| {
            let index = |at: Millis| usize::try_from(at / SECOND).unwrap_or(usize::MAX).min(seconds.len());
            seconds[index(span.from)..index(span.to)].iter().sum::<Nanos>()
        };
        Bill {
            by_kind: counted.collect(),
            cpu_s: in_seconds(self.cpu.iter().sum()),
            cpu_s_within: in_seconds(within(&self.cpu)),
            worst_10s_cpu_s: in_seconds(fullest(&self.cpu)),
            seat_s: in_seconds(self.seats.iter().sum()),
            seat_s_within: in_seconds(within(&self.seats)),
            worst_10s_seat_s: in_seconds(fullest(&self.seats)),
            carried_bytes: self.carried.bytes,
            carried_events: self.carried.events,
            carried_cpu_s: in_seconds(self.carried.events * self.tariff.price(Kind::WatchEvent).0),
            refused: self.refused,
            longest_wait_s: in_seconds(self.longest_wait * NANOS_PER_MILLI),
        }
    }
}

/// What a run cost the API server.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bill {
    /// Requests that arrived.
    pub(crate) by_kind: BTreeMap<Kind, u64>,
    /// CPU of the server for them, seconds.
    pub(crate) cpu_s: f64,
    /// The same from the disturbance (or the start) to the end.
    pub(crate) cpu_s_within: f64,
    /// In the dearest 10 s.
    pub(crate) worst_10s_cpu_s: f64,
    /// Seats times the seconds for which they were held.
    pub(crate) seat_s: f64,
    /// The same from the disturbance (or the start) to the end.
    pub(crate) seat_s_within: f64,
    /// In the fullest 10 s.
    pub(crate) worst_10s_seat_s: f64,
    /// Bytes that open watches brought from then to the end, bookmarks included.
    pub(crate) carried_bytes: u64,
    /// Events and bookmarks.
    pub(crate) carried_events: u64,
    /// CPU of the server for those, seconds.
    pub(crate) carried_cpu_s: f64,
    /// Requests answered with 429 because the server was saturated.
    pub(crate) refused: u64,
    /// The longest time that a request waited for a processor or a seat.
    pub(crate) longest_wait_s: f64,
}

fn fullest(seconds: &[Nanos]) -> Nanos {
    let mut sum = 0;
    let sums = seconds.iter().enumerate().map(|(index, nanos)| {
        sum += nanos;
        sum -= index.checked_sub(WINDOW).map_or(0, |gone| seconds[gone]);
        sum
    });
    sums.max().unwrap_or(0)
}

fn in_seconds(nanos: Nanos) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "for people; a year of CPU has less than 2^55 ns")]
    let nanos = nanos as f64;
    nanos / 1e9
}

#[cfg(test)]
mod tests;
