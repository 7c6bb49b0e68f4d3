//! Fleets of agents in virtual time: no 10 s window holds more requests than were declared.
//!
//! The agents run the shipped decisions (turns, guard, ledger, size, distress, renewal, scraping); what is simulated is
//! the time, the network, the kubelets and the API server. The counting is done on the server's side from arrival times
//! and shares no code with the ledger. Every run is reproducible: the random numbers come from a fixed seed.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is a failed test; the lint knows only the test functions themselves"
)]

#[path = "windows/agent.rs"]
mod agent;
#[path = "windows/fleet.rs"]
mod fleet;
#[path = "windows/server.rs"]
mod server;

use fleet::{Fleet, Scenario, Span};
use server::Health;

/// What is declared in every scenario, requests per 10 s.
const CEILING: usize = 500;
/// The turns' part of it, where scrapes cause reviews.
const TURNS: usize = 300;
const SIZES: [u32; 5] = [1, 10, 125, 1_000, 5_000];
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// Runs the scenario for every size and checks what must always hold; what the caller wants to see besides is its own.
fn run(name: &str, scenario: impl Fn(u32) -> Scenario, check: impl Fn(u32, &Fleet)) {
    for nodes in SIZES {
        let mut fleet = Fleet::new(nodes, scenario(nodes));
        fleet.run();
        let (all, own, reviews) = fleet.server.worst_windows();
        let seen = format!("{name}, {nodes} nodes: worst 10 s {all} (own {own}, reviews {reviews})");
        assert!(all <= CEILING && own <= TURNS, "{seen}");
        // The self-report holds every request that the server saw, through crashes too.
        let (reported, reported_reviews) = fleet.reported();
        assert!(reported >= fleet.server.own(), "{seen}: {reported} reported");
        assert!(reported_reviews >= fleet.server.reviews(), "{seen}: {reported_reviews} reviews reported");
        check(nodes, &fleet);
    }
}

fn everybody_is_synced(nodes: u32, fleet: &Fleet) {
    assert_eq!(fleet.synced(), nodes as usize, "not all of {nodes} nodes have a watch");
}

#[test]
fn a_cold_start_of_all_nodes_at_once_stays_under_the_ceiling() {
    let scenario = |_| Scenario { ends: 2 * HOUR, ..Scenario::default() };
    run("cold start", scenario, |nodes, fleet| {
        everybody_is_synced(nodes, fleet);
        // Nothing crashed and nothing was cut off by the end: what the agents report is what the server counted.
        assert_eq!(fleet.reported().0, fleet.server.own());
    });
}

#[test]
fn a_simultaneous_restart_stays_under_the_ceiling() {
    let restarts = |memory| {
        move |nodes| Scenario {
            vouched_size: Some(nodes),
            crashes: vec![Span { from: 40 * MINUTE, to: 40 * MINUTE + 1, every: 1 }],
            memory,
            ends: 2 * HOUR,
            ..Scenario::default()
        }
    };
    run("restart with memory", restarts(true), everybody_is_synced);
    run("restart without memory", restarts(false), everybody_is_synced);
}

#[test]
fn crash_loops_of_every_agent_stay_under_the_ceiling() {
    let looping = |every, minutes, memory| {
        move |nodes| Scenario {
            vouched_size: Some(nodes),
            crashes: vec![Span { from: 1_000, to: minutes * MINUTE, every }],
            memory,
            ends: minutes * MINUTE,
            ..Scenario::default()
        }
    };
    run("crash loop of 1 s", looping(1_000, 2, false), |nodes, fleet| {
        assert_eq!(fleet.server.own(), 0, "{nodes} nodes: a process that lives for a second has no turn");
    });
    run("crash loop of 20 s", looping(20_000, 15, false), |_, _| {});
    run("crash loop of 20 s with memory", looping(20_000, 15, true), |_, _| {});
}

#[test]
fn clocks_that_are_off_by_a_minute_do_no_harm() {
    let scenario = |nodes| Scenario {
        vouched_size: Some(nodes),
        clock_offset: 60_000,
        ends: 2 * HOUR,
        ..Scenario::default()
    };
    run("clock offsets", scenario, everybody_is_synced);
}

#[test]
fn clock_steps_of_five_minutes_grant_nothing() {
    for by in [300_000, -300_000] {
        let scenario = |nodes| Scenario {
            vouched_size: Some(nodes),
            // In the cold start, and every seven minutes later on: all clocks at once.
            clock_steps: (1..12).map(|step| (step * 7 * MINUTE + 13_000, by)).collect(),
            ends: 3 * HOUR,
            ..Scenario::default()
        };
        run("clock steps", scenario, everybody_is_synced);
    }
}

#[test]
fn a_fleet_that_wakes_from_a_suspend_stays_under_the_ceiling() {
    let scenario = |nodes| Scenario {
        vouched_size: Some(nodes),
        suspends: vec![(3 * MINUTE, 60 * MINUTE), (65 * MINUTE, 66 * MINUTE)],
        ends: 3 * HOUR,
        ..Scenario::default()
    };
    run("suspend", scenario, everybody_is_synced);
}

#[test]
fn an_api_server_that_is_gone_for_ten_minutes_finds_no_crowd_when_it_is_back() {
    for health in [Health::Refusing, Health::Failing, Health::Stalled] {
        let scenario = |nodes| Scenario {
            vouched_size: Some(nodes),
            outage: Some((40 * MINUTE, 50 * MINUTE, health)),
            ends: 4 * HOUR,
            ..Scenario::default()
        };
        run("outage", scenario, everybody_is_synced);
    }
}

#[test]
fn the_budget_is_used_and_not_just_avoided() {
    // All watches of 5,000 nodes drop at once: with T = 640 s that is a mean of 156 requests in 10 s.
    let scenario = Scenario {
        vouched_size: Some(5_000),
        outage: Some((40 * MINUTE, 40 * MINUTE + 1_000, Health::Refusing)),
        ends: 2 * HOUR,
        ..Scenario::default()
    };
    let mut fleet = Fleet::new(5_000, scenario);
    fleet.run();
    let (_, own, _) = fleet.server.worst_windows();
    assert!((160..=TURNS).contains(&own), "{own}");
}

#[test]
fn the_counter_sees_a_fleet_whose_phases_are_not_spread() {
    // Every node has the same name, so all turns are one: the promise excludes this, and the counter must show it.
    let mut fleet =
        Fleet::new(1_000, Scenario { vouched_size: Some(1_000), same_name: true, ..Scenario::default() });
    fleet.run();
    assert!(fleet.server.worst_windows().0 >= 1_000);
}
