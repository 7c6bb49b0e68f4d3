//! Every scenario of the certificate, for any number of nodes.
//!
//! The ceiling is the same everywhere: it does not grow with the cluster. Up to 5,000 nodes the agents are installed as
//! they come (`assume: 5000`); for larger clusters the chart has seen how many nodes there are (`hint`).

use shared_informer::declaration::{Cluster, Declaration};
use shared_informer::derive::{self, Derived, Fleet};

use super::api::{Health, Trouble};
use super::engine::KUBELET;
use super::load::{Capacity, Tariff};
use super::scenario::{Churn, Crashes, Names, NewCeiling, Promise, Scenario, Start};
use super::settling;
use super::time::{Clocks, HOUR, MINUTE, Millis, SECOND, Span, millis};
use crate::prices::Prices;

/// What is declared, requests per second.
const CEILING: f64 = 50.0;
/// What is declared, LIST bytes per second.
const BYTES: u64 = 16 << 20;
/// The body of a LIST: what is assumed of one that nobody has seen.
const LIST_BYTES: u64 = derive::ASSUMED_LIST_BYTES;
/// What `cluster.assume` is unless configured.
const ASSUMED: u32 = 5_000;
/// Pods of a node: what a LIST is assumed to hold.
pub(super) const PODS: u32 = 30;
/// Each of them changes once in two hours, in the steady state.
const CHANGES: Churn = Churn { every: 2 * HOUR / PODS as Millis, bytes: LIST_BYTES / PODS as u64 };

/// One scenario.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// For a cluster of this many nodes; an error if a number in it is out of range.
    pub(super) of: fn(u32) -> anyhow::Result<Scenario>,
}

macro_rules! entries {
    ($($name:literal $about:literal $of:expr;)+) => {
        &[$(Entry { name: $name, about: $about, of: $of }),+]
    };
}

/// All of them.
pub(super) static SCENARIOS: &[Entry] = entries![
    "steady" "nothing happens, for several lives of a watch, but that pods come and go" |nodes| steady(nodes, 1);
    "steady-churn" "the same with four times the changes of pods" |nodes| steady(nodes, 4);
    "cold-install" "every agent starts at the moment of the installation" cold_install;
    "cold-install-real-names" "the same, with the names that a cloud gives its nodes"
        |nodes| Ok(Scenario { names: Names::Real, ..cold_install(nodes)? });
    "same-names" "all nodes have one name and all turns are one, which the promise excludes" same_names;
    "restart-with-memory" "every agent restarts at once"
        |nodes| crashing(nodes, 1, 1, true);
    "restart-without-memory" "every agent restarts at once, and no state directory survives"
        |nodes| crashing(nodes, 1, 1, false);
    "outage-refused" "nobody listens for ten minutes" |nodes| outage(nodes, Health::Refusing, 10);
    "outage-failing" "503 for ten minutes" |nodes| outage(nodes, Health::Failing, 10);
    "outage-failing-once-scraped" "the same where one subresource of the kubelet is read: more kubelets meet it"
        |nodes| Ok(Scenario { subresources: 1, ..outage(nodes, Health::Failing, 10)? });
    "outage-stalled" "no answer for ten minutes" |nodes| outage(nodes, Health::Stalled, 10);
    "partition" "nothing gets through for twelve minutes, with 60 s in flight"
        |nodes| outage(nodes, Health::Partition { orphans: false }, 12);
    "partition-short" "the same for 190 s: the agents have just lost their watches and asked again"
        short_partition;
    "partition-orphans" "twelve minutes, and the hosts' kernels go on sending what the agents have given up"
        |nodes| Ok(Scenario {
            promise: Promise::Outside,
            ..outage(nodes, Health::Partition { orphans: true }, 12)?
        });
    "lists-stall" "all watches break, and LISTs begin and do not end for half an hour" lists_stall;
    "large-lists" "all watches break where LISTs are known to be fourteen times what is assumed" large_lists;
    "large-lists-install" "a cold install where LISTs are that large, and nobody knows"
        large_lists_install;
    "throttled" "429 with Retry-After for ten minutes" |nodes| outage(nodes, Health::Throttling(30), 10);
    "etcd-restored" "etcd is restored to the state of an hour ago" etcd_restored;
    "suspend" "all machines sleep, twice" suspend;
    "clock-forward" "all clocks step forward by 300 s, again and again" |nodes| clock_steps(nodes, 300_000);
    "clock-back" "all clocks step back by 300 s, again and again" |nodes| clock_steps(nodes, -300_000);
    "clock-offsets" "clocks are off by up to 60 s" clock_offsets;
    "pool-doubling" "as many nodes again join at once" pool_doubling;
    "drift" "every minute up to 20 nodes come or go" drift;
    "crash-loop-1s" "every agent crashes every second, and remembers nothing"
        |nodes| crashing(nodes, SECOND, 2 * MINUTE, false);
    "crash-loop-20s" "every agent crashes every 20 s, and remembers nothing"
        |nodes| crashing(nodes, 20 * SECOND, 15 * MINUTE, false);
    "crash-loop-20s-with-memory" "every agent crashes every 20 s"
        |nodes| crashing(nodes, 20 * SECOND, 15 * MINUTE, true);
    "ceiling-up" "a rolling update doubles the ceiling, then all watches break"
        |nodes| new_ceiling(nodes, 2.0, true);
    "ceiling-up-reload" "the same, by a reload" |nodes| new_ceiling(nodes, 2.0, false);
    "ceiling-down" "a rolling update halves the ceiling, then all watches break"
        |nodes| new_ceiling(nodes, 0.5, true);
    "assume-too-large" "a cold install that assumes ten times the nodes"
        |nodes| assumed(nodes, nodes.saturating_mul(10), Promise::Always);
    "assume-too-small" "a cold install that assumes a tenth of the nodes"
        |nodes| assumed(nodes, (nodes / 10).max(1), Promise::AfterTheFirstProbe);
];

