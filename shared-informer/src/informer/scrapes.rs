//! Scrapes of the kubelet: their slots, their permits, and the reviews that they cause.

use super::Informer;
use super::command::Command;
use crate::clock::{Mono, Now};
use crate::ledger::{Refusal, Scrape, ScrapePermit};
use crate::phase::Salt;
use crate::reviews::{Access, Answer, Subresource};
use crate::scraping::Mode;
use crate::turns::Decision;

impl Informer {
    /// Whether scrapes cause reviews: then they stop with everything else.
    const fn causes_reviews(&self) -> bool {
        matches!(self.settings.kubelet.access, Access::Token | Access::X509)
    }

    fn may_scrape(&self, now: Now) -> bool {
        let asked = self.underived.is_none() && self.distress.may_ask(now.mono) && !self.fleet_paused;
        asked || !self.causes_reviews()
    }

    pub(super) fn poll_slots(&mut self, now: Now) -> Mono {
        let Some(period) = self.derived.kubelet_period else { return Mono::new(std::time::Duration::MAX) };
        match self.slots.poll(now, period) {
            Decision::Wait { after, .. } => now.mono.plus(after),
            Decision::Start(slot) => {
                if self.scraping.mode() == Mode::Slots
                    && self.may_scrape(now)
                    && let Ok(scrape) = self.ledger.scrape(now, &slot)
                {
                    self.scrape(now, scrape, Salt::Scrape);
                }
                now.mono.plus(crate::turns::LENGTH)
            }
        }
    }

    /// In an own turn: one request to a kubelet whose scrapes were stopped.
    pub(super) fn probe_kubelet(&mut self, now: Now) {
        let Some(period) = self.derived.kubelet_probe_period else { return };
        if self.may_scrape(now)
            && self.scraping.probe_due(now.mono, period)
            && let Ok(scrape) = self.ledger.probe_kubelet(now)
        {
            self.scrape(now, scrape, Salt::Turn);
        }
    }

    fn scrape(&mut self, now: Now, mut scrape: Scrape, salt: Salt) {
        if !self.settings.dry_run {
            self.commands.push_back(Command::Scrape(scrape, salt));
            return;
        }
        let all = [Subresource::Stats, Subresource::Metrics, Subresource::Pods];
        for subresource in all.into_iter().take(self.settings.kubelet.subresources as usize) {
            if let Ok(permit) = self.grant_scrape(now, &mut scrape, subresource) {
                let answer = Answer::Status { code: 200, after: std::time::Duration::ZERO };
                self.settle_scrape(now, &mut scrape, permit, answer);
            }
        }
    }

    /// A permit for one request of a scrape.
    ///
    /// # Errors
    /// The scrape is over, was stopped by an answer, or has had this subresource.
    pub fn grant_scrape(
        &mut self,
        now: Now,
        scrape: &mut Scrape,
        subresource: Subresource,
    ) -> Result<ScrapePermit, Refusal> {
        let permit = self.ledger.grant_scrape(now, scrape, self.settings.kubelet.access, subresource)?;
        self.save_spend();
        Ok(permit)
    }

    /// What came of it: the reviews are charged, and anything but a quick 200 stops scraping in slots.
    pub fn settle_scrape(&mut self, now: Now, scrape: &mut Scrape, permit: ScrapePermit, answer: Answer) {
        self.ledger.settle_scrape(now, scrape, permit, answer);
        if self.causes_reviews() {
            self.scraping.on(now.mono, answer);
        }
        self.save_spend();
    }

    /// The kubelet may have lost its caches: its connection was lost, or the credential is a new one.
    pub fn forget_reviews(&mut self) {
        self.ledger.forget_reviews();
    }
}
