//! From a turn to the requests that are sent in it.

use super::command::{Ask, Command, Send};
use super::event::RequestId;
use super::wants::{Knowledge, Probe, View, Wants, Watching, wants};
use super::watches::Watch;
use super::{FLEET_PAUSE_PROBE, Flight, Informer};
use crate::activation::Standing;
use crate::clock::Now;
use crate::counts::Status;
use crate::derive::{ASSUMED_LIST_BYTES, Derived};
use crate::distress::Signal;
use crate::ledger::Request;
use crate::renewal;

impl Informer {
    /// A turn of our own has begun.
    pub(super) fn use_turn(&mut self, now: Now) {
        self.then = None;
        if self.ceiling.raised().is_some() {
            self.retune(now);
        }
        if self.underived.is_some() || !self.distress.may_ask(now.mono) {
            return;
        }
        let (first, second) = self.wants(now);
        self.then = second;
        if let Some(first) = first {
            self.ask(now, first);
        }
        self.probe_kubelet(now);
    }

    fn wants(&mut self, now: Now) -> Wants {
        let imagined = self.settings.dry_run;
        let standing = if imagined { Standing::Active } else { self.standing(now) };
        let size = match (self.probed, self.size.is_known()) {
            (true, known) if known || imagined => Knowledge::Probed,
            (_, true) => Knowledge::Inherited,
            (_, false) => Knowledge::None,
        };
        let watch = match &self.watch {
            None => Watching::Closed,
            Some(watch) if watch.is_ending(now, self.next_turn(now).since(now.wall)) => Watching::Ending,
            Some(_) => Watching::Open,
        };
        let fresh = self.pods.version.as_ref().is_some_and(|version| version.is_fresh(now));
        wants(View {
            size,
            probe: self.probe(now),
            standing,
            stopped: self.fleet_paused || self.carried_too_much(now),
            watch,
            version_is_fresh: fresh || (imagined && self.watch.is_some()),
            listed: self.pods.listed,
        })
    }

    fn probe(&self, now: Now) -> Probe {
        let every = if self.fleet_paused { FLEET_PAUSE_PROBE } else { self.derived.probe_period };
        match self.last_probe.map(|last| now.mono.since(last)) {
            _ if !self.settings.has_daemonset => Probe::Never,
            None => Probe::Due,
            Some(age) => Probe::of(age, every, self.distress.period()),
        }
    }

    /// Asks for a permit and sends the request; a refusal is counted by the ledger.
    pub(super) fn ask(&mut self, now: Now, request: Request) {
        let Some((ask, renewal)) = self.parameters(now, request) else { return };
        let Ok((permit, ticket)) = self.ledger.grant(now, request) else { return };
        self.next_id += 1;
        let (id, deadline) = (RequestId(self.next_id), permit.deadline());
        self.flight = Some(Flight { id, ticket, sent: now.mono, deadline, renewal });
        if self.settings.dry_run {
            self.imagine(now);
        } else {
            self.save_spend();
            self.commands.push_back(Command::Send(Send { id, permit, ask }));
        }
        self.next_wake = self.next_wake.min(deadline);
    }

    /// What to ask for; none for a WATCH without a version to start from.
    fn parameters(&self, now: Now, request: Request) -> Option<(Ask, Option<renewal::Renewal>)> {
        match request {
            Request::Size => Some((Ask::Size, None)),
            Request::List { .. } => Some((Ask::List { limit: self.settings.max_pods.max(1) }, None)),
            Request::Watch => {
                let Derived { turn_period, watch_lifetime, .. } = self.derived;
                let renewal = renewal::plan(self.turns.phase(), turn_period, now.wall, watch_lifetime);
                let resource_version = match &self.pods.version {
                    Some(version) => version.text.clone(),
                    // Nobody will see it.
                    None if self.settings.dry_run => "0".into(),
                    None => return None,
                };
                Some((Ask::Watch { resource_version, timeout: renewal.timeout }, Some(renewal)))
            }
        }
    }

    /// In a dry run every request succeeds, for as far as what follows from it is concerned.
    fn imagine(&mut self, now: Now) {
        let Some(flight) = self.flight.take() else { return };
        let (request, renewal) = (flight.ticket.request(), flight.renewal);
        self.ledger.settle(now, flight.ticket, Status::Ok, self.list_bytes.unwrap_or(ASSUMED_LIST_BYTES));
        match request {
            Request::Size => {
                self.probed = true;
                self.last_probe = Some(now.mono);
            }
            Request::List { .. } => {
                self.pods.listed = true;
            }
            Request::Watch => self.watch = renewal.map(|renewal| Watch::open(None, renewal, now.mono)),
        }
        self.go_on(now);
    }

    /// The first request of the turn did what it was for: the second one.
    pub(super) fn go_on(&mut self, now: Now) {
        if let Some(request) = self.then.take() {
            self.ask(now, request);
        }
    }

    /// What has no answer at the end of its turn is let go of.
    pub(super) fn cut_off(&mut self, now: Now) {
        if let Some(flight) = self.flight.take_if(|flight| now.mono >= flight.deadline) {
            self.commands.push_back(Command::Abort(flight.id));
            self.complain(now, "no answer from the API server within the 5 s of a turn");
            let bytes = self.charged_unanswered(flight.ticket.request());
            self.settle(now, flight, Status::None, Signal::Slow, bytes);
        }
    }

    /// What the ledger charges for a request without an answer: how much of it the server wrote is not known.
    pub(super) fn charged_unanswered(&self, request: Request) -> u64 {
        let is_list = matches!(request, Request::List { .. });
        if is_list { self.list_bytes.unwrap_or(ASSUMED_LIST_BYTES) } else { 0 }
    }

    /// Closes the books of a request that is over, and takes its sign of the server's health.
    pub(super) fn settle(&mut self, now: Now, flight: Flight, status: Status, signal: Signal, bytes: u64) {
        if let Request::List { .. } = flight.ticket.request() {
            self.tally.listed = self.tally.listed.saturating_add(bytes);
        }
        let healthy = signal == Signal::Success;
        if let Request::Size = flight.ticket.request() {
            self.last_probe = Some(now.mono);
            self.activation.probed(healthy);
            self.ceiling.probed(healthy);
        } else if !self.settings.has_daemonset {
            // Nobody can be probed: a higher ceiling waits for any answer.
            self.ceiling.probed(healthy);
        }
        self.ledger.settle(now, flight.ticket, status, bytes);
        self.save_spend();
        self.signal(now, signal);
    }

    /// Takes a sign of the server's health into account.
    pub(super) fn signal(&mut self, now: Now, signal: Signal) {
        let change = self.distress.on(now, signal);
        self.changes.extend(change);
    }
}
