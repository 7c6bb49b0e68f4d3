//! How many clients come back within a time after a server was away: client-go's and kube's default back-off. Pure.

use std::time::Duration;

/// The first wait, and the bound of every wait before its jitter; seconds. Each wait is drawn uniformly from what it is
/// to twice that, and doubles.
const FIRST: f64 = 0.8;
const MOST: f64 = 30.0;

/// A wait's mean, in terms of its shortest.
const MEAN: f64 = 1.5;

/// The part of all clients that ask within `window` after a server is back that was away for `outage`, if it left them
/// all at once.
pub(super) fn within(window: Duration, outage: Duration) -> f64 {
    returned(window.as_secs_f64(), wait_after(outage.as_secs_f64()))
}

/// The shortest that a wait can be which is under way after so many seconds without an answer.
fn wait_after(outage: f64) -> f64 {
    let (mut wait, mut elapsed) = (FIRST, 0.0);
    while wait < MOST {
        elapsed += MEAN * wait;
        if elapsed >= outage {
            break;
        }
        wait *= 2.0;
    }
    wait.min(MOST)
}

/// Of waits drawn uniformly from `wait` to twice that, seen at any moment, the part that is over within `seconds`: the
/// integral of the residual life's density, which is the waits' survival over their mean.
fn returned(seconds: f64, wait: f64) -> f64 {
    let whole = seconds.min(wait);
    let rest = (seconds - wait).clamp(0.0, wait);
    (whole + rest - rest * rest / (2.0 * wait)) / (MEAN * wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(outage: u64) -> f64 {
        within(Duration::from_secs(10), Duration::from_secs(outage))
    }

    #[test]
    fn after_a_short_outage_everybody_is_back_within_ten_seconds_and_after_a_long_one_a_part() {
        assert!((seconds(0) - 1.0).abs() < 1e-9);
        assert!((seconds(5) - 1.0).abs() < 1e-9);
        // Waits of 30 s to 60 s, 45 s in the mean.
        assert!((seconds(600) - 10.0 / 45.0).abs() < 1e-9, "{}", seconds(600));
    }

    #[test]
    fn everybody_is_back_after_the_longest_wait_and_never_more() {
        for wait in [0.8, 12.8, 30.0] {
            assert!((returned(2.0 * wait, wait) - 1.0).abs() < 1e-9);
            assert!((returned(9.0 * wait, wait) - 1.0).abs() < 1e-9);
            assert!(returned(wait, wait) < returned(1.5 * wait, wait));
        }
    }
}
