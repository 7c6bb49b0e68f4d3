//! The engine: virtual time, the queue of what will happen, and the shell's part of every agent.
//!
//! Bookmarks are not in the queue: they follow from the time at which a watch opened, and are handed over, each with its
//! own time, before anything else happens to the host. An informer that is given them cannot tell the difference.

use shared_informer::activation::Steps;
use shared_informer::clock::{Now, Wall};
use shared_informer::counts::Counts;
use shared_informer::derive::Kubelet;
use shared_informer::index::Limits;
use shared_informer::informer::LOOK;
use shared_informer::informer::command::{Ask, Command, Send};
use shared_informer::informer::event::{End, Event, Happened, Item, RequestId};
use shared_informer::informer::settings::{KnownSize, Settings, Spend};
use shared_informer::phase::{Phase, Salt};
use shared_informer::reviews::{Access, Answer as Scraped};

use super::api::{Answer, Api, Health};
use super::fresh::Integral;
use super::host::{self, Host, Reported, SUBRESOURCES, Scraping, Stream};
use super::kubelet::IN_FLIGHT;
use super::queue::Queue;
use super::random::Random;
use super::scenario::{Names, Scenario, Start};
use super::time::{HOUR, MINUTE, Millis, SECOND, Span, millis, wall_before};

#[cfg(test)]
mod observed;
mod shell;

/// The DaemonSet of a restart was created this long ago.
const AGE: Millis = 30 * 24 * HOUR;
/// How long a process is gone when it crashes.
const RESTART: Millis = 10;

/// What may happen to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The agent's timer.
    Wake,
    /// The agent looks at the clocks, as it does every half minute: what matters is the first time after one was set.
    Look,
    /// A request reaches the server after a partition has healed.
    Arrives(RequestId, Held),
    /// An answer reaches the agent.
    Answer(RequestId, Answer),
    /// The server ends a watch in good order.
    Closes(RequestId),
    /// Every connection breaks.
    Breaks,
    /// The kubelet answers, or the reader gives up.
    Scraped(Option<u16>, Millis),
    Crash,
    Reconfigure,
    Rogue,
    /// The number of nodes is another one from now on; not about the host.
    Population(u32),
}

/// A request that a partition holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Size,
    List,
    Watch(u64),
}

/// In which of its lives a host meets something: this one, or whichever it is in.
const ANY_LIFE: u32 = u32::MAX;

/// To which host, in which of its lives, what.
type Scheduled = (u32, u32, What);

/// A fleet in virtual time.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) scenario: Scenario,
    hosts: Vec<Host>,
    nodes: u32,
    queue: Queue<Scheduled>,
    random: Random,
    created: Wall,
    pub(super) api: Api,
    /// Whether anybody will ever read the state directories.
    keeps_disk: bool,
    /// Whether what a sender has given up may still arrive.
    orphans: bool,
    /// What freshness is about, and agent-milliseconds in it: of all agents, and of those with a watch.
    span: Span,
    pub(super) agents: Integral,
    pub(super) live: Integral,
    unprobed: u32,
    /// When all agents had a watch again after all was calm.
    pub(super) synced_at: Option<Millis>,
    /// The same for half of them.
    pub(super) half_synced_at: Option<Millis>,
    /// When the last of the first agents had its first probe answered.
    pub(super) all_probed: Option<Millis>,
    /// Why an agent could not start.
    pub(super) refused: Option<String>,
}

impl Engine {
    pub(super) fn new(scenario: Scenario, seed: u64) -> Self {
        let mut random = Random(seed ^ (u64::from(scenario.nodes) << 32));
        let created = match scenario.start {
            Start::Install => wall_before(0),
            Start::Restart => wall_before(AGE),
        };
        let hosts = (0..scenario.most_nodes()).map(|index| {
            let offset = scenario.clocks.offset;
            let offset = random.below(2 * offset + 1).cast_signed() - offset.cast_signed();
            let name = host::name(scenario.names, index);
            let drawn = format!("{:016x}", random.next());
            let phases = (scenario.names == Names::Drawn)
                .then(|| (Phase::of(&drawn, Salt::Turn), Phase::of(&drawn, Salt::Scrape)));
            Host::new(name, phases, offset)
        });
        let hosts = hosts.collect();
        let api = Api::new(&scenario);
        let span = scenario.measured();
        Self {
            hosts,
            nodes: 0,
            queue: Queue::new(scenario.ends),
            random,
            created,
            api,
            keeps_disk: scenario.crashes.is_some()
                || scenario.ceiling.is_some()
                || !scenario.population.is_empty(),
            orphans: scenario
                .troubles
                .iter()
                .any(|trouble| trouble.health == Health::Partition { orphans: true }),
            span,
            agents: Integral::new(span),
            live: Integral::new(span),
            unprobed: scenario.nodes,
            synced_at: None,
            half_synced_at: None,
            all_probed: None,
            refused: None,
            scenario,
        }
    }

