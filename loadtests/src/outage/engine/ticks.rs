//! Ten times a second: what has waited too long, what the servers hold; and once a second a line of the timeline.

use super::{Command, Due, Engine, GIB, Knob, Replay, Second, State, count};
use crate::outage::clients::{Group, uniform};

/// Ticks in a second.
const TICKS: u64 = 10;
/// Of the watches that lag too far behind, the server closes this part in a tick.
const CLOSED: f64 = 0.1;

impl Engine<'_> {
    pub(super) fn tick(&mut self) {
        self.server.expire();
        self.answers();
        if self.server.is_up() {
            let others = self.others();
            self.server.change(self.scenario.of(Knob::PodChangesPerS) / 10.0, others);
            if self.server.lag() > self.scenario.of(Knob::WatchBufferEvents) {
                self.close_laggards();
            }
            if self.plan.bounded_memory && self.memory() > self.memory_limit() {
                self.crash();
            }
        }
        self.ticks += 1;
        if self.ticks.is_multiple_of(TICKS) {
            self.second();
        }
        #[expect(clippy::cast_precision_loss, reason = "hours of ticks")]
        let next = self.ticks as f64 / 10.0;
        self.at(next, Due::Tick);
    }

    fn close_laggards(&mut self) {
        for place in 0..self.streams.len() {
            let stream = self.streams[place];
            let wide = stream.state == State::Open && stream.follow.wide;
            if wide && uniform(&mut self.random) < CLOSED {
                self.closed(place);
                let wait = self.streams[place].backoff(self.now, self.retry, &mut self.random);
                self.after(wait, Due::Try { stream: place, life: stream.life });
            }
        }
    }

    fn second(&mut self) {
        let stale = self.scenario.of(Knob::DnsStaleS);
        let servers = self.streams.iter().filter(|stream| stream.group == Group::Dns);
        let answers = servers
            .clone()
            .filter(|stream| stream.state == State::Open || self.now - stream.lost < stale)
            .count();
        let answering = f64::from(count(answers)) / f64::from(count(servers.count())).max(1.0);
        self.names.second(answering);
        let grace = self.scenario.of(Knob::NodeGraceS);
        let (running, waiting) = self.server.load();
        let used = self.server.busy - self.busy;
        self.busy = self.server.busy;
        self.timeline.push(Second {
            at: self.now - self.plan.before,
            cpu: (used / self.scenario.cores()).min(1.0),
            memory_gib: self.memory() / GIB,
            up: self.server.is_up(),
            running,
            waiting: count(waiting),
            not_ready: count(self.renewed.iter().filter(|renewed| self.now - **renewed > grace).count()),
            reachable: self.names.reachable(),
            agents: count(self.running.iter().filter(|running| **running).count()),
            synced: self.synced(),
        });
    }

    pub(super) fn finish(self) -> Replay {
        let begins = self.plan.before;
        // Who still waits at the end is left out.
        let judged = self.now - self.patience;
        let commands = self.commands.iter().filter(|(at, _)| *at < judged);
        let commands = commands.map(|(at, latency)| Command { at: at - begins, latency: *latency }).collect();
        let (running, waiting) = self.server.load();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of requests")]
        let unfinished = running as u64 + u64::from(count(waiting));
        let from = super::whole(begins).min(self.arrived.len());
        let windows = self.arrived[from..].windows(10).map(|window| window.iter().sum());
        let mut replay = Replay {
            name: self.plan.name.to_owned(),
            nodes: self.nodes,
            timeline: self.timeline,
            commands,
            marks: self.marks,
            counts: self.server.counts,
            unfinished,
            crashes: self.crashes,
            worst_10s: windows.max().unwrap_or_else(|| self.arrived[from..].iter().sum()),
            slowest_s: self.slowest,
            agents_failed: self.agents_failed,
            patience: self.patience,
        };
        replay.mark();
        replay
    }
}
