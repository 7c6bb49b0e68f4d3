//! What is told of the kubelet's reader: its answers for the collectors, its counts for self-telemetry, its standing for
//! `tare status`. There is one desk in an agent; readers come and go with the configuration.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared_informer::clock::{Mono, Now, Wall};
use shared_informer::reviews::{Access, Answer, Subresource};
use shared_informer::scraping::{Mode, Scraping};

use super::Latest;
use super::client::{Exchange, Trouble};
use super::settings::{Settings, Trust};
use super::summary::Refused;
use crate::control::{status, time};
use crate::rungs::{Ladder, Rung};

mod counts;

pub use counts::{Counts, Outcome, name};

/// See the module's documentation. Clones are the same desk.
#[derive(Clone, Default)]
pub struct Desk {
    latest: Latest,
    ladder: Ladder,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Who reads; none where nobody does, for this reason.
    reader: Option<Reading>,
    off: Option<String>,
    counts: Counts,
    sequence: u64,
}

/// A reader at work.
struct Reading {
    settings: Settings,
    scraping: Scraping,
    /// The interval in force in slots and while only probes are sent; none until it is known.
    period: Option<Duration>,
    probe_period: Option<Duration>,
    last_success: Option<Now>,
    last_error: Option<(Wall, String)>,
}

impl Desk {
    /// A desk that says on `ladder` how the kubelet's rungs do.
    pub fn new(ladder: Ladder) -> Self {
        Self { ladder, ..Self::default() }
    }

    /// Where the agent's readers of sources say whether those hold.
    pub const fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// What was answered.
    pub const fn latest(&self) -> &Latest {
        &self.latest
    }

    /// A reader begins.
    pub fn begin(&self, settings: &Settings) {
        let reads = |subresource| settings.subresources.contains(&subresource);
        for (subresource, rung) in RUNGS {
            if reads(subresource) {
                self.ladder.set(rung, false);
            } else {
                self.ladder.unused(rung);
            }
        }
        if !reads(Subresource::Pods) {
            self.latest.publish_pods(None);
        }
        let mut state = self.state();
        state.off = None;
        state.reader = Some(Reading {
            settings: settings.clone(),
            scraping: Scraping::default(),
            period: None,
            probe_period: None,
            last_success: None,
            last_error: None,
        });
    }

    /// Nobody reads, for this reason; none where nobody wants it.
    pub fn end(&self, why: Option<String>) {
        for (_, rung) in RUNGS {
            self.ladder.unused(rung);
        }
        self.latest.publish_pods(None);
        let mut state = self.state();
        state.reader = None;
        state.off = why;
    }

    /// The intervals in force: of slots, and of probes while scraping is stopped.
    pub fn set_periods(&self, period: Option<Duration>, probe_period: Option<Duration>) {
        if let Some(reader) = &mut self.state().reader {
            (reader.period, reader.probe_period) = (period, probe_period);
        }
    }

    /// What one request came to. Answers whether that is news for the log: not the same trouble again.
    pub(super) fn record(&self, now: Now, subresource: Subresource, exchange: &Exchange) -> bool {
        let mut state = self.state();
        state.counts.add(subresource, exchange);
        let Some(reader) = &mut state.reader else { return false };
        if reader.settings.access() != Access::ReadOnly {
            reader.scraping.on(now.mono, exchange.answer);
        }
        self.stands(subresource, exchange.result.is_ok());
        match &exchange.result {
            Ok(()) => {
                reader.last_success = Some(now);
                false
            }
            Err(trouble) => reader.fails(now, trouble),
        }
    }

    /// Nothing could be asked. Answers as [`record`](Self::record).
    pub(super) fn record_unasked(&self, now: Now, trouble: &Trouble) -> bool {
        for (subresource, _) in RUNGS {
            self.falls(subresource);
        }
        let mut state = self.state();
        state.counts.unasked += 1;
        state.reader.as_mut().is_some_and(|reader| reader.fails(now, trouble))
    }

    /// Slots that found the reader busy.
    pub(super) fn record_dropped(&self, slots: u64) {
        self.state().counts.dropped += slots;
    }