    /// What all agents say they have sent and caused, in all their lives.
    pub(super) fn reported(&self) -> Reported {
        self.hosts.iter().map(Host::reported).fold(Reported::default(), Reported::plus)
    }

    /// How many agents have a watch, by what they say and by what the server sees.
    pub(super) fn synced(&self) -> (u32, u32) {
        let end = self.scenario.ends;
        let by_agents = self.hosts.iter().filter(|host| {
            let now = self.scenario.clocks.now(host.offset, end);
            host.informer.as_ref().is_some_and(|informer| informer.report(now).watch_open.is_some())
        });
        (u32::try_from(by_agents.count()).unwrap_or(u32::MAX), self.api.open)
    }

    /// How many nodes there are now.
    pub(super) const fn nodes(&self) -> u32 {
        self.nodes
    }

    /// Runs the scenario to its end.
    pub(super) fn run(&mut self) {
        self.set_up();
        while let Some((at, (host, life, what))) = self.queue.pop() {
            if self.synced_at.is_none() && at >= self.scenario.calm {
                if self.half_synced_at.is_none() && self.api.open >= self.nodes.div_ceil(2) {
                    self.half_synced_at = Some(at);
                }
                if self.is_synced() {
                    self.synced_at = Some(at);
                }
            }
            self.happens(at, host, life, what);
        }
        self.end();
    }

    /// What is still on its way when the run ends.
    fn end(&mut self) {
        let (ends, span) = (self.scenario.ends, self.span);
        for index in 0..self.nodes {
            self.bookmarks(ends, index);
            self.hosts[index as usize].fresh.until(ends, span);
        }
        self.api.arrivals.sort();
    }

    /// Agent-milliseconds with an index that was recent enough.
    pub(super) fn fresh(&self) -> u64 {
        self.hosts.iter().map(|host| host.fresh.total()).sum()
    }

    fn set_up(&mut self) {
        let scenario = self.scenario.clone();
        if scenario.start == Start::Restart {
            let known = KnownSize {
                nodes: Some(scenario.nodes),
                created: Some(self.created),
                joined: true,
                list_bytes: Some(scenario.list_bytes),
                in_force: scenario.declared,
                raised: None,
            };
            let spend = Spend {
                since: self.created,
                last_turn: Some(wall_before(24 * HOUR)),
                counts: Counts::new(),
                outstanding: Vec::new(),
            };
            for host in &mut self.hosts[..scenario.nodes as usize] {
                (host.disk.size, host.disk.spend) = (Some(known.clone()), Some(spend.clone()));
            }
        }
        self.populate(0, scenario.nodes);
        for (at, nodes) in scenario.population.iter().copied() {
            self.schedule(at, 0, ANY_LIFE, What::Population(nodes));
        }
        if let Some(at) = scenario.rogue {
            self.schedule(at, 0, ANY_LIFE, What::Rogue);
        }
        let breaks = scenario.troubles.iter().filter(|trouble| trouble.health.breaks_watches());
        let breaks: Vec<_> = breaks.map(|trouble| trouble.span.from).chain(scenario.restored).collect();
        for host in 0..scenario.most_nodes() {
            for at in &breaks {
                let at = at + self.random.below(100);
                self.schedule(at, host, ANY_LIFE, What::Breaks);
            }
            for (at, _) in &scenario.clocks.steps {
                let at = at + self.random.below(millis(LOOK));
                self.schedule(at, host, ANY_LIFE, What::Look);
            }
            // A machine that has slept finds its connections broken, or silent for ever.
            for span in &scenario.clocks.suspends {
                if span.to - span.from > 2 * MINUTE && host % 2 == 0 {
                    self.schedule(span.to + 20, host, ANY_LIFE, What::Breaks);
                }
            }
            // One crash at a time: the next one is scheduled when it happens.
            if let Some(crashes) = scenario.crashes {
                self.schedule(crashes.span.from, host, ANY_LIFE, What::Crash);
            }
            if let Some(ceiling) = scenario.ceiling {
                let length = ceiling.span.to - ceiling.span.from;
                let at = ceiling.span.from + self.random.below(length);
                self.schedule(at, host, ANY_LIFE, What::Reconfigure);
            }
        }
    }

    /// Nodes join or leave until there are this many.
    fn populate(&mut self, at: Millis, nodes: u32) {
        for index in nodes..self.nodes {
            self.closed(at, index);
            let host = &mut self.hosts[index as usize];
            host.fresh.until(at, self.span);
            host.stop();
            host.forget();
        }
        let before = self.nodes;
        self.agents.change(at, i64::from(nodes) - i64::from(before));
        self.nodes = nodes;
        for index in before..nodes {
            self.start(at, index);
        }
    }

