//! The state machine against a script: what is asked in which turn, and what follows from each answer.

use super::command::{Ask, Command, Send};
use super::event::{DaemonSet, Event, Happened, Item, List, Outcome, Rejection, RequestId};
use super::settings::{Memory, Settings};
use super::*;
use crate::activation::Steps;
use crate::carried::DEFAULT_BOUND;
use crate::counts::{Asked, Reason, Resource, Status, Verb};
use crate::declaration::Cluster;
use crate::derive::Kubelet;
use crate::pod::{self, Pod};
use crate::reviews::Access;
use crate::size::Reading;

mod faults;
mod life;
mod model;
mod people;

/// An informer, two clocks, and what it asked of the shell.
struct Node {
    informer: Informer,
    now: Now,
    sent: Vec<Send>,
    aborted: Vec<RequestId>,
    saved: Vec<&'static str>,
    last_watch: Option<Ask>,
    renewed_credential: usize,
}

fn settings(nodes: Option<u32>) -> Settings {
    Settings {
        node: "node-1".into(),
        declaration: Declaration::new(50.0, 16 << 20, 1.0).unwrap(),
        cluster: Cluster::new(nodes, 0, 50).unwrap(),
        kubelet: Kubelet { access: Access::Off, period: Duration::from_mins(1), subresources: 1 },
        steps: Steps::default(),
        has_daemonset: nodes.is_none(),
        off: false,
        dry_run: false,
        max_pods: 110,
        carried_bound: DEFAULT_BOUND,
        index: crate::index::Limits::default(),
    }
}

fn start() -> Now {
    Now { wall: Wall::new(Duration::from_hours(500_000)), mono: Mono::new(Duration::from_secs(50)) }
}

impl Node {
    fn new(settings: Settings) -> Self {
        Self::with_memory(settings, Memory::default(), start())
    }

    fn with_memory(settings: Settings, memory: Memory, now: Now) -> Self {
        let informer = Informer::new(settings, memory, now).unwrap();
        let (sent, aborted, saved) = (Vec::new(), Vec::new(), Vec::new());
        let mut node = Self { informer, now, sent, aborted, saved, last_watch: None, renewed_credential: 0 };
        node.informer.wake(now);
        node.collect();
        node
    }

    fn collect(&mut self) {
        while let Some(command) = self.informer.next_command() {
            match command {
                Command::Send(send) => self.sent.push(send),
                Command::Abort(id) => self.aborted.push(id),
                Command::SaveSpend => self.saved.push("spend"),
                Command::SaveSize => self.saved.push("size"),
                Command::SaveIndex => self.saved.push("index"),
                Command::RenewCredential => self.renewed_credential += 1,
                Command::Scrape(..) => panic!("no kubelet here"),
            }
        }
    }

    /// Lets time pass, awake whenever the informer wants to be.
    fn pass(&mut self, time: Duration) {
        let end = self.now.mono.plus(time);
        while self.now.mono < end {
            let step = self.informer.next_wake().min(end).since(self.now.mono).max(Duration::from_millis(1));
            self.now = Now { wall: self.now.wall.plus(step), mono: self.now.mono.plus(step) };
            self.informer.wake(self.now);
            self.collect();
        }
    }

    /// Until something is sent, for half a day at most.
    fn next_request(&mut self) -> Option<Send> {
        self.next_request_within(Duration::from_hours(12))
    }

    fn next_request_within(&mut self, time: Duration) -> Option<Send> {
        let end = self.now.mono.plus(time);
        while self.sent.is_empty() && self.now.mono < end {
            self.pass(Duration::from_millis(250));
        }
        (!self.sent.is_empty()).then(|| self.sent.remove(0))
    }

    fn asked(&mut self) -> (RequestId, Ask) {
        self.asked_within(Duration::from_hours(12))
    }