/// The scenario of that name.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    SCENARIOS.iter().find(|entry| entry.name == name)
}

/// A fleet that was installed long ago and whose agents all start now; nothing goes wrong.
pub(super) fn settled(nodes: u32) -> anyhow::Result<Scenario> {
    let hint = if nodes > ASSUMED { nodes } else { 0 };
    Ok(Scenario {
        nodes,
        declared: Declaration::new(CEILING, BYTES, 1.0)?,
        cluster: Cluster::new(None, hint, ASSUMED)?,
        start: Start::Restart,
        list_bytes: LIST_BYTES,
        subresources: KUBELET.subresources,
        names: Names::Drawn,
        clocks: Clocks::default(),
        troubles: Vec::new(),
        restored: None,
        crashes: None,
        population: Vec::new(),
        ceiling: None,
        churn: None,
        tariff: Tariff::new(&Prices::committed()?, nodes.saturating_mul(PODS)),
        capacity: Some(Capacity::SMALL),
        settled: None,
        rogue: None,
        promise: Promise::Always,
        unworkable: false,
        calm: 0,
        ends: warm(nodes),
    })
}

/// From so many nodes the ceiling of these scenarios cannot work: turns would have to be more than 22.8 h apart.
const TOO_MANY: u32 = 1_000_000;

/// T for this many nodes.
fn turn(nodes: u32, requests: f64) -> Millis {
    turn_with(nodes, requests, LIST_BYTES)
}

fn turn_with(nodes: u32, requests: f64, list_bytes: u64) -> Millis {
    let derived = Declaration::new(requests, BYTES, 1.0).ok().and_then(|declaration| {
        let fleet = Fleet { nodes, list_bytes: Some(list_bytes), kubelet: KUBELET };
        derive::derive(&declaration, &fleet).ok()
    });
    derived.map_or(24 * HOUR, |derived| millis(derived.turn_period))
}

/// After this long a fleet that remembers its size has its watches, and has asked.
fn warm(nodes: u32) -> Millis {
    turn(nodes * 2, CEILING) * 5 / 4 + turn(nodes + nodes / 4, CEILING) + 10 * MINUTE
}

/// After this long a fleet has its watches back that all broke: distress stretches T to half an hour.
fn recovery(nodes: u32) -> Millis {
    turn(nodes + nodes / 4, CEILING).max(30 * MINUTE) * 3 + 20 * MINUTE
}

/// After this long a fleet that knows nothing has its watches: probes, the steps of an installation, LISTs.
fn from_nothing(nodes: u32, used: u32) -> Millis {
    2 * turn(used, CEILING) + 30 * MINUTE + 3 * turn(nodes + nodes / 4, CEILING) + 30 * MINUTE
}

/// N used by an agent that remembers nothing.
fn unknown(nodes: u32) -> u32 {
    if nodes > ASSUMED { nodes * 2 } else { ASSUMED }
}

/// What agents derive from the default declaration that have asked how many nodes there are.
pub(super) fn derived(nodes: u32) -> anyhow::Result<Derived> {
    derived_with(nodes + nodes.div_ceil(4))
}

