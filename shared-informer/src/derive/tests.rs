use proptest::prelude::*;

use super::*;
use crate::chernoff::tests::exact_ln_tail;
use crate::clock::Wall;
use crate::phase::{Phase, Salt};
use crate::renewal;

const MIB: u64 = 1 << 20;

fn declaration(requests: f64) -> Declaration {
    Declaration::new(requests, 16 * MIB, 1.0).unwrap()
}

fn fleet(nodes: u32, access: Access) -> Fleet {
    let kubelet = Kubelet { access, period: Duration::from_mins(1), subresources: 1 };
    Fleet { nodes, list_bytes: None, kubelet }
}

fn seconds(derived: &Derived) -> [u64; 4] {
    let kubelet = derived.kubelet_period.map_or(0, |period| period.as_secs());
    [derived.turn_period.as_secs(), derived.watch_lifetime.as_secs(), derived.probe_period.as_secs(), kubelet]
}

#[test]
fn fifty_requests_per_second_come_out_as_in_the_designs_table() {
    let of = |nodes| seconds(&derive(&declaration(50.0), &fleet(nodes, Access::Token)).unwrap());
    assert_eq!(of(10), [10, 1_800, 1_800, 60]); // 10 s, 30 min, as L, as set
    assert_eq!(of(1_000), [160, 1_800, 1_800, 201]); // 160 s, 30 min, as L, 3.4 min
    assert_eq!(of(5_000), [640, 2_000, 2_000, 1_023]); // 11 min, 33 min, as L, 17 min
    assert_eq!(of(100_000), [20_480, 40_000, 40_000, 20_546]); // 6 h, 11 h, as L, 6 h
}

#[test]
fn the_distance_of_two_renewals_is_the_one_that_watches_are_planned_with() {
    for nodes in [1, 10, 1_000, 3_200, 5_000, 6_400, 100_000] {
        let derived = derive(&declaration(50.0), &fleet(nodes, Access::Token)).unwrap();
        let phase = Phase::of("node", Salt::Turn);
        let turn = phase.at_or_after(Wall::new(Duration::from_secs(1_800_000_007)), derived.turn_period);
        let opened = turn.plus(Duration::from_millis(60));
        let next = renewal::plan(phase, derived.turn_period, opened, derived.watch_lifetime).turn;
        assert_eq!(next.since(turn), derived.renewal(), "{nodes}");
    }
    // L is 180 turns here, and the watch opens after the instant of its turn.
    let derived = derive(&declaration(50.0), &fleet(10, Access::Token)).unwrap();
    assert_eq!(derived.renewal(), Duration::from_secs(1_810));
}

#[test]
fn without_hidden_reviews_the_turns_have_the_whole_budget() {
    let of = |access| derive(&declaration(50.0), &fleet(5_000, access)).unwrap();
    let [token, x509, port, off] = [Access::Token, Access::X509, Access::ReadOnly, Access::Off].map(of);
    assert_eq!((token.turn_period, x509.turn_period), (period_of(6), period_of(6)));
    assert_eq!((port.turn_period, off.turn_period), (period_of(5), period_of(5)));
    assert!(x509.kubelet_period < token.kubelet_period);
    assert_eq!((port.kubelet_period, off.kubelet_period), (Some(Duration::from_mins(1)), None));
    assert_eq!((port.kubelet_probe_period, off.kubelet_probe_period), (None, None));
    assert!(token.kubelet_probe_period > Some(token.turn_period));
}

#[test]
fn the_shares_of_two_releases_are_two_budgets_of_half_the_size() {
    let half = Declaration::new(100.0, 32 * MIB, 0.5).unwrap();
    let fleet = fleet(5_000, Access::Token);
    assert_eq!(derive(&half, &fleet), derive(&declaration(50.0), &fleet));
}

#[test]
fn large_lists_lengthen_the_period_until_they_fit_half_of_the_ceiling() {
    let mut fleet = fleet(1_000, Access::Token);
    fleet.list_bytes = Some(2_000_000);
    let derived = derive(&declaration(50.0), &fleet).unwrap();
    assert_eq!(derived.turn_period, period_of(5)); // 1,000 x 2 MB / 320 s = 6.3 MB/s of 8.4
    fleet.list_bytes = Some(20_000_000);
    // 2,560 s would fit on average, but 60 s of it could then hold more than the 50 lists of the whole ceiling.
    assert_eq!(derive(&declaration(50.0), &fleet).unwrap().turn_period, period_of(9));
}

