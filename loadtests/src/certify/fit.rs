//! How a figure grows with the number of nodes: ordinary least squares on logarithms, with the 95 % confidence interval of the
//! slope from Student's t. Pure.

/// `y` grows as `x` to this power.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    /// How many points there are.
    pub(super) points: usize,
    /// The slope of ln y over ln x.
    pub(super) exponent: f64,
    /// The lower end of its 95 % confidence interval.
    pub(super) low: f64,
    /// The upper end.
    pub(super) high: f64,
}

/// The fit through these points; none with fewer than three, with one that is not positive, or with one `x` only.
pub(super) fn exponent(points: &[(f64, f64)]) -> Option<Fit> {
    if points.len() < 3 || points.iter().any(|(x, y)| *x <= 0.0 || *y <= 0.0) {
        return None;
    }
    let logs: Vec<_> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = float(logs.len());
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|log| log.0), mean(|log| log.1));
    let spread: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if spread <= f64::EPSILON {
        return None;
    }
    let exponent = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
    let residual = |(x, y): &(f64, f64)| y - mean_y - exponent * (x - mean_x);
    let squares: f64 = logs.iter().map(|log| residual(log).powi(2)).sum();
    let freedom = logs.len() - 2;
    let error = (squares / float(freedom) / spread).sqrt();
    let margin = error * two_sided_95(freedom);
    Some(Fit { points: logs.len(), exponent, low: exponent - margin, high: exponent + margin })
}

/// The t that a variable of Student's distribution exceeds in neither direction with a probability of 95 %.
fn two_sided_95(freedom: usize) -> f64 {
    let (mut low, mut high) = (0.0, 1_000.0);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if within(middle, freedom) < 0.95 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// P(|T| <= t): the finite sums for whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4).
fn within(t: f64, freedom: usize) -> f64 {
    let angle = (t / float(freedom).sqrt()).atan();
    let (sin, cos) = angle.sin_cos();
    let is_odd = freedom % 2 == 1;
    let mut term = if is_odd { cos } else { 1.0 };
    let mut sum = if freedom == 1 { 0.0 } else { term };
    let mut step = if is_odd { 3 } else { 2 };
    while step < freedom {
        term *= cos * cos * float(step - 1) / float(step);
        sum += term;
        step += 2;
    }
    if is_odd { (angle + sin * sum) * std::f64::consts::FRAC_2_PI } else { sin * sum }
}

fn float(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let known = [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042)];
        for (freedom, expected) in known {
            let found = two_sided_95(freedom);
            assert!((found - expected).abs() < 6e-4, "{freedom}: {found} instead of {expected}");
        }
    }

    #[test]
    fn a_power_law_is_found_with_no_doubt_and_a_constant_has_the_exponent_zero() {
        let law: Vec<_> = [10.0, 100.0, 1e3, 1e4].map(|x: f64| (x, 7.0 * x.powf(1.5))).into();
        let fit = exponent(&law).unwrap();
        assert!((fit.exponent - 1.5).abs() < 1e-9 && fit.high - fit.low < 1e-6, "{fit:?}");
        let fit = exponent(&[(1.0, 5.0), (2.0, 5.0), (4.0, 5.0)]).unwrap();
        assert!(fit.exponent.abs() < 1e-12 && fit.high < 1e-9, "{fit:?}");
    }

    #[test]
    fn the_interval_is_that_of_a_fit_done_by_hand() {
        // ln x = 0, 1, 2, 3; ln y = 0, 1, 1, 2: slope 0.6, squares 0.2, error sqrt(0.1 / 5), t(2) = 4.303.
        let points = [(0, 0), (1, 1), (2, 1), (3, 2)].map(|(x, y)| (f64::from(x).exp(), f64::from(y).exp()));
        let fit = exponent(&points).unwrap();
        assert!((fit.exponent - 0.6).abs() < 1e-12, "{fit:?}");
        assert!((fit.high - 0.6 - 4.3027 * 0.02_f64.sqrt()).abs() < 1e-4, "{fit:?}");
    }

    #[test]
    fn too_little_to_fit_is_no_fit() {
        assert_eq!(exponent(&[(1.0, 1.0), (2.0, 2.0)]), None);
        assert_eq!(exponent(&[(1.0, 1.0), (2.0, 2.0), (3.0, 0.0)]), None);
        assert_eq!(exponent(&[(2.0, 1.0), (2.0, 2.0), (2.0, 3.0)]), None);
    }
}
