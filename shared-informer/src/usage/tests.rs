use proptest::prelude::*;

use super::*;
use crate::derive::{Fleet, derive};

fn at_ms(millis: u64) -> Mono {
    Mono::new(Duration::from_millis(millis))
}

fn declaration() -> Declaration {
    Declaration::new(50.0, 16 << 20, 1.0).unwrap()
}

fn kubelet(access: Access) -> Kubelet {
    Kubelet { access, period: Duration::from_mins(1), subresources: 1 }
}

fn allowance(nodes: u32, access: Access) -> (Allowance, Derived) {
    let fleet = Fleet { nodes, list_bytes: None, kubelet: kubelet(access) };
    let derived = derive(&declaration(), &fleet).unwrap();
    (Allowance::of(&declaration(), nodes, &derived, &kubelet(access)), derived)
}

fn totals(requests: u64, list_bytes: u64) -> Totals {
    Totals { requests, list_bytes }
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-9), "{found} instead of {expected}");
}

#[test]
fn the_nodes_allowance_is_two_requests_a_turn_the_kubelets_reviews_and_a_fair_share_of_the_lists() {
    let (off, derived) = allowance(5_000, Access::Off);
    close(off.requests_per_second, 2.0 / derived.turn_period.as_secs_f64());
    close(off.requests_at_once, 2.0 + 10.0 / derived.turn_period.as_secs_f64());
    close(off.list_bytes_per_second, f64::from(16 << 20) / 2.0 / 5_000.0);
    let (token, derived) = allowance(5_000, Access::Token);
    let turns = 2.0 / derived.turn_period.as_secs_f64();
    let scrapes = 2.0 / derived.kubelet_period.unwrap().as_secs_f64();
    let probes = 6.0 / derived.kubelet_probe_period.unwrap().as_secs_f64();
    close(token.requests_per_second, turns + scrapes.max(probes));
    // One scrape: a TokenReview and an access review, and then five of the one and ten of the other.
    close(token.requests_at_once, 2.0 + 5.0 * turns + 2.0 + 15.0);
}

#[test]
fn the_figures_follow_their_formulas() {
    let (allowance, _) = allowance(100, Access::Off);
    let mut usage = Usage::new();
    // What was there before the first observation was no use of this life's.
    usage.observe(at_ms(0), totals(1_000, 5_000), &allowance);
    for tick in 1..=360 {
        usage.observe(at_ms(tick * 10_000), totals(1_000 + tick / 36, 5_000 + 720 * tick), &allowance);
    }
    let requests = usage.reading(Dimension::Requests, &declaration());
    let hour = 3_600.0;
    close(requests.cluster_limit, 50.0);
    close(requests.usage, 10.0 / hour);
    close(requests.node_limit, (allowance.requests_per_second * hour + allowance.requests_at_once) / hour);
    close(requests.remaining, requests.node_limit - requests.usage);
    let [five, one, six] = requests.burn;
    assert_eq!([five.span, one.span, six.span], [Span::FiveMinutes, Span::Hour, Span::SixHours]);
    close(one.node, requests.usage / requests.node_limit);
    close(one.cluster, requests.usage / 50.0);
    close(six.cluster, 10.0 / (6.0 * hour) / 50.0);
    // Observations of ten seconds leave the window as a whole: it holds 31 of them.
    close(five.node, 1.0 / (allowance.requests_per_second * 310.0 + allowance.requests_at_once));
    let bytes = usage.reading(Dimension::Bytes, &declaration());
    close(bytes.cluster_limit, f64::from(16 << 20));
    close(bytes.usage, 72.0);
    close(bytes.node_limit, allowance.list_bytes_per_second + 720.0 / hour);
    close(bytes.burn[1].cluster, 72.0 / f64::from(16 << 20));
}

#[test]
fn nothing_used_is_nothing_burnt_and_no_figure_is_a_division_by_zero() {
    for usage in [Usage::new(), Usage::default()] {
        for dimension in [Dimension::Requests, Dimension::Bytes] {
            let reading = usage.reading(dimension, &declaration());
            assert_eq!((reading.usage, reading.burn[0].node, reading.burn[2].cluster), (0.0, 0.0, 0.0));
            assert!(reading.node_limit > 0.0 && reading.remaining > 0.0);
        }
    }
}

#[test]
fn an_agent_that_sends_twice_what_it_may_burns_above_one_in_every_window_that_sees_it() {
    let (allowance, derived) = allowance(125, Access::Off);
    let period = u64::try_from(derived.turn_period.as_millis()).unwrap();
    let mut usage = Usage::new();
    let mut sent = 0;
    for tick in 0..3_600 {
        let now = tick * 10_000;
        sent = now / period * 4;
        usage.observe(at_ms(now), totals(sent, 0), &allowance);
    }
    assert!(sent > 100);
    let burn = usage.reading(Dimension::Requests, &declaration()).burn;
    assert!(burn.iter().all(|burn| burn.node > 1.0), "{burn:?}");
}