#[test]
fn a_declaration_that_cannot_work_is_refused_with_the_number_that_would() {
    let refused = derive(&declaration(0.5), &fleet(100_000, Access::Off)).unwrap_err();
    let DeriveError::Requests { declared, needed, .. } = refused else { panic!("{refused}") };
    assert!(declared < needed && needed < 50.0);
    assert!(
        refused.to_string().contains("0.5") && refused.to_string().contains(&needed.to_string()),
        "{refused}"
    );
    assert!(derive(&declaration(needed), &fleet(100_000, Access::Off)).is_ok());
    assert!(derive(&declaration(needed * 0.98), &fleet(100_000, Access::Off)).is_err());

    // A fleet whose turns fit, but not the reviews of one scrape a day with all subresources.
    let mut scraping = fleet(100_000, Access::Token);
    scraping.kubelet.subresources = 3;
    let refused = derive(&declaration(30.0), &scraping).unwrap_err();
    let DeriveError::Reviews { declared, needed, reviews: 4, .. } = refused else { panic!("{refused}") };
    assert!(declared < needed, "{refused}");
    assert!(
        refused.to_string().contains("30") && refused.to_string().contains(&needed.to_string()),
        "{refused}"
    );
    assert!(derive(&declaration(needed), &scraping).is_ok());

    let few = Declaration::new(50.0, 1_000, 1.0).unwrap();
    let refused = derive(&few, &fleet(1_000, Access::Off)).unwrap_err();
    let DeriveError::ListBytes { declared: 1_000, needed, .. } = refused else { panic!("{refused}") };
    assert!(
        refused.to_string().contains("1000") && refused.to_string().contains(&needed.to_string()),
        "{refused}"
    );
    assert!(derive(&Declaration::new(50.0, needed, 1.0).unwrap(), &fleet(1_000, Access::Off)).is_ok());
}

/// The exact probability that a window holds more than `limit` requests, by summing up; the rules of `derive` are
/// not used. Below 20 s an agent can have two turns in a window, whole.
fn exact_breach(nodes: u32, cost: u32, period: Duration, limit: f64) -> f64 {
    let mut most = 0;
    while f64::from(cost * (most + 1)) <= limit + 1e-9 {
        most += 1;
    }
    if period < Duration::from_secs(15) {
        return if f64::from(2 * nodes * cost) <= limit + 1e-9 { 0.0 } else { 1.0 };
    }
    exact_ln_tail(nodes, 10.0 / period.as_secs_f64(), most + 1).exp()
}

fn any_access() -> impl Strategy<Value = Access> {
    prop::sample::select(vec![Access::Token, Access::X509, Access::ReadOnly, Access::Off])
}