/// The same for N used.
pub(super) fn derived_with(nodes: u32) -> anyhow::Result<Derived> {
    let fleet = Fleet { nodes, list_bytes: Some(LIST_BYTES), kubelet: KUBELET };
    Ok(derive::derive(&Declaration::new(CEILING, BYTES, 1.0)?, &fleet)?)
}

/// Long enough for every watch to be renewed several times, and measured from when every agent does what it will go on doing. A
/// whole number of renewals of each agent lies within that, whatever its phase.
fn steady(nodes: u32, times: Millis) -> anyhow::Result<Scenario> {
    let small = settled(nodes)?;
    let derived = derived(nodes)?;
    let lives = if nodes > 30_000 { 2 } else { 3 };
    let from = settling::after_a_restart(&derived_with(nodes.saturating_mul(2))?, &derived);
    let churn = Some(Churn { every: CHANGES.every / times, ..CHANGES });
    let ends = from + lives * millis(derived.renewal());
    Ok(Scenario { churn, settled: Some(from), ends, ..small })
}

fn cold_install(nodes: u32) -> anyhow::Result<Scenario> {
    let ends = from_nothing(nodes, unknown(nodes));
    Ok(Scenario { start: Start::Install, ends, ..settled(nodes)? })
}

/// On a server without end: with two processors, thousands of agents in one turn would never get a watch, and the run would only
/// tell that the promise excludes it.
fn same_names(nodes: u32) -> anyhow::Result<Scenario> {
    let outage = outage(nodes, Health::Refusing, 1)?;
    Ok(Scenario { names: Names::Same, promise: Promise::Outside, capacity: None, ..outage })
}

fn assumed(nodes: u32, assume: u32, promise: Promise) -> anyhow::Result<Scenario> {
    let ends = from_nothing(nodes, assume.max(nodes));
    let cluster = Cluster::new(None, 0, assume)?;
    let unworkable = assume >= TOO_MANY;
    Ok(Scenario { start: Start::Install, cluster, promise, unworkable, ends, ..settled(nodes)? })
}

fn crashing(nodes: u32, every: Millis, length: Millis, memory: bool) -> anyhow::Result<Scenario> {
    let from = if every == 1 { warm(nodes) } else { SECOND };
    let span = Span::new(from, from + length);
    let ends = span.to + from_nothing(nodes, unknown(nodes));
    let crashes = Some(Crashes { span, every, memory });
    Ok(Scenario { crashes, calm: span.to, ends, ..settled(nodes)? })
}

fn outage(nodes: u32, health: Health, minutes: u64) -> anyhow::Result<Scenario> {
    let from = warm(nodes);
    let span = Span::new(from, from + minutes * MINUTE);
    let ends = span.to + recovery(nodes);
    Ok(Scenario { troubles: vec![Trouble { span, health }], calm: span.to, ends, ..settled(nodes)? })
}

/// Watches count as dead after 130 s; a minute later the most requests are in flight.
fn short_partition(nodes: u32) -> anyhow::Result<Scenario> {
    let from = warm(nodes);
    let span = Span::new(from, from + 190 * SECOND);
    let troubles = vec![Trouble { span, health: Health::Partition { orphans: false } }];
    Ok(Scenario { troubles, calm: span.to, ends: span.to + recovery(nodes), ..settled(nodes)? })
}

/// The API server restarts: all watches break at once.
fn restart_at(at: Millis) -> Trouble {
    Trouble { span: Span::new(at, at + SECOND), health: Health::Refusing }
}

fn lists_stall(nodes: u32) -> anyhow::Result<Scenario> {
    let from = warm(nodes);
    let span = Span::new(from + SECOND, from + 30 * MINUTE);
    let troubles = vec![restart_at(from), Trouble { span, health: Health::ListsStall }];
    Ok(Scenario { troubles, calm: span.to, ends: span.to + recovery(nodes), ..settled(nodes)? })
}

/// LISTs of 5 MB, or as large as the declaration bears for twice this many nodes.
fn large(nodes: u32) -> u64 {
    (200_000_000_000 / u64::from(nodes.max(1))).min(5_000_000)
}

fn large_lists(nodes: u32) -> anyhow::Result<Scenario> {
    let list_bytes = large(nodes);
    let (slow, quick) =
        (turn_with(nodes * 2, CEILING, list_bytes), turn_with(nodes + nodes / 4, CEILING, list_bytes));
    let breaks = slow * 5 / 4 + quick + 10 * MINUTE;
    let ends = breaks + 3 * quick.max(30 * MINUTE) + 20 * MINUTE;
    let troubles = vec![restart_at(breaks)];
    Ok(Scenario { list_bytes, troubles, calm: breaks + SECOND, ends, ..settled(nodes)? })
}

