//! The other tasks' end of a driver: what people, the kubelet's reader and the exporter of self-telemetry may say.

use tokio::sync::{mpsc, oneshot};

use crate::clock::Now;
use crate::derive::DeriveError;
use crate::index::shared::Reader;
use crate::informer::Informer;
use crate::informer::report::Report;
use crate::informer::settings::Settings;
use crate::ledger::{Refusal, Scrape, ScrapePermit};
use crate::reviews::{Answer, Subresource};

/// The driver has ended; nothing is asked of the API server any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the informer has ended")]
pub struct Gone;

/// A word to a driver, with the place for its answer.
pub(super) enum Control {
    Stop,
    Pause(bool, oneshot::Sender<()>),
    Reconfigure(Box<Settings>, oneshot::Sender<Result<(), DeriveError>>),
    Report(oneshot::Sender<Box<Report>>),
    GrantScrape(Scrape, Subresource, oneshot::Sender<(Scrape, Result<ScrapePermit, Refusal>)>),
    SettleScrape(Scrape, ScrapePermit, Answer, oneshot::Sender<Scrape>),
    ForgetReviews,
}

/// Speaks to a driver. When the last one is dropped, the driver ends.
#[derive(Clone)]
pub struct Handle {
    sender: mpsc::Sender<Control>,
    reader: Reader,
}

impl Handle {
    pub(super) const fn new(sender: mpsc::Sender<Control>, reader: Reader) -> Self {
        Self { sender, reader }
    }

    /// The pods of this node.
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Ends the driver after saving its books and its index.
    ///
    /// # Errors
    /// It has ended already.
    pub async fn stop(&self) -> Result<(), Gone> {
        self.sender.send(Control::Stop).await.map_err(|_| Gone)
    }

    /// A person says stop, or lets the agent go on. When this returns, the watch is closed and nothing is under way.
    ///
    /// # Errors
    /// The driver has ended.
    pub async fn pause(&self, paused: bool) -> Result<(), Gone> {
        self.ask(|answer| Control::Pause(paused, answer)).await
    }

    /// A new configuration.
    ///
    /// # Errors
    /// The driver has ended; or, within, the declaration cannot work and the one before stays.
    pub async fn reconfigure(&self, settings: Settings) -> Result<Result<(), DeriveError>, Gone> {
        self.ask(|answer| Control::Reconfigure(Box::new(settings), answer)).await
    }

    /// Everything that is published, as of now.
    ///
    /// # Errors
    /// The driver has ended.
    pub async fn report(&self) -> Result<Box<Report>, Gone> {
        self.ask(Control::Report).await
    }

    /// A permit for one request of a scrape, and the scrape back.
    ///
    /// # Errors
    /// The driver has ended.
    pub async fn grant_scrape(
        &self,
        scrape: Scrape,
        subresource: Subresource,
    ) -> Result<(Scrape, Result<ScrapePermit, Refusal>), Gone> {
        self.ask(|answer| Control::GrantScrape(scrape, subresource, answer)).await
    }

    /// What came of a request of a scrape; the scrape comes back.
    ///
    /// # Errors
    /// The driver has ended.
    pub async fn settle_scrape(
        &self,
        scrape: Scrape,
        permit: ScrapePermit,
        answer: Answer,
    ) -> Result<Scrape, Gone> {
        self.ask(|back| Control::SettleScrape(scrape, permit, answer, back)).await
    }

    /// The kubelet may have lost its caches of reviews.
    ///
    /// # Errors
    /// The driver has ended.
    pub async fn forget_reviews(&self) -> Result<(), Gone> {
        self.sender.send(Control::ForgetReviews).await.map_err(|_| Gone)
    }

    async fn ask<T>(&self, control: impl FnOnce(oneshot::Sender<T>) -> Control) -> Result<T, Gone> {
        let (sender, answer) = oneshot::channel();
        self.sender.send(control(sender)).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}

/// Does what was said and gives back how to answer: only once everything that follows from it is done, its books saved and
/// its connections closed. Who does not wait for the answer any more does not get one.
pub(super) fn obey(control: Control, informer: &mut Informer, now: Now) -> Box<dyn FnOnce() + Send> {
    match control {
        Control::Stop => Box::new(|| {}),
        Control::Pause(paused, answer) => {
            informer.pause(now, paused);
            reply(answer, ())
        }
        Control::Reconfigure(settings, answer) => reply(answer, informer.reconfigure(now, *settings)),
        Control::Report(answer) => reply(answer, Box::new(informer.report(now))),
        Control::GrantScrape(mut scrape, subresource, answer) => {
            let permit = informer.grant_scrape(now, &mut scrape, subresource);
            reply(answer, (scrape, permit))
        }
        Control::SettleScrape(mut scrape, permit, answered, answer) => {
            informer.settle_scrape(now, &mut scrape, permit, answered);
            reply(answer, scrape)
        }
        Control::ForgetReviews => {
            informer.forget_reviews();
            Box::new(|| {})
        }
    }
}

fn reply<T: Send + 'static>(to: oneshot::Sender<T>, with: T) -> Box<dyn FnOnce() + Send> {
    Box::new(move || drop(to.send(with)))
}
