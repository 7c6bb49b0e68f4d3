//! An output with short waits, run to the end of its queue beside a server.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use exporter::model::Timestamp;
use exporter::output::{Monitor, Output, Settings, Status};
use exporter::queue::{Class, Item, Queue};
use exporter::retry::{Failure, Limits};
use exporter::stats::Totals;
use tokio::time::Instant;

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
        () = output.run(async move { Instant::now() + patience }) => {}
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
        () = output.run(failed) => {}
        () = backend => panic!("the server never ends"),
    }
    report(&monitor)
}

pub(crate) fn push_all(queue: &Queue, items: Vec<Item>) {
    for item in items {
        queue.push(item);
    }
}
