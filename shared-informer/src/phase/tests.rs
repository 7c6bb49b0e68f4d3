use proptest::prelude::*;

use super::*;

const T: Duration = Duration::from_secs(10);

#[test]
fn the_hash_is_the_same_in_every_version() {
    let golden: [(&str, Salt, u64); 7] = [
        ("node-1", Salt::Turn, 0x40ea_beed_bccc_cab7),
        ("node-2", Salt::Turn, 0x8077_7b91_6c3c_7996),
        ("ip-10-0-0-1.eu-central-1.compute.internal", Salt::Turn, 0x777d_8902_691b_1003),
        ("node-1", Salt::Scrape, 0xdf9c_496f_ac41_d591),
        ("node-1", Salt::Activation, 0x95a4_6115_60f3_88c4),
        ("node-1", Salt::Collect, 0xd872_478f_062b_8b7f),
        ("", Salt::Turn, 0xd9a8_9907_a3a7_f8a1),
    ];
    for (node, salt, hash) in golden {
        assert_eq!(Phase::of(node, salt).hash(), hash, "{node} {salt:?}");
    }
}

#[test]
fn similar_names_spread_evenly_over_a_period() {
    // 100 bins of 100 expected; the standard deviation is 10, so six of them are 60.
    for period in [T, T * 16, T * 2048, Duration::from_secs(210)] {
        let mut bins = [0_u32; 100];
        for index in 0..10_000 {
            let phase = Phase::of(&format!("node-{index:05}"), Salt::Turn);
            let bin = phase.offset(period).as_millis() * 100 / period.as_millis();
            bins[usize::try_from(bin).unwrap()] += 1;
        }
        assert!(bins.iter().all(|count| (40..=160).contains(count)), "{period:?}: {bins:?}");
    }
}

#[test]
fn an_instant_before_the_epoch_is_none() {
    let phase =
        (0..9).map(|i| Phase::of(&format!("n{i}"), Salt::Turn)).find(|p| !p.offset(T).is_zero()).unwrap();
    assert_eq!(phase.at_or_before(Wall::new(Duration::ZERO), T), None);
    assert_eq!(phase.at_or_after(Wall::new(Duration::ZERO), T), Wall::new(phase.offset(T)));
}

proptest! {
    #[test]
    fn the_instants_of_a_doubled_period_are_among_those_of_the_period(
        node in "[a-z0-9.-]{1,40}", at in 0_u64..4_000_000_000_000, exponent in 0_u32..14, doublings in 1_u32..6,
    ) {
        let phase = Phase::of(&node, Salt::Turn);
        let wall = Wall::new(Duration::from_millis(at));
        let period = T * 2_u32.pow(exponent);
        let of_longer = phase.at_or_after(wall, period * 2_u32.pow(doublings));
        prop_assert_eq!(phase.at_or_after(of_longer, period), of_longer);
    }

    #[test]
    fn the_next_instant_is_within_one_period_and_the_last_one_before_it(
        node in "[a-z0-9.-]{1,40}", nanos in 0_u64..u64::MAX / 2, seconds in 1_u64..200_000,
    ) {
        let (phase, wall) = (Phase::of(&node, Salt::Scrape), Wall::new(Duration::from_nanos(nanos)));
        let period = Duration::from_secs(seconds);
        let after = phase.at_or_after(wall, period);
        prop_assert!(after >= wall && after.since(wall) < period);
        if let Some(before) = phase.at_or_before(wall, period) {
            prop_assert!(before <= wall && wall.since(before) < period);
            prop_assert!(before == after || after.since(before) == period);
        }
    }

    #[test]
    fn the_fraction_lies_in_the_unit_interval(node in ".{0,40}") {
        let fraction = Phase::of(&node, Salt::Activation).fraction();
        prop_assert!((0.0..1.0).contains(&fraction));
    }
}
