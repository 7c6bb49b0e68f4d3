//! Every scenario for up to a thousand nodes, and proof that the server's side would see what it is there to see.

use shared_informer::declaration::Cluster;

use super::api::Health;
use super::batch::{self, Job};
use super::catalogue::{self, SCENARIOS};
use super::engine::Engine;
use super::load::Capacity;
use super::scenario::{Crashes, Promise, Scenario};
use super::time::{MINUTE, SECOND};
use super::verdict::{self, Row};
use super::{SEED, table};
use crate::prices::Prices;

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
fn a_declaration_that_cannot_work_is_refused_by_every_agent_and_one_that_asks_breaks_the_promise() {
    let cluster = Cluster::new(None, 0, 1_000_000).unwrap();
    let refused = Scenario { cluster, unworkable: true, ..scenario("cold-install", 10) };
    let row = verdict::run("refused", refused.clone(), SEED);
    assert_eq!((row.breaches.len(), row.counted.own, row.synced), (0, 0, 0));
    assert!(row.notes.len() == 1 && row.notes[0].contains("1000000 nodes need at least"), "{:?}", row.notes);
    let unexpected = verdict::run("unexpected", Scenario { unworkable: false, ..refused }, SEED);
    assert!(unexpected.breaches[0].contains("1000000 nodes need at least"), "{:?}", unexpected.breaches);
    let asking = verdict::run("asking", Scenario { unworkable: true, ..scenario("cold-install", 10) }, SEED);
    assert!(asking.breaches[0].contains("nothing may be asked"), "{:?}", asking.breaches);
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

#[test]
fn freshness_is_what_the_shipped_indicator_says() {
    let scenario = scenario("cold-install", 30);
    let shipped = Engine::new(scenario.clone(), SEED).run_observed();
    let fresh = verdict::run("cold-install", scenario, SEED).fresh;
    assert!((0.5..0.95).contains(&shipped), "{shipped}");
    // The indicator looks every ten seconds.
    assert!((fresh.fresh - shipped).abs() < 0.01, "{fresh:?}, {shipped} by the indicator");
    assert!(fresh.live < 1.0 && (fresh.live - fresh.fresh).abs() < 0.05, "{fresh:?}");
}

#[test]
fn an_outage_costs_freshness_and_nothing_does_not() {
    let (steady, outage) = (run("steady", 30).fresh, run("outage-refused", 30).fresh);
    assert!(steady.fresh > 0.999 && steady.live > 0.999, "{steady:?}");
    assert!(outage.stale_s > 400.0 && outage.fresh < steady.fresh, "{outage:?}");
}

#[test]
fn the_servers_bill_has_every_request_at_its_price() {
    let row = run("outage-failing", 125);
    let requests: u64 = row.bill.by_kind.values().sum();
    assert_eq!(requests, row.counted.own + row.counted.reviews);
    let prices = Prices::committed().unwrap();
    let cpu = row.bill.by_kind.iter().map(|(kind, count)| {
        prices.cpu(*kind, 125 * 30).as_secs_f64() * f64::from(u32::try_from(*count).unwrap())
    });
    assert!((row.bill.cpu_s - cpu.sum::<f64>()).abs() < 1e-6, "{row:?}");
}

#[test]
fn a_fleet_that_exceeds_the_control_plane_makes_it_refuse_and_the_row_says_so() {
    // One name for all: 1,000 turns at one moment, and a server with a twentieth of what that takes in 15 s.
    let same = scenario("same-names", 1_000);
    let capacity = Some(Capacity { cores: 2, seats: 1 });
    let (small, enough) = (Scenario { capacity, ..same.clone() }, same);
    let (small, enough) = (verdict::run("small", small, SEED), verdict::run("enough", enough, SEED));
    assert!(small.bill.longest_wait_s > 5.0 * enough.bill.longest_wait_s, "{small:?} {enough:?}");
    assert!(small.sync_s.is_none() || small.sync_s > enough.sync_s, "{small:?} {enough:?}");
}
