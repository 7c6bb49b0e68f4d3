//! The API server of the replay: cores shared evenly by what runs, seats and queues before them, memory behind them.
//!
//! Every running request gets the same part of the cores and at most one; the events for open watches are written by
//! goroutines of their own, one for each watch that lags, beside the requests and without seats, as in the real one. Each
//! request ends exactly once: served, refused, timed out, or cut off when the server ends. Time is a parameter.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::levels::{Level, Seats};

/// What the server is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    pub(super) servers: usize,
    pub(super) cores: f64,
    pub(super) seats: f64,
    /// When a request is given up, seconds.
    pub(super) timeout: f64,
    /// CPU of an answer 429, seconds.
    pub(super) refusal: f64,
    /// CPU of one event for one watch, seconds.
    pub(super) event: f64,
}

/// A request that arrives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer<T> {
    pub(super) owner: T,
    pub(super) level: Level,
    /// CPU, seconds.
    pub(super) cpu: f64,
    pub(super) seats: f64,
    /// What its answer holds in memory when it is complete, bytes.
    pub(super) bytes: f64,
    /// When its client gives it up, seconds.
    pub(super) patience: f64,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Served,
    /// 429: the queue is full, or it waited too long for seats.
    Refused,
    /// Its client or the server gave it up.
    TimedOut,
    /// The server ended.
    Cut,
    /// Nobody listens: it never arrived.
    Unreachable,
}

/// How many requests arrived and how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Reached the server.
    pub arrived: u64,
    /// Answered.
    pub served: u64,
    /// Answered with 429.
    pub refused: u64,
    /// Given up by the client or the server.
    pub timed_out: u64,
    /// Cut off by the end of the server.
    pub cut: u64,
    /// Never arrived: nobody listened.
    pub unreachable: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Gone,
    Waiting,
    Running,
    /// Running only to be told 429.
    Refusing,
}

#[derive(Debug, Clone, Copy)]
struct Job<T> {
    offer: Offer<T>,
    life: u32,
    state: State,
    arrived: f64,
    /// The work that every running request had been given when this one began.
    began: f64,
}

/// A place in the table of jobs, and which of those that had it.
type Ticket = (usize, u32);

/// A number that is never NaN, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Work(f64);

impl Eq for Work {}

impl Ord for Work {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Work {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The longest step while events for watches are written, seconds: their number changes under way.
const FAN_STEP: f64 = 0.01;

/// The server.
#[derive(Debug)]
pub(super) struct Server<T> {
    machine: Machine,
    now: f64,
    up: bool,
    jobs: Vec<Job<T>>,
    free: Vec<usize>,
    /// The work that a request which ran since the beginning would have been given, seconds of CPU.
    given: f64,
    running: BinaryHeap<Reverse<(Work, usize, u32)>>,
    runs: f64,
    seats: Seats,
    queues: [VecDeque<Ticket>; 7],
    waiting: [usize; 7],
    deadlines: BTreeMap<u64, VecDeque<(f64, Ticket)>>,
    /// Bytes held by running LISTs are `slope * given - offset`.
    slope: f64,
    offset: f64,
    /// CPU that events for watches still need, seconds.
    fan: f64,
    /// Open watches that follow every pod.
    pub(super) wide: f64,
    /// Seconds of CPU used.
    pub(super) busy: f64,
    pub(super) counts: Counts,
    ended: Vec<(T, Outcome, f64)>,
}

impl<T: Copy> Server<T> {
    pub(super) fn new(machine: Machine) -> Self {
        Self {
            machine,
            now: 0.0,
            up: true,
            jobs: Vec::new(),
            free: Vec::new(),
            given: 0.0,
            running: BinaryHeap::new(),
            runs: 0.0,
            seats: Seats::new(machine.seats, machine.servers),
            queues: [const { VecDeque::new() }; 7],
            waiting: [0; 7],
            deadlines: BTreeMap::new(),
            slope: 0.0,
            offset: 0.0,
            fan: 0.0,
            wide: 0.0,
            busy: 0.0,
            counts: Counts::default(),
            ended: Vec::new(),
        }
    }

    pub(super) const fn is_up(&self) -> bool {
        self.up
    }

    pub(super) const fn now(&self) -> f64 {
        self.now
    }

