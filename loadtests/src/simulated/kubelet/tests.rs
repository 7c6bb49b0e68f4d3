use serde_json::Value;

use super::*;
use crate::real::cluster::http::{Client, Form};
use crate::simulated::apiserver::{self, Health, Rights};
use crate::simulated::host::Host;
use crate::simulated::pods::running;

/// An API server and a kubelet with three pods. Reviews that fail are tried at once, to wait for nothing.
struct Ground {
    kubelet: Kubelet,
    server: Server,
    // After both.
    _host: Host,
}

impl Ground {
    fn new(lives: Lives) -> Self {
        let host = Host::start("simulated").unwrap();
        let server = host.wait_for(Server::start(apiserver::Options::default())).unwrap();
        for number in 0..3 {
            server.store().add_pod(running(number, "node-7", 0)).unwrap();
        }
        server.store().add_pod(running(9, "elsewhere", 0)).unwrap();
        let options = Options {
            node: "node-7".to_owned(),
            lives,
            attempts: vec![Duration::ZERO; 5],
            ..Options::default()
        };
        let kubelet = host.wait_for(Kubelet::start(options, &server)).unwrap();
        Self { kubelet, server, _host: host }
    }

    fn client(&self, token: Option<&str>) -> Client {
        let (address, tls) = (self.kubelet.address(), self.kubelet.authority().trusting(None).unwrap());
        let (token, patience) = (token.map(str::to_owned), Duration::from_secs(30));
        Client { address, tls, token, user_agent: "test".to_owned(), patience, form: Form::Json }
    }

    fn agent(&self) -> Client {
        self.client(Some(&self.server.token("system:serviceaccount:tare:tare")))
    }

    /// What the kubelet counted, and what arrived at the API server.
    fn reviews(&self) -> (u64, u64, usize) {
        let Reviews { tokens, accesses } = self.kubelet.reviews();
        (tokens, accesses, self.server.counts().total())
    }
}

#[test]
fn a_scrape_costs_one_review_of_each_kind_until_the_kubelet_forgets() {
    let ground = Ground::new(Lives::default());
    let agent = ground.agent();
    let summary = agent.get("/stats/summary").unwrap().json().unwrap();
    assert_eq!(
        (summary["pods"].as_array().unwrap().len(), &summary["node"]["nodeName"]),
        (3, &"node-7".into())
    );
    assert_eq!(ground.reviews(), (1, 1, 2));
    assert_eq!(agent.get("/stats/summary").unwrap().status, 200);
    assert_eq!(ground.reviews(), (1, 1, 2));
    assert_eq!(agent.get("/pods").unwrap().json().unwrap()["items"].as_array().unwrap().len(), 3);
    assert!(agent.get("/metrics/resource").unwrap().body.starts_with(b"# TYPE"));
    assert_eq!(ground.reviews(), (1, 3, 4));
    ground.kubelet.forget();
    assert_eq!(agent.get("/stats/summary").unwrap().status, 200);
    assert_eq!(ground.reviews(), (2, 4, 6));
}

#[test]
fn what_is_no_longer_believed_is_asked_again() {
    let none = Duration::ZERO;
    let ground = Ground::new(Lives { token: none, allowed: none, denied: none });
    for scrapes in 1..=3 {
        ground.agent().get("/stats/summary").unwrap();
        assert_eq!(ground.reviews(), (scrapes, scrapes, usize::try_from(2 * scrapes).unwrap()));
    }
}

#[test]
fn a_forged_token_is_refused_and_never_remembered_and_no_token_asks_nobody() {
    let ground = Ground::new(Lives::default());
    for scrapes in 1..=2 {
        let refused = ground.client(Some("forged")).get("/stats/summary").unwrap();
        assert_eq!((refused.status, &refused.body[..]), (401, &b"Unauthorized"[..]));
        assert_eq!(ground.reviews(), (scrapes, 0, usize::try_from(scrapes).unwrap()));
    }
    assert_eq!(ground.client(None).get("/stats/summary").unwrap().status, 401);
    assert_eq!(ground.reviews().0, 2);
}

#[test]
fn what_somebody_may_not_read_is_denied_with_its_name_and_remembered() {
    let ground = Ground::new(Lives::default());
    let token = ground.server.token_with("nobody", Rights::Nothing);
    for _ in 0..2 {
        let denied = ground.client(Some(&token)).get("/pods").unwrap();
        let said = "Forbidden (user=nobody, verb=get, resource=nodes, subresource(s)=[pods proxy])\n";
        assert_eq!((denied.status, String::from_utf8_lossy(&denied.body).as_ref()), (403, said));
        assert_eq!(ground.reviews(), (1, 2, 3));
    }
    assert_eq!(ground.agent().get("/configz").unwrap().status, 403);
}

#[test]
fn a_review_that_fails_is_tried_five_times_and_the_scrape_fails_with_the_status_of_a_real_kubelet() {
    let ground = Ground::new(Lives {
        token: Duration::from_mins(2),
        ..Lives { allowed: Duration::ZERO, ..Lives::default() }
    });
    ground.server.set_health(Health::Failing(503));
    assert_eq!(ground.agent().get("/stats/summary").unwrap().status, 401);
    assert_eq!(ground.reviews(), (5, 0, 5));
    ground.server.set_health(Health::Good);
    assert_eq!(ground.agent().get("/stats/summary").unwrap().status, 200);
    ground.server.set_health(Health::Failing(500));
    let failed = ground.agent().get("/stats/summary").unwrap();
    assert_eq!(failed.status, 500);
    assert!(failed.body.starts_with(b"Authorization error (user=system:serviceaccount:tare:tare, verb=get"));
    assert_eq!(ground.reviews(), (6, 6, 12));
}

#[test]
fn a_certificate_of_the_cluster_saves_the_review_of_a_token() {
    let ground = Ground::new(Lives::default());
    let user = "system:serviceaccount:tare:tare";
    ground.server.token(user);
    let identity = ground.server.authority().client(user).unwrap();
    let tls = ground.kubelet.authority().trusting(Some(&identity)).unwrap();
    let summary: Value = Client { tls, ..ground.client(None) }.get("/stats/summary").unwrap().json().unwrap();
    assert_eq!(summary["pods"].as_array().unwrap().len(), 3);
    assert_eq!(ground.reviews(), (0, 1, 1));
}
