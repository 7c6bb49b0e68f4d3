//! The task that reads a kubelet: a slot, a permit for each request, the request, what came of it.
//!
//! It decides nothing about when: that is [`Slots`]'. It never waits for the kubelet longer than a slot, and an answer is
//! published only when all of it was read.

use std::sync::Arc;
use std::time::Duration;

use exporter::model::Timestamp;
use shared_informer::clock::Mono;
use shared_informer::clocks::Clocks;
use shared_informer::reviews::Subresource;
use shared_informer::wire::Kept;
use tokio::time::Instant;

use super::Summary;
use super::client::{Client, Exchange, Sink, Trouble};
use super::desk::{Desk, is_good};
use super::pods::Pods;
use super::settings::{Settings, Trust};
use super::slots::Slots;
use super::summary::{self, Bounds};
use crate::lifecycle::{EarlyExit, Tasks};

/// What a whole scrape may take. A slot is 5 s; what came of a request has to be settled within it.
const LIMIT: Duration = Duration::from_secs(4);
/// How long something is left out that the kubelet has denied, where there is more to ask: each denial would stop the
/// scrapes of all.
const DENIED: Duration = Duration::from_mins(30);
/// How late a scrape may be before its rung counts as down.
const GRACE: Duration = Duration::from_secs(10);

/// What a reader needs of the agent around it.
#[derive(Clone)]
pub struct Around {
    /// Where its answers and its standing go.
    pub desk: Desk,
    /// What is kept of pods.
    pub kept: Kept,
    /// The clocks.
    pub clocks: Arc<dyn Clocks>,
}

/// A reader that runs. Dropping it ends it, whatever is under way.
pub struct Reader {
    settings: Settings,
    tasks: Tasks,
}

impl Reader {
    /// Starts it; nothing is asked before the first slot. Must be called on the runtime.
    pub fn start(settings: &Settings, slots: Box<dyn Slots>, around: Around) -> Self {
        around.desk.begin(settings);
        if settings.trust == Trust::Anyone {
            tracing::warn!("the kubelet's certificate is not verified: kubelet.insecure_skip_verify is set");
        }
        let mut tasks = Tasks::default();
        tasks.own("kubelet", Reading::new(settings, slots, around).run());
        Self { settings: settings.clone(), tasks }
    }

    /// What it was started with.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Resolves if it ends early.
    pub async fn fault(&mut self) -> EarlyExit {
        self.tasks.first_exit().await
    }
}

struct Reading {
    subresources: Vec<Subresource>,
    client: Client,
    slots: Box<dyn Slots>,
    around: Around,
    /// Until when something is left out because it was denied.
    denied: Vec<(Subresource, Mono)>,
}

impl Reading {
    fn new(settings: &Settings, slots: Box<dyn Slots>, around: Around) -> Self {
        let subresources = settings.subresources.clone();
        Self { subresources, client: Client::new(settings.clone()), slots, around, denied: Vec::new() }
    }

    async fn run(mut self) {
        loop {
            self.next_slot().await;
            self.scrape().await;
        }
    }

    /// Waits for a slot. What is not heard of for two intervals is down meanwhile.
    async fn next_slot(&mut self) {
        let desk = self.around.desk.clone();
        let too_long = async {
            loop {
                let interval = desk.interval().unwrap_or(GRACE);
                tokio::time::sleep(interval * 2 + GRACE).await;
                self.subresources.iter().for_each(|subresource| desk.falls(*subresource));
            }
        };
        let dropped = tokio::select! {
            dropped = self.slots.next() => dropped,
            () = too_long => 0,
        };
        desk.record_dropped(dropped);
    }

    async fn scrape(&mut self) {
        let until = Instant::now() + LIMIT;
        if let Err(trouble) = self.client.prepare() {
            let now = self.around.clocks.now();
            if self.around.desk.record_unasked(now, &trouble) {
                tracing::warn!(error = %trouble, "the kubelet is not asked");
            }
            return;
        }
        for subresource in self.subresources.clone() {
            if self.is_left_out(subresource) || !self.slots.grant(subresource).await {
                continue;
            }
            let exchange = self.ask(subresource, until).await;
            if exchange.forgot {
                self.slots.forget().await;
            }
            self.slots.settle(exchange.answer).await;
            let is_news = self.around.desk.record(self.around.clocks.now(), subresource, &exchange);
            if let Err(trouble) = &exchange.result {
                if is_news {
                    tracing::warn!(error = %trouble, "the kubelet gave nothing");
                }
                self.leave_out(subresource, trouble);
            }
            if !is_good(exchange.answer) {
                return;
            }
        }
    }

    async fn ask(&mut self, subresource: Subresource, until: Instant) -> Exchange {
        match subresource {
            Subresource::Pods => {
                let mut pods = Pods::new(self.around.kept.clone());
                let mut exchange = self.client.get(subresource, until, &mut pods).await;
                finish(&mut exchange, || {
                    let (snapshot, refused) = pods.finish()?;
                    self.around.desk.record_refused(&refused);
                    self.around.desk.latest().publish_pods(Some(snapshot));
                    Ok(())
                });
                exchange
            }
            Subresource::Stats | Subresource::Metrics => {
                let mut summary = Reads(summary::Reader::new(Bounds::default(), Timestamp::now()));
                let mut exchange = self.client.get(subresource, until, &mut summary).await;
                finish(&mut exchange, || self.publish(summary.0));
                exchange
            }
        }
    }

    fn publish(&self, read: summary::Reader) -> Result<(), String> {
        let summary::Read { node, pods, refused } = read.finish().map_err(|error| error.to_string())?;
        let desk = &self.around.desk;
        desk.record_refused(&refused);
        let (sequence, received) = (desk.next_sequence(), Timestamp::now());
        desk.latest().publish(Summary { sequence, received, node, pods });
        Ok(())
    }

    fn is_left_out(&mut self, subresource: Subresource) -> bool {
        let now = self.around.clocks.now().mono;
        self.denied.retain(|(_, until)| now < *until);
        self.denied.iter().any(|(denied, _)| *denied == subresource)
    }

    /// What is not the first and was denied waits; the first one is what probes ask for.
    fn leave_out(&mut self, subresource: Subresource, trouble: &Trouble) {
        let is_denied = matches!(trouble, Trouble::Status { code: 403, .. });
        if is_denied && self.subresources.first() != Some(&subresource) {
            let until = self.around.clocks.now().mono.plus(DENIED);
            self.denied.push((subresource, until));
        }
    }
}

/// Makes something of an answer that is complete.
fn finish(exchange: &mut Exchange, make: impl FnOnce() -> Result<(), String>) {
    if exchange.result.is_ok() {
        exchange.result = make().map_err(Trouble::Unusable);
    }
}

/// A summary, as it arrives.
struct Reads(summary::Reader);

impl Sink for Reads {
    fn feed(&mut self, chunk: &[u8]) -> Result<(), String> {
        self.0.feed(chunk).map_err(|error| error.to_string())
    }
}
