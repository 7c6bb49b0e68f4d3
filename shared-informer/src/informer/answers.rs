//! What follows from an answer.

use super::command::Command;
use super::event::{DaemonSet, Event, Failure, Happened, List, Outcome, Rejection};
use super::report::{Refused, Restart};
use super::watches::{Version, Watch};
use super::{Flight, Informer};
use crate::clock::Now;
use crate::counts::Status;
use crate::distress::Signal;
use crate::ledger::Request;

/// What a 403 means, by what was asked: the rule that is missing.
const fn missing_rule(request: Request) -> &'static str {
    match request {
        Request::Size => {
            "the ServiceAccount may not get its own DaemonSet: a Role with apiGroups [apps], resources [daemonsets], resourceNames [<the DaemonSet>], verbs [get] is missing"
        }
        Request::List { .. } => {
            "the ServiceAccount may not list pods: a ClusterRole with apiGroups [\"\"], resources [pods], verbs [list, watch] is missing"
        }
        Request::Watch => {
            "the ServiceAccount may not watch pods: a ClusterRole with apiGroups [\"\"], resources [pods], verbs [list, watch] is missing"
        }
    }
}

impl Informer {
    /// Takes what happened to a request into account.
    pub fn handle(&mut self, now: Now, event: Event) {
        self.ledger.tick(now);
        self.cut_off(now);
        let Event { id, bytes, what } = event;
        match what {
            Happened::Item(item) => self.item(now, id, bytes, item),
            Happened::Ended(end) => self.ended(now, id, bytes, end),
            Happened::Opened => {
                if let Some(flight) = self.flight.take_if(|flight| flight.id == id) {
                    self.opened(now, flight, bytes);
                }
            }
            Happened::Done(outcome) => {
                if let Some(flight) = self.flight.take_if(|flight| flight.id == id) {
                    self.done(now, flight, bytes, outcome);
                }
            }
        }
    }

    fn done(&mut self, now: Now, flight: Flight, bytes: u64, outcome: Outcome) {
        let took = now.mono.since(flight.sent);
        match outcome {
            Outcome::Size(daemon_set) => {
                self.settle(now, flight, Status::Ok, Signal::of(Status::Ok, took, None), bytes);
                self.sized(now, &daemon_set);
            }
            Outcome::List(list) => {
                self.settle(now, flight, Status::Ok, Signal::of(Status::Ok, took, None), bytes);
                self.listed(now, list, bytes);
            }
            Outcome::Status(rejection) => {
                let status = Status::of_code(rejection.code);
                self.rejected(now, flight.ticket.request(), &rejection);
                self.settle(now, flight, status, Signal::of(status, took, rejection.retry_after), bytes);
            }
            Outcome::Unusable(why) => {
                self.refuse(Refused::Unusable, 1);
                self.complain(now, &format!("an answer of the API server cannot be used: {}", why.as_str()));
                self.settle(now, flight, Status::Ok, Signal::Trouble(None), bytes);
            }
            Outcome::Failed(failure) => {
                self.complain(now, &format!("the API server could not be asked: {}", words(failure)));
                self.settle(now, flight, Status::None, signal_of(failure), bytes);
            }
        }
    }

    /// A size probe was answered.
    fn sized(&mut self, now: Now, daemon_set: &DaemonSet) {
        self.probed = true;
        self.created = daemon_set.created.or(self.created);
        self.size.probed(daemon_set.reading);
        self.retune(now);
        self.commands.push_back(Command::SaveSize);
        self.pause_fleet(now, daemon_set.paused);
        if !daemon_set.paused {
            self.go_on(now);
        }
    }

    /// A LIST was answered.
    fn listed(&mut self, now: Now, list: List, bytes: u64) {
        if self.take_list(now, list) {
            self.go_on(now);
        }
        // Only now: the WATCH that follows a LIST belongs to the turn of the period before.
        self.list_bytes = Some(bytes.max(1));
        self.retune(now);
        self.commands.push_back(Command::SaveSize);
    }

    /// Brings the index to what a LIST says; whether it was taken.
    fn take_list(&mut self, now: Now, list: List) -> bool {
        if list.truncated {
            self.refuse(Refused::Truncated, 1);
            self.complain(now, "a LIST of this node's pods came with a continue token: the API server did not answer from its watch cache");
            return false;
        }
        let older =
            self.pods.version.as_ref().is_some_and(|known| known.is_newer_than(&list.resource_version));
        if older && !self.pods.older_list_refused {
            // A replica that lags behind, or a restored etcd. The second time it is the truth.
            self.pods.older_list_refused = true;
            self.refuse(Refused::OlderThanIndex, 1);
            return false;
        }
        self.pods.older_list_refused = false;
        let summary = self.pods.index.reset(list.pods, now.mono.since_origin());
        self.refuse(Refused::NoRoom, summary.refused as u64);
        self.refuse(Refused::Pod, list.refused.iter().copied().map(u64::from).sum());
        (self.pods.listed, self.pods.confirmed) = (true, true);
        self.pods.version = Some(Version::of(list.resource_version, now));
        self.commands.push_back(Command::SaveIndex);
        true
    }

    /// A WATCH was answered 200: it replaces the one that is open.
    fn opened(&mut self, now: Now, mut flight: Flight, bytes: u64) {
        let took = now.mono.since(flight.sent);
        let Some(renewal) = flight.renewal.take() else { return };
        if let Some(id) = self.watch.take().and_then(|before| before.id) {
            self.commands.push_back(Command::Abort(id));
            self.restarted(Restart::Renewed);
        }
        self.watch = Some(Watch::open(Some(flight.id), renewal, now.mono));
        self.settle(now, flight, Status::Ok, Signal::of(Status::Ok, took, None), bytes);
        self.ledger.carried(now, bytes);
        self.go_on(now);
    }

    fn rejected(&mut self, now: Now, request: Request, rejection: &Rejection) {
        match rejection.code {
            401 => {
                self.commands.push_back(Command::RenewCredential);
                self.complain(now, "the API server does not accept the token (401); it is read again");
            }
            403 => self.complain(
                now,
                &format!(
                    "the API server answered 403, as it also does for a moment after its start; if it stays, {}",
                    missing_rule(request)
                ),
            ),
            410 => self.pods.version = None,
            code => self.complain(now, &format!("the API server answered {code}: {}", rejection.message)),
        }
    }
}

const fn signal_of(failure: Failure) -> Signal {
    match failure {
        Failure::Refused => Signal::Refused,
        Failure::Connection => Signal::Slow,
        Failure::Tls | Failure::Redirect | Failure::Credential | Failure::Gate => Signal::Trouble(None),
    }
}

/// Why there is no answer, for people.
const fn words(failure: Failure) -> &'static str {
    match failure {
        Failure::Refused => "the connection was refused",
        Failure::Connection => "no connection could be made, or it broke",
        Failure::Tls => "its certificate, or ours, was not accepted (TLS)",
        Failure::Redirect => "it answered with a redirect, which is never followed",
        Failure::Credential => "the kubeconfig, the CA file or the token cannot be read",
        Failure::Gate => "the request was held back by the gate",
    }
}
