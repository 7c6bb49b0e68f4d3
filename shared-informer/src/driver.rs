//! The task that runs an [`Informer`]: it reads the clocks, executes the commands, and brings back what happened.
//!
//! It decides nothing. Invariants:
//! - commands are executed in their order, each before the next; the books are handed over to be saved before the
//!   request that follows them is sent;
//! - every request belongs to this task and is let go of with it, and so is every connection; nothing else is started;
//! - whatever the server sends, a word from a person is heard first;
//! - readers see a new state of the index after each batch of events, never half of an event.

use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;

use crate::client::{Api, Connector};
use crate::clocks::Clocks;
use crate::informer::command::{Command, Send};
use crate::informer::event::{Event, Failure, Happened, Outcome};
use crate::informer::{Informer, LOOK};
use crate::pod::Keep as _;
use crate::remembered::Header;
use crate::wire::exchange::{Context, exchange, unsent};

mod exchanges;
mod handle;
mod host;
mod link;

pub use handle::{Gone, Handle};
pub use host::Host;

use exchanges::Exchanges;
use handle::Control;
use link::Link;

/// Events that are taken before the readers, other tasks and people have their turn.
const BATCH: usize = 64;
/// Words from people and from the kubelet's reader that wait to be heard.
const CONTROLS: usize = 16;

/// An informer with everything it needs.
pub struct Driver {
    informer: Informer,
    host: Box<dyn Host>,
    clocks: Arc<dyn Clocks>,
    context: Context,
    link: Link,
    exchanges: Exchanges,
    control: mpsc::Receiver<Control>,
}

impl Driver {
    /// Brings `informer` together with the API server that `connector` leads to and with the rest of the agent. `api` is
    /// a client that was made already, as to know the cluster's identity.
    pub fn new(
        informer: Informer,
        connector: Connector,
        api: Option<Api>,
        context: Context,
        host: Box<dyn Host>,
    ) -> (Self, Handle) {
        let (sender, control) = mpsc::channel(CONTROLS);
        let handle = Handle::new(sender, informer.reader());
        let clocks = Arc::clone(&context.clocks);
        let link = Link::new(connector, api);
        let exchanges = Exchanges::default();
        (Self { informer, host, clocks, context, link, exchanges, control }, handle)
    }

    /// Runs until it is told to stop, or until nobody is left who could tell it. Then the books and the index are saved.
    /// Dropping the future instead closes everything as well, but saves nothing.
    pub async fn run(mut self) {
        self.drive().await;
        self.exchanges.clear();
        self.informer.finish();
        self.execute();
    }

    async fn drive(&mut self) {
        let clocks = Arc::clone(&self.clocks);
        loop {
            self.informer.wake(clocks.now());
            self.execute();
            self.informer.publish();
            let look = self.informer.next_wake().min(clocks.now().mono.plus(LOOK));
            tokio::select! {
                biased;
                control = self.control.recv() => match control {
                    None | Some(Control::Stop) => return,
                    Some(control) => {
                        let answer = handle::obey(control, &mut self.informer, clocks.now());
                        self.execute();
                        answer();
                    }
                },
                event = self.exchanges.next() => self.take_batch(event).await,
                () = clocks.reached(look) => {}
            }
        }
    }

    /// Takes an event and those that wait behind it.
    async fn take_batch(&mut self, first: Event) {
        self.take(first);
        for _ in 1..BATCH {
            let Some(event) = self.exchanges.next().now_or_never() else { return };
            self.take(event);
        }
        tokio::task::yield_now().await;
    }

    fn take(&mut self, event: Event) {
        if matches!(event.what, Happened::Done(Outcome::Failed(Failure::Tls))) {
            // Authorities and certificates rotate.
            self.link.renew();
        }
        self.informer.handle(self.clocks.now(), event);
        self.execute();
    }

    fn execute(&mut self) {
        while let Some(command) = self.informer.next_command() {
            match command {
                Command::SaveSpend => self.host.save_spend(&self.informer.spend()),
                Command::SaveSize => self.host.save_size(&self.informer.known_size()),
                Command::SaveIndex => self.save_index(),
                Command::Send(send) => self.send(send),
                Command::Abort(id) => self.exchanges.abort(id),
                Command::RenewCredential => self.link.renew(),
                Command::Scrape(scrape, salt) => self.host.scrape(scrape, salt),
            }
        }
        while let Some(change) = self.informer.next_change() {
            self.host.changed(change);
        }
    }

    fn send(&mut self, send: Send) {
        let id = send.id;
        match self.link.api() {
            Ok(api) => {
                let events = exchange(api.client(), send, &self.context);
                self.exchanges.add(id, events, Some(Arc::clone(api)));
            }
            Err(error) => {
                self.host.trouble(&error.to_string());
                self.exchanges.add(id, unsent(id, Failure::Credential), None);
            }
        }
    }

    /// Without a version, or without knowing the cluster, there is nothing that another life could use.
    fn save_index(&mut self) {
        let Some(cluster) = self.link.identity() else { return };
        let Some((version, known_at)) = self.informer.known_version() else { return };
        let resource_version = version.into();
        let (saved_at, kept) = (known_at.since_origin(), self.context.keep.fingerprint());
        let header = Header { cluster, resource_version, saved_at, kept };
        self.informer.publish();
        let pods = self.informer.reader().snapshot();
        self.host.save_index(&header, &pods);
    }
}
