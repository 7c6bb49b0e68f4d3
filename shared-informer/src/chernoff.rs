//! Chernoff's bound on the upper tail of a binomial distribution, as a natural logarithm.
//!
//! For X ~ Bin(n, p) and k/n > p: `P(X >= k) <= exp(-n KL(k/n || p))`, where KL is the Kullback-Leibler
//! divergence of two coins (Chernoff 1952; Hoeffding 1963, theorem 1). The bound grows with n and p and falls
//! with k, which makes everything derived from it monotone. Hoeffding's theorem also covers coins that are not
//! alike, as long as p is at least their mean: agents may disagree about the period.

/// The natural logarithm of an upper bound of `P(Bin(n, p) >= k)`; negative infinity where it cannot happen.
///
/// `p` outside `[0, 1]` is taken as the nearer end.
pub fn ln_tail(n: u32, p: f64, k: u32) -> f64 {
    let p = p.clamp(0.0, 1.0);
    if k > n {
        return f64::NEG_INFINITY;
    }
    let (trials, share) = (f64::from(n), f64::from(k) / f64::from(n.max(1)));
    if k == 0 || share <= p {
        return 0.0;
    }
    // `k ln(share / p)` is infinite for p = 0, as it should be; the second term vanishes for share = 1.
    let hits = share * (share / p).ln();
    let misses = if k == n { 0.0 } else { (1.0 - share) * ((1.0 - share) / (1.0 - p)).ln() };
    -trials * (hits + misses)
}

/// The smallest count that is passed with a probability of at most `exp(ln_epsilon)`, by the same bound.
///
/// It is what a window "holds at most" for the purposes of a plan: between the mean and n.
pub fn quantile(n: u32, p: f64, ln_epsilon: f64) -> u32 {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if ln_tail(n, p, middle.saturating_add(1)) <= ln_epsilon {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The exact tail by summing the probabilities, which shares nothing with the bound.
    pub(crate) fn exact_ln_tail(n: u32, p: f64, k: u32) -> f64 {
        if k > n {
            return f64::NEG_INFINITY;
        }
        if k == 0 || p >= 1.0 {
            return 0.0;
        }
        let mut ln_choose = 0.0;
        let mut terms = Vec::new();
        for hits in 0..=n {
            if hits > 0 {
                ln_choose += (f64::from(n - hits + 1) / f64::from(hits)).ln();
            }
            if hits >= k {
                terms.push(ln_choose + f64::from(hits) * p.ln() + f64::from(n - hits) * (-p).ln_1p());
            }
        }
        let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if largest.is_infinite() {
            return largest;
        }
        largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
    }

    #[test]
    fn the_edges_are_exact() {
        for never in [ln_tail(10, 0.5, 11), ln_tail(10, 0.0, 1)] {
            assert!(never.is_infinite() && never < 0.0);
        }
        assert!((ln_tail(10, 0.5, 10) - 10.0 * 0.5_f64.ln()).abs() < 1e-9);
        for always in [ln_tail(10, 0.5, 0), ln_tail(10, 1.0, 10), ln_tail(10, 0.5, 5), ln_tail(0, 0.5, 0)] {
            assert!(always.abs() < 1e-12);
        }
    }

    proptest! {
        #[test]
        fn the_bound_is_never_below_the_exact_tail(n in 1_u32..2_000, p in 0.0_f64..1.0, k in 0_u32..2_001) {
            prop_assert!(ln_tail(n, p, k) >= exact_ln_tail(n, p, k) - 1e-6);
        }

        #[test]
        fn the_bound_is_not_idle(n in 20_u32..2_000, p in 0.001_f64..0.5, over in 2_u32..5) {
            // Within a factor of 20 sqrt(n) of the truth: a bound that always answered 1 would fail here.
            let k = (over * quantile(n, p, -1.0)).min(n);
            prop_assert!(ln_tail(n, p, k) <= exact_ln_tail(n, p, k) + (20.0 * f64::from(n).sqrt()).ln());
        }

        #[test]
        fn the_bound_grows_with_trials_and_chance_and_falls_with_the_count(
            n in 1_u32..100_000, p in 0.0_f64..0.9, k in 0_u32..100_000, more in 1_u32..1_000, likelier in 0.0_f64..0.1,
        ) {
            let base = ln_tail(n, p, k);
            let slack = 1e-9 * (1.0 + base.abs().min(1e12));
            prop_assert!(ln_tail(n + more, p, k) >= base - slack);
            prop_assert!(ln_tail(n, p + likelier, k) >= base - slack);
            prop_assert!(ln_tail(n, p, k + more) <= base + slack);
        }

        #[test]
        fn the_quantile_is_the_smallest_count_within_the_bound(n in 0_u32..5_000, p in 0.0_f64..1.0) {
            let ln_epsilon = 1e-9_f64.ln();
            let most = quantile(n, p, ln_epsilon);
            prop_assert!(ln_tail(n, p, most + 1) <= ln_epsilon);
            prop_assert!(most == 0 || ln_tail(n, p, most) > ln_epsilon);
        }
    }
}
