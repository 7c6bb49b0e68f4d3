use std::time::Instant;

use serde_json::{Value, json};

use super::*;
use crate::real::cluster::http::{Client, Form, Lines, Next};
use crate::simulated::host::Host;

mod switches;

/// What has to come comes within this on any machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What must not come is waited for this long.
const QUIET: Duration = Duration::from_millis(300);

pub(super) const LIST: &str = "/api/v1/pods?fieldSelector=spec.nodeName%3Dn&resourceVersion=0&limit=110";

/// A server with two pods on the node `n` and one elsewhere.
pub(super) struct Ground {
    pub(super) server: Server,
    // After the server.
    _host: Host,
}

impl Ground {
    pub(super) fn new(options: Options) -> Self {
        let host = Host::start("simulated").unwrap();
        let server = host.wait_for(Server::start(options)).unwrap();
        for (name, node) in [("a", "n"), ("b", "n"), ("c", "other")] {
            server.store().add_pod(pod(name, node)).unwrap();
        }
        Self { server, _host: host }
    }

    pub(super) fn client(&self) -> Client {
        self.with_token(Some(self.server.token("system:serviceaccount:tare:tare")))
    }

    pub(super) fn with_token(&self, token: Option<String>) -> Client {
        let (address, tls) = (self.server.address(), self.server.authority().trusting(None).unwrap());
        Client { address, tls, token, user_agent: "test".to_owned(), patience: PATIENCE, form: Form::Json }
    }
}

pub(super) fn pod(name: &str, node: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "team"}, "spec": {"nodeName": node},
        "status": {"phase": "Running"},
    })
}

pub(super) fn watch(version: &Value) -> String {
    let version = version.as_str().unwrap();
    format!(
        "/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn&resourceVersion={version}\
         &allowWatchBookmarks=true&timeoutSeconds=600"
    )
}

pub(super) fn event(lines: &mut Lines) -> Value {
    match lines.next(Instant::now() + PATIENCE) {
        Next::Line(line) => serde_json::from_slice(&line).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_and_a_watch_from_its_version_miss_nothing_and_are_counted_where_they_arrive() {
    let ground = Ground::new(Options { bookmarks: Duration::from_millis(20), ..Options::default() });
    let client = ground.client();
    let list = client.get(LIST).unwrap();
    let body = list.json().unwrap();
    assert_eq!(body["items"].as_array().unwrap().len(), 2);
    let store = ground.server.store();
    store.remove_pod("team", "a").unwrap();
    let mut lines = client.watch(&watch(&body["metadata"]["resourceVersion"])).unwrap();
    assert_eq!(event(&mut lines)["type"], "DELETED");
    let seen = event(&mut lines);
    assert_eq!(seen["type"], "BOOKMARK");
    store.add_pod(pod("d", "n")).unwrap();
    while event(&mut lines)["type"] != "ADDED" {}
    let counts = ground.server.counts();
    let verbs: Vec<_> = counts.arrivals().iter().map(|arrival| arrival.kind.verb.as_str()).collect();
    assert_eq!(verbs, ["list", "watch"]);
    assert!(
        counts
            .arrivals()
            .iter()
            .all(|arrival| arrival.status == Some(200) && arrival.kind.user_agent == "test")
    );
    assert_eq!(counts.arrivals()[0].bytes, list.body.len() as u64);
    assert_eq!(store.watches(), 1);
}

#[test]
fn a_large_list_comes_whole_and_as_it_is_to_who_accepts_nothing_else() {
    let ground = Ground::new(Options::default());
    for number in 0..40 {
        let pod = crate::simulated::pods::running(number, "n", 6_500);
        ground.server.store().add_pod(pod).unwrap();
    }
    let large = ground.client().get(LIST).unwrap();
    assert!(large.headers.get("content-encoding").is_none() && large.body.len() > 250_000);
    assert_eq!(large.json().unwrap()["items"].as_array().unwrap().len(), 42);
}

#[test]
fn a_review_tells_whose_token_it_is_and_what_its_owner_may() {
    let ground = Ground::new(Options::default());
    let agent = ground.server.token("system:serviceaccount:tare:tare");
    let mut kubelet = ground.with_token(Some(ground.server.token("system:node:n"))).connect().unwrap();
    let tokens = "/apis/authentication.k8s.io/v1/tokenreviews";
    let good = kubelet.create(tokens, &json!({"spec": {"token": agent}})).unwrap();
    assert_eq!(good["status"]["user"]["username"], "system:serviceaccount:tare:tare");
    let bad = kubelet.create(tokens, &json!({"spec": {"token": "forged"}})).unwrap();
    assert!(bad["status"]["authenticated"].is_null() && bad["status"]["error"].is_string());
    let mut allowed = |user: &str, subresource: &str| {
        let attributes = json!({"verb": "get", "resource": "nodes", "subresource": subresource, "name": "n"});
        let review = json!({"spec": {"user": user, "resourceAttributes": attributes}});
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        kubelet.create(path, &review).unwrap()["status"]["allowed"] == true
    };
    assert!(allowed("system:serviceaccount:tare:tare", "stats"));
    assert!(!allowed("system:serviceaccount:tare:tare", "proxy") && !allowed("nobody", "stats"));
    let mut agent = ground.client().connect().unwrap();
    assert!(agent.create(tokens, &json!({})).is_err(), "only kubelets may ask");
    assert!(kubelet.get(LIST).unwrap().status == 403);
}

#[test]
fn a_server_that_saturates_lets_requests_wait_and_then_refuses_them() {
    let capacity = Capacity { cores: 1, seats: 7, queue: 1, ..Capacity::default() };
    // A LIST takes 5 s of a core and all of the seats.
    let prices = Prices::committed().map(|prices| prices.scaled(3_000.0)).ok();
    let ground = Ground::new(Options { prices, capacity, ..Options::default() });
    let asking: Vec<_> = (0..2)
        .map(|_| {
            let client = ground.client().patient_for(Duration::from_secs(1));
            std::thread::spawn(move || client.get(LIST).is_err())
        })
        .collect();
    let arrived = || ground.server.counts().total();
    while arrived() < 2 {
        std::thread::yield_now();
    }
    let refused = ground.client().get(LIST).unwrap();
    let header = |name: &str| refused.headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!((refused.status, header("retry-after")), (429, "1".to_owned()));
    assert_eq!(header("content-type"), "text/plain; charset=utf-8");
    assert!(asking.into_iter().all(|asking| asking.join().unwrap()), "both waited longer than a second");
    assert_eq!(ground.server.counts().by_answer().values().copied().collect::<Vec<_>>(), [2, 1]);
}
