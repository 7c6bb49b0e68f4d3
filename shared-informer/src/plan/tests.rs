use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::reviews::Access;

fn question(nodes: u32, access: Access) -> Question {
    Question {
        declaration: Declaration::new(50.0, 16 << 20, 1.0).unwrap(),
        cluster: Cluster::new(None, 0, 5_000).unwrap(),
        nodes,
        list_bytes: None,
        kubelet: Kubelet { access, period: Duration::from_mins(1), subresources: 1 },
        steps: Steps::default(),
    }
}

#[test]
fn the_json_has_the_fields_of_the_contract() {
    let plan = serde_json::to_value(Plan::new(&question(5_000, Access::Token)).unwrap()).unwrap();
    assert_eq!(plan["schema"], "tare.plan/v1");
    assert_eq!(plan["nodes"], 5_000);
    for (object, fields) in [
        ("declared", &["requests_per_second", "list_bytes_per_second", "share"][..]),
        ("derived", &["turn_period_s", "watch_lifetime_s", "probe_period_s", "kubelet_period_s"]),
        ("worst_10s", &["requests", "ceiling"]),
        ("worst_60s", &["list_bytes", "ceiling"]),
    ] {
        assert!(fields.iter().all(|field| plan[object][field].is_number()), "{object}: {plan}");
    }
    for object in [&plan["steady"]["agent"], &plan["steady"]["cluster"], &plan["ambient"], &plan["kubelets"]]
    {
        assert!(object.is_object(), "{plan}");
    }
    assert!(plan["sync_s"].is_number());
    assert!(plan["assumptions"].as_array().is_some_and(|list| list.iter().all(Value::is_string)));
}

#[test]
fn a_cluster_whose_size_is_vouched_for_has_the_periods_of_the_designs_table() {
    for (nodes, expected) in [
        (10, [10, 1_800, 1_800, 60]),
        (1_000, [160, 1_800, 1_800, 201]),
        (5_000, [640, 2_000, 2_000, 1_023]),
        (100_000, [20_480, 40_000, 40_000, 20_546]),
    ] {
        let mut question = question(nodes, Access::Token);
        question.cluster = Cluster::new(Some(nodes), 0, 5_000).unwrap();
        let plan = Plan::new(&question).unwrap();
        let DerivedSeconds { turn_period_s, watch_lifetime_s, probe_period_s, kubelet_period_s, .. } =
            plan.derived;
        let found = [turn_period_s, watch_lifetime_s, probe_period_s, kubelet_period_s.unwrap()];
        assert_eq!((plan.nodes_used, found), (nodes, expected));
        assert_eq!(plan.before_size, None, "nothing has to be asked");
    }
}

#[test]
fn too_small_an_assumption_shows_above_the_ceiling_before_anybody_knows_and_a_hint_mends_it() {
    let mut question = question(100_000, Access::Off);
    let before = Plan::new(&question).unwrap().before_size.unwrap();
    assert_eq!(before.nodes_used, 5_000);
    assert!(before.worst_10s_requests > 500, "{before:?}");
    question.cluster = Cluster::new(None, 50_000, 5_000).unwrap();
    let before = Plan::new(&question).unwrap().before_size.unwrap();
    assert_eq!(before.nodes_used, 100_000);
    assert!(before.worst_10s_requests <= 500, "{before:?}");
}

#[test]
fn one_agent_sends_one_turn_and_one_scrape_in_a_window_and_ten_times_the_nodes_ten_times_as_much() {
    let worst = Plan::new(&question(5_000, Access::Token)).unwrap().worst_10s;
    assert_eq!(worst.requests_of_one_agent, 2 + 2);
    assert!(worst.requests_if_tenfold > 5 * worst.requests, "{worst:?}");
    assert!(f64::from(worst.requests_if_tenfold) > worst.ceiling, "the promise has conditions: {worst:?}");
    // Below 15 s a window can touch two turns of an agent.
    let small = Plan::new(&question(10, Access::Off)).unwrap();
    assert_eq!((small.derived.turn_period_s, small.worst_10s.requests_of_one_agent), (10, 4));
}

