//! What people do to an informer: stop it, let it go on, configure it anew, look at it.

use super::command::Command;
use super::report::{Report, Restart};
use super::settings::Settings;
use super::{Ceiling, Informer};
use crate::clock::Now;
use crate::derive::DeriveError;
use crate::distress::State;

impl Informer {
    /// A person says stop, or lets the agent go on. When it stops, the watch is closed and what is under way is let
    /// go of at once; nothing is asked until it goes on, from its next own turn.
    pub fn pause(&mut self, now: Now, paused: bool) {
        let change = self.distress.pause(paused);
        if change.is_some() && paused {
            self.stop(now);
        }
        self.changes.extend(change);
    }

    /// The fleet's annotation, as the last probe read it.
    pub(super) fn pause_fleet(&mut self, now: Now, paused: bool) {
        if paused && !self.fleet_paused {
            self.complain(now, "the fleet is paused by the annotation tare.dev/pause of the DaemonSet");
            self.stop(now);
        }
        self.fleet_paused = paused;
    }

    fn stop(&mut self, now: Now) {
        self.then = None;
        if let Some(flight) = self.flight.take() {
            let bytes = self.charged_unanswered(flight.ticket.request());
            self.tally.listed = self.tally.listed.saturating_add(bytes);
            self.commands.push_back(Command::Abort(flight.id));
        }
        // What was under way is counted as unanswered.
        self.ledger.close(now.mono);
        self.close_watch(Restart::Paused);
        self.finish();
    }

    /// The agent ends: what the next life needs is to be saved.
    pub fn finish(&mut self) {
        if !self.settings.dry_run {
            self.commands.push_back(Command::SaveIndex);
        }
        self.save_spend();
    }

    /// Has the books saved. Those of a dry run are not: the next life would take them for the truth.
    pub(super) fn save_spend(&mut self) {
        if !self.settings.dry_run {
            self.commands.push_back(Command::SaveSpend);
        }
    }

    /// Follows a new configuration: a lower ceiling holds at once, a higher one passes the steps of a rollout. The node's
    /// name and the bounds of the index stay those of the start.
    ///
    /// # Errors
    /// The watch cannot work under the new declaration with the number of nodes in use; the one before stays.
    pub fn reconfigure(&mut self, now: Now, settings: Settings) -> Result<(), DeriveError> {
        let before = Some((self.in_force, self.ceiling.raised()));
        let mut ceiling =
            Ceiling::new(&self.settings.node, &settings.steps, settings.declaration, before, now.wall);
        let in_force = ceiling.now(now.wall, self.size.used());
        let fleet = crate::derive::Fleet {
            nodes: self.size.used(),
            list_bytes: self.list_bytes,
            kubelet: settings.kubelet,
        };
        crate::derive::derive_what_works(&in_force, &fleet)?;
        self.ceiling = ceiling;
        let node = std::mem::take(&mut self.settings.node);
        self.settings = Settings { node, index: self.settings.index, ..settings };
        self.retune(now);
        self.commands.push_back(Command::SaveSize);
        Ok(())
    }

    /// Everything that is published.
    pub fn report(&self, now: Now) -> Report {
        Report {
            state: if self.fleet_paused && self.distress.state() != State::Off {
                State::Paused
            } else {
                self.distress.state()
            },
            fleet_paused: self.fleet_paused,
            dry_run: self.settings.dry_run,
            in_force: self.in_force,
            configured: *self.ceiling.target(),
            nodes_used: self.size.used(),
            nodes_source: self.size.source(),
            nodes_probed: self.size.last_probe(),
            derived: self.derived,
            turn_period: self.distress.period(),
            next_turn: self.next_turn(now),
            since: self.since,
            requests: self.ledger.counts().clone(),
            throttled: self.ledger.refused().collect(),
            skipped: self.tally.skipped.clone(),
            list_bytes: self.tally.listed,
            carried_bytes: self.ledger.carried_total(),
            watch_open: self.watch.as_ref().map(|watch| now.mono.since(watch.opened)),
            staleness: self.pods.version.as_ref().and_then(|version| version.age(now)),
            restarts: self.tally.restarts.clone(),
            refused: self.tally.refused.clone(),
            pods: self.pods.index.len(),
            confirmed: self.pods.confirmed,
            trouble: self.tally.trouble.clone(),
        }
    }

    /// The newest version that is known and when it was known to be the newest: what goes to `index.v1` beside the pods.
    pub fn known_version(&self) -> Option<(&str, crate::clock::Wall)> {
        self.pods.version.as_ref().map(|version| (&*version.text, version.known_at()))
    }
}
