//! The events of a replay in virtual time: kubelets, controllers, cluster DNS, operators, and the agents that are rolled out.
//!
//! Time is counted from zero in microseconds; the rollout begins [`Plan::before`] later. The server is [`super::server`]; what
//! clients do is [`super::clients`]. Deterministic for a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use shared_informer::plan::{Ambient, KubeletBaseline};

use super::clients::{self, ClientType, Group, Retry, State, Stream, uniform};
use super::levels::Level;
use super::names::Names;
use super::scenario::{Knob, Scenario};
use super::server::{Machine, Offer, Server};
use super::timeline::{Command, Marks, Replay, Second, count};
use crate::fleet::random::Random;
use crate::prices::{Kind, Prices};

mod answers;
mod rollout;
mod ticks;

use rollout::Rollout;

/// What runs on the nodes besides the kubelet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Agents<'a> {
    /// Nothing.
    Nobody,
    /// A reflector or two on every node.
    Reflectors(&'a ClientType),
    /// What arrived from the shipped informer: seconds since the beginning, and what is asked.
    Script(&'a [(f64, Kind)]),
}

/// What happens to the agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// They are installed on all nodes, and later taken back if `rollback`.
    Rollout { rollback: bool },
    /// They have long been there, and all of them start anew within a second; no pod is created.
    Restart,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) name: &'a str,
    pub(super) agents: Agents<'a>,
    pub(super) event: Event,
    /// Seconds before the event, and after.
    pub(super) before: f64,
    pub(super) after: f64,
    /// Whether a server that needs more memory than it has ends.
    pub(super) bounded_memory: bool,
}

/// Whose request it is.
#[derive(Debug, Clone, Copy)]
enum Owner {
    Stream { stream: usize, life: u32 },
    Lease(u32),
    Background,
    Command(usize),
    Create(u32),
    Delete(u32),
    Rollback,
    Script(Kind),
}

/// What comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Tick,
    Try { stream: usize, life: u32 },
    Expire { stream: usize, life: u32 },
    Lease(u32),
    Background,
    Command,
    Again(usize),
    Work,
    Pod { node: u32, starts: bool },
    Agent { node: u32, starts: bool },
    Rollback,
    Scripted(usize),
    Restarted,
}

/// An operator's command every so many seconds.
const COMMANDS: f64 = 0.2;
/// From a pod's creation to its container's start, and from there to the agent's first request, seconds.
const POD_START: f64 = 2.0;
const AGENT_START: f64 = 3.0;
/// From a pod's deletion until its process is gone, seconds.
const POD_END: f64 = 5.0;
/// Watches that each kubelet holds without any agent.
const KUBELET_WATCHES: f64 = 5.0;
/// Controllers that have all pods in their caches.
const CONTROLLERS: u32 = 2;
const KB: f64 = 1e3;
const GIB: f64 = 1_073_741_824.0;

/// A run under way.
pub(super) struct Engine<'a> {
    plan: Plan<'a>,
    scenario: &'a Scenario,
    prices: &'a Prices,
    nodes: u32,
    pods: u32,
    retry: Retry,
    patience: f64,
    server: Server<Owner>,
    due: BinaryHeap<Reverse<(u64, u64, Due)>>,
    sequence: u64,
    now: f64,
    random: Random,
    streams: Vec<Stream>,
    /// Where the agents' streams begin.
    agents: usize,
    running: Vec<bool>,
    /// When each node's lease was renewed.
    renewed: Vec<f64>,
    names: Names,
    commands: Vec<(f64, Option<f64>)>,
    rollout: Rollout,
    /// Open watches of single nodes by agents.
    narrow: f64,
    down_since: f64,
    up_since: f64,
    crashes_in_a_row: i32,
    crashes: u32,
    ticks: u64,
    busy: f64,
    marks: Marks,
    timeline: Vec<Second>,
    /// Agents' requests that arrived in each second.
    arrived: Vec<u32>,
    slowest: f64,
    agents_failed: u64,
}

