//! Fleets of agents in virtual time: hours of a hundred thousand informers in one process.
//!
//! The agents are the shipped [`shared_informer::informer::Informer`], driven through the entry points of `tare run` and no
//! others. What is simulated is the time, the hosts' clocks and state directories, the network, the kubelets and the API
//! server. The counting is done where requests arrive and shares no code with the ledger: a request that got past it would
//! show as a difference between the two. Every run is reproducible from its seed.
//!
//! What the requests cost the server is booked beside ([`load`]). `cargo run --profile fast -p loadtests --bin fleet` prints
//! the table, `cargo certify` ([`crate::certify`]) the report.

mod api;
mod batch;
mod catalogue;
mod cli;
mod count;
mod engine;
mod fresh;
mod host;
mod kubelet;
mod load;
mod queue;
pub(crate) mod random;
mod scenario;
mod settling;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod verdict;

use std::process::ExitCode;
use std::time::Duration;

use batch::Job;
use shared_informer::derive::Derived;

use crate::prices::Kind;

/// The entry point of the binary `fleet`.
pub fn main() -> ExitCode {
    cli::main()
}

/// Where the random numbers begin unless somebody says otherwise.
pub(crate) const SEED: u64 = 0x7461_7265;

pub(crate) use load::Capacity;
pub(crate) use verdict::Row;

/// The names of all scenarios, in the order of the catalogue, with what they are about.
pub(crate) fn scenarios() -> impl Iterator<Item = (&'static str, &'static str)> {
    catalogue::SCENARIOS.iter().map(|entry| (entry.name, entry.about))
}

/// What agents derive that have asked how many nodes there are.
pub(crate) fn derived(nodes: u32) -> anyhow::Result<Derived> {
    catalogue::derived(nodes)
}

/// The distance of two renewals of an agent's watch when nothing happens.
pub(crate) fn renewal(nodes: u32) -> anyhow::Result<Duration> {
    Ok(catalogue::derived(nodes)?.renewal())
}

/// Bytes per second that an open watch of this scenario carries: changes of the node's pods, and a bookmark a minute.
pub(crate) fn carried_per_node(scenario: &str, nodes: u32) -> anyhow::Result<f64> {
    let entry = catalogue::find(scenario).ok_or_else(|| anyhow::anyhow!("no scenario named {scenario}"))?;
    Ok((entry.of)(nodes)?.carried_per_second())
}

/// What the columns of [`line()`] are.
pub(crate) fn head() -> String {
    table::head()
}

/// A row as text.
pub(crate) fn line(row: &Row) -> String {
    table::line(row)
}

/// Runs each of these scenarios for as many nodes as stand beside it, and shows each row as soon as it and those before it
/// are there. `rogue`: in each of them one agent sends one request that no permit covers.
pub(crate) fn rows(
    pairs: &[(&str, u32)],
    seed: u64,
    rogue: bool,
    show: impl FnMut(&Row),
) -> anyhow::Result<Vec<Row>> {
    let jobs = pairs.iter().map(|(name, nodes)| {
        let entry = catalogue::find(name).ok_or_else(|| anyhow::anyhow!("no scenario named {name}"))?;
        let job = Job::new(entry, *nodes)?;
        Ok(if rogue { job.rogue() } else { job })
    });
    Ok(batch::run(&jobs.collect::<anyhow::Result<Vec<_>>>()?, seed, show))
}

/// Runs every scenario for these numbers of nodes, and those named for as many as stand beside them: the lines of the
/// table, the report, and what broke the promise. `show` gets each line as soon as it is there.
pub(crate) fn certify(
    nodes: &[u32],
    besides: &[(&str, u32)],
    show: impl Fn(&str),
) -> anyhow::Result<(String, serde_json::Value, Vec<String>)> {
    let every = catalogue::SCENARIOS.iter().flat_map(|entry| nodes.iter().map(move |nodes| (entry, *nodes)));
    let besides =
        besides.iter().filter_map(|(name, nodes)| catalogue::find(name).map(|entry| (entry, *nodes)));
    let pairs = every.chain(besides);
    let jobs = pairs.map(|(entry, nodes)| Job::new(entry, nodes)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut text = table::head();
    show(&text);
    let rows = batch::run(&jobs, SEED, |row| {
        let line = table::line(row);
        show(&line);
        text.push('\n');
        text.push_str(&line);
    });
    let breaches = rows.iter().flat_map(|row| {
        row.breaches.iter().map(move |breach| format!("{} of {} nodes: {breach}", row.scenario, row.nodes))
    });
    let breaches = breaches.collect();
    Ok((text, table::json(&rows, SEED), breaches))
}

/// What reaches the API server in a scenario of this many nodes from the moment on that its calm begins: milliseconds
/// since then, and what is asked. Answers that fail are not told apart: it is meant for scenarios in which none does.
pub(crate) fn arrivals(name: &str, nodes: u32, seed: u64) -> anyhow::Result<Vec<(u64, Kind)>> {
    let entry = catalogue::find(name).ok_or_else(|| anyhow::anyhow!("no scenario named {name}"))?;
    let scenario = (entry.of)(nodes)?;
    let calm = scenario.calm;
    let mut engine = engine::Engine::new(scenario, seed);
    engine.run();
    let arrivals = &engine.api.arrivals;
    let (mut lists, mut watches) =
        (arrivals.lists.iter().map(|(at, _)| *at).peekable(), arrivals.watches.clone());
    watches.sort_unstable();
    let mut watches = watches.into_iter().peekable();
    let own = arrivals.own.iter().map(|at| {
        let kind = if lists.next_if_eq(at).is_some() {
            Kind::ListNode
        } else if watches.next_if_eq(at).is_some() {
            Kind::WatchNode
        } else {
            Kind::GetDaemonSet
        };
        (*at, kind)
    });
    let mut all: Vec<_> = own.chain(arrivals.reviews.iter().map(|at| (*at, Kind::TokenReview))).collect();
    all.retain(|(at, _)| *at >= calm);
    for (at, _) in &mut all {
        *at -= calm;
    }
    all.sort_unstable();
    Ok(all)
}