#[test]
fn the_burn_rates_of_all_nodes_add_up_to_that_of_the_cluster() {
    let (allowance, _) = allowance(10, Access::Off);
    let mut cluster = 0.0;
    for node in 1..=10_u64 {
        let mut usage = Usage::new();
        usage.observe(at_ms(0), totals(0, 0), &allowance);
        usage.observe(at_ms(10_000), totals(node, 0), &allowance);
        cluster += usage.reading(Dimension::Requests, &declaration()).burn[0].cluster;
    }
    close(cluster, 55.0 / 300.0 / 50.0);
}

proptest! {
    #[test]
    fn an_agent_that_keeps_to_its_turns_never_burns_more_than_its_limit(
        nodes in prop::sample::select(vec![1_u32, 10, 125, 1_000, 5_000, 100_000]), phase in 0_u64..1_000_000,
        turns in prop::collection::vec((0_u64..=2, 0_u64..=5_000), 1..400), gaps in prop::collection::vec(1_u64..15_000, 50),
    ) {
        let (allowance, derived) = allowance(nodes, Access::Off);
        let period = u64::try_from(derived.turn_period.as_millis()).unwrap();
        // When each turn's requests are settled: up to five seconds after its instant.
        let settled: Vec<_> = turns
            .iter()
            .zip(0_u64..)
            .map(|((requests, late), turn)| (phase % period + turn * period + late.min(&(period - 1)), *requests))
            .collect();
        let end = settled.last().unwrap().0.min(40_000_000);
        let mut usage = Usage::new();
        let mut gaps = gaps.iter().cycle();
        let mut now = 0;
        while now <= end {
            let sent = settled.iter().filter(|(at, _)| *at <= now).map(|(_, requests)| requests).sum();
            usage.observe(at_ms(now), totals(sent, 0), &allowance);
            for burn in usage.reading(Dimension::Requests, &declaration()).burn {
                prop_assert!(burn.node <= 1.0 + 1e-9, "{burn:?} at {now}");
            }
            now += gaps.next().unwrap() * (period / 10_000).min(16);
        }
    }

    #[test]
    fn lists_with_the_ledgers_pauses_never_burn_more_than_the_limit(
        lists in prop::collection::vec(1_u64..3_000_000, 1..60), waits in prop::collection::vec(0_u64..200_000, 60),
    ) {
        let (allowance, _) = allowance(500, Access::Off);
        let (mut now, mut sum) = (0_u64, 0);
        let mut usage = Usage::new();
        usage.observe(at_ms(0), totals(0, 0), &allowance);
        for (list, wait) in lists.into_iter().zip(waits) {
            sum += list;
            now += 1;
            usage.observe(at_ms(now), totals(0, sum), &allowance);
            for burn in usage.reading(Dimension::Bytes, &declaration()).burn {
                prop_assert!(burn.node <= 1.0 + 1e-9, "{burn:?}");
            }
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let pause = (list as f64 / allowance.list_bytes_per_second * 1_000.0).ceil() as u64;
            now += pause + wait;
            usage.observe(at_ms(now), totals(0, sum), &allowance);
        }
    }

    #[test]
    fn a_window_agrees_with_a_naive_log_and_its_memory_is_bounded(
        steps in prop::collection::vec((1_u64..400_000, 0_u64..5, 0_u64..100_000), 1..300),
    ) {
        let (allowance, _) = allowance(100, Access::Off);
        let mut usage = Usage::new();
        let mut log = vec![];
        let (mut now, mut sum) = (0, totals(0, 0));
        usage.observe(at_ms(0), sum, &allowance);
        for (gap, requests, list_bytes) in steps {
            now += gap;
            sum = totals(sum.requests + requests, sum.list_bytes + list_bytes);
            log.push((now, requests, list_bytes));
            usage.observe(at_ms(now), sum, &allowance);
        }
        for window in [&usage.five_minutes, &usage.hour, &usage.six_hours] {
            let length = u64::try_from(window.span().length().as_millis()).unwrap();
            let within = |span: u64| {
                let recent = log.iter().filter(|(at, ..)| now - at < span);
                recent.fold((0, 0), |sum, (_, requests, bytes)| (sum.0 + requests, sum.1 + bytes))
            };
            let (least, most, found) = (within(length), within(length + length / 30 + 1), window.sum());
            prop_assert!((least.0..=most.0).contains(&found.requests) && (least.1..=most.1).contains(&found.list_bytes));
            prop_assert!(window.slots() <= 62);
        }
    }
}
