//! What each client does with what became of its request.

use super::{Agents, Due, Engine, GIB, KB, Knob, Level, Marks, Owner, State};
use crate::outage::clients::{Group, uniform};
use crate::outage::server::Outcome;
use crate::prices::Kind;

impl Engine<'_> {
    /// Hands over everything that has ended by now.
    pub(super) fn answers(&mut self) {
        loop {
            let ended = self.server.ended();
            if ended.is_empty() {
                return;
            }
            for (owner, outcome, took) in ended {
                self.answer(owner, outcome, took);
            }
        }
    }

    fn answer(&mut self, owner: Owner, outcome: Outcome, took: f64) {
        match owner {
            Owner::Stream { stream, life } => self.stream(stream, life, outcome, took),
            Owner::Lease(node) => {
                if outcome == Outcome::Served {
                    self.renewed[node as usize] = self.now;
                }
            }
            Owner::Background => {}
            Owner::Command(command) => match outcome {
                Outcome::Served => self.commands[command].1 = Some(self.now - self.commands[command].0),
                Outcome::Refused => self.after(1.0, Due::Again(command)),
                _ => {}
            },
            Owner::Create(node) | Owner::Delete(node) => {
                self.worked(node, matches!(owner, Owner::Create(_)), outcome);
            }
            Owner::Rollback => {
                if outcome == Outcome::Served {
                    self.rolled_back();
                } else {
                    self.after(5.0, Due::Rollback);
                }
            }
            Owner::Script(kind) => {
                if outcome == Outcome::Served {
                    self.slowest = self.slowest.max(took);
                } else {
                    self.agents_failed += 1;
                }
                if kind == Kind::WatchNode {
                    self.narrow = (self.narrow + 1.0).min(f64::from(self.nodes));
                }
            }
        }
    }

    fn stream(&mut self, place: usize, life: u32, outcome: Outcome, took: f64) {
        let (now, retry) = (self.now, self.retry);
        let agent = self.streams[place].group == Group::Agent;
        if agent && outcome == Outcome::Served {
            self.slowest = self.slowest.max(took);
        } else if agent && outcome != Outcome::Unreachable {
            self.agents_failed += 1;
        }
        let stream = &mut self.streams[place];
        if stream.life != life || stream.state != State::Asking {
            return;
        }
        let wait = match outcome {
            Outcome::Served => {
                let follows = stream.answered();
                let (poll, state) = (stream.follow.poll, stream.state);
                if follows {
                    return self.ask(place);
                }
                if state == State::Open {
                    return self.opened(place);
                }
                let Some(poll) = poll else { return };
                poll
            }
            Outcome::Refused => stream.refused(now, retry, &mut self.random),
            Outcome::TimedOut | Outcome::Cut | Outcome::Unreachable => {
                stream.backoff(now, retry, &mut self.random)
            }
        };
        self.after(wait, Due::Try { stream: place, life });
    }

    /// The watch of a stream is open.
    pub(super) fn opened(&mut self, place: usize) {
        let stream = self.streams[place];
        if stream.follow.wide {
            self.server.wide += 1.0;
        } else if stream.group == Group::Agent {
            self.narrow += 1.0;
        }
        if let Some((from, to)) = stream.follow.lifetime {
            // Those that are open from the beginning are of all ages.
            let lives = from + (to - from) * uniform(&mut self.random);
            let lives = if self.now > 0.0 { lives } else { lives * uniform(&mut self.random) };
            self.after(lives, Due::Expire { stream: place, life: stream.life });
        }
    }

    /// The watch of a stream is open no more.
    pub(super) fn closed(&mut self, place: usize) {
        let stream = self.streams[place];
        if stream.follow.wide {
            self.server.close(1.0);
        } else if stream.group == Group::Agent {
            self.narrow = (self.narrow - 1.0).max(0.0);
        }
        self.streams[place].lost = self.now;
    }

    /// The servers end: every request is cut off and every watch broken.
    pub(super) fn crash(&mut self) {
        self.crashes += 1;
        let at = self.now - self.plan.before;
        self.marks = Marks { first_crash: self.marks.first_crash.or(Some(at)), ..self.marks };
        if self.now - self.up_since > 600.0 {
            self.crashes_in_a_row = 0;
        }
        let backoff = self.scenario.of(Knob::RestartBackoffS) * 2f64.powi(self.crashes_in_a_row.min(30));
        let backoff = backoff.min(self.scenario.of(Knob::RestartBackoffMaxS));
        self.crashes_in_a_row += 1;
        self.after(backoff + self.scenario.of(Knob::RestartS), Due::Restarted);
        self.server.crash();
        self.answers();
        (self.narrow, self.down_since) = (0.0, self.now);
        for place in 0..self.streams.len() {
            if self.streams[place].state == State::Open {
                self.streams[place].lost = self.now;
                // A server that starts anew has no history: it answers 410, and the reflector lists.
                let stream = &mut self.streams[place];
                stream.life += 1;
                let wait = stream.backoff(self.now, self.retry, &mut self.random);
                let life = self.streams[place].life;
                self.after(wait, Due::Try { stream: place, life });
            }
            self.streams[place].versioned = false;
        }
    }

    pub(super) fn restarted(&mut self) {
        self.server.restart();
        self.up_since = self.now;
    }

    /// What all servers need, bytes.
    pub(super) fn memory(&self) -> f64 {
        let of = |knob| self.scenario.of(knob);
        if !self.server.is_up() {
            return 0.0;
        }
        let caches = of(Knob::ApiServers) * f64::from(self.pods) * of(Knob::CacheKbPerPod) * KB;
        let kubelets = f64::from(self.nodes) * super::KUBELET_WATCHES;
        let watches = (self.server.wide + self.narrow + kubelets) * of(Knob::WatchKb) * KB;
        of(Knob::MemoryFactor) * (caches + watches + self.server.held())
    }

    /// What all servers have, bytes.
    pub(super) fn memory_limit(&self) -> f64 {
        self.scenario.of(Knob::ApiServers) * self.scenario.of(Knob::MemoryGibPerServer) * GIB
    }

    /// Watches of a changed pod besides the wide ones: its kubelet's, and a node-scoped agent's.
    pub(super) fn others(&self) -> f64 {
        1.0 + self.narrow / f64::from(self.nodes)
    }

    /// So many requests for a pod that starts or ends, at the levels of those who send them.
    pub(super) fn ambient(&mut self, kubelet: u32, controllers: u32) {
        for number in 0..kubelet {
            // The kubelet reads the pod before each of its three patches.
            let kind = if number < 3 { Kind::GetDaemonSet } else { Kind::Write };
            self.send(Owner::Background, Level::System, kind, f64::INFINITY);
        }
        for _ in 0..controllers {
            self.send(Owner::Background, Level::WorkloadHigh, Kind::Write, f64::INFINITY);
        }
    }

    /// How many agents have what they asked for.
    pub(super) fn synced(&self) -> u32 {
        if let Agents::Script(_) = self.plan.agents {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the nodes")]
            let synced = self.narrow as u32;
            return synced;
        }
        let agents = &self.streams[self.agents..];
        let each = agents.len().checked_div(self.nodes as usize).unwrap_or(0).max(1);
        let synced = |streams: &[super::Stream]| {
            let fine = |stream: &super::Stream| {
                stream.state == State::Open || (stream.follow.poll.is_some() && stream.state == State::Idle)
            };
            streams.iter().all(fine)
        };
        super::count(agents.chunks(each).filter(|streams| synced(streams)).count())
    }
}
