//! When the kubelet may be scraped with a credential that causes reviews: in its slots while all is well, by one probe
//! in an own turn after anything else.
//!
//! A review that fails is never remembered by the kubelet and is tried five times, so scraping on through trouble would
//! cost the control plane most when it can bear least.

use std::time::Duration;

use crate::clock::Mono;
use crate::reviews::Answer;

/// An answer that takes longer than this is a sign of trouble.
pub const SLOW: Duration = Duration::from_secs(1);

/// How the kubelet is asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In every slot.
    Slots,
    /// By one request in an own turn, `every` of them at most that often.
    Probe,
}

/// The health of the path over the kubelet and its reviews.
#[derive(Debug, Clone, Default)]
pub struct Scraping {
    troubled: bool,
    last_probe: Option<Mono>,
}

impl Scraping {
    /// How the kubelet is asked now.
    pub const fn mode(&self) -> Mode {
        if self.troubled { Mode::Probe } else { Mode::Slots }
    }

    /// Whether the turn that starts at `now` brings a probe; it is taken as sent. `period` is the derived probe period.
    /// The first probe waits for a period as well: the trouble itself was charged.
    pub fn probe_due(&mut self, now: Mono, period: Duration) -> bool {
        let due = self.troubled && self.last_probe.is_none_or(|last| now.since(last) >= period);
        if due {
            self.last_probe = Some(now);
        }
        due
    }

    /// Takes an answer into account.
    pub fn on(&mut self, now: Mono, answer: Answer) {
        let good = matches!(answer, Answer::Status { code: 200, after } if after <= SLOW);
        if self.troubled == good {
            self.last_probe = (!good).then_some(now);
        }
        self.troubled = !good;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Duration = Duration::from_secs(160);

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    fn status(code: u16, millis: u64) -> Answer {
        Answer::Status { code, after: Duration::from_millis(millis) }
    }

    #[test]
    fn anything_but_a_quick_200_stops_scraping_until_a_probe_succeeds() {
        for trouble in [status(401, 10), status(500, 10), status(200, 1_001), Answer::None, Answer::Refused] {
            let mut scraping = Scraping::default();
            scraping.on(at(0), status(200, 1_000));
            assert_eq!(scraping.mode(), Mode::Slots);
            scraping.on(at(60), trouble);
            assert_eq!(scraping.mode(), Mode::Probe, "{trouble:?}");
            assert!(!scraping.probe_due(at(100), T));
            assert!(scraping.probe_due(at(220), T));
            assert!(!scraping.probe_due(at(220), T), "one probe for each period");
            scraping.on(at(221), trouble);
            assert!(!scraping.probe_due(at(379), T));
            assert!(scraping.probe_due(at(380), T));
            scraping.on(at(381), status(200, 10));
            assert_eq!(scraping.mode(), Mode::Slots);
            assert!(!scraping.probe_due(at(1_000), T));
        }
    }
}