impl<'a> Engine<'a> {
    pub(super) fn new(plan: Plan<'a>, scenario: &'a Scenario, prices: &'a Prices, seed: u64) -> Self {
        let nodes = scenario.count(Knob::Nodes).max(1);
        let servers = scenario.count(Knob::ApiServers).max(1);
        let factor = scenario.of(Knob::PriceFactor);
        let machine = Machine {
            servers: servers as usize,
            cores: scenario.cores(),
            seats: scenario.of(Knob::SeatsPerServer) * f64::from(servers),
            timeout: scenario.of(Knob::RequestTimeoutS),
            refusal: scenario.of(Knob::RefusalCpuMs) / 1e3,
            event: prices.cpu(Kind::WatchEvent, 0).as_secs_f64() * factor,
        };
        Self {
            plan,
            scenario,
            prices,
            nodes,
            pods: scenario.pods(),
            retry: Retry {
                first: scenario.of(Knob::RetryFirstS),
                max: scenario.of(Knob::RetryMaxS),
                refusals: scenario.count(Knob::RefusalRetries),
            },
            patience: scenario.of(Knob::OperatorPatienceS),
            server: Server::new(machine),
            due: BinaryHeap::new(),
            sequence: 0,
            now: 0.0,
            random: Random(seed),
            streams: Vec::new(),
            agents: 0,
            running: vec![false; nodes as usize],
            renewed: vec![0.0; nodes as usize],
            names: Names::new(scenario.count(Knob::DnsTtlS)),
            commands: Vec::new(),
            rollout: Rollout::default(),
            narrow: 0.0,
            down_since: 0.0,
            up_since: 0.0,
            crashes_in_a_row: 0,
            crashes: 0,
            ticks: 0,
            busy: 0.0,
            marks: Marks::default(),
            timeline: Vec::new(),
            arrived: Vec::new(),
            slowest: 0.0,
            agents_failed: 0,
        }
    }

    /// Runs to the end.
    pub(super) fn run(mut self) -> Replay {
        self.set_up();
        let ends = self.plan.before + self.plan.after;
        while let Some(Reverse((at, ..))) = self.due.peek() {
            let at = seconds(*at);
            if at > ends {
                break;
            }
            if self.server.advance(at) {
                self.now = self.server.now();
                self.answers();
                continue;
            }
            self.now = at;
            if let Some(Reverse((.., due))) = self.due.pop() {
                self.happens(due);
                self.answers();
            }
        }
        self.finish()
    }

    fn set_up(&mut self) {
        self.populate();
        let per_node = KubeletBaseline::of(1);
        for node in 0..self.nodes {
            let phase = uniform(&mut self.random) / per_node.lease;
            self.renewed[node as usize] = phase - 1.0 / per_node.lease;
            self.at(phase, Due::Lease(node));
        }
        for due in [Due::Tick, Due::Background, Due::Command] {
            self.at(0.0, due);
        }
        let begins = self.plan.before;
        match (self.plan.event, self.plan.agents) {
            (Event::Rollout { rollback }, agents) => {
                if !matches!(agents, Agents::Nobody) {
                    self.at(begins, Due::Work);
                }
                if rollback {
                    self.at(begins + self.scenario.of(Knob::RollbackS), Due::Rollback);
                }
            }
            (Event::Restart, _) => {
                for node in 0..self.nodes {
                    let at = begins + uniform(&mut self.random);
                    self.at(at, Due::Agent { node, starts: true });
                }
            }
        }
        if let Agents::Script([(at, _), ..]) = self.plan.agents {
            self.at(begins + at, Due::Scripted(0));
        }
    }

    /// Everybody who is there from the beginning, with open watches.
    fn populate(&mut self) {
        let dns = clients::Follow {
            scale: self.scenario.of(Knob::DnsObjectsPerPod),
            wide: false,
            ..clients::CONTROLLER
        };
        let groups = [
            (Group::Controller, CONTROLLERS, clients::CONTROLLER),
            (Group::Dns, self.scenario.count(Knob::DnsServers), dns),
            (Group::Kubelet, self.nodes, clients::KUBELET),
        ];
        for (group, number, follow) in groups {
            self.streams.extend((0..number).map(|_| Stream::new(group, follow, State::Open)));
        }
        self.server.wide = f64::from(CONTROLLERS);
        self.agents = self.streams.len();
        let Agents::Reflectors(kind) = self.plan.agents else { return };
        let settled = self.plan.event == Event::Restart;
        let state = if settled { State::Open } else { State::Off };
        for node in 0..self.nodes {
            self.running[node as usize] = settled;
            for follow in kind.follows {
                let stream = Stream::new(Group::Agent, *follow, state);
                self.streams.push(stream);
                if settled {
                    self.opened(self.streams.len() - 1);
                }
            }
        }
    }

    fn at(&mut self, at: f64, due: Due) {
        self.sequence += 1;
        self.due.push(Reverse((micros(at), self.sequence, due)));
    }

    fn after(&mut self, wait: f64, due: Due) {
        self.at(self.now + wait, due);
    }

