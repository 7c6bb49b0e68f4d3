use std::time::Duration;

use shared_informer::plan::{Plan, Question};
use shared_informer::{activation::Steps, declaration, derive::Kubelet, reviews::Access};

use super::*;

const PLANE: ControlPlane = ControlPlane { cores: 16.0, seats: 600.0 };

fn named(name: &str) -> &'static Model {
    MODELS.iter().find(|model| model.name == name).expect("a model of that name")
}

fn committed() -> Prices {
    Prices::committed().expect("the committed prices")
}

#[test]
fn the_collector_begins_with_nine_watches_and_renews_each_in_450_seconds() {
    let model = named("collector, chart defaults");
    let start: Vec<_> = model.start().into_iter().collect();
    let expected = [
        (("create", "subjectaccessreviews"), 1),
        (("create", "tokenreviews"), 1),
        (("watch", "namespaces"), 3),
        (("watch", "pods"), 3),
        (("watch", "replicasets"), 3),
    ];
    assert_eq!(start, expected);
    let steady = model.steady(900);
    assert!((steady[&("watch", "pods")] - 900.0 * 3.0 / 450.0).abs() < 1e-9, "{steady:?}");
    assert!((steady[&("create", "tokenreviews")] - 900.0 / 140.0).abs() < 1e-9, "{steady:?}");
    assert!((steady[&("create", "subjectaccessreviews")] - 900.0 / 320.0).abs() < 1e-9, "{steady:?}");
    assert!(!steady.keys().any(|(verb, _)| *verb == "list"), "{steady:?}");
}

#[test]
fn what_walks_every_pod_costs_four_times_as_much_with_twice_the_nodes_and_what_does_not_twice() {
    let prices = committed();
    let ratio = |name: &str| {
        let cpu = |nodes| named(name).cold(nodes, 30, &prices).cpu_s;
        cpu(100_000) / cpu(50_000)
    };
    for (name, expected) in [
        ("collector, chart defaults", 4.0),
        ("a watch of every pod on each node", 4.0),
        ("a LIST of every pod every 15 s", 4.0),
        ("kube's watcher with its defaults", 2.0),
        ("a LIST of the node's pods every 15 s", 2.0),
    ] {
        assert!((ratio(name) - expected).abs() < 0.1, "{name}: {}", ratio(name));
    }
}

#[test]
fn the_number_at_which_a_control_plane_has_too_little_is_the_first_one() {
    let prices = committed();
    for model in MODELS {
        let Some(at) = model.exceeds_at(30, &prices, PLANE) else { continue };
        let exceeds = |nodes| {
            let cold = model.cold(nodes, 30, &prices);
            cold.cpu_s > 160.0 || cold.seat_seconds > 6_000.0 || model.steady_cpu(nodes, 30, &prices) > 16.0
        };
        assert!(exceeds(at) && !exceeds(at - 1), "{}: {at}", model.name);
        let twice = ControlPlane { cores: 32.0, seats: 1_200.0 };
        assert!(model.exceeds_at(30, &prices, twice).is_none_or(|larger| larger > at), "{}", model.name);
    }
}

#[test]
fn a_cluster_wide_watch_on_each_node_is_too_much_long_before_a_nodes_own() {
    let prices = committed();
    let at = |name| named(name).exceeds_at(30, &prices, PLANE).unwrap_or(MAX_NODES);
    let wide = at("a watch of every pod on each node");
    assert!(wide < 1_000, "{wide}");
    assert!(10 * wide < at("kube's watcher with its defaults"));
}

#[test]
fn a_restarted_server_is_asked_twice_by_each_watch_and_by_fewer_at_once_after_a_long_outage() {
    let prices = committed();
    let model = named("a watch of every pod on each node");
    let after = |seconds| model.restart(5_000, 30, Duration::from_secs(seconds), &prices);
    assert!((after(5).requests - 10_000.0).abs() < 1e-6, "{:?}", after(5));
    assert!((after(600).requests - 10_000.0 * 10.0 / 45.0).abs() < 1e-6, "{:?}", after(600));
    let poll = named("a LIST of every pod every 15 s").restart(300, 30, Duration::from_mins(10), &prices);
    assert!((poll.requests - 200.0).abs() < 1e-9, "who polls goes on polling: {poll:?}");
}

#[test]
fn a_line_of_the_comparison_is_what_its_model_says() {
    let prices = committed();
    let peers = peers(5_000, 30, &prices, PLANE);
    assert_eq!(peers.len(), MODELS.len());
    for (peer, model) in peers.iter().zip(MODELS) {
        let cold = model.cold(5_000, 30, &prices);
        assert_eq!((peer.name, peer.origin), (model.name, model.origin));
        assert!((peer.cold_10s_requests - cold.requests).abs() < 1e-9);
        let start: u32 = model.start().values().sum();
        assert!((cold.requests - 5_000.0 * f64::from(start)).abs() < 1e-6, "{}", model.name);
        assert!((peer.steady_rps - model.steady(5_000).values().sum::<f64>()).abs() < 1e-9);
    }
}

#[test]
fn tare_plan_says_the_same_of_the_same_programs() -> anyhow::Result<()> {
    let question = Question {
        declaration: declaration::Declaration::new(50.0, 16 << 20, 1.0)?,
        cluster: declaration::Cluster::new(None, 0, 5_000)?,
        nodes: 5_000,
        list_bytes: None,
        kubelet: Kubelet { access: Access::Token, period: Duration::from_mins(1), subresources: 1 },
        steps: Steps::default(),
    };
    let plan = Plan::new(&question)?;
    let mut compared = 0;
    for other in &plan.others {
        let Some(model) = MODELS.iter().find(|model| model.name == other.name) else { continue };
        compared += 1;
        let steady: f64 = model.steady(5_000).values().sum();
        assert!((other.requests_per_second - steady).abs() < 1e-9, "{}: {steady}", model.name);
        let cold = model.cold(5_000, 30, &committed());
        let cpu = other.cold_server_cpu_s.unwrap_or_default() / cold.cpu_s;
        assert!((0.4..2.5).contains(&cpu), "{}: CPU, the plan's by the model's: {cpu}", model.name);
        // Whole numbers, whatever their type.
        assert_eq!(
            format!("{:.0} {:.0}", cold.requests, cold.seats),
            format!("{} {}", other.cold_10s, other.cold_seats)
        );
    }
    assert_eq!(compared, 2);
    Ok(())
}
