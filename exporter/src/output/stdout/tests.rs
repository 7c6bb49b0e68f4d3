use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::compress::{Compression, Compressor};
use crate::fixtures::{METRICS, SCOPE};
use crate::model::{Attribute, Timestamp};
use crate::output::forward::Forwarder;
use crate::output::status::Health;
use crate::queue::{Class, DropReason, Item, Limits, Queue};
use crate::retry;
use crate::segment::Segment;

/// One request with a point of this value.
fn request(value: i64) -> Bytes {
    let mut segment = Segment::new(&[Attribute::str("host.name", "n")], SCOPE, Timestamp(5));
    let series = segment.series(&METRICS[1], &[]);
    segment.begin(Timestamp(10));
    segment.set_int(series, value);
    segment.finish();
    segment.encoded().into()
}

fn payload(bytes: Bytes) -> Payload {
    Payload { bytes, compression: Compression::None }
}

/// A reader that keeps what it was given, can be stopped, and fails when told to.
#[derive(Clone, Default)]
struct Reader(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    text: Vec<u8>,
    stopped: bool,
    /// So many bytes are taken before each further write fails.
    room: Option<usize>,
}

impl Reader {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let answer = act(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
        answer
    }

    fn lines(&self) -> Vec<String> {
        self.with(|state| String::from_utf8(state.text.clone()).unwrap().lines().map(str::to_owned).collect())
    }

    fn output(&self) -> Stdout {
        let reader = self.clone();
        Stdout::to(Box::new(move || Box::new(reader.clone()))).unwrap()
    }
}

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.0.lock().unwrap();
        while state.stopped {
            state = self.0.1.wait(state).unwrap();
        }
        let taken = bytes.len().min(state.room.unwrap_or(usize::MAX));
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.room = state.room.map(|room| room - taken);
        state.text.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn each_request_is_one_line_in_the_form_that_collect_prints() {
    let reader = Reader::default();
    let mut output = reader.output();
    for value in [1, 2] {
        let reply = output.send(&payload(request(value))).await;
        assert_eq!(reply.outcome.failure(), None);
    }
    let mut collected = Vec::new();
    json::write_request(&mut collected, &request(1)).unwrap();
    let lines = reader.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].as_bytes(), collected);
    assert!(lines[1].contains("\"asInt\":\"2\""), "{}", lines[1]);
}

#[tokio::test]
async fn a_write_that_fails_is_tried_again_and_what_was_torn_spoils_no_other_line() {
    let reader = Reader::default();
    let mut output = reader.output();
    reader.with(|state| state.room = Some(10));
    let reply = output.send(&payload(request(1))).await;
    assert_eq!(reply.outcome.failure(), Some(Failure::Disconnected));
    assert!(matches!(reply.outcome.verdict(Timestamp(0)), retry::Verdict::Again { .. }));
    reader.with(|state| state.room = None);
    assert_eq!(output.send(&payload(request(1))).await.outcome.failure(), None);
    let lines = reader.lines();
    assert_eq!((lines.len(), lines[0].len()), (2, 10));
    assert!(serde_json::from_str::<serde_json::Value>(&lines[1]).is_ok(), "{}", lines[1]);
}

#[tokio::test]
async fn bytes_that_are_no_request_are_given_up_and_leave_nothing_behind() {
    let reader = Reader::default();
    let mut output = reader.output();
    let reply = output.send(&payload(Bytes::from_static(&[0xff; 9]))).await;
    assert_eq!(reply.outcome.verdict(Timestamp(0)), retry::Verdict::Refused(DropReason::Rejected));
    assert_eq!(output.send(&payload(request(1))).await.outcome.failure(), None);
    let lines = reader.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

/// An output that writes to `reader`, and its queue.
fn forwarder(reader: &Reader, limits: Limits) -> (Arc<Queue>, Forwarder<Stdout>) {
    let queue = Queue::new("t", limits, Arc::default());
    let health = Arc::new(Health::new("t", NAME, None));
    let compressor = Compressor::new(Compression::None);
    let retry = retry::Limits::default();
    let forwarder = Forwarder::new(Arc::clone(&queue), health, reader.output(), compressor, retry, None);
    (queue, forwarder)
}

/// The runtime has one thread: if the output waited on it, nothing else here could happen.
#[tokio::test]
async fn a_reader_that_stops_costs_the_oldest_requests_which_are_counted_and_nothing_stalls() {
    let reader = Reader::default();
    reader.with(|state| state.stopped = true);
    let limits = Limits { max_bytes: 4_000, reserved_bytes: 100, max_age: Duration::from_hours(1) };
    let (queue, forwarder) = forwarder(&reader, limits);
    let (stop, stopped) = oneshot::channel::<tokio::time::Instant>();
    let run = forwarder.run(async { stopped.await.expect("a deadline") });
    let drive = async {
        for value in 0..200 {
            let (body, created) = (request(value), Timestamp(0));
            queue.push(Item { body, points: 1, class: Class::Data, created });
            tokio::task::yield_now().await;
        }
        let totals = queue.stats().totals();
        assert_eq!(totals.sent.points, 0);
        let dropped = totals.dropped.of(DropReason::QueueFull).points;
        assert!(dropped > 100, "{dropped}");
        reader.with(|state| state.stopped = false);
        stop.send(tokio::time::Instant::now() + Duration::from_mins(1)).expect("it runs");
    };
    tokio::join!(run, drive);
    let totals = queue.stats().totals();
    assert_eq!(totals.sent.points + totals.dropped.total().points, 200);
    assert_eq!(totals.dropped.total(), totals.dropped.of(DropReason::QueueFull));
    let lines = reader.lines();
    assert_eq!(lines.len() as u64, totals.sent.requests);
    assert!(lines.last().unwrap().contains("\"asInt\":\"199\""), "the newest is what is kept");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_reader_that_never_reads() {
    let reader = Reader::default();
    reader.with(|state| state.stopped = true);
    let (queue, forwarder) = forwarder(&reader, Limits::default());
    queue.push(Item { body: request(1), points: 1, class: Class::Data, created: Timestamp(0) });
    forwarder.run(async { tokio::time::Instant::now() + Duration::from_millis(50) }).await;
    assert_eq!(queue.stats().totals().dropped.of(DropReason::Shutdown).points, 1);
    reader.with(|state| state.stopped = false);
}

#[test]
fn the_thread_ends_with_the_output() {
    struct Tell(SyncSender<()>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (ended, wait) = sync_channel(1);
    let tell = Tell(ended);
    let target: Target = Box::new(move || {
        let _keep = &tell;
        Box::new(io::sink())
    });
    drop(Stdout::to(target).unwrap());
    wait.recv_timeout(Duration::from_mins(1)).expect("the thread ends");
}
