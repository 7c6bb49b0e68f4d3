//! An output with short waits, run to the end of its queue beside a server.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use exporter::model::Timestamp;
use exporter::output::{Monitor, Output, Protocol, Settings, Status};
use exporter::queue::{Class, DropReason, Item, Queue};
use exporter::retry::{Failure, Limits};
use exporter::stats::Totals;
use tokio::time::Instant;

use crate::server::Seen;

/// Long enough for anything that is meant to succeed on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A server at work.
pub(crate) type Serving = Pin<Box<dyn Future<Output = ()>>>;

/// Settings whose retries follow at once.
pub(crate) fn settings(url: &str) -> Settings {
    let retry = Limits {
        initial: Duration::from_millis(1),
        max: Duration::from_millis(5),
        max_asked: Duration::from_mins(5),
    };
    Settings { retry, timeout: PATIENCE, ..Settings::new("test", url) }
}

/// The same over gRPC.
pub(crate) fn grpc(url: &str) -> Settings {
    Settings { protocol: Protocol::Grpc, ..settings(url) }
}

pub(crate) fn item(body: impl Into<Bytes>, points: u64) -> Item {
    Item { body: body.into(), points, class: Class::Data, created: Timestamp(1) }
}

/// What came of a run.
pub(crate) struct Report {
    pub(crate) totals: Totals,
    pub(crate) status: Status,
}

impl Report {
    /// The last error's text.
    pub(crate) fn says(&self) -> &str {
        self.status.last_error.as_ref().map_or("", |error| &error.text)
    }
}

/// What was produced is sent or dropped for a reason, and nothing is left.
#[track_caller]
pub(crate) fn report(monitor: &Monitor) -> Report {
    let (totals, status) = (monitor.stats().totals(), monitor.status());
    let mut accounted = totals.sent;
    accounted.add(totals.dropped.total());
    assert_eq!(totals.produced, accounted, "{totals:?}");
    assert_eq!((status.queue.count.requests, status.queue.bytes), (0, 0));
    Report { totals, status }
}

/// Pushes the items, drains the output beside `backend`, which never ends, and adds up.
pub(crate) async fn deliver(
    settings: &Settings,
    items: Vec<Item>,
    patience: Duration,
    backend: impl Future<Output = ()>,
) -> Report {
    let (queue, output) = Output::new(settings).expect("sound settings");
    let monitor = output.monitor();
    push_all(&queue, items);
    tokio::select! {
        () = Box::pin(output.run(async move { Instant::now() + patience })) => {}
        () = backend => panic!("the server never ends"),
    }
    report(&monitor)
}

/// Like [`deliver`], but stops at once when an exchange has failed with this class.
pub(crate) async fn fail(
    settings: &Settings,
    items: Vec<Item>,
    failure: Failure,
    backend: impl Future<Output = ()>,
) -> Report {
    let (queue, output) = Output::new(settings).expect("sound settings");
    let monitor = output.monitor();
    push_all(&queue, items);
    let failed = async {
        while monitor.stats().totals().failures(failure) == 0 {
            tokio::task::yield_now().await;
        }
        Instant::now()
    };
    tokio::select! {
        () = Box::pin(output.run(failed)) => {}
        () = backend => panic!("the server never ends"),
    }
    report(&monitor)
}

pub(crate) fn push_all(queue: &Queue, items: Vec<Item>) {
    for item in items {
        queue.push(item);
    }
}

/// What the operating system's buffers on loopback may swallow beyond what the client reads.
const SOCKET_BUFFERS: usize = 12 << 20;

/// A backend of one protocol for one case of a table.
pub(crate) trait Backend: Sized {
    /// What it can do with a request.
    type Act;

    /// One that acts once and is sound afterwards.
    fn acting(act: Self::Act) -> impl Future<Output = Self>;

    fn seen(&self) -> Arc<Mutex<Seen>>;

    /// The settings of an output that sends to it.
    fn settings(&self) -> Settings;

    /// For ever.
    fn serve(self) -> impl Future<Output = ()>;
}

/// What must come of a request of ten points when the server acts once and is sound afterwards.
pub(crate) struct Case<B: Backend> {
    name: &'static str,
    act: B::Act,
    timeout: Duration,
    sent: u64,
    lost: Option<DropReason>,
    failure: Option<Failure>,
    unreadable: bool,
    says: &'static str,
}

/// A case in which all is delivered.
pub(crate) fn case<B: Backend>(name: &'static str, act: B::Act, says: &'static str) -> Case<B> {
    let (sent, lost, failure) = (10, None, None);
    Case { name, act, timeout: PATIENCE, sent, lost, failure, unreadable: false, says }
}

impl<B: Backend> Case<B> {
    /// Retried, then delivered.
    pub(crate) fn retried(self, failure: Failure) -> Self {
        Self { failure: Some(failure), ..self }
    }

    /// The limit is short because it has to pass.
    pub(crate) fn with_short_limit(self) -> Self {
        Self { timeout: Duration::from_millis(300), ..self }
    }

    /// Retried after the time limit, then delivered.
    pub(crate) fn times_out(self) -> Self {
        self.with_short_limit().retried(Failure::Timeout)
    }

    pub(crate) fn dropped(self, failure: Failure, reason: DropReason) -> Self {
        Self { failure: Some(failure), lost: Some(reason), sent: 0, ..self }
    }

    pub(crate) fn partly(self, sent: u64) -> Self {
        Self { sent, lost: Some(DropReason::PartialSuccess), ..self }
    }

    pub(crate) fn unreadable(self) -> Self {
        Self { unreadable: true, ..self }
    }

    pub(crate) async fn check(self) {
        let name = self.name;
        let server = B::acting(self.act).await;
        let seen = server.seen();
        let settings = Settings { timeout: self.timeout, ..server.settings() };
        let items = vec![item("first", 10), item("second", 5)];
        let got = deliver(&settings, items, PATIENCE, server.serve()).await;

        let totals = got.totals;
        assert_eq!(totals.sent.points, self.sent + 5, "{name}: {totals:?} {}", got.says());
        for reason in DropReason::ALL {
            let expected = if self.lost == Some(reason) { 10 - self.sent } else { 0 };
            assert_eq!(totals.dropped.of(reason).points, expected, "{name}: {reason:?}");
        }
        let retried = u64::from(self.failure.is_some() && self.lost.is_none());
        assert_eq!((totals.attempts, totals.retries), (2 + retried, retried), "{name}: {}", got.says());
        for failure in Failure::ALL {
            let expected = u64::from(self.failure == Some(failure));
            assert_eq!(totals.failures(failure), expected, "{name}: {failure:?}: {}", got.says());
        }
        assert_eq!(totals.unreadable_answers, u64::from(self.unreadable), "{name}");
        assert!(got.says().contains(self.says), "{name}: {:?}", got.says());
        assert!(got.says().chars().count() < 500 && !got.says().contains(char::is_control), "{name}");
        assert!(got.status.last_success.is_some(), "{name}");

        let seen = seen.lock().expect("sound");
        assert_eq!(seen.requests.last().map(|request| &request.body[..]), Some(&b"second"[..]), "{name}");
        assert!(seen.written < SOCKET_BUFFERS, "{name}: the server could write {} bytes", seen.written);
    }
}