    fn settings(&self, index: u32, at: Millis) -> Settings {
        let changed = self.scenario.ceiling.filter(|ceiling| at >= ceiling.span.to);
        Settings {
            node: self.hosts[index as usize].name.clone(),
            declaration: changed.map_or(self.scenario.declared, |ceiling| ceiling.declared),
            cluster: self.scenario.cluster,
            kubelet: Kubelet { subresources: self.scenario.subresources, ..KUBELET },
            steps: Steps::default(),
            has_daemonset: true,
            off: false,
            dry_run: false,
            max_pods: 110,
            carried_bound: shared_informer::carried::DEFAULT_BOUND,
            index: LIMITS,
        }
    }

    fn start(&mut self, at: Millis, index: u32) {
        let settings = self.settings(index, at);
        self.start_with(at, index, settings);
    }

    fn start_with(&mut self, at: Millis, index: u32, settings: Settings) {
        let now = self.now(index, at);
        match self.hosts[index as usize].start(settings, now) {
            Ok(()) => self.wake(at, index),
            Err(error) => self.refused = Some(error.to_string()),
        }
    }

    fn happens(&mut self, at: Millis, index: u32, life: u32, what: What) {
        if let What::Population(nodes) = what {
            return self.populate(at, nodes);
        }
        if let What::Arrives(id, held) = what {
            // Whether its sender lives or not: a kernel sent it.
            return self.arrives(at, index, life, id, held);
        }
        let host = &self.hosts[index as usize];
        if (life != ANY_LIFE && life != host.life) || (what == What::Wake && at != host.wake_at) {
            return;
        }
        if let Some(awake) = self.scenario.clocks.asleep_until(at) {
            // What was to come in the meantime is lost, except that the process wakes up with the machine.
            if matches!(what, What::Wake | What::Crash | What::Reconfigure | What::Scraped(..)) {
                let later = awake + self.random.below(50);
                if what == What::Wake {
                    self.hosts[index as usize].wake_at = later;
                }
                let what = if let What::Scraped(..) = what { What::Scraped(None, 0) } else { what };
                self.schedule(later, index, life, what);
            }
            return;
        }
        if host.informer.is_none() {
            return;
        }
        self.bookmarks(at, index);
        match what {
            What::Wake | What::Look => self.wake(at, index),
            What::Answer(id, answer) => self.answer(at, index, id, answer),
            What::Closes(id) => self.ends(at, index, Some(id), End::Closed),
            What::Breaks => self.ends(at, index, None, End::Broken),
            What::Scraped(code, took) => self.scraped(at, index, code, took),
            What::Crash => self.crash(at, index),
            What::Reconfigure => self.reconfigure(at, index),
            What::Rogue => {
                // Past the gate: the server's side counts it, and nobody else.
                self.api.receive(at, &Ask::Size, &mut self.random);
            }
            What::Arrives(..) | What::Population(_) => {}
        }
    }

    fn crash(&mut self, at: Millis, index: u32) {
        let Some(crashes) = self.scenario.crashes else { return };
        self.closed(at, index);
        let host = &mut self.hosts[index as usize];
        host.stop();
        if !crashes.memory {
            host.forget();
        }
        self.start(at + RESTART, index);
        if crashes.span.contains(at + crashes.every) {
            self.schedule(at + crashes.every, index, ANY_LIFE, What::Crash);
        }
    }

    fn reconfigure(&mut self, at: Millis, index: u32) {
        let Some(ceiling) = self.scenario.ceiling else { return };
        let settings = Settings { declaration: ceiling.declared, ..self.settings(index, at) };
        if ceiling.restart {
            self.closed(at, index);
            self.hosts[index as usize].stop();
            return self.start_with(at + RESTART, index, settings);
        }
        let now = self.now(index, at);
        if let Some(informer) = &mut self.hosts[index as usize].informer
            && let Err(error) = informer.reconfigure(now, settings)
        {
            self.refused = Some(error.to_string());
        }
        self.obey(at, index);
    }

    /// The server sees no watch of this host any more.
    fn closed(&mut self, at: Millis, index: u32) {
        if self.hosts[index as usize].stream.take().is_some() {
            self.api.open -= 1;
            self.live.change(at, -1);
        }
    }

    fn schedule(&mut self, at: Millis, host: u32, life: u32, what: What) {
        self.queue.push(at, (host, life, what));
    }

    /// Whether all agents but one in five hundred have a watch: some answer is always slower than a turn is long.
    pub(super) fn is_synced(&self) -> bool {
        self.nodes - self.api.open.min(self.nodes) <= self.nodes / 500
    }

    fn now(&self, index: u32, at: Millis) -> Now {
        self.scenario.clocks.now(self.hosts[index as usize].offset, at)
    }
}

/// How the kubelets are scraped: the dearest way in.
pub(super) const KUBELET: Kubelet =
    Kubelet { access: Access::Token, period: std::time::Duration::from_mins(1), subresources: 2 };

/// An index that holds next to nothing: a hundred thousand of them share one process.
const LIMITS: Limits = Limits {
    pods: 1,
    bytes: 1 << 10,
    tombstones: 1,
    tombstone_bytes: 1 << 10,
    tombstone_age: std::time::Duration::from_mins(5),
};
