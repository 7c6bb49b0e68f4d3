//! `pods-churn`: the agent as a process on a node where 20 pods a second come and go, and with them names, IDs and process ids
//! that were another pod's a moment ago.
//!
//! The node is a folder ([`node`]); what is true of it at each moment stands in a book, against which a receiver holds every
//! sample ([`witness`]). The pods are gone again at the end: then nothing of them may be left in the agent either.

mod node;
mod witness;

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;

use self::node::FakeNode;
use self::witness::{Book, Findings};
use super::facts::{self, Fact};
use crate::parity::stream::Time;
use crate::real::env::Env;
use crate::real::program::{self, Memory, Program, float};
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Outcome, Tier};
use crate::receiver::Receiver;

pub(in crate::real) const CHECK: Check = Check {
    name: "pods-churn",
    tier: Tier::Ci,
    about: "20 pods a second come and go for a minute: no sample under a wrong name, no descriptor, series or memory is left",
    needs: &[recipes::TARE],
    limit: Duration::from_mins(6),
    lane: Lane::Beside,
    hidden: false,
    run: |env| run(env, CHECK.name, Duration::from_mins(1)),
};

pub(in crate::real) const FULL: Check = Check {
    name: "pods-churn-full",
    tier: Tier::Full,
    about: "the same for five minutes",
    limit: Duration::from_mins(12),
    run: |env| run(env, FULL.name, Duration::from_mins(5)),
    ..CHECK
};

/// Pods that come, and that go, in a second.
const RATE: u32 = 20;
/// Pods that are there at the same time: each lives for 8 s.
const ALIVE: usize = 160;
/// Until everything has been there that is there at a time, and its memory with it.
const WARM_UP: Duration = Duration::from_secs(20);
/// What only a broken agent needs so long for.
const PATIENCE: Duration = Duration::from_mins(1);
/// The files that the agent keeps open at most, with what it needs besides.
const OPEN: usize = 1536 + 32;
/// Descriptors that may come and go with the moment: a connection, a folder that is being listed.
const DESCRIPTORS: usize = 3;
/// What may be held more at the end than after the warm-up. The pods of a minute would be twice that if a pod left a
/// kilobyte for each of its three resources.
const GROWTH: u64 = 4 << 20;

/// The agent and those who look at it.
struct Stage {
    agent: Program,
    found: Arc<Mutex<Findings>>,
    node: FakeNode,
    _receiver: Receiver,
}

/// What the agent held at one moment.
#[derive(Clone, Copy)]
struct Held {
    descriptors: usize,
    anonymous: u64,
}

fn run(env: &Env, name: &str, length: Duration) -> anyhow::Result<Outcome> {
    let mut stage = Stage::start(env)?;
    // Once through everything, so that what is made at first use is there.
    stage.churn(Duration::from_secs(2), &mut Vec::new())?;
    stage.empty()?;
    let begin = stage.held()?;
    stage.churn(WARM_UP, &mut Vec::new())?;
    let warm = stage.held()?;
    let mut on_the_way = Vec::new();
    stage.churn(length, &mut on_the_way)?;
    let busy = stage.held()?;
    stage.empty()?;
    let end = stage.held()?;
    let ended = stage.agent.terminate(Duration::from_secs(20))?;
    let mut facts = witnessed(&stage.found.lock().unwrap_or_else(PoisonError::into_inner), &stage.node);
    let most = on_the_way.iter().map(|held: &Held| held.descriptors).max().unwrap_or(0);
    facts.push(at_most("descriptors at most", most, OPEN));
    facts.push(at_most(
        "descriptors when all pods are gone",
        end.descriptors,
        begin.descriptors + DESCRIPTORS,
    ));
    let growth = busy.anonymous.saturating_sub(warm.anonymous);
    let mib = |bytes: u64| format!("{:.2} MiB", float(bytes) / 1_048_576.0);
    facts.push(Fact::new("memory after the warm-up", "told only", mib(warm.anonymous), true));
    facts.push(Fact::new(
        "memory grown since",
        &format!("{} at most", mib(GROWTH)),
        mib(growth),
        growth <= GROWTH,
    ));
    facts.push(Fact::new("memory when all pods are gone", "told only", mib(end.anonymous), true));
    facts.push(Fact::equal("it ended in order", &true, &program::ended_cleanly(ended)));
    Ok(facts::outcome(name, &facts))
}

