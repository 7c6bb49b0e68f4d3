//! What must hold of the model whatever the numbers are: nothing is lost, an idle server is as quick as its prices, less is never more.

use super::clients::CLUSTER_WIDE;
use super::engine::{Agents, Engine, Event, Plan};
use super::levels::Level;
use super::server::{Machine, Offer, Outcome, Server};
use super::*;
use crate::fleet::random::Random;

const MACHINE: Machine =
    Machine { servers: 1, cores: 2.0, seats: 245.0, timeout: 60.0, refusal: 1e-4, event: 5e-5 };

fn offer(owner: u32, level: Level, cpu: f64, seats: f64) -> Offer<u32> {
    Offer { owner, level, cpu, seats, bytes: 0.0, patience: f64::INFINITY }
}

/// A cluster small enough for a test, overrun as the large one is.
fn small() -> Scenario {
    let scenario = Scenario::committed().unwrap();
    let scenario = [(Knob::Nodes, 0.04), (Knob::CoresPerServer, 0.25), (Knob::SeatsPerServer, 0.25)]
        .into_iter()
        .fold(scenario, |scenario, (knob, factor)| scenario.with(knob, factor));
    scenario.with(Knob::MemoryGibPerServer, 0.012)
}

fn overrun(scenario: &Scenario, seed: u64) -> Replay {
    let plan = Plan {
        name: "overrun",
        agents: Agents::Reflectors(&CLUSTER_WIDE),
        event: Event::Rollout { rollback: false },
        before: 20.0,
        after: 331.0,
        bounded_memory: true,
    };
    Engine::new(plan, scenario, &Prices::committed().unwrap(), seed).run()
}

#[test]
fn every_parameter_and_every_origin_is_in_the_committed_scenario_and_a_missing_one_is_named() {
    let scenario = Scenario::committed().unwrap();
    assert_eq!(scenario.parameters.len(), Knob::ALL.len());
    let mut value = serde_json::to_value(&scenario).unwrap();
    value["parameters"].as_object_mut().unwrap().remove("dns_ttl_s");
    assert_eq!(Scenario::parse(&value.to_string()).unwrap_err().to_string(), "no DnsTtlS");
    value["parameters"]["dns_ttl_s"] =
        serde_json::json!({"value": 0, "unit": "s", "origin": "assumed", "note": ""});
    assert_eq!(Scenario::parse(&value.to_string()).unwrap_err().to_string(), "DnsTtlS is 0");
}

#[test]
fn an_idle_server_answers_each_kind_of_request_in_the_time_that_it_costs() {
    let prices = Prices::committed().unwrap();
    for kind in Kind::ALL {
        let cpu = prices.cpu(kind, 1_000).as_secs_f64();
        let mut server = Server::new(MACHINE);
        server.offer(offer(7, Level::WorkloadLow, cpu, f64::from(prices.of(kind).seats)));
        while server.advance(100.0) {}
        let ended = server.ended();
        assert!(
            matches!(ended[..], [(7, Outcome::Served, took)] if (took - cpu).abs() < 1e-9),
            "{kind:?}: {ended:?}"
        );
    }
}

#[test]
fn requests_beyond_the_cores_share_them_evenly() {
    let mut server = Server::new(MACHINE);
    for owner in 0..8 {
        server.offer(offer(owner, Level::System, 1.0, 1.0));
    }
    while server.advance(100.0) {}
    assert!(server.ended().iter().all(|(_, _, took)| (took - 4.0).abs() < 1e-9));
    assert!((server.busy - 8.0).abs() < 1e-9);
}

#[test]
fn one_level_that_is_full_leaves_seats_to_the_others_and_refuses_what_its_queue_cannot_hold() {
    let mut server = Server::new(MACHINE);
    for owner in 0..1_000 {
        server.offer(offer(owner, Level::WorkloadLow, 10.0, 10.0));
    }
    let (running, waiting) = server.load();
    assert_eq!(waiting, 300);
    server.offer(offer(5_000, Level::GlobalDefault, 0.001, 1.0));
    assert!((server.load().0 - running - 1.0).abs() < 1e-9, "operators have seats of their own");
    while server.advance(16.0) {}
    server.expire();
    let counts = server.counts;
    assert!(counts.refused > 900 - 300 && counts.served > 0, "{counts:?}");
}

