//! What passes the gate, and what does not. Behind it stands a server that counts what reaches it.

use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use http::Method;
use http_body_util::{BodyExt as _, Full};
use tower::{Service as _, ServiceExt as _, service_fn};

use super::*;
use crate::clock::{Mono, Now, Wall};
use crate::clocks::Reached;
use crate::guard::Guard;
use crate::ledger::{Ledger, Limits, Permit, Request as Allowed};
use crate::phase::{Phase, Salt};
use crate::turns::{Decision, Turns};

const T: Duration = Duration::from_secs(10);
const SIZE: &str = "/apis/apps/v1/namespaces/monitoring/daemonsets/tare?resourceVersion=0";
const LIST: &str =
    "/api/v1/pods?fieldSelector=spec.nodeName%3Dn%2Cstatus.phase%21%3DFailed&resourceVersion=0&limit=110";
const WATCH: &str = "/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn&resourceVersion=7&allowWatchBookmarks=true&timeoutSeconds=60";

/// A clock that stands at one time.
struct At(Mono);

impl Clocks for At {
    fn now(&self) -> Now {
        Now { wall: Wall::new(Duration::ZERO), mono: self.0 }
    }

    fn reached(&self, _: Mono) -> Reached<'_> {
        std::future::pending().boxed()
    }
}

/// A permit as a turn gives it.
fn permit(request: Allowed) -> Permit {
    let mono = Mono::new(Duration::from_secs(1_000));
    let wall = Phase::of("n", Salt::Turn).at_or_after(Wall::new(Duration::from_secs(1_700_000_000)), T);
    let now = Now { wall, mono };
    let mut turns = Turns::new("n", Salt::Turn, Mono::new(Duration::ZERO), None);
    let Decision::Start(turn) = turns.poll(now, T) else { panic!("no turn at its instant") };
    let limits = Limits { nodes: 1, list_bytes_per_second: 1e9, list_bytes: None };
    let mut ledger = Ledger::new(limits, Guard::new(T, mono, T), 1_000_000);
    ledger.begin(now, turn);
    ledger.grant(now, request).unwrap().0
}

type Served = Response<Full<Bytes>>;
type Server = tower::util::BoxService<Request<()>, Served, BoxError>;

/// A gate at this time before a server that answers with ten bytes.
struct Setup {
    gate: Gate<Server>,
    tally: Tally,
    reached: Arc<AtomicUsize>,
}

fn setup(mono: Mono, prefix: &str) -> Setup {
    let (tally, reached) = (Tally::default(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&reached);
    let server = service_fn(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        let answer =
            Response::builder().header("content-type", "text/x").body(Full::from("0123456789")).unwrap();
        std::future::ready(Ok(answer))
    });
    let layer = GateLayer::new(Arc::new(At(mono)), prefix, tally.clone());
    Setup { gate: layer.layer(Server::new(server)), tally, reached }
}

impl Setup {
    fn send(&mut self, request: Request<()>) -> Result<Response<Metered<Full<Bytes>>>, GateError> {
        let answer: BoxFuture<'_, _> = async { self.gate.ready().await.unwrap().call(request).await }.boxed();
        let answer = answer.now_or_never().unwrap();
        answer.map_err(|error| *error.downcast::<GateError>().unwrap())
    }

    fn denied(&self) -> Vec<(Denied, u64)> {
        self.tally.iter().filter(|(_, count)| *count > 0).collect()
    }
}

fn get(path: &str, pass: Option<&Pass>) -> Request<()> {
    let mut request = Request::get(path).body(()).unwrap();
    request.extensions_mut().extend(
        pass.map(|pass| {
            let mut extensions = http::Extensions::new();
            extensions.insert(pass.clone());
            extensions
        })
        .unwrap_or_default(),
    );
    request
}

fn in_time() -> Mono {
    Mono::new(Duration::from_secs(1_000))
}

#[test]
fn a_request_without_a_permit_is_not_sent_and_is_counted() {
    let mut setup = setup(in_time(), "");
    assert_eq!(setup.send(get(LIST, None)).unwrap_err(), GateError(Denied::Missing));
    assert_eq!((setup.reached.load(Ordering::Relaxed), setup.denied()), (0, vec![(Denied::Missing, 1)]));
}

#[test]
fn a_permit_is_good_for_one_request() {
    let mut setup = setup(in_time(), "");
    let pass = Pass::new(permit(Allowed::List { again: false }));
    let copy = pass.clone();
    setup.send(get(LIST, Some(&pass))).unwrap();
    for pass in [pass, copy] {
        assert_eq!(setup.send(get(LIST, Some(&pass))).unwrap_err(), GateError(Denied::Used));
    }
    assert_eq!((setup.reached.load(Ordering::Relaxed), setup.denied()), (1, vec![(Denied::Used, 2)]));
}

