//! The process that is killed: an output with a disk log, and requests that it is given.

use std::env;
use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use exporter::compress::Compression;
use exporter::disk;
use exporter::model::Timestamp;
use exporter::output::{Monitor, Output, Settings};
use exporter::queue::{Class, Item};
use exporter::retry::Limits;
use tokio::time::{Instant, sleep};

const VARIABLES: [&str; 5] =
    ["TARE_CRASH_FOLDER", "TARE_CRASH_CAP", "TARE_CRASH_URL", "TARE_CRASH_FIRST", "TARE_CRASH_LAST"];

/// What a child is to do.
pub(crate) struct Task {
    pub(crate) folder: String,
    /// Bytes that the log may use.
    pub(crate) cap: u64,
    pub(crate) url: String,
    /// The number of its first request.
    pub(crate) first: u64,
    /// Whether to push nothing and to end when nothing is left.
    pub(crate) last: bool,
}

impl Task {
    pub(crate) fn from_environment() -> Option<Self> {
        let [folder, cap, url, first, last] = VARIABLES.map(|name| env::var(name).ok());
        Some(Self {
            folder: folder?,
            cap: cap?.parse().ok()?,
            url: url?,
            first: first?.parse().ok()?,
            last: last? == "true",
        })
    }

    pub(crate) fn environment(&self) -> [(&'static str, String); 5] {
        let Self { folder, cap, url, first, last } = self;
        let values = [folder.clone(), cap.to_string(), url.clone(), first.to_string(), last.to_string()];
        let mut values = values.into_iter();
        VARIABLES.map(|name| (name, values.next().unwrap_or_default()))
    }

    fn settings(&self) -> Settings {
        let (initial, max) = (Duration::from_millis(1), Duration::from_millis(20));
        let log = disk::Settings::new(&self.folder);
        Settings {
            compression: Compression::None,
            retry: Limits { initial, max, ..Limits::default() },
            disk: Some(disk::Settings {
                max_bytes: self.cap,
                replay_bytes_per_second: if self.last { 1 << 30 } else { 16 << 20 },
                ..log
            }),
            ..Settings::new("child", &self.url)
        }
    }

    pub(crate) fn run(self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (queue, output) = Output::new(&self.settings()).expect("sound settings");
            let monitor = output.monitor();
            let work = async {
                if self.last {
                    emptied(&monitor).await;
                    return Instant::now() + Duration::from_secs(5);
                }
                let pushing = async {
                    let mut random = fastrand::Rng::new();
                    for number in self.first.. {
                        let body = Bytes::from(super::body(number));
                        queue.push(Item { body, points: 1, class: Class::Data, created: Timestamp(number) });
                        sleep(Duration::from_micros(random.u64(0..3_000))).await;
                    }
                };
                telling(&monitor, pushing).await;
                Instant::now()
            };
            output.run(work).await;
        });
    }
}

/// Polls `work`, and with it tells the parent each request that the log acknowledges: the output waits for one
/// answer of the log before it asks for the next, and each wakes this task.
async fn telling(monitor: &Monitor, work: impl Future<Output = ()>) {
    let mut work = pin!(work);
    let mut said = None;
    poll_fn(|context| {
        let Some(disk) = monitor.status().disk else { return work.as_mut().poll(context) };
        let now = (disk.newest, disk.trouble.is_some());
        if said != Some(now) {
            say(now.0, monitor.stats().totals().stored.requests, now.1);
        }
        said = Some(now);
        work.as_mut().poll(context)
    })
    .await;
}

/// One line: the request that the log acknowledged last, how many it has acknowledged in this life, and whether
/// the disk is in trouble.
fn say(newest: Option<Timestamp>, stored: u64, trouble: bool) {
    let newest = newest.map_or_else(|| "-".to_owned(), |Timestamp(number)| number.to_string());
    let mut out = std::io::stdout().lock();
    writeln!(out, "{newest} {stored} {trouble}").and_then(|()| out.flush()).expect("the parent listens");
}

/// Returns when the log was opened and nothing is left in it.
async fn emptied(monitor: &Monitor) {
    // Without a record to recover there is nothing to see: give the log's thread time to open the folder.
    let mut quiet = 0;
    while quiet < 200 {
        let left = monitor.status().disk.map_or(0, |disk| disk.count.requests);
        quiet = if left == 0 { quiet + 1 } else { 0 };
        sleep(Duration::from_millis(5)).await;
    }
}