    /// What was left out of an answer.
    pub(super) fn record_refused(&self, refused: &Refused) {
        let mut state = self.state();
        for (part, why, count) in refused.iter() {
            *state.counts.refused.entry((part.as_str(), why.as_str())).or_default() += u64::from(count);
        }
    }

    /// A rung that has not been heard of for too long is down.
    pub(super) fn falls(&self, subresource: Subresource) {
        for (of, rung) in RUNGS {
            if of == subresource && self.ladder.is_up(rung).is_some() {
                self.ladder.set(rung, false);
            }
        }
    }

    fn stands(&self, subresource: Subresource, up: bool) {
        for (_, rung) in RUNGS.iter().filter(|(of, _)| *of == subresource) {
            self.ladder.set(*rung, up);
        }
    }

    /// The number of the next summary.
    pub(super) fn next_sequence(&self) -> u64 {
        let mut state = self.state();
        state.sequence += 1;
        state.sequence
    }

    /// The interval in force; none while it is not known, or nobody reads.
    pub fn interval(&self) -> Option<Duration> {
        self.state().reader.as_ref()?.interval()
    }

    /// Whether the kubelet's certificate is not verified because a person said so; none where nobody reads.
    pub fn insecure(&self) -> Option<bool> {
        Some(self.state().reader.as_ref()?.settings.trust == Trust::Anyone)
    }

    /// How long ago a request was last answered in full by the reader that runs.
    pub fn last_success(&self, now: Mono) -> Option<Duration> {
        Some(now.since(self.state().reader.as_ref()?.last_success?.mono))
    }

    /// Everything that was counted since the agent began.
    pub fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    /// The kubelet's part of `tare status`; none where nobody wants it.
    pub fn status(&self) -> Option<status::Kubelet> {
        let state = self.state();
        let up = |rung| self.ladder.is_up(rung);
        let Some(reader) = &state.reader else {
            let off = state.off.as_deref()?;
            return Some(status::Kubelet {
                mode: "off".to_owned(),
                why: Some(status::line(off)),
                ..status::Kubelet::default()
            });
        };
        let trust = match &reader.settings.trust {
            Trust::Plain => "none: not encrypted".to_owned(),
            Trust::Authorities(path) => format!("authorities in {}", path.display()),
            Trust::Pinned(path) => format!("pinned to {}", path.display()),
            Trust::Anyone => "none: insecure_skip_verify".to_owned(),
        };
        Some(status::Kubelet {
            mode: match reader.scraping.mode() {
                Mode::Slots => "slots".to_owned(),
                Mode::Probe => "stopped".to_owned(),
            },
            why: None,
            address: Some(reader.settings.address.to_string()),
            access: Some(access(reader.settings.access()).to_owned()),
            trust: Some(trust),
            interval_s: reader.interval().map(|interval| interval.as_secs()),
            summary_up: up(Rung::Kubelet),
            pods_up: up(Rung::KubeletPods),
            last_success: reader.last_success.map(|now| time::text(now.wall)),
            last_error: reader
                .last_error
                .as_ref()
                .map(|(at, text)| status::Trouble { at: time::text(*at), text: status::line(text) }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// Whether that is another trouble than the last one, or the first one after a success.
    fn fails(&mut self, now: Now, trouble: &Trouble) -> bool {
        let text = trouble.to_string();
        let before = self.last_error.replace((now.wall, text.clone()));
        let since = self.last_success.map(|success| success.wall);
        before.is_none_or(|(at, before)| before != text || since.is_some_and(|success| success >= at))
    }

    fn interval(&self) -> Option<Duration> {
        match self.scraping.mode() {
            Mode::Slots => self.period,
            Mode::Probe => self.probe_period,
        }
    }
}

/// Which answer holds which rung.
const RUNGS: [(Subresource, Rung); 2] =
    [(Subresource::Stats, Rung::Kubelet), (Subresource::Pods, Rung::KubeletPods)];

const fn access(access: Access) -> &'static str {
    match access {
        Access::Token => "token",
        Access::X509 => "x509",
        Access::ReadOnly => "read_only",
        Access::Off => "off",
    }
}

/// Whether an answer is one that lets scraping go on.
pub(super) const fn is_good(answer: Answer) -> bool {
    matches!(answer, Answer::Status { code: 200, .. })
}

#[cfg(test)]
pub(crate) mod tests;