#[test]
fn a_permit_is_good_until_its_turn_is_over() {
    let allowed = || Pass::new(permit(Allowed::Watch));
    let deadline = permit(Allowed::Watch).deadline();
    let mut late = setup(deadline, "");
    assert_eq!(late.send(get(WATCH, Some(&allowed()))).unwrap_err(), GateError(Denied::Expired));
    assert_eq!((late.reached.load(Ordering::Relaxed), late.denied()), (0, vec![(Denied::Expired, 1)]));
    let mut just = setup(deadline.minus(Duration::from_nanos(1)), "");
    just.send(get(WATCH, Some(&allowed()))).unwrap();
}

#[test]
fn a_permit_is_good_for_its_own_request_only() {
    let all = [(Allowed::Size, SIZE), (Allowed::List { again: true }, LIST), (Allowed::Watch, WATCH)];
    for (allowed, _) in all {
        for (asked, path) in all {
            let mut setup = setup(in_time(), "");
            let sent = setup.send(get(path, Some(&Pass::new(permit(allowed)))));
            assert_eq!(sent.is_ok(), allowed == asked, "{allowed:?} for {asked:?}");
            assert_eq!(setup.reached.load(Ordering::Relaxed), usize::from(allowed == asked));
            assert_eq!(setup.tally.get(Denied::Mismatch), u64::from(allowed != asked));
        }
    }
}

#[test]
fn a_request_that_could_cost_more_than_its_permit_says_is_another_one() {
    let list = Allowed::List { again: false };
    for (allowed, path) in [
        (Allowed::Size, "/apis/apps/v1/namespaces/monitoring/daemonsets/tare"),
        (Allowed::Size, "/apis/apps/v1/namespaces/monitoring/daemonsets?resourceVersion=0"),
        (Allowed::Size, "/apis/apps/v1/namespaces/monitoring/daemonsets/tare/status?resourceVersion=0"),
        (Allowed::Size, "/apis/apps/v1/namespaces/monitoring/deployments/tare?resourceVersion=0"),
        (list, "/api/v1/pods"),
        (list, &LIST.replace("&resourceVersion=0", "")),
        (list, &LIST.replace("resourceVersion=0", "resourceVersion=1")),
        (list, &LIST.replace("&limit=110", "")),
        (list, &LIST.replace("limit=110", "limit=0")),
        (list, &LIST.replace("spec.nodeName%3Dn", "status.phase%3DRunning")),
        (list, &LIST.replace("%3Dn%2C", "%3D%2C")),
        (list, &LIST.replace("/pods", "/nodes")),
        (list, &format!("{LIST}&watch=true")),
        (list, &format!("{LIST}&resourceVersion=")),
        (Allowed::Watch, &WATCH.replace("resourceVersion=7", "resourceVersion=0")),
        (Allowed::Watch, &WATCH.replace("resourceVersion=7", "resourceVersion=")),
        (Allowed::Watch, &WATCH.replace("&timeoutSeconds=60", "")),
        (Allowed::Watch, &format!("{WATCH}&sendInitialEvents=true")),
        (Allowed::Watch, "/version"),
    ] {
        let mut setup = setup(in_time(), "");
        let refused = setup.send(get(path, Some(&Pass::new(permit(allowed))))).unwrap_err();
        assert_eq!(
            (refused, setup.reached.load(Ordering::Relaxed)),
            (GateError(Denied::Mismatch), 0),
            "{path}"
        );
    }
    for method in [Method::POST, Method::DELETE, Method::HEAD] {
        let mut setup = setup(in_time(), "");
        let mut request = get(LIST, Some(&Pass::new(permit(list))));
        *request.method_mut() = method;
        assert_eq!(setup.send(request).unwrap_err(), GateError(Denied::Mismatch));
    }
}

#[test]
fn the_servers_own_path_stands_before_every_request() {
    for (prefix, path, passes) in
        [("/k8s/c-1/", format!("/k8s/c-1{LIST}"), true), ("/k8s/c-1", LIST.to_owned(), false)]
    {
        let mut setup = setup(in_time(), prefix);
        let sent = setup.send(get(&path, Some(&Pass::new(permit(Allowed::List { again: false })))));
        assert_eq!(sent.is_ok(), passes, "{path}");
    }
}

#[test]
fn the_bytes_of_an_answer_are_counted_as_they_are_read_head_included() {
    let mut setup = setup(in_time(), "");
    let pass = Pass::new(permit(Allowed::Size));
    let answer = setup.send(get(SIZE, Some(&pass))).unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/x\r\n\r\n".len() as u64;
    assert_eq!((pass.take_bytes(), pass.take_bytes()), (head, 0));
    answer.into_body().collect().now_or_never().unwrap().unwrap();
    assert_eq!(pass.take_bytes(), 10);
}
