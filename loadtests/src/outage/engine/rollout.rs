//! The rollout and the rollback: a controller that creates and deletes pods through the very API, and what starts with them.

use std::collections::VecDeque;

use super::{
    AGENT_START, Agents, Ambient, Due, Engine, Event, Knob, Level, Owner, POD_END, POD_START, State,
};
use crate::outage::server::Outcome;
use crate::prices::Kind;

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Rollout {
    /// The next node.
    next: u32,
    /// Nodes whose request failed.
    again: VecDeque<u32>,
    /// The operators took it back.
    back: bool,
    /// Nodes with a pod, in the order of their creation.
    created: Vec<u32>,
}

impl Engine<'_> {
    /// The controller does one thing, if it knows what there is to do.
    pub(super) fn work(&mut self) {
        let wait = 1.0 / self.scenario.of(Knob::RolloutPodsPerS);
        self.after(wait, Due::Work);
        // The first stream is that of the controller that creates pods.
        let synced = self.streams.first().is_some_and(|stream| stream.state == State::Open);
        if !synced || !self.server.is_up() {
            return;
        }
        let limit = if self.rollout.back { super::count(self.rollout.created.len()) } else { self.nodes };
        let next = self.rollout.again.pop_front().or_else(|| {
            let next = self.rollout.next;
            self.rollout.next += u32::from(next < limit);
            (next < limit).then_some(next)
        });
        let Some(next) = next else { return };
        if self.rollout.back {
            let node = self.rollout.created.get(next as usize).copied().unwrap_or(next);
            self.send(Owner::Delete(node), Level::WorkloadHigh, Kind::Write, f64::INFINITY);
        } else {
            self.send(Owner::Create(next), Level::WorkloadHigh, Kind::Write, f64::INFINITY);
        }
    }

    /// A pod was created or deleted, or not.
    pub(super) fn worked(&mut self, node: u32, create: bool, outcome: Outcome) {
        if create == self.rollout.back {
            // What the rollback came in between with: a pod that was created all the same is deleted with the others.
            if create && outcome == Outcome::Served {
                self.rollout.created.push(node);
                self.after(POD_START, Due::Pod { node, starts: true });
            }
            return;
        }
        if outcome != Outcome::Served {
            let place = if create { Some(node) } else { self.place(node) };
            self.rollout.again.extend(place);
            return;
        }
        self.server.change(2.0, self.others());
        if create {
            self.rollout.created.push(node);
            self.after(POD_START, Due::Pod { node, starts: true });
        } else {
            self.after(POD_END, Due::Pod { node, starts: false });
        }
    }

    fn place(&self, node: u32) -> Option<u32> {
        self.rollout.created.iter().position(|created| *created == node).map(super::count)
    }

    /// The kubelet starts a pod or ends it, and says so.
    pub(super) fn pod(&mut self, node: u32, starts: bool) {
        let ambient = Ambient::of(1);
        let (all, changes) = if starts {
            (ambient.requests_per_start, self.scenario.of(Knob::PodChangesPerStart) - 2.0)
        } else {
            (ambient.requests_per_delete, 2.0)
        };
        // One was the controller's creation or deletion; the kubelet sends ten for a start and most of the rest of an end.
        let kubelet = if starts { ambient.requests_per_container_restart } else { all.saturating_sub(3) };
        self.ambient(kubelet, all.saturating_sub(1 + kubelet));
        self.server.change(changes.max(0.0), self.others());
        self.after(if starts { AGENT_START } else { 0.0 }, Due::Agent { node, starts });
    }

    /// The agent of a node starts or ends.
    pub(super) fn agent(&mut self, node: u32, starts: bool) {
        self.running[node as usize] = starts;
        let Agents::Reflectors(kind) = self.plan.agents else { return };
        let each = kind.follows.len();
        let first = self.agents + node as usize * each;
        for place in first..first + each {
            if self.streams[place].state == State::Open {
                self.closed(place);
            }
            self.streams[place].reset(if starts { State::Idle } else { State::Off });
            if starts {
                self.ask(place);
            }
        }
    }

    /// The operators' command was answered.
    pub(super) fn rolled_back(&mut self) {
        self.marks.rolled_back = Some(self.now - self.plan.before);
        self.rollout.back = true;
        self.rollout.next = 0;
        self.rollout.again.clear();
        debug_assert!(matches!(self.plan.event, Event::Rollout { .. }), "only a rollout is taken back");
    }
}
