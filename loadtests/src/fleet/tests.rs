//! Every scenario for up to a thousand nodes, and proof that the server's side would see what it is there to see.

use super::api::Health;
use super::batch::{self, Job};
use super::catalogue::{self, SCENARIOS};
use super::engine::Engine;
use super::scenario::{Crashes, Promise, Scenario};
use super::time::{MINUTE, SECOND};
use super::verdict::{self, Row};
use super::{SEED, table};

fn scenario(name: &str, nodes: u32) -> Scenario {
    (catalogue::find(name).unwrap().of)(nodes).unwrap()
}

fn run(name: &str, nodes: u32) -> Row {
    verdict::run(name, scenario(name, nodes), SEED)
}

fn nothing_breaks_the_promise(nodes: &[u32]) {
    let pairs = SCENARIOS.iter().flat_map(|entry| nodes.iter().map(move |nodes| (entry, *nodes)));
    let jobs: Vec<_> = pairs.map(|(entry, nodes)| Job::new(entry, nodes).unwrap()).collect();
    let rows = batch::run(&jobs, SEED, |_| {});
    assert_eq!(rows.len(), jobs.len());
    for row in rows {
        assert!(row.breaches.is_empty(), "\n{}\n{}", table::head(), table::line(&row));
        assert!(row.counted.own > 0 && row.counted.reviews > 0, "nothing was asked: {row:?}");
        assert!(row.sync_s.is_some(), "never synced: {row:?}");
    }
}

#[test]
fn no_window_of_up_to_125_agents_holds_more_than_declared_and_the_books_equal_the_servers_count() {
    nothing_breaks_the_promise(&[1, 10, 125]);
}

#[test]
fn no_window_of_1000_agents_holds_more_than_declared_and_the_books_equal_the_servers_count() {
    nothing_breaks_the_promise(&[1_000]);
}

#[test]
fn one_request_past_the_gate_makes_the_comparison_fail() {
    let honest = scenario("restart-with-memory", 10);
    let rogue = Scenario { rogue: Some(40 * MINUTE), ..honest.clone() };
    assert_eq!(verdict::run("honest", honest, SEED).breaches, Vec::<String>::new());
    let breaches = verdict::run("rogue", rogue, SEED).breaches;
    assert!(breaches.len() == 1 && breaches[0].contains("requests were sent"), "{breaches:?}");
}

#[test]
fn a_run_is_reproducible_and_another_seed_is_another_run() {
    let of = |seed| {
        let row = verdict::run("drift", scenario("drift", 125), seed);
        serde_json::to_string(&row).unwrap()
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn a_process_that_lives_for_a_second_asks_nothing() {
    let forever = scenario("crash-loop-1s", 125);
    let crashes = forever.crashes.map(|crashes| Crashes { memory: true, ..crashes });
    for crashes in [forever.crashes, crashes] {
        let mut engine = Engine::new(Scenario { crashes, ..forever.clone() }, SEED);
        engine.run();
        let first = engine.api.arrivals.own.iter().chain(&engine.api.arrivals.reviews).min();
        assert!(first.is_some_and(|first| *first > forever.calm - SECOND), "{first:?}");
    }
}

#[test]
fn more_nodes_than_assumed_pass_the_ceiling_and_the_first_probes_end_it() {
    let row = run("assume-too-small", 1_000);
    assert!(row.worst.requests > row.ceiling, "outside the promise, and the server saw nothing: {row:?}");
    assert!(row.judged.requests <= row.ceiling && row.judged.requests > 0, "{row:?}");
    assert!(row.probed_s.is_some_and(|seconds| seconds < 900.0), "{row:?}");
}

#[test]
fn the_server_sees_a_fleet_whose_phases_are_not_spread() {
    // Every node has the same name, so all turns are one: the promise excludes this, and the count must show it.
    let same = Scenario { promise: Promise::Always, ..scenario("same-names", 1_000) };
    assert!(verdict::run("same", same.clone(), SEED).worst.own >= 1_000);
    let breaches = verdict::run("same", same, SEED).breaches;
    assert!(breaches.iter().any(|breach| breach.contains("requests in 10 s")), "{breaches:?}");
}

#[test]
fn the_budget_is_used_and_not_just_avoided() {
    // All watches of 1,000 nodes break at once: with T = 160 s or 320 s that is a mean of 60 to 125 requests in 10 s.
    let row = run("outage-refused", 1_000);
    assert!((60..=300).contains(&row.worst.own), "{row:?}");
}

#[test]
fn what_kernels_go_on_sending_for_agents_that_have_given_up_arrives_when_a_partition_heals() {
    let given_up = scenario("partition-short", 5_000);
    let mut orphans = given_up.clone();
    orphans.troubles[0].health = Health::Partition { orphans: true };
    let (given_up, orphans) =
        (verdict::run("given up", given_up, SEED), verdict::run("orphans", orphans, SEED));
    assert!(orphans.lost < given_up.lost, "nothing was in flight: {given_up:?}");
    assert!(orphans.worst.own > given_up.worst.own, "{given_up:?} {orphans:?}");
    assert!(given_up.breaches.is_empty(), "{given_up:?}");
}