#[test]
fn the_comparison_follows_from_the_measured_constants() {
    let plan = Plan::new(&question(5_000, Access::Token)).unwrap();
    let [collector, watcher, kubelet] = plan.others.as_slice() else { panic!("{:?}", plan.others) };
    assert_eq!((collector.cold_10s, collector.cold_seats), (55_000, 325_000));
    // 150,000 pods in 6,000 ReplicaSets: three watches of 2.5 ms, 1.4 us a pod, 80 us a ReplicaSet; three pipelines.
    assert!((collector.cold_server_cpu_s.unwrap() - 15_000.0 * 0.6975).abs() < 1e-6);
    assert_eq!((watcher.cold_10s, watcher.cold_seats), (10_000, 55_000));
    assert!((watcher.requests_per_second - 5_000.0 / 290.0).abs() < 1e-9);
    assert!((kubelet.hidden_reviews_per_second - 5_000.0 * (1.0 / 120.0 + 1.0 / 300.0)).abs() < 1e-9);
    for other in &plan.others {
        assert!(plan.tare.cold_10s < other.cold_10s && plan.tare.cold_seats < other.cold_seats, "{other:?}");
    }
    assert!((plan.bytes.all_nodes_once - 5_000.0 * 360_000.0).abs() < 1e-3);
    let parts = [
        plan.kubelets.lease,
        plan.kubelets.status,
        plan.kubelets.watches,
        plan.kubelets.config_maps_and_secrets,
        plan.kubelets.tokens,
    ];
    assert!((parts.iter().sum::<f64>() - plan.kubelets.per_node).abs() < 0.002, "rounded parts of one whole");
}

#[test]
fn five_thousand_nodes_cost_what_the_rules_say() {
    let plan = Plan::new(&question(5_000, Access::Token)).unwrap();
    assert_eq!(plan.nodes_used, 6_250);
    let derived = [plan.derived.turn_period_s, plan.derived.watch_lifetime_s];
    assert_eq!(derived, [1_280, 2_500]);
    // Two requests every 2,560 s (two turns), a kubelet scraped less often than its caches last.
    let own = plan.steady.agent.own_requests_per_second;
    assert!((own - 2.0 / 2_560.0).abs() < 1e-12, "{own}");
    let kubelet = f64::from(u32::try_from(plan.derived.kubelet_period_s.unwrap()).unwrap());
    assert!((plan.steady.agent.hidden_reviews_per_second - 2.0 / kubelet).abs() < 1e-12);
    assert!(plan.steady.cluster.requests_per_second < plan.kubelets.cluster / 10.0);
}

#[test]
fn a_fast_scrape_is_charged_by_the_kubelets_caches() {
    let plan = Plan::new(&question(10, Access::Token)).unwrap();
    let hidden = plan.steady.agent.hidden_reviews_per_second;
    assert!((hidden - (1.0 / 120.0 + 1.0 / 300.0)).abs() < 1e-12, "{hidden}");
}

#[test]
fn a_size_that_is_vouched_for_is_used_as_it_is_and_saves_the_first_turn() {
    let mut fixed = question(5_000, Access::Off);
    fixed.cluster = Cluster::new(Some(5_000), 0, 5_000).unwrap();
    let fixed = Plan::new(&fixed).unwrap();
    let asked = Plan::new(&question(5_000, Access::Off)).unwrap();
    assert_eq!((fixed.nodes_used, asked.nodes_used), (5_000, 6_250));
    assert!(fixed.sync_s < asked.sync_s);
}

#[test]
fn a_bill_that_cannot_be_paid_is_refused() {
    let mut poor = question(100_000, Access::Off);
    poor.declaration = Declaration::new(1.0, 16 << 20, 1.0).unwrap();
    assert!(matches!(Plan::new(&poor), Err(DeriveError::Requests { .. })));
}

proptest! {
    #[test]
    fn no_worst_window_lies_above_its_ceiling_and_no_mean_above_the_worst(
        nodes in 1_u32..200_000, requests in 1.0_f64..1_000.0, bytes in 1_u64 << 10..1 << 34,
        list_bytes in prop::option::of(1_u64..10_000_000),
        access in prop::sample::select(vec![Access::Token, Access::X509, Access::ReadOnly, Access::Off]),
    ) {
        let mut question = question(nodes, access);
        question.declaration = Declaration::new(requests, bytes, 1.0).unwrap();
        question.cluster = Cluster::new(None, nodes, 5_000).unwrap();
        question.list_bytes = list_bytes;
        let Ok(plan) = Plan::new(&question) else { return Ok(()) };
        prop_assert!(f64::from(plan.worst_10s.requests) <= plan.worst_10s.ceiling, "{:?}", plan.worst_10s);
        prop_assert!(plan.worst_60s.list_bytes <= plan.worst_60s.ceiling * (1.0 + 1e-9), "{:?}", plan.worst_60s);
        prop_assert!(plan.steady.cluster.requests_per_second * 10.0 <= f64::from(plan.worst_10s.requests).max(2.0));
        prop_assert!(plan.worst_10s.turns_after_a_stall >= plan.worst_10s.turns);
        prop_assert!(plan.worst_10s.requests_if_tenfold >= plan.worst_10s.requests);
        prop_assert!(plan.worst_10s.requests_of_one_agent <= plan.worst_10s.requests);
        // Where the assumption (here: the true number, twice over) is large enough, nothing breaks before anybody knows.
        let before = plan.before_size.unwrap();
        prop_assert!(f64::from(before.worst_10s_requests) <= plan.worst_10s.ceiling, "{before:?}");
    }
}
