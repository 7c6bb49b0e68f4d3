//! Fleets of agents in virtual time: hours of a hundred thousand informers in one process.
//!
//! The agents are the shipped [`shared_informer::informer::Informer`], driven through the entry points of `tare run` and no
//! others. What is simulated is the time, the hosts' clocks and state directories, the network, the kubelets and the API
//! server. The counting is done where requests arrive and shares no code with the ledger: a request that got past it would
//! show as a difference between the two. Every run is reproducible from its seed.
//!
//! `cargo run --profile fast -p loadtests --bin fleet` prints the table.

mod api;
mod batch;
mod catalogue;
mod cli;
mod count;
mod engine;
mod host;
mod kubelet;
mod queue;
mod random;
mod scenario;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod verdict;

use std::process::ExitCode;

use batch::Job;

/// The entry point of the binary `fleet`.
pub fn main() -> ExitCode {
    cli::main()
}

/// Where the random numbers begin unless somebody says otherwise.
const SEED: u64 = 0x7461_7265;

/// Runs every scenario for these numbers of nodes, and those named for as many as stand beside them: the lines of the
/// table, the report, and what broke the promise.
pub(crate) fn certify(
    nodes: &[u32],
    besides: &[(&str, u32)],
) -> anyhow::Result<(String, serde_json::Value, Vec<String>)> {
    let every = catalogue::SCENARIOS.iter().flat_map(|entry| nodes.iter().map(move |nodes| (entry, *nodes)));
    let besides =
        besides.iter().filter_map(|(name, nodes)| catalogue::find(name).map(|entry| (entry, *nodes)));
    let pairs = every.chain(besides);
    let jobs = pairs.map(|(entry, nodes)| Job::new(entry, nodes)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut text = table::head();
    let rows = batch::run(&jobs, SEED, |row| {
        text.push('\n');
        text.push_str(&table::line(row));
    });
    let breaches = rows.iter().flat_map(|row| {
        row.breaches.iter().map(move |breach| format!("{} of {} nodes: {breach}", row.scenario, row.nodes))
    });
    let breaches = breaches.collect();
    Ok((text, table::json(&rows, SEED), breaches))
}
