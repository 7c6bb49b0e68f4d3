//! From what a server spent at two sizes of a cluster to a price, and from two price lists to where they differ. Pure.

use super::{Kind, Origin, Price, Prices};

/// What costs more than this many times as much in the larger cluster grows with it. The sizes lie ten times apart: what does
/// not walk the pods was found to cost 0.5 to 1.6 times as much, and what grows least, a node's watch with initial events, 2.9.
pub(crate) const GROWS: f64 = 2.0;

/// CPU of the server for one request, in a cluster of some size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// Pods in the cluster.
    pub(crate) pods: u32,
    /// Milliseconds.
    pub(crate) cpu_ms: f64,
}

/// The price that goes through both points, if the cost grows, or else their mean.
pub(crate) fn price(small: Point, large: Point, seats: u32) -> Price {
    let mut price = Price {
        origin: Origin::Measured,
        cpu_ms: f64::midpoint(small.cpu_ms, large.cpu_ms),
        cpu_ms_per_thousand_pods: 0.0,
        seats,
    };
    if large.pods > small.pods && large.cpu_ms > GROWS * small.cpu_ms {
        let slope = (large.cpu_ms - small.cpu_ms) / f64::from(large.pods - small.pods);
        let constant = small.cpu_ms - slope * f64::from(small.pods);
        // Noise in the smaller point must not make anything cheaper than nothing: then the line through the larger one
        // and no cluster at all is taken.
        (price.cpu_ms, price.cpu_ms_per_thousand_pods) = if constant > 0.0 {
            (constant, slope * 1e3)
        } else {
            (0.0, large.cpu_ms / f64::from(large.pods) * 1e3)
        };
    }
    price
}

/// How one kind's price differs between two lists, at one size of the cluster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Departure {
    /// The kind.
    pub(crate) kind: Kind,
    /// CPU by the first list, milliseconds.
    pub(crate) expected_ms: f64,
    /// CPU by the second, milliseconds.
    pub(crate) found_ms: f64,
    /// Whether neither is more than the allowed factor of the other.
    pub(crate) within: bool,
}

/// How many times the prices of `expected` those of `found` are on the whole, at the size at which `found` was measured:
/// the median over the kinds. It is 0 or infinite if most prices of a list are 0.
pub(crate) fn pace(expected: &Prices, found: &Prices) -> f64 {
    let mut ratios = Kind::ALL.map(|kind| {
        let [expected, found] = [expected, found].map(|prices| prices.cpu(kind, found.pods).as_secs_f64());
        found / expected
    });
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.len() / 2;
    f64::midpoint(ratios[middle - 1], ratios[middle])
}

/// Every kind's price by both lists, at the size at which `found` was measured.
pub(crate) fn departures(expected: &Prices, found: &Prices, factor: f64) -> Vec<Departure> {
    let at = |prices: &Prices, kind| prices.cpu(kind, found.pods).as_secs_f64() * 1e3;
    let compare = |kind| {
        let (expected_ms, found_ms) = (at(expected, kind), at(found, kind));
        let within = expected_ms <= factor * found_ms && found_ms <= factor * expected_ms;
        Departure { kind, expected_ms, found_ms, within }
    };
    Kind::ALL.map(compare).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(small: f64, large: f64) -> [f64; 2] {
        let price = price(Point { pods: 2_000, cpu_ms: small }, Point { pods: 20_000, cpu_ms: large }, 1);
        [price.cpu_ms, price.cpu_ms_per_thousand_pods]
    }

    #[test]
    fn a_cost_that_grows_goes_through_both_points_and_one_that_does_not_is_their_mean() {
        let [constant, slope] = fitted(4.0, 31.0);
        assert!((constant - 1.0).abs() < 1e-9 && (slope - 1.5).abs() < 1e-9, "{constant} {slope}");
        // Cheaper in the larger cluster is noise as well.
        for [constant, slope] in [fitted(1.0, 1.8), fitted(1.8, 1.0)] {
            assert!((constant - 1.4).abs() < 1e-9 && slope.abs() < 1e-9, "{constant} {slope}");
        }
    }

    #[test]
    fn no_request_costs_less_than_nothing_in_any_cluster() {
        let [constant, slope] = fitted(1.0, 100.0);
        assert!(constant >= 0.0 && (constant + 20.0 * slope - 100.0).abs() < 1e-9, "{constant} {slope}");
    }

    #[test]
    fn a_price_departs_in_either_direction_and_only_beyond_the_factor() -> anyhow::Result<()> {
        let committed = Prices::committed()?;
        let departs = |factor| {
            let found = committed.scaled(factor);
            departures(&committed, &found, 3.0).iter().filter(|one| !one.within).count()
        };
        assert_eq!([departs(0.35), departs(1.0), departs(2.9)], [0, 0, 0]);
        assert_eq!([departs(0.3), departs(3.1)], [Kind::ALL.len(); 2]);
        Ok(())
    }

    #[test]
    fn a_slower_machine_is_a_pace_and_one_dearer_kind_is_a_departure() -> anyhow::Result<()> {
        let committed = Prices::committed()?;
        let mut found = committed.scaled(2.0);
        assert!((pace(&committed, &found) - 2.0).abs() < 1e-3, "{}", pace(&committed, &found));
        if let Some(price) = found.requests.get_mut(&Kind::ListNode) {
            price.cpu_ms *= 3.5;
        }
        let pace = pace(&committed, &found);
        assert!((pace - 2.0).abs() < 1e-3, "one kind moves the pace to {pace}");
        let departures = departures(&committed.scaled(pace), &found, 3.0);
        let beyond: Vec<_> = departures.iter().filter(|one| !one.within).map(|one| one.kind).collect();
        assert_eq!(beyond, [Kind::ListNode]);
        Ok(())
    }
}
