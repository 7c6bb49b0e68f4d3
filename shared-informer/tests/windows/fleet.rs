//! The engine: virtual time, an event queue, the nodes' clocks, and what goes wrong in a scenario.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use shared_informer::clock::{Mono, Now, Wall};
use shared_informer::counts::Status;
use shared_informer::declaration::{Cluster, Declaration};
use shared_informer::ledger::Request;
use shared_informer::phase::{Phase, Salt};
use shared_informer::reviews::Answer;

use crate::agent::{Agent, Node, Saved, Todo};
use crate::server::{Health, Kubelet, Random, Server};

/// The wall time at which every run begins, milliseconds.
const EPOCH: u64 = 1_700_000_000_000;
/// The machines have been up for this long by then, milliseconds.
const UPTIME: u64 = 3_600_000;

/// Something that happens to every agent from time to time, milliseconds of true time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) every: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    /// `cluster.size`; without it the agents ask.
    pub(crate) vouched_size: Option<u32>,
    /// When every agent's process ends and begins anew, all at once.
    pub(crate) crashes: Vec<Span>,
    /// Whether the state directory survives.
    pub(crate) memory: bool,
    /// Every node's wall clock is off by up to this, in both directions.
    pub(crate) clock_offset: u64,
    /// When every wall clock steps, and by how much.
    pub(crate) clock_steps: Vec<(u64, i64)>,
    /// From when to when all machines sleep; the monotonic clock stands still.
    pub(crate) suspends: Vec<(u64, u64)>,
    /// From when to when the API server is not well; every watch breaks at the beginning.
    pub(crate) outage: Option<(u64, u64, Health)>,
    pub(crate) same_name: bool,
    pub(crate) ends: u64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            vouched_size: None,
            crashes: vec![],
            memory: false,
            clock_offset: 0,
            clock_steps: vec![],
            suspends: vec![],
            outage: None,
            same_name: false,
            ends: 3_600_000,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Wake,
    Crash,
    LoseWatch,
    /// The API server's answer to the request that was sent at this time.
    Answer {
        status: Status,
        sent: u64,
        size: bool,
    },
    Refused,
    Scraped {
        code: u16,
        took: u64,
    },
}

/// When, in which order, on which host, in which of its lives (the highest number is any), what.
type Scheduled = (u64, u64, usize, u32, Event);

struct Host {
    node: Node,
    offset: i64,
    kubelet: Kubelet,
    agent: Option<Agent>,
    life: u32,
}

pub(crate) struct Fleet {
    scenario: Scenario,
    hosts: Vec<Host>,
    queue: BinaryHeap<Reverse<Scheduled>>,
    sequence: u64,
    random: Random,
    pub(crate) server: Server,
}

impl Fleet {
    pub(crate) fn new(nodes: u32, scenario: Scenario) -> Self {
        let mut random = Random(0x7461_7265 ^ u64::from(nodes));
        let declaration = Declaration::new(50.0, 16 << 20, 1.0).unwrap();
        let cluster = Cluster::new(scenario.vouched_size, 0, 5_000).unwrap();
        let hosts = (0..nodes).map(|index| {
            let name = if scenario.same_name { "node".to_owned() } else { format!("node-{index}") };
            let node = Node {
                turn: Phase::of(&name, Salt::Turn),
                scrape: Phase::of(&name, Salt::Scrape),
                declaration,
                cluster,
            };
            let offset = random.below(2 * scenario.clock_offset + 1).cast_signed()
                - scenario.clock_offset.cast_signed();
            Host { node, offset, kubelet: Kubelet::default(), agent: None, life: 0 }
        });
        let hosts = hosts.collect();
        Self { hosts, scenario, queue: BinaryHeap::new(), sequence: 0, random, server: Server::default() }
    }

    /// How many agents have an open watch.
    pub(crate) fn synced(&self) -> usize {
        self.hosts.iter().filter(|host| host.agent.as_ref().is_some_and(Agent::is_synced)).count()
    }

    /// What all agents say they have sent and caused, in all their lives.
    pub(crate) fn reported(&self) -> (u64, u64) {
        let reports = self.hosts.iter().filter_map(|host| host.agent.as_ref()).map(Agent::reported);
        reports.fold((0, 0), |sum, report| (sum.0 + report.0, sum.1 + report.1))
    }

    pub(crate) fn run(&mut self) {
        let scenario = self.scenario.clone();
        for host in 0..self.hosts.len() {
            self.start(host, 0, Saved::default());
            for span in &scenario.crashes {
                // One crash at a time: the next one is scheduled when it happens.
                self.schedule(span.from, host, u32::MAX, Event::Crash);
            }
            if let Some((from, ..)) = scenario.outage {
                self.schedule(from, host, u32::MAX, Event::LoseWatch);
            }
        }
        while let Some(Reverse((at, _, host, life, event))) = self.queue.pop() {
            if at >= scenario.ends {
                break;
            }
            if let Some(awake) = self.asleep_until(at) {
                // What was to come in the meantime is lost, except that the process wakes up with the machine.
                if matches!(event, Event::Wake | Event::Crash | Event::LoseWatch) {
                    let delay = self.random.below(50);
                    self.schedule(awake + delay, host, life, event);
                }
                continue;
            }
            if life == u32::MAX || life == self.hosts[host].life {
                self.happens(at, host, event);
            }
        }
        let end = self.now(0, scenario.ends).mono;
        self.hosts.iter_mut().filter_map(|host| host.agent.as_mut()).for_each(|agent| agent.finish(end));
    }

