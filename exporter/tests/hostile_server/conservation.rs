//! No data point is ever lost without being counted: whatever the backend and the disk do, over both protocols,
//! what was produced or recovered is sent, dropped for a reason, or still on the disk; and nothing counts as
//! sent that the backend did not acknowledge. Random faults come from a seed that a failure names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use exporter::disk;
use exporter::output::{Output, Protocol, Settings, Status};
use exporter::queue::{DropReason, Item, Limits};
use exporter::stats::{Count, Totals};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use prost::Message as _;
use tokio::time::Instant;

use crate::client::{self, PATIENCE, item, settings};
use crate::http2::{self, Then, act, data, endless, frame, goaway, head, message, ok, trailers_only};
use crate::recover::{TOO_LARGE, request, times};
use crate::server::{self, Received, answer};

/// What the backend does with one request.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// None.
    Accept,
    /// Rejects so many points.
    Partly(u64),
    /// For good.
    Refuse,
    TooLarge,
    /// Not now.
    Busy,
    /// Not for an hour.
    Throttle,
    /// The connection ends, is cut, or turns to something else.
    Close,
    Reset,
    Garbage,
    /// The answer is cut off in its middle; over HTTP its head acknowledges.
    Half,
}

impl Fault {
    fn random(random: &mut fastrand::Rng) -> Self {
        match random.u8(0..13) {
            0..4 => Self::Accept,
            4 => Self::Partly(random.u64(0..9)),
            5 => Self::Refuse,
            6 => Self::TooLarge,
            7 | 8 => Self::Busy,
            9 => Self::Close,
            10 => Self::Reset,
            11 => Self::Garbage,
            _ => Self::Half,
        }
    }

    fn over_http(self) -> server::Act {
        use server::Act;
        let plain = |line, extra| Act::Answer(answer(line, "text/plain", extra, b""));
        match self {
            Self::Accept => Act::Answer(server::ok()),
            Self::Partly(points) => {
                Act::Answer(answer("200 OK", "application/x-protobuf", "", &rejecting(points)))
            }
            Self::Refuse => plain("400 Bad Request", ""),
            Self::TooLarge => plain("413 Content Too Large", ""),
            Self::Busy => plain("503 Busy", ""),
            Self::Throttle => plain("429 Too Many Requests", "retry-after: 3600\r\n"),
            Self::Close => Act::AnswerAndClose(Vec::new()),
            Self::Reset => Act::AnswerAndReset(Vec::new()),
            Self::Garbage => Act::AnswerAndClose(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()),
            Self::Half => Act::AnswerAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\x0a".to_vec()),
        }
    }

    fn over_grpc(self) -> http2::Act {
        let status = |fields: &'static [(&str, &str)]| act(move |id| trailers_only(id, fields), Then::GoOn);
        match self {
            Self::Accept => act(ok, Then::GoOn),
            Self::Partly(points) => {
                let body = message(false, &rejecting(points));
                act(move |id| http2::answer(id, &body, &[("grpc-status", "0")]), Then::GoOn)
            }
            Self::Refuse => status(&[("grpc-status", "3")]),
            Self::TooLarge => status(&TOO_LARGE),
            Self::Busy => status(&[("grpc-status", "14")]),
            // RetryInfo of an hour.
            Self::Throttle => status(&[
                ("grpc-status", "8"),
                (
                    "grpc-status-details-bin",
                    "CAgaMQoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIFCgMIkBw",
                ),
            ]),
            Self::Close => act(|_| goaway(0, 0), Then::Close),
            Self::Reset => act(|_| Vec::new(), Then::Cut),
            Self::Garbage => endless(|_| b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(), |_| vec![0xff; 64]),
            Self::Half => {
                let half =
                    |id| [head(id), data(id, b"\0\0"), frame(http2::RST_STREAM, 0, id, &[0; 4])].concat();
                act(half, Then::GoOn)
            }
        }
    }

    /// How many points of a request are acknowledged.
    fn acknowledges(self, received: &Received, protocol: Protocol) -> u64 {
        let points = times(received).len() as u64;
        match self {
            Self::Accept => points,
            Self::Partly(rejected) => points - rejected.min(points),
            Self::Half if protocol == Protocol::HttpProtobuf => points,
            _ => 0,
        }
    }
}

fn rejecting(points: u64) -> Vec<u8> {
    let rejected_data_points = points.cast_signed();
    let partial = ExportMetricsPartialSuccess { rejected_data_points, error_message: String::new() };
    ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
}

/// One life of an output beside a backend with these faults, which is sound afterwards.
struct Life {
    settings: Settings,
    faults: Vec<Fault>,
    items: Vec<Item>,
    /// Whether it runs until nothing is left; else it is told to stop as soon as it runs.
    patient: bool,
    /// How long the items wait before it runs.
    late: Duration,
}

impl Life {
    async fn live(self, seed: &str) -> (Totals, Status) {
        let Self { mut settings, faults, items, patient, late } = self;
        let protocol = settings.protocol;
        let (seen, url, serve): (_, _, client::Serving) = if protocol == Protocol::Grpc {
            let server = http2::Server::bind(faults.iter().map(|fault| fault.over_grpc())).await;
            (server.seen(), server.url(), Box::pin(server.serve()))
        } else {
            let server = server::Server::bind(faults.iter().map(|fault| fault.over_http())).await;
            (server.seen(), server.url(), Box::pin(server.serve()))
        };
        settings.endpoint = url;
        let (queue, output) = Output::new(&settings).expect("sound settings");
        let monitor = output.monitor();
        client::push_all(&queue, items);
        tokio::time::sleep(late).await;
        let stop = async {
            while patient && monitor.status().oldest().is_some() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Instant::now() + PATIENCE
        };
        tokio::select! {
            () = Box::pin(output.run(stop)) => {}
            () = serve => panic!("the server never ends"),
        }
        let (totals, status) = (monitor.stats().totals(), monitor.status());
        let (mut left, mut right) = (totals.produced, totals.sent);
        left.add(totals.recovered);
        right.add(totals.dropped.total());
        right.add(status.disk.as_ref().map_or(Count::default(), |disk| disk.count));
        assert_eq!((left, status.queue.count), (right, Count::default()), "{seed}: {totals:?} {status:?}");
        let seen = seen.lock().expect("sound");
        let faults = faults.into_iter().chain(std::iter::repeat(Fault::Accept));
        let acknowledged: u64 =
            seen.requests.iter().zip(faults).map(|(one, fault)| fault.acknowledges(one, protocol)).sum();
        assert!(totals.sent.points <= acknowledged, "{seed}: {totals:?} {acknowledged}");
        (totals, status)
    }
}

