//! Cluster DNS as services see it: records that each node keeps for a while, and servers that need the API to be sure.
//!
//! Records are one quantity, in cohorts by the second in which they expire. What has expired is asked for again every second
//! and found with the part of the DNS servers that can answer.

use std::collections::VecDeque;

/// All records that services use.
#[derive(Debug)]
pub(super) struct Names {
    /// The part that expires in each of the coming seconds.
    cohorts: VecDeque<f64>,
    /// The part that has expired and was not found.
    expired: f64,
}

impl Names {
    /// Records that live so many seconds, of all ages.
    pub(super) fn new(ttl: u32) -> Self {
        let ttl = ttl.max(1);
        Self { cohorts: (0..ttl).map(|_| 1.0 / f64::from(ttl)).collect(), expired: 0.0 }
    }

    /// A second passes in which this part of the DNS servers answers.
    pub(super) fn second(&mut self, answering: f64) {
        let asked = self.expired + self.cohorts.pop_front().unwrap_or(0.0);
        let found = asked * answering;
        self.expired = asked - found;
        self.cohorts.push_back(found);
    }

    /// The part of the services that find each other.
    pub(super) fn reachable(&self) -> f64 {
        (1.0 - self.expired).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_answer_names_are_lost_evenly_over_the_life_of_a_record_and_come_back_with_the_first_one() {
        let mut names = Names::new(1_200);
        for _ in 0..600 {
            names.second(1.0);
        }
        assert!(names.reachable() > 0.999_999);
        for _ in 0..600 {
            names.second(0.0);
        }
        assert!((names.reachable() - 0.5).abs() < 1e-6, "{names:?}");
        for _ in 0..600 {
            names.second(0.0);
        }
        assert!(names.reachable() < 1e-6);
        names.second(1.0);
        assert!(names.reachable() > 0.999_999);
    }
}