    fn asked_within(&mut self, time: Duration) -> (RequestId, Ask) {
        let Send { id, ask, .. } =
            self.next_request_within(time).expect("a request in one of the next turns");
        (id, ask)
    }

    fn tell(&mut self, id: RequestId, what: Happened) {
        self.informer.handle(self.now, Event { id, bytes: 100, what });
        self.collect();
    }

    fn done(&mut self, id: RequestId, outcome: Outcome) {
        self.tell(id, Happened::Done(outcome));
    }

    fn size(&mut self, nodes: u32) {
        let (id, ask) = self.asked();
        assert_eq!(ask, Ask::Size);
        self.done(id, Outcome::Size(daemon_set(nodes)));
    }

    fn list(&mut self, version: &str, pods: Vec<Pod>) {
        let (id, ask) = self.asked();
        assert_eq!(ask, Ask::List { limit: 110 });
        self.done(id, Outcome::List(list(version, pods)));
    }

    fn watch(&mut self, from: &str) -> RequestId {
        let (id, ask) = self.asked();
        self.last_watch = Some(ask.clone());
        let Ask::Watch { resource_version, .. } = ask else { panic!("{ask:?}") };
        assert_eq!(&*resource_version, from);
        self.tell(id, Happened::Opened);
        id
    }

    /// A watch that is open, with one pod.
    fn watching() -> (Self, RequestId) {
        let mut node = Self::new(settings(Some(50)));
        node.list("100", vec![pod("a", "90")]);
        let id = node.watch("100");
        (node, id)
    }

    /// A watch that was renewed once, in the turn that also brings the size probe.
    fn renewed() -> (Self, RequestId, RequestId) {
        let mut node = Self::new(settings(None));
        node.size(30);
        node.list("100", vec![]);
        let first = node.watch("100");
        node.healthy(first, Duration::from_hours(1));
        let second = node.watch("200");
        (node, first, second)
    }

    fn bookmark(&mut self, id: RequestId, version: &str) {
        self.tell(id, Happened::Item(Item::Bookmark(version.into())));
    }

    /// A healthy watch for this long: bookmarks once a minute.
    fn healthy(&mut self, id: RequestId, time: Duration) {
        let end = self.now.mono.plus(time);
        while self.now.mono < end && self.sent.is_empty() {
            self.bookmark(id, "200");
            for _ in 0..60 {
                if self.sent.is_empty() {
                    self.pass(Duration::from_secs(1));
                }
            }
        }
    }

    fn count(&self, verb: Verb, resource: Resource, reason: Reason, status: Status) -> u64 {
        self.informer.report(self.now).requests.get(Asked { verb, resource, reason }, status)
    }

    fn restarts(&self, why: Restart) -> u64 {
        self.informer.report(self.now).restarts.get(&why).copied().unwrap_or(0)
    }

    fn trouble(&self) -> String {
        self.informer.report(self.now).trouble.map(|trouble| trouble.what.to_string()).unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.informer.pods.index.snapshot().pods().map(|found| found.pod.name.to_string()).collect();
        names.sort();
        names
    }
}

fn daemon_set(nodes: u32) -> DaemonSet {
    DaemonSet {
        reading: Reading { desired: nodes, observed_generation: 1, generation: 1 },
        created: Some(start().wall.minus(Duration::from_hours(5))),
        paused: false,
    }
}

fn pod(name: &str, version: &str) -> Pod {
    let json = format!(
        r#"{{"metadata":{{"namespace":"default","name":"{name}","uid":"uid-{name}","resourceVersion":"{version}"}}}}"#
    );
    pod::parse(json.as_bytes(), &(|_: &str| true, |_: &str| true)).unwrap()
}

fn list(version: &str, pods: Vec<Pod>) -> List {
    List { resource_version: version.into(), truncated: false, pods, refused: Default::default() }
}

fn rejected(code: u16) -> Outcome {
    Outcome::Status(Rejection { code, retry_after: None, message: "as asked".into() })
}