    /// Requests that run, and that wait for seats.
    pub(super) fn load(&self) -> (f64, usize) {
        (self.runs, self.waiting.iter().sum())
    }

    /// Bytes that the answers of running LISTs hold.
    pub(super) fn held(&self) -> f64 {
        (self.slope * self.given - self.offset).max(0.0)
    }

    /// How many events each wide watch lags behind.
    pub(super) fn lag(&self) -> f64 {
        if self.wide < 1.0 { 0.0 } else { self.fan / (self.machine.event * self.wide) }
    }

    /// So many pods change: an event for each wide watch, and for this many others.
    pub(super) fn change(&mut self, pods: f64, others: f64) {
        if self.up {
            self.fan += pods * (self.wide + others) * self.machine.event;
        }
    }

    /// So many wide watches end; what they had not read is not written.
    pub(super) fn close(&mut self, watches: f64) {
        if self.wide > 0.0 {
            self.fan *= (1.0 - watches / self.wide).max(0.0);
        }
        self.wide = (self.wide - watches).max(0.0);
    }

    /// A request arrives now.
    pub(super) fn offer(&mut self, offer: Offer<T>) {
        if !self.up {
            self.counts.unreachable += 1;
            self.ended.push((offer.owner, Outcome::Unreachable, 0.0));
            return;
        }
        self.counts.arrived += 1;
        let level = offer.level;
        let queue = level.index();
        if self.waiting[queue] == 0 && self.seats.admits(level, offer.seats) {
            let ticket = self.enter(offer, State::Waiting);
            self.begin(ticket.0);
        } else if self.waiting[queue] < self.seats.queue(level) {
            let ticket = self.enter(offer, State::Waiting);
            self.waiting[queue] += 1;
            self.queues[queue].push_back(ticket);
        } else {
            let refusal =
                Offer { level: Level::Exempt, seats: 0.0, bytes: 0.0, cpu: self.machine.refusal, ..offer };
            let ticket = self.enter(refusal, State::Refusing);
            self.begin(ticket.0);
        }
    }

    fn enter(&mut self, offer: Offer<T>, state: State) -> Ticket {
        let place = self.free.pop().unwrap_or(self.jobs.len());
        let life = self.jobs.get(place).map_or(0, |job| job.life.wrapping_add(1));
        let job = Job { offer, life, state, arrived: self.now, began: 0.0 };
        match self.jobs.get_mut(place) {
            Some(old) => *old = job,
            None => self.jobs.push(job),
        }
        let patience = offer.patience.min(self.machine.timeout);
        self.deadlines.entry(patience.to_bits()).or_default().push_back((self.now + patience, (place, life)));
        (place, life)
    }

    fn begin(&mut self, place: usize) {
        let job = &mut self.jobs[place];
        if job.state == State::Waiting {
            job.state = State::Running;
        }
        job.began = self.given;
        let offer = job.offer;
        self.seats.used[offer.level.index()] += offer.seats;
        self.runs += 1.0;
        if offer.bytes > 0.0 {
            self.slope += offer.bytes / offer.cpu;
            self.offset += offer.bytes / offer.cpu * self.given;
        }
        self.running.push(Reverse((Work(self.given + offer.cpu), place, job.life)));
    }

    /// A job ends. Whoever waits for its seats begins later, in [`Self::admit`].
    fn end(&mut self, place: usize, outcome: Outcome) {
        let job = self.jobs[place];
        let offer = job.offer;
        if job.state == State::Waiting {
            self.waiting[offer.level.index()] -= 1;
        } else {
            self.runs -= 1.0;
            let used = &mut self.seats.used[offer.level.index()];
            *used = (*used - offer.seats).max(0.0);
            if offer.bytes > 0.0 {
                self.slope -= offer.bytes / offer.cpu;
                self.offset -= offer.bytes / offer.cpu * job.began;
            }
        }
        let outcome = if job.state == State::Refusing && outcome == Outcome::Served {
            Outcome::Refused
        } else {
            outcome
        };
        self.jobs[place].state = State::Gone;
        self.free.push(place);
        match outcome {
            Outcome::Served => self.counts.served += 1,
            Outcome::Refused => self.counts.refused += 1,
            Outcome::TimedOut => self.counts.timed_out += 1,
            Outcome::Cut => self.counts.cut += 1,
            Outcome::Unreachable => {}
        }
        self.ended.push((offer.owner, outcome, self.now - job.arrived));
    }

