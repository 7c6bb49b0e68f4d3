//! Reviews, as kubelets ask for them, and small writes, as kubelets make them.

use anyhow::Context;
use serde_json::{Value, json};

use super::Bench;
use crate::prices::Kind;
use crate::real::cluster::http::{Client, Connection};
use crate::real::cluster::pods::Pod;

/// Requests in a batch.
const TIMES: u16 = 300;

const TOKEN_REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS_REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

/// Milliseconds of CPU for one of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writes {
    pub(super) lease_update: f64,
    pub(super) event_create: f64,
    pub(super) pod_status: f64,
}

impl Writes {
    pub(super) fn mean(self) -> f64 {
        (self.lease_update + self.event_create + self.pod_status) / 3.0
    }
}

impl Bench<'_> {
    /// Each of another token: the server remembers a token for 10 s, which is shorter than a kubelet waits to ask again.
    pub(super) fn token_reviews(&self) -> anyhow::Result<f64> {
        let mut admin = self.admin.connect()?;
        let tokens = (0..TIMES).map(|_| bound_token(&mut admin)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut tokens = tokens.iter();
        let mut connection = self.client.connect()?;
        self.cost(TIMES.into(), || {
            let review = token_review(tokens.next().context("a token for each request")?);
            let answer = connection.create(TOKEN_REVIEWS, &review)?;
            anyhow::ensure!(answer["status"]["authenticated"] == true, "{answer}");
            Ok(())
        })
    }

    /// The server remembers no answer, so any user and node will do.
    pub(super) fn access_reviews(&self) -> anyhow::Result<f64> {
        let mut connection = self.client.connect()?;
        self.cost(TIMES.into(), || connection.create(ACCESS_REVIEWS, &access_review()).map(drop))
    }

    pub(super) fn writes(&self) -> anyhow::Result<Writes> {
        let mut connection = self.client.connect()?;
        let mut lease = connection.create(LEASES, &lease(self.pods))?;
        let path = format!("{LEASES}/{}", lease["metadata"]["name"].as_str().unwrap_or_default());
        let mut turn = 0_u32;
        let lease_update = self.cost(TIMES.into(), || {
            turn += 1;
            lease["spec"]["renewTime"] = json!(format!("2026-11-21T10:00:00.{turn:06}Z"));
            lease = connection.replace(&path, &lease)?;
            Ok(())
        })?;
        let event_create = self.cost(TIMES.into(), || {
            turn += 1;
            event(&mut connection, self.pods, turn)
        })?;
        let pod_status = self.cost(TIMES.into(), || {
            turn += 1;
            status(&mut connection, turn)
        })?;
        Ok(Writes { lease_update, event_create, pod_status })
    }

    /// One request of a kind that is posted.
    pub(super) fn post_once(&self, kind: Kind, client: &Client) -> anyhow::Result<()> {
        let mut connection = client.connect()?;
        match kind {
            Kind::TokenReview => {
                let token = bound_token(&mut self.admin.connect()?)?;
                connection.create(TOKEN_REVIEWS, &token_review(&token)).map(drop)
            }
            Kind::AccessReview => connection.create(ACCESS_REVIEWS, &access_review()).map(drop),
            _ => event(&mut connection, self.pods, 0),
        }
    }
}

/// A token as a kubelet mounts it: of a service account, bound to a pod.
fn bound_token(admin: &mut Connection) -> anyhow::Result<String> {
    let pod = Pod { number: 0, node: 0 };
    let object = admin.get(&pod.path())?.json()?;
    let reference =
        json!({"apiVersion": "v1", "kind": "Pod", "name": pod.name(), "uid": object["metadata"]["uid"]});
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"expirationSeconds": 3600, "boundObjectRef": reference},
    });
    let path = format!("/api/v1/namespaces/{}/serviceaccounts/default/token", pod.namespace());
    let answer = admin.create(&path, &request)?;
    answer["status"]["token"].as_str().map(str::to_owned).context("an answer without a token")
}

fn token_review(token: &str) -> Value {
    json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}})
}

fn access_review() -> Value {
    json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {
            "user": "system:serviceaccount:tare:tare",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:tare", "system:authenticated"],
            "resourceAttributes": {
                "verb": "get", "version": "v1", "resource": "nodes", "subresource": "stats", "name": "node-0000",
            },
        },
    })
}

fn lease(pods: u32) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": format!("node-{pods}")},
        "spec": {"holderIdentity": "node-0000", "leaseDurationSeconds": 40},
    })
}

fn event(connection: &mut Connection, pods: u32, turn: u32) -> anyhow::Result<()> {
    let pod = Pod { number: 0, node: 0 };
    let (namespace, now) = (pod.namespace(), "2026-11-21T10:00:00Z");
    let object = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{}.{pods}.{turn}", pod.name())},
        "involvedObject": {"kind": "Pod", "namespace": namespace, "name": pod.name(), "apiVersion": "v1"},
        "reason": "Started", "message": "Started container main", "type": "Normal", "count": 1,
        "source": {"component": "kubelet", "host": "node-0000"}, "firstTimestamp": now, "lastTimestamp": now,
    });
    connection.create(&format!("/api/v1/namespaces/{namespace}/events"), &object).map(drop)
}

/// Changes the status of one pod, as a kubelet does.
pub(super) fn status(connection: &mut Connection, turn: u32) -> anyhow::Result<()> {
    let pod = Pod { number: 0, node: 0 };
    let mut patch = pod.running();
    patch["status"]["message"] = json!(format!("turn {turn}"));
    connection.merge(&format!("{}/status", pod.path()), &patch).map(drop)
}
