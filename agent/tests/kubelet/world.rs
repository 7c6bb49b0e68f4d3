//! A reader as the agent runs it, with slots by hand and a kubelet.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use shared_informer::clocks::System;
use shared_informer::reviews::{Answer, Subresource};
use shared_informer::wire::Kept;
use tare::kubelet::desk::Desk;
use tare::kubelet::reader::{Around, Reader};
use tare::kubelet::settings::{Credential, Settings, Trust};
use tare::kubelet::slots::Slots;
use tokio::sync::mpsc;

use crate::certificates::Certificate;
use crate::server::Server;

/// What a wait is given; only a broken reader takes so long.
const LIMIT: Duration = Duration::from_mins(1);

/// What the reader said to its slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Granted(Subresource),
    Denied(Subresource),
    Settled(Answer),
    Forgot,
}

#[derive(Default)]
struct Log {
    said: Vec<Said>,
    deny: bool,
}

struct ByHand {
    slots: mpsc::Receiver<()>,
    idle: mpsc::Sender<()>,
    log: Arc<Mutex<Log>>,
    begun: bool,
}

#[async_trait]
impl Slots for ByHand {
    async fn next(&mut self) -> u64 {
        if std::mem::take(&mut self.begun) {
            self.idle.send(()).await.unwrap();
        }
        if self.slots.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        self.begun = true;
        0
    }

    async fn grant(&mut self, subresource: Subresource) -> bool {
        let mut log = self.log.lock().unwrap();
        let deny = log.deny;
        log.said.push(if deny { Said::Denied(subresource) } else { Said::Granted(subresource) });
        !deny
    }

    async fn settle(&mut self, answer: Answer) {
        self.log.lock().unwrap().said.push(Said::Settled(answer));
    }

    async fn forget(&mut self) {
        self.log.lock().unwrap().said.push(Said::Forgot);
    }
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) desk: Desk,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) certificate: Certificate,
    log: Arc<Mutex<Log>>,
    slots: mpsc::Sender<()>,
    idle: mpsc::Receiver<()>,
    _reader: Reader,
}

/// How a world is.
pub(crate) struct Setup {
    pub(crate) subresources: Vec<Subresource>,
    /// The name in the kubelet's certificate.
    pub(crate) name: &'static str,
    /// What is written to the files by which the client trusts; none for the kubelet's own certificate.
    pub(crate) trusted: Option<String>,
    pub(crate) trust: fn(PathBuf) -> Trust,
    /// The client's certificate, where there is no token.
    pub(crate) client: Option<Certificate>,
}

impl Default for Setup {
    fn default() -> Self {
        let subresources = vec![Subresource::Stats];
        Self { subresources, name: "127.0.0.1", trusted: None, trust: Trust::Authorities, client: None }
    }
}

impl World {
    /// One with TLS.
    pub(crate) async fn start(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = Certificate::of(setup.name);
        let server = Server::start(Some(certificate.acceptor(setup.client.as_ref()))).await;
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let trusted = write("trusted.pem", &setup.trusted.clone().unwrap_or_else(|| certificate.pem()));
        let credential = match &setup.client {
            None => Credential::Token(write("token", "first\n")),
            Some(client) => Credential::Certificate {
                certificate: write("client.pem", &client.pem()),
                key: write("client.key", &client.key_pem()),
            },
        };
        let trust = (setup.trust)(trusted);
        let settings = Settings {
            address: server.address(),
            credential,
            trust,
            subresources: setup.subresources,
            period: Duration::from_mins(1),
            node: "node-1".to_owned(),
        };
        Self::with(server, folder, certificate, &settings)
    }

    /// One without.
    pub(crate) async fn plain() -> Self {
        let server = Server::start(None).await;
        let mut world = Self::at(server.address()).await;
        world.server = server;
        world
    }

    /// One whose reader is led to another address.
    pub(crate) async fn at(address: SocketAddr) -> Self {
        let (folder, server) = (tempfile::tempdir().unwrap(), Server::start(None).await);
        let settings = Settings {
            address,
            credential: Credential::None,
            trust: Trust::Plain,
            subresources: vec![Subresource::Stats],
            period: Duration::from_mins(1),
            node: "node-1".to_owned(),
        };
        Self::with(server, folder, Certificate::of("x"), &settings)
    }

    fn with(
        server: Server,
        folder: tempfile::TempDir,
        certificate: Certificate,
        settings: &Settings,
    ) -> Self {
        let (log, desk) = (Arc::new(Mutex::new(Log::default())), Desk::default());
        let ((slots, taken), (said, idle)) = (mpsc::channel(1), mpsc::channel(1));
        let by_hand = ByHand { slots: taken, idle: said, log: Arc::clone(&log), begun: false };
        let around = Around {
            desk: desk.clone(),
            kept: Kept::new((|_: &str| true, |_: &str| false)),
            clocks: Arc::new(System::new()),
        };
        let reader = Reader::start(settings, Box::new(by_hand), around);
        Self { server, desk, folder, certificate, log, slots, idle, _reader: reader }
    }

    /// From now on no permit is given, or every one.
    pub(crate) fn deny(&self, deny: bool) {
        self.log.lock().unwrap().deny = deny;
    }

    /// One slot, to its end: what the reader said in it.
    pub(crate) async fn scrape(&mut self) -> Vec<Said> {
        self.slots.send(()).await.unwrap();
        tokio::time::timeout(LIMIT, self.idle.recv()).await.expect("the reader is stuck").unwrap();
        std::mem::take(&mut self.log.lock().unwrap().said)
    }

    /// One slot in which one request is sent: what it was settled with.
    pub(crate) async fn ask(&mut self) -> Answer {
        let said = self.scrape().await;
        let [Said::Granted(Subresource::Stats), Said::Settled(answer)] = *said else { panic!("{said:?}") };
        answer
    }

    /// The last error that a person is told.
    pub(crate) fn error(&self) -> String {
        self.desk.status().unwrap().last_error.map(|trouble| trouble.text).unwrap_or_default()
    }

    /// How the requests ended so far.
    pub(crate) fn outcomes(&self) -> Vec<(&'static str, u64)> {
        let requests = self.desk.counts().requests;
        requests.into_iter().map(|((_, outcome), count)| (outcome.as_str(), count)).collect()
    }

    /// Whether a summary was published, and which.
    pub(crate) fn sequence(&self) -> Option<u64> {
        self.desk.latest().summary().map(|summary| summary.sequence)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }
}