    fn is(&self, (place, life): Ticket) -> bool {
        self.jobs.get(place).is_some_and(|job| job.life == life && job.state != State::Gone)
    }

    /// Lets those begin that wait for seats.
    fn admit(&mut self) {
        for level in Level::ALL {
            let queue = level.index();
            while self.waiting[queue] > 0 {
                let Some(&ticket) = self.queues[queue].front() else { break };
                if !self.is(ticket) {
                    self.queues[queue].pop_front();
                    continue;
                }
                if !self.seats.admits(level, self.jobs[ticket.0].offer.seats) {
                    break;
                }
                self.queues[queue].pop_front();
                self.waiting[queue] -= 1;
                self.begin(ticket.0);
            }
        }
    }

    /// Lets time pass until `to`, or until something ends before. True: something ended; see [`Self::ended`].
    pub(super) fn advance(&mut self, to: f64) -> bool {
        while self.now < to {
            self.forget_stale();
            let lagging =
                if self.fan > 0.0 { (self.fan / self.machine.event).min(self.wide.max(1.0)) } else { 0.0 };
            let all = self.runs + lagging;
            if all <= 0.0 {
                self.now = to;
                break;
            }
            let rate = (self.machine.cores / all).min(1.0);
            let next = self.running.peek().map(|Reverse((work, ..))| (work.0 - self.given).max(0.0) / rate);
            let mut step = to - self.now;
            if self.fan > 0.0 {
                step = step.min((self.fan / (lagging * rate)).clamp(1e-4, FAN_STEP));
            }
            let ends = next.is_some_and(|next| next <= step);
            if let Some(next) = next.filter(|_| ends) {
                step = next;
            }
            let written = (lagging * rate * step).min(self.fan);
            self.fan -= written;
            self.busy += written + self.runs * rate * step;
            self.given += rate * step;
            self.now = if ends || step < to - self.now { self.now + step } else { to };
            if ends {
                if let Some(Reverse((work, place, _))) = self.running.pop() {
                    self.given = work.0;
                    self.end(place, Outcome::Served);
                    self.admit();
                }
                return true;
            }
        }
        false
    }

    fn forget_stale(&mut self) {
        while let Some(Reverse((_, place, life))) = self.running.peek() {
            if self.is((*place, *life)) {
                break;
            }
            self.running.pop();
        }
    }

    /// Gives up what has waited too long; to be called ten times a second.
    pub(super) fn expire(&mut self) {
        let mut late = Vec::new();
        for tickets in self.deadlines.values_mut() {
            while let Some((_, ticket)) = tickets.pop_front_if(|(deadline, _)| *deadline <= self.now) {
                late.push(ticket);
            }
        }
        for ticket in late {
            if self.is(ticket) {
                self.end(ticket.0, Outcome::TimedOut);
            }
        }
        for queue in 0..self.queues.len() {
            while let Some(&ticket) = self.queues[queue].front() {
                let fresh =
                    self.is(ticket) && self.now - self.jobs[ticket.0].arrived < self.machine.timeout / 4.0;
                if fresh {
                    break;
                }
                self.queues[queue].pop_front();
                if self.is(ticket) {
                    self.end(ticket.0, Outcome::Refused);
                }
            }
        }
        self.admit();
    }

    /// What ended since the last call: whose, how, and after how many seconds.
    pub(super) fn ended(&mut self) -> Vec<(T, Outcome, f64)> {
        std::mem::take(&mut self.ended)
    }

    /// The server ends; everything in it is cut off.
    pub(super) fn crash(&mut self) {
        for place in 0..self.jobs.len() {
            if self.jobs[place].state != State::Gone {
                self.end(place, Outcome::Cut);
            }
        }
        self.up = false;
        self.running.clear();
        self.queues.iter_mut().for_each(VecDeque::clear);
        self.deadlines.clear();
        (self.runs, self.slope, self.offset, self.fan, self.wide) = (0.0, 0.0, 0.0, 0.0, 0.0);
        (self.waiting, self.seats.used) = ([0; 7], [0.0; 7]);
    }

    /// It listens again.
    pub(super) const fn restart(&mut self) {
        self.up = true;
    }
}