    fn happens(&mut self, due: Due) {
        match due {
            Due::Tick => self.tick(),
            Due::Try { stream, life } => {
                if self.streams[stream].life == life && self.streams[stream].state == State::Idle {
                    self.ask(stream);
                }
            }
            Due::Expire { stream, life } => {
                if self.streams[stream].life == life && self.streams[stream].state == State::Open {
                    self.closed(stream);
                    self.ask(stream);
                }
            }
            Due::Lease(node) => {
                let patience = self.scenario.of(Knob::LeaseTimeoutS);
                self.send(Owner::Lease(node), Level::NodeHigh, Kind::Write, patience);
                self.after(1.0 / KubeletBaseline::of(1).lease, Due::Lease(node));
            }
            Due::Background => self.background(),
            Due::Command => {
                self.commands.push((self.now, None));
                self.command(self.commands.len() - 1);
                let wait = COMMANDS * (0.5 + uniform(&mut self.random));
                self.after(wait, Due::Command);
            }
            Due::Again(command) => self.command(command),
            Due::Restarted => self.restarted(),
            Due::Scripted(place) => self.scripted(place),
            Due::Work => self.work(),
            Due::Pod { node, starts } => self.pod(node, starts),
            Due::Agent { node, starts } => self.agent(node, starts),
            Due::Rollback => self.send(Owner::Rollback, Level::GlobalDefault, Kind::Write, self.patience),
        }
    }

    /// What kubelets ask besides their leases, one after the other at the rate of all.
    fn background(&mut self) {
        let baseline = KubeletBaseline::of(self.nodes);
        let rate = (baseline.per_node - baseline.lease) * f64::from(self.nodes);
        self.send(Owner::Background, Level::System, Kind::Write, f64::INFINITY);
        let wait = -(1.0 - uniform(&mut self.random)).ln() / rate;
        self.after(wait, Due::Background);
    }

    fn command(&mut self, command: usize) {
        let left = self.commands[command].0 + self.patience - self.now;
        if left > 0.0 {
            self.send(Owner::Command(command), Level::GlobalDefault, Kind::GetDaemonSet, left);
        }
    }

    fn scripted(&mut self, place: usize) {
        let Agents::Script(script) = self.plan.agents else { return };
        let Some((_, kind)) = script.get(place).copied() else { return };
        // Reviews are the kubelets' requests; the rest is the agents' own.
        let level = if kind == Kind::TokenReview { Level::System } else { Level::WorkloadLow };
        self.send(Owner::Script(kind), level, kind, f64::INFINITY);
        if let Some((at, _)) = script.get(place + 1) {
            self.at(self.plan.before + at, Due::Scripted(place + 1));
        }
    }

    /// A stream asks what it needs next.
    fn ask(&mut self, stream: usize) {
        let place = &mut self.streams[stream];
        place.state = State::Asking;
        let (kind, group, life, scale) = (place.asks(), place.group, place.life, place.follow.scale);
        let level = match group {
            Group::Agent => Level::WorkloadLow,
            Group::Kubelet => Level::System,
            Group::Controller | Group::Dns => Level::WorkloadHigh,
        };
        self.send_scaled(Owner::Stream { stream, life }, level, kind, f64::INFINITY, scale);
    }

    fn send(&mut self, owner: Owner, level: Level, kind: Kind, patience: f64) {
        self.send_scaled(owner, level, kind, patience, 1.0);
    }

    fn send_scaled(&mut self, owner: Owner, level: Level, kind: Kind, patience: f64, scale: f64) {
        let objects = f64::from(self.pods) * scale;
        let price = self.prices.of(kind);
        let ms = price.cpu_ms + price.cpu_ms_per_thousand_pods * objects / 1e3;
        let held = match kind {
            Kind::ListAll => objects,
            Kind::ListNode => self.scenario.of(Knob::PodsPerNode),
            _ => 0.0,
        };
        let agent = match owner {
            Owner::Script(_) => true,
            Owner::Stream { stream, .. } => self.streams[stream].group == Group::Agent,
            _ => false,
        };
        if agent && self.server.is_up() {
            let second = whole(self.now);
            self.arrived.resize(self.arrived.len().max(second + 1), 0);
            self.arrived[second] += 1;
        }
        self.server.offer(Offer {
            owner,
            level,
            cpu: (ms * self.scenario.of(Knob::PriceFactor) / 1e3).max(1e-6),
            seats: f64::from(price.seats),
            bytes: held * self.scenario.of(Knob::ListKbPerPod) * KB,
            patience,
        });
    }
}

fn micros(at: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "hours, not negative")]
    let micros = (at.max(0.0) * 1e6).round() as u64;
    micros
}

fn seconds(micros: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "hours in microseconds")]
    let seconds = micros as f64 / 1e6;
    seconds
}

fn whole(at: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "hours, not negative")]
    let second = at.max(0.0) as usize;
    second
}