proptest! {
    #[test]
    fn no_derived_period_breaks_the_window_by_the_exact_binomial(
        nodes in 1_u32..4_000, requests in 1.0_f64..200.0, access in any_access(), subresources in 1_u32..4,
        configured in 15_u64..600,
    ) {
        let mut fleet = fleet(nodes, access);
        fleet.kubelet.subresources = subresources;
        fleet.kubelet.period = Duration::from_secs(configured);
        let Ok(derived) = derive(&declaration(requests), &fleet) else { return Ok(()) };
        let per_scrape = fleet.kubelet.reviews();
        let (turns, reviews) = if per_scrape == 0 { (1.0, 0.0) } else { (0.6, 0.4) };
        let mut breach = exact_breach(nodes, 2, derived.turn_period, requests * 10.0 * turns);
        if let (Some(period), true) = (derived.kubelet_period, per_scrape > 0) {
            prop_assert!(period >= fleet.kubelet.period);
            breach += exact_breach(nodes, per_scrape, period, requests * 10.0 * reviews);
        }
        prop_assert!(breach <= 1e-9, "{breach:e} with {derived:?}");
        if let Some(period) = derived.kubelet_probe_period {
            let worst = fleet.kubelet.reviews_of_failure();
            prop_assert!(exact_breach(nodes, worst, period, requests * 4.0) <= 1e-9);
        }
    }

    #[test]
    fn the_turn_period_is_not_longer_than_four_times_what_the_exact_tail_asks_for(
        nodes in 1_000_u32..4_000, requests in 5.0_f64..20.0,
    ) {
        let unbounded = Declaration::new(requests, 1 << 40, 1.0).unwrap();
        let derived = derive(&unbounded, &fleet(nodes, Access::Off)).unwrap();
        let shorter = derived.turn_period / 4;
        prop_assert!(shorter >= SHORTEST_PERIOD * 2, "nothing is compared");
        prop_assert!(exact_breach(nodes, 2, shorter, requests * 10.0) > 1e-9);
    }

    #[test]
    fn more_nodes_never_shorten_and_a_higher_ceiling_never_lengthens_a_period(
        nodes in 1_u32..200_000, more in 1_u32..100_000, requests in 1.0_f64..500.0, raise in 0.0_f64..500.0,
        access in any_access(), list_bytes in prop::option::of(1_u64..10_000_000),
    ) {
        let mut small = fleet(nodes, access);
        small.list_bytes = list_bytes;
        let large = Fleet { nodes: nodes + more, ..small };
        let all = |derived: &Derived| {
            let kubelet = [derived.kubelet_period, derived.kubelet_probe_period].map(Option::unwrap_or_default);
            [derived.turn_period, derived.watch_lifetime, kubelet[0], kubelet[1]]
        };
        let ordered = |shorter: &Derived, longer: &Derived| {
            all(shorter).iter().zip(all(longer)).all(|(one, two)| *one <= two)
        };
        let base = derive(&declaration(requests), &small);
        match (&base, derive(&declaration(requests), &large)) {
            (Ok(base), Ok(grown)) => prop_assert!(ordered(base, &grown), "{base:?} {grown:?}"),
            (Err(_), grown) => prop_assert!(grown.is_err()),
            (Ok(_), Err(_)) => {}
        }
        match (base, derive(&declaration(requests + raise), &small)) {
            (Ok(base), Ok(raised)) => prop_assert!(ordered(&raised, &base), "{base:?} {raised:?}"),
            (Ok(_), Err(error)) => prop_assert!(false, "{error}"),
            (Err(_), _) => {}
        }
    }

    #[test]
    fn the_fleets_lists_fit_half_of_the_ceiling(
        nodes in 1_u32..100_000, list_bytes in 1_u64..50_000_000, ceiling in 1_000_u64..1 << 32,
    ) {
        let fleet = Fleet { list_bytes: Some(list_bytes), ..fleet(nodes, Access::Off) };
        let declared = Declaration::new(10_000.0, ceiling, 1.0).unwrap();
        let Ok(derived) = derive(&declared, &fleet) else { return Ok(()) };
        let per_period = u128::from(nodes) * u128::from(list_bytes) * 2;
        prop_assert!(per_period <= u128::from(ceiling) * u128::from(derived.turn_period.as_secs()));
    }

    #[test]
    fn every_refusal_names_a_number_that_works(
        nodes in 1_u32..1_000_000, requests in 0.01_f64..20.0, bytes in 1_u64..1 << 24, access in any_access(),
        share in 0.05_f64..1.0,
    ) {
        let (mut requests, mut bytes) = (requests, bytes);
        // At most one round for the requests and one for the bytes.
        for _ in 0..2 {
            let declared = Declaration::new(requests, bytes, share).unwrap();
            match derive(&declared, &fleet(nodes, access)) {
                Ok(_) => return Ok(()),
                Err(DeriveError::Requests { declared, needed, .. } | DeriveError::Reviews { declared, needed, .. }) => {
                    prop_assert!(needed > declared);
                    requests = needed;
                }
                Err(DeriveError::ListBytes { declared, needed, .. }) => {
                    prop_assert!(needed > declared);
                    bytes = needed;
                }
            }
        }
        let declared = Declaration::new(requests, bytes, share).unwrap();
        prop_assert!(derive(&declared, &fleet(nodes, access)).is_ok());
    }
}