    fn happens(&mut self, at: u64, host: usize, event: Event) {
        if event == Event::Crash {
            return self.crash(at, host);
        }
        let now = self.now(host, at);
        let Some(agent) = self.hosts[host].agent.as_mut() else { return };
        match event {
            Event::Crash => {}
            Event::Wake => {
                let todo = agent.wake(now);
                self.obey(at, host, &todo);
            }
            Event::LoseWatch => agent.lose_watch(),
            Event::Refused => agent.refused(now),
            Event::Scraped { code, took } => {
                agent.scrape_answered(now, Answer::Status { code, after: Duration::from_millis(took) });
            }
            Event::Answer { status, sent, size } => {
                let next = agent.answered(now, status, Duration::from_millis(at - sent));
                if size && status == Status::Ok {
                    let nodes = u32::try_from(self.hosts.len()).unwrap();
                    self.hosts[host].agent.as_mut().unwrap().size_is(nodes);
                    // The period may be a shorter one now.
                    self.schedule(at, host, self.hosts[host].life, Event::Wake);
                }
                if let Some(request) = next {
                    self.send(at, host, request);
                }
            }
        }
    }

    fn start(&mut self, host: usize, at: u64, saved: Saved) {
        let now = self.now(host, at);
        let this = &mut self.hosts[host];
        this.life += 1;
        this.agent = Some(Agent::start(this.node, now, saved));
        self.schedule(at, host, self.hosts[host].life, Event::Wake);
    }

    fn crash(&mut self, at: u64, host: usize) {
        let Some(agent) = self.hosts[host].agent.take() else { return };
        let saved = agent.crash(self.scenario.memory);
        self.start(host, at + 10, saved);
        for span in self.scenario.crashes.clone() {
            if (span.from..span.to).contains(&(at + span.every)) {
                self.schedule(at + span.every, host, u32::MAX, Event::Crash);
            }
        }
    }

    fn obey(&mut self, at: u64, host: usize, todo: &Todo) {
        let life = self.hosts[host].life;
        let after = u64::try_from(todo.wake_after.as_millis()).unwrap().max(1);
        // The scheduler of a real machine is a little late; now and then by more than a turn may be.
        let late = if self.random.below(500) == 0 { self.random.below(3_000) } else { self.random.below(20) };
        self.schedule(at + after + late, host, life, Event::Wake);
        if let Some(request) = todo.send {
            self.send(at, host, request);
        }
        if todo.scrape {
            let health = self.health(at);
            if let Some((code, took)) = self.hosts[host].kubelet.scrape(at + 2, health, &mut self.server) {
                let took = u64::try_from(took.as_millis()).unwrap();
                self.schedule(at + took, host, life, Event::Scraped { code, took });
            }
        }
    }

    fn send(&mut self, at: u64, host: usize, request: Request) {
        let life = self.hosts[host].life;
        let travels = self.random.below(40);
        let answer = |fleet: &mut Self, status, takes| {
            fleet.server.arrives(at + travels);
            let size = request == Request::Size;
            fleet.schedule(at + travels + takes, host, life, Event::Answer { status, sent: at, size });
        };
        match self.health(at) {
            Health::Good => {
                // Mostly quick, now and then as slow as a turn is long.
                let takes = if self.random.below(200) == 0 {
                    self.random.below(6_000)
                } else {
                    self.random.below(150)
                };
                answer(self, Status::Ok, takes);
            }
            Health::Failing => answer(self, Status::Unavailable, 20),
            Health::Refusing => self.schedule(at + 1, host, life, Event::Refused),
            Health::Stalled => self.server.arrives(at + travels),
        }
    }

    fn schedule(&mut self, at: u64, host: usize, life: u32, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence, host, life, event)));
    }

    fn health(&self, at: u64) -> Health {
        match self.scenario.outage {
            Some((from, to, health)) if (from..to).contains(&at) => health,
            _ => Health::Good,
        }
    }

    fn asleep_until(&self, at: u64) -> Option<u64> {
        self.scenario.suspends.iter().find(|(from, to)| (*from..*to).contains(&at)).map(|(_, to)| *to)
    }

    fn now(&self, host: usize, at: u64) -> Now {
        let stepped: i64 =
            self.scenario.clock_steps.iter().filter(|(when, _)| *when <= at).map(|(_, by)| by).sum();
        let wall = (EPOCH + at).checked_add_signed(self.hosts[host].offset + stepped).unwrap();
        let slept: u64 =
            self.scenario.suspends.iter().map(|(from, to)| at.min(*to).saturating_sub(*from)).sum();
        let mono = UPTIME + at - slept;
        Now { wall: Wall::new(Duration::from_millis(wall)), mono: Mono::new(Duration::from_millis(mono)) }
    }
}