fn at_most(what: &str, found: usize, most: usize) -> Fact {
    Fact::new(what, &format!("{most} at most"), found.to_string(), found <= most)
}

/// What the receiver found.
fn witnessed(found: &Findings, node: &FakeNode) -> Vec<Fact> {
    let made = node.made();
    let nearly = made - made / 10;
    let seen = found.seen();
    let mut facts = vec![
        Fact::new("pods and containers that came", "told only", made.to_string(), true),
        Fact::new("of which were reported", &format!("{nearly} at least"), seen.to_string(), seen >= nearly),
        Fact::new("samples", "told only", found.samples().to_string(), found.samples() > 0),
        Fact::equal("samples under a wrong name", &0, &found.wrong()),
        Fact::new("of pods that nothing had named yet", "told only", found.nameless().to_string(), true),
        Fact::new("series", "told only", found.series().to_string(), found.series() > 0),
        Fact::equal("series that did not end exactly once", &0, &found.not_ended_once()),
        Fact::equal("series that went on after their end", &0, &found.revived()),
        Fact::equal("objects that the agent still knows", &0, &found.objects().unwrap_or(-1)),
    ];
    facts.extend(found.examples().map(|example| Fact::new("such as", "none", example.clone(), false)));
    facts
}

impl Stage {
    fn start(env: &Env) -> anyhow::Result<Self> {
        let book = Arc::new(Mutex::new(Book::default()));
        let node = FakeNode::new(&env.path("host"), Arc::clone(&book))?;
        let found = Arc::new(Mutex::new(Findings::default()));
        let findings = Arc::clone(&found);
        let receiver = Receiver::loopback(move |received| {
            let book = book.lock().unwrap_or_else(PoisonError::into_inner);
            let mut findings = findings.lock().unwrap_or_else(PoisonError::into_inner);
            findings.take(&book, nanos(received.at), &received.request);
        })?;
        let config = env.file("tare.yaml", &config(&env.path("host"), &receiver.endpoint()))?;
        let mut command = Command::new(env.program("tare")?);
        command.args(["run", "--config"]).arg(config);
        command.arg("--state-dir").arg(env.path("state")).arg("--socket").arg(env.path("tare.sock"));
        Ok(Self { agent: env.start("tare", command)?, found, node, _receiver: receiver })
    }

    /// Pods come, and go where there are enough, as many as fit into `length`; looks at the agent once a second. On a busy
    /// machine it takes longer and not fewer.
    fn churn(&mut self, length: Duration, looks: &mut Vec<Held>) -> anyhow::Result<()> {
        let begin = Instant::now();
        let steps = u32::try_from(length.as_secs())? * RATE;
        for step in 1..=steps {
            if self.node.alive() >= ALIVE {
                self.node.remove_oldest()?;
            }
            self.node.step()?;
            if step % RATE == 0 {
                looks.push(self.held()?);
            }
            let due = begin + Duration::from_secs(1) * step / RATE;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        Ok(())
    }

    /// Removes every pod and waits until the agent has ended every series of theirs, and has told so of itself.
    fn empty(&mut self) -> anyhow::Result<()> {
        while self.node.alive() > 0 {
            self.node.remove_oldest()?;
        }
        self.node.clear_links()?;
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            self.agent.alive()?;
            std::thread::sleep(Duration::from_millis(200));
            let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            if found.series() > 0 && found.living() == 0 && found.objects() == Some(0) {
                return Ok(());
            }
        }
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.series() == 0 {
            bail!("no pod was reported\n{}", self.agent.log_tail());
        }
        // What is left is judged at the end.
        Ok(())
    }

    fn held(&mut self) -> anyhow::Result<Held> {
        self.agent.alive()?;
        let pid = self.agent.pid();
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count();
        Ok(Held { descriptors, anonymous: Memory::of(pid)?.anonymous })
    }
}

fn config(host: &Path, endpoint: &str) -> String {
    format!(
        "host:\n  root: {}\n  interval: 1s\n  scrapers: {{load: {{}}}}\n\
         containers:\n  metric_groups: [container, pod]\n  extra_metadata_labels: [container.id]\n\
         control: {{self_telemetry_interval: 1s}}\n\
         outputs:\n  - name: default\n    otlp: {{endpoint: \"{endpoint}\"}}\n",
        host.display()
    )
}

/// Nanoseconds since the epoch.
fn nanos(time: std::time::SystemTime) -> Time {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time::try_from(since.as_nanos()).unwrap_or(Time::MAX)
}