fn large_lists_install(nodes: u32) -> anyhow::Result<Scenario> {
    let (list_bytes, small) = (large(nodes), cold_install(nodes)?);
    // The first LIST makes T longer.
    let ends = small.ends + 3 * turn_with(nodes + nodes / 4, CEILING, list_bytes);
    Ok(Scenario { list_bytes, promise: Promise::Outside, ends, ..small })
}

fn etcd_restored(nodes: u32) -> anyhow::Result<Scenario> {
    let at = warm(nodes);
    // An older list is refused once; a version from the future is found out by two missing bookmarks.
    let ends = at + 2 * recovery(nodes);
    Ok(Scenario { restored: Some(at), calm: at + SECOND, ends, ..settled(nodes)? })
}

fn suspend(nodes: u32) -> anyhow::Result<Scenario> {
    let from = warm(nodes);
    let spans = [Span::new(from, from + 57 * MINUTE), Span::new(from + 62 * MINUTE, from + 63 * MINUTE)];
    let clocks = Clocks { suspends: spans.to_vec(), ..Clocks::default() };
    // What broke in the sleep is found out two bookmarks later.
    let calm = from + 66 * MINUTE;
    Ok(Scenario { clocks, calm, ends: calm + recovery(nodes), ..settled(nodes)? })
}

fn clock_steps(nodes: u32, by: i64) -> anyhow::Result<Scenario> {
    // A step forward may cost an agent the turn that it skips.
    let from = warm(nodes) + turn(nodes * 2, CEILING);
    // In the start of all agents, and every seven minutes after an API server's restart.
    let early = (1..6).map(|step| step * 7 * MINUTE + 13_000);
    let late = (1..6).map(|step| from + step * 7 * MINUTE + 13_000);
    let steps = early.chain(late).map(|at| (at, by)).collect();
    let clocks = Clocks { steps, ..Clocks::default() };
    let calm = from + 36 * MINUTE;
    let troubles = vec![restart_at(from + MINUTE)];
    Ok(Scenario { clocks, troubles, calm, ends: calm + recovery(nodes), ..settled(nodes)? })
}

fn clock_offsets(nodes: u32) -> anyhow::Result<Scenario> {
    let clocks = Clocks { offset: MINUTE, ..Clocks::default() };
    let from = warm(nodes);
    let troubles = vec![restart_at(from)];
    Ok(Scenario { clocks, troubles, calm: from + SECOND, ends: from + recovery(nodes), ..settled(nodes)? })
}

fn pool_doubling(nodes: u32) -> anyhow::Result<Scenario> {
    let at = warm(nodes);
    let ends = at + from_nothing(nodes * 2, unknown(nodes).max(nodes * 2));
    Ok(Scenario { population: vec![(at, nodes * 2)], calm: at + SECOND, ends, ..settled(nodes)? })
}

fn drift(nodes: u32) -> anyhow::Result<Scenario> {
    let from = warm(nodes);
    let mut random = super::random::Random(nodes.into());
    let mut population: Vec<_> = (0..120)
        .map(|minute| {
            let by = u32::try_from(random.below(41)).unwrap_or(0);
            (from + minute * MINUTE, (nodes + by).saturating_sub(20).max(1))
        })
        .collect();
    let calm = from + 120 * MINUTE + SECOND;
    population.push((calm - SECOND, nodes));
    let ends = calm + from_nothing(nodes, unknown(nodes));
    Ok(Scenario { population, calm, ends, ..settled(nodes)? })
}

fn new_ceiling(nodes: u32, factor: f64, restart: bool) -> anyhow::Result<Scenario> {
    let from = warm(nodes);
    let span = Span::new(from, from + 30 * MINUTE);
    let declared = Declaration::new(CEILING * factor, BYTES, 1.0)?;
    // The steps of a higher ceiling take half an hour, and every agent has to probe in its own turn before.
    let slow = turn(nodes * 2, CEILING * factor.min(1.0));
    let breaks = span.to + 40 * MINUTE + slow;
    let calm = breaks + SECOND;
    let ends = calm + 4 * slow + recovery(nodes);
    let ceiling = Some(NewCeiling { span, declared, restart });
    Ok(Scenario { ceiling, troubles: vec![restart_at(breaks)], calm, ends, ..settled(nodes)? })
}