/// A request for each of so many random numbers of points, and one that is larger than the queue.
fn items(random: &mut fastrand::Rng) -> Vec<Item> {
    let mut points: Vec<u64> = (0..random.usize(20..60)).map(|_| random.u64(1..30)).collect();
    points.push(2_000);
    points.into_iter().map(|points| item(request(points), points)).collect()
}

fn faults(random: &mut fastrand::Rng) -> Vec<Fault> {
    (0..random.usize(0..40)).map(|_| Fault::random(random)).collect()
}

fn of(protocol: Protocol) -> Settings {
    let queue = Limits { max_bytes: 40_000, reserved_bytes: 1_000, ..Limits::default() };
    Settings { protocol, queue, ..settings("http://replaced") }
}

/// The reasons under which something was lost.
fn reasons(totals: &Totals) -> BTreeSet<DropReason> {
    DropReason::ALL.into_iter().filter(|reason| totals.dropped.of(*reason) != Count::default()).collect()
}

const BOTH: [Protocol; 2] = [Protocol::HttpProtobuf, Protocol::Grpc];
const SEEDS: u64 = 12;

#[tokio::test]
async fn in_memory_every_point_is_sent_or_counted_under_the_reason_of_its_exit() {
    let mut found = BTreeSet::new();
    for (seed, protocol) in (0..SEEDS).flat_map(|seed| BOTH.map(|protocol| (seed, protocol))) {
        let random = &mut fastrand::Rng::with_seed(seed);
        let (items, mut faults) = (items(random), faults(random));
        let mut settings = of(protocol);
        let mut late = Duration::ZERO;
        match seed % 4 {
            // Too little room for half of it.
            0 => settings.queue.max_bytes = 6_000,
            // All is too old before anything is sent.
            1 => (settings.queue.max_age, late) = (Duration::from_millis(1), Duration::from_millis(5)),
            // The backend wants to be left alone beyond the end.
            2 => faults.push(Fault::Throttle),
            _ => faults.extend([Fault::Refuse, Fault::Partly(1), Fault::TooLarge]),
        }
        let life = Life { settings, faults, items, patient: seed % 4 == 3, late };
        let (totals, _) = life.live(&format!("seed {seed} {protocol:?}")).await;
        found.extend(reasons(&totals));
    }
    let all: BTreeSet<_> = DropReason::ALL.into_iter().filter(|reason| *reason != DropReason::Disk).collect();
    assert_eq!(found, all, "every exit was taken");
}

/// Changes one bit of the first body in each segment. (Where a header rots while nobody runs, it is not known how
/// many points it stood for: the place is counted as damaged, which the crash oracle looks at.)
fn rot(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            let mut bytes = fs::read(&path).expect("read");
            // A header has sixty bytes.
            bytes[62] ^= 1;
            fs::write(&path, bytes).expect("written");
        }
    }
}

#[tokio::test]
async fn with_a_disk_log_every_point_is_sent_or_counted_in_one_life_or_the_next() {
    let mut found = BTreeSet::new();
    for (seed, protocol) in (0..SEEDS).flat_map(|seed| BOTH.map(|protocol| (seed, protocol))) {
        let random = &mut fastrand::Rng::with_seed(seed);
        let folder = tempfile::TempDir::new().expect("a folder");
        let disk = Some(disk::Settings {
            replay_bytes_per_second: 1 << 30,
            max_bytes: disk::MIN_BYTES,
            ..disk::Settings::new(folder.path())
        });
        let settings = Settings { disk, ..of(protocol) };
        let name = format!("seed {seed} {protocol:?}");

        // The backend, after some faults, is away until the end: what is left goes to the disk.
        let mut script = faults(random);
        script.truncate(15);
        script.push(Fault::Throttle);
        let late = Duration::ZERO;
        let life =
            Life { settings: settings.clone(), faults: script, items: items(random), patient: false, late };
        let (first, status) = life.live(&format!("{name}, first life")).await;
        found.extend(reasons(&first));
        let stored = status.disk.expect("on").count;
        if seed % 3 == 0 {
            rot(folder.path());
        }

        // It is back, with more faults, and all that waits is sent.
        let life = Life { settings, faults: faults(random), items: items(random), patient: true, late };
        let (second, status) = life.live(&format!("{name}, second life")).await;
        found.extend(reasons(&second));
        assert_eq!((second.recovered, status.disk.expect("on").count), (stored, Count::default()), "{name}");
        let rotten = second.dropped.of(DropReason::Disk).requests;
        assert_eq!(rotten > 0, seed % 3 == 0 && stored.requests > 0, "{name}: {second:?}");
    }
    let expected = [DropReason::Disk, DropReason::PartialSuccess, DropReason::Rejected, DropReason::TooLarge];
    assert!(expected.iter().all(|reason| found.contains(reason)), "every exit was taken: {found:?}");
}
