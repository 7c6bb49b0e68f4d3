//! One life of one agent: the shipped decisions, wired as the agent's shell will wire them. It is told the time and what
//! happened, and answers with what is to be sent.

use std::time::Duration;

use shared_informer::carried::DEFAULT_BOUND;
use shared_informer::clock::{Mono, Now, Wall};
use shared_informer::counts::{Asked, Reason, Status};
use shared_informer::declaration::{Cluster, Declaration};
use shared_informer::derive::{self, Derived, Kubelet};
use shared_informer::distress::{Distress, Signal};
use shared_informer::guard::Guard;
use shared_informer::ledger::{Ledger, Limits, Permit, Request, Scrape, ScrapePermit};
use shared_informer::phase::{Phase, Salt};
use shared_informer::renewal::{self, Renewal};
use shared_informer::reviews::{Access, Answer, Subresource};
use shared_informer::scraping::{Mode, Scraping};
use shared_informer::size::{Reading, Size};
use shared_informer::turns::{Decision, LENGTH, Turns};

/// The body of every LIST here.
const LIST_BYTES: u64 = 360_000;

/// What the state directory holds, and what the lives before have reported.
#[derive(Debug, Clone, Default)]
pub(crate) struct Saved {
    pub(crate) nodes: Option<u32>,
    pub(crate) last_turn: Option<Wall>,
    pub(crate) outstanding: Vec<(Asked, u64)>,
    pub(crate) own: u64,
    pub(crate) reviews: u64,
}

/// What the shell has to do after a look at the clock.
#[derive(Debug, Default)]
pub(crate) struct Todo {
    pub(crate) send: Option<Request>,
    pub(crate) scrape: bool,
    pub(crate) wake_after: Duration,
}

/// What never changes about a node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) turn: Phase,
    pub(crate) scrape: Phase,
    pub(crate) declaration: Declaration,
    pub(crate) cluster: Cluster,
}

#[derive(Debug)]
pub(crate) struct Agent {
    node: Node,
    saved: Saved,
    size: Size,
    derived: Derived,
    turns: Turns,
    slots: Turns,
    ledger: Ledger,
    distress: Distress,
    scraping: Scraping,
    watch: Option<Renewal>,
    sent: Option<Permit>,
    then: Option<Request>,
    scraped: Option<(Scrape, ScrapePermit)>,
}

fn derive_for(node: &Node, nodes: u32) -> Derived {
    let kubelet = Kubelet { access: Access::Token, period: Duration::from_mins(1), subresources: 1 };
    derive::derive(&node.declaration, &derive::Fleet { nodes, list_bytes: Some(LIST_BYTES), kubelet })
        .unwrap()
}

fn limits(node: &Node, nodes: u32) -> Limits {
    Limits { nodes, list_bytes_per_second: node.declaration.list_bytes(), list_bytes: Some(LIST_BYTES) }
}

impl Agent {
    pub(crate) fn start(node: Node, now: Now, saved: Saved) -> Self {
        let size = Size::new(node.cluster, saved.nodes);
        let derived = derive_for(&node, size.used());
        let silence = saved.last_turn.map_or(Duration::ZERO, |last| now.wall.since(last));
        let guard = Guard::new(derived.turn_period, now.mono, silence);
        let mut ledger = Ledger::new(limits(&node, size.used()), guard, DEFAULT_BOUND);
        ledger.adopt(saved.outstanding.clone());
        let distress = Distress::new(derived.turn_period, false);
        Self {
            turns: Turns::with_phase(node.turn, Salt::Turn, now.mono, saved.last_turn),
            slots: Turns::with_phase(node.scrape, Salt::Scrape, now.mono, None),
            scraping: Scraping::default(),
            watch: None,
            sent: None,
            then: None,
            scraped: None,
            node,
            saved,
            size,
            derived,
            ledger,
            distress,
        }
    }

    /// What is left when the process is gone. The sums of all lives go on; `memory` says whether the rest is kept.
    pub(crate) fn crash(self, memory: bool) -> Saved {
        let (own, reviews) = self.reported();
        // The lives' sums are kept by the backend, what was outstanding by the state directory, even where the rest is lost.
        let kept = Saved { own, reviews, outstanding: self.ledger.outstanding(), ..Saved::default() };
        if memory {
            Saved {
                nodes: self.size.last_probe().or(self.saved.nodes),
                last_turn: self.saved.last_turn,
                ..kept
            }
        } else {
            kept
        }
    }

    /// Own requests and reviews, of this life and those before; without what is outstanding.
    pub(crate) fn reported(&self) -> (u64, u64) {
        let hidden = |reason| matches!(reason, Reason::TokenReview | Reason::AccessReview);
        let mut sums = (self.saved.own, self.saved.reviews);
        for (key, count) in self.ledger.counts().iter() {
            if hidden(key.asked.reason) {
                sums.1 += count;
            } else {
                sums.0 += count;
            }
        }
        sums
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.watch.is_some()
    }