#[test]
fn every_request_that_arrives_ends_exactly_once() {
    let mut random = Random(3);
    let mut server = Server::new(MACHINE);
    let mut ends = vec![0; 20_000];
    for owner in 0..20_000_u32 {
        let level = Level::ALL[usize::try_from(random.below(6)).unwrap()];
        let cpu = clients::uniform(&mut random) * 0.5;
        let seats = f64::from(u32::try_from(random.below(12)).unwrap());
        let patience = 1.0 + clients::uniform(&mut random) * 80.0;
        server.offer(Offer { patience, bytes: cpu * 1e6, ..offer(owner, level, cpu, seats) });
        let to = f64::from(owner) * 0.02;
        while server.advance(to) {}
        if owner % 5 == 0 {
            server.expire();
        }
        match owner % 4_000 {
            1_999 => server.crash(),
            2_100 => server.restart(),
            _ => {}
        }
        for (owner, ..) in server.ended() {
            ends[owner as usize] += 1;
        }
    }
    while server.advance(1e4) {}
    server.expire();
    server.crash();
    for (owner, ..) in server.ended() {
        ends[owner as usize] += 1;
    }
    assert!(ends.iter().all(|ends| *ends == 1));
    let counts = server.counts;
    assert_eq!(counts.arrived, counts.served + counts.refused + counts.timed_out + counts.cut);
    assert_eq!(counts.arrived + counts.unreachable, 20_000);
    assert!(
        [counts.served, counts.refused, counts.timed_out, counts.cut, counts.unreachable]
            .iter()
            .all(|n| *n > 0),
        "{counts:?}"
    );
    assert!(server.held() < 1.0, "what answers hold is given back: {}", server.held());
}

#[test]
fn a_whole_replay_loses_no_request_and_the_same_seed_gives_the_same_bytes() {
    let replay = overrun(&small(), 1);
    let counts = replay.counts;
    let ended = counts.served + counts.refused + counts.timed_out + counts.cut;
    assert_eq!(counts.arrived, ended + replay.unfinished, "{counts:?}");
    assert!(replay.crashes > 0 && counts.cut > 0, "{counts:?}");
    let bytes = |seed| {
        let replay = overrun(&small(), seed);
        format!("{:?} {:?} {}", replay.timeline, replay.commands, serde_json::to_string(&replay).unwrap())
    };
    assert!(bytes(1) == bytes(1));
    assert!(bytes(1) != bytes(2));
}

#[test]
fn half_the_cores_never_help_the_operators() {
    let scenario = small();
    for factor in [4.0, 2.0, 1.0] {
        let (all, half) =
            (scenario.with(Knob::CoresPerServer, factor), scenario.with(Knob::CoresPerServer, factor / 2.0));
        let (all, half) = (overrun(&all, 1).operators(0.0, 300.0), overrun(&half, 1).operators(0.0, 300.0));
        assert!(
            half.success <= all.success + 0.02 && half.p99_s >= all.p99_s * 0.98,
            "{factor}: {half:?} {all:?}"
        );
    }
}

#[test]
fn operators_are_locked_out_by_an_agent_that_asks_for_the_whole_cluster_and_not_by_tare() {
    let (scenario, prices) = (small(), Prices::committed().unwrap());
    let today = overrun(&scenario, 1);
    assert!(today.operators(0.0, 300.0).success < 0.7, "{:?}", today.marks);
    let tare = replay(Rollout::Tare, &scenario, &prices, 1).unwrap();
    assert!(tare.counts.served > 100_000 && tare.worst_10s > 10, "{:?}", tare.counts);
    assert_eq!((tare.agents_failed, tare.crashes, tare.marks.saturated), (0, 0, None));
    assert!(tare.operators(0.0, f64::MAX).success >= 1.0);
    // What the plot claims is judged, and would be seen if it were otherwise.
    assert_eq!(breaches(&tare), Vec::<String>::new());
    let broken = breaches(&today);
    let expected = ["feedback is missing", "the servers suffered", "operators felt"];
    assert!(
        broken.len() == 3 && broken.iter().zip(expected).all(|(one, words)| one.contains(words)),
        "{broken:?}"
    );
}