    pub(crate) fn lose_watch(&mut self) {
        self.watch = None;
    }

    /// Looks at the clock: at start, when it asked to be woken, and after every answer.
    pub(crate) fn wake(&mut self, now: Now) -> Todo {
        self.ledger.tick(now);
        if self.sent.as_ref().is_some_and(|permit| now.mono >= permit.deadline()) {
            self.answered(now, Status::None, LENGTH);
        }
        let mut todo = Todo { wake_after: Duration::MAX, ..Todo::default() };
        match self.turns.poll(now, self.distress.period()) {
            Decision::Wait { after, .. } => todo.wake_after = after,
            Decision::Start(turn) => {
                self.saved.last_turn = Some(turn.instant());
                self.ledger.begin(now, turn);
                let (first, second) = self.wanted(now);
                self.then = second;
                if self.distress.may_ask(now.mono) {
                    todo.send = first.and_then(|request| self.grant(now, request));
                }
                let probe_period = self.derived.kubelet_probe_period.unwrap();
                if self.scraping.probe_due(now.mono, probe_period)
                    && let Ok(scrape) = self.ledger.probe_kubelet(now)
                {
                    todo.scrape = self.begin_scrape(now, scrape);
                }
                todo.wake_after = LENGTH;
            }
        }
        match self.slots.poll(now, self.derived.kubelet_period.unwrap()) {
            Decision::Wait { after, .. } => todo.wake_after = todo.wake_after.min(after),
            Decision::Start(slot) => {
                if self.scraping.mode() == Mode::Slots
                    && let Ok(scrape) = self.ledger.scrape(now, &slot)
                {
                    todo.scrape = self.begin_scrape(now, scrape);
                }
                todo.wake_after = todo.wake_after.min(LENGTH);
            }
        }
        todo
    }

    /// What the informer would want of this turn.
    fn wanted(&self, now: Now) -> (Option<Request>, Option<Request>) {
        if !self.size.is_known() {
            return (Some(Request::Size), None);
        }
        match self.watch {
            None => (Some(Request::List { again: false }), Some(Request::Watch)),
            Some(renewal) if now.wall >= renewal.turn => (Some(Request::Watch), Some(Request::Size)),
            Some(_) => (None, None),
        }
    }

    fn grant(&mut self, now: Now, request: Request) -> Option<Request> {
        let permit = self.ledger.grant(now, request).ok()?;
        self.sent = Some(permit);
        Some(request)
    }

    fn begin_scrape(&mut self, now: Now, mut scrape: Scrape) -> bool {
        let permit = self.ledger.grant_scrape(now, &mut scrape, Access::Token, Subresource::Stats);
        self.scraped = permit.ok().map(|permit| (scrape, permit));
        self.scraped.is_some()
    }

    /// A response came, or did not; the next request of the turn, if there is one.
    pub(crate) fn answered(&mut self, now: Now, status: Status, took: Duration) -> Option<Request> {
        let permit = self.sent.take()?;
        let request = permit.request();
        let bytes = if matches!(request, Request::List { .. }) { LIST_BYTES } else { 0 };
        self.ledger.settle(now, permit, status, bytes);
        self.distress.on(now, Signal::of(status, took, None));
        let then = self.then.take();
        if status != Status::Ok {
            return None;
        }
        if request == Request::Watch {
            let lifetime = self.derived.watch_lifetime;
            self.watch = Some(renewal::plan(self.node.turn, self.derived.turn_period, now.wall, lifetime));
        }
        then.and_then(|request| self.grant(now, request))
    }

    pub(crate) fn size_is(&mut self, desired: u32) {
        if self.size.probed(Reading { desired, observed_generation: 1, generation: 1 }) {
            self.derived = derive_for(&self.node, self.size.used());
            self.distress.retune(self.derived.turn_period);
            self.ledger.retune(limits(&self.node, self.size.used()), self.distress.period());
        }
    }

    pub(crate) fn refused(&mut self, now: Now) {
        let Some(permit) = self.sent.take() else { return };
        self.then = None;
        self.ledger.settle(now, permit, Status::None, 0);
        self.distress.on(now, Signal::Refused);
    }

    pub(crate) fn scrape_answered(&mut self, now: Now, answer: Answer) {
        let Some((mut scrape, permit)) = self.scraped.take() else { return };
        self.ledger.settle_scrape(now, &mut scrape, permit, answer);
        self.scraping.on(now.mono, answer);
    }

    /// Closes the books at the end of a run.
    pub(crate) fn finish(&mut self, now: Mono) {
        self.ledger.close(now);
        let outstanding = self.ledger.outstanding();
        self.ledger.adopt(outstanding);
    }
}
