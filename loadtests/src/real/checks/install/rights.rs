//! What the agents ask for, by the audit log, and what their token is refused.

use std::fs;
use std::time::SystemTime;

use hyper::Method;
use serde_json::{Value, json};

use super::ground::{Ground, NAMESPACE, RELEASE};
use super::pod::Pod;
use crate::real::checks::facts::Fact;
use crate::real::cluster::audit::acts;
use crate::real::cluster::node;

/// Whoever asks with these words is the check.
const SOMEBODY: &str = "tare-real/thief";

/// The only requests there may be.
const KINDS: [&str; 3] = ["get daemonsets", "list pods", "watch pods"];

/// Everything that the agents have asked for since then is of the three kinds, each about what is their own.
pub(super) fn asked(ground: &Ground, since: SystemTime) -> anyhow::Result<Vec<Fact>> {
    let asked = ground.asked(since)?;
    let mut kinds: Vec<_> = asked.iter().map(|act| format!("{} {}", act.verb, act.resource)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let own = format!("spec.nodeName%3D{}", node::name());
    let other = asked.iter().find(|act| match act.resource.as_str() {
        "pods" => !act.uri.contains(&own),
        _ => act.name != RELEASE || act.namespace != NAMESPACE,
    });
    let refused = asked.iter().filter(|act| act.code >= 400).count();
    let causes: Vec<_> =
        acts::causes(&asked).into_iter().map(|(cause, count)| format!("{count} {cause}")).collect();
    Ok(vec![
        Fact::equal("kinds of requests of the service account", &KINDS.join(", "), &kinds.join(", ")),
        Fact::equal(
            "about another node or DaemonSet",
            &String::new(),
            &other.map(|act| act.uri.clone()).unwrap_or_default(),
        ),
        Fact::equal("refused by the server", &0, &refused),
        Fact::new("requests of the agents", "some", causes.join(", "), !asked.is_empty()),
    ])
}

/// Each of these, tried with the pod's own token, is answered 403.
pub(super) fn refused(ground: &Ground, pod: &Pod) -> anyhow::Result<Vec<Fact>> {
    let token = fs::read_to_string(pod.path("/var/run/secrets/kubernetes.io/serviceaccount/token"))?;
    let node = node::name();
    let inside = |what: &str| format!("/api/v1/namespaces/{NAMESPACE}/{what}");
    let sets = format!("/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets");
    let bare = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "thief"}, "spec": {"containers": [{"name": "a", "image": "b"}]}});
    let tried: Vec<(Method, String, Value)> = vec![
        (Method::GET, "/api/v1/nodes".to_owned(), Value::Null),
        (Method::GET, format!("/api/v1/nodes/{node}"), Value::Null),
        (Method::GET, format!("/api/v1/nodes/{node}/proxy/pods"), Value::Null),
        (Method::GET, "/api/v1/secrets".to_owned(), Value::Null),
        (Method::GET, inside("secrets"), Value::Null),
        (Method::GET, inside("configmaps"), Value::Null),
        (Method::GET, "/api/v1/namespaces".to_owned(), Value::Null),
        (Method::GET, inside(&format!("pods/{}", pod.name())), Value::Null),
        (Method::GET, inside(&format!("pods/{}/log", pod.name())), Value::Null),
        (Method::POST, inside(&format!("pods/{}/exec?command=id", pod.name())), Value::Null),
        (Method::POST, inside("pods"), bare),
        (Method::DELETE, inside(&format!("pods/{}", pod.name())), Value::Null),
        (
            Method::POST,
            inside(&format!("serviceaccounts/{RELEASE}/token")),
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}),
        ),
        (Method::GET, sets.clone(), Value::Null),
        (Method::GET, "/apis/apps/v1/namespaces/shop/daemonsets/agent".to_owned(), Value::Null),
        (
            Method::PATCH,
            format!("{sets}/{RELEASE}"),
            json!({"metadata": {"annotations": {"thief": "was here"}}}),
        ),
        (Method::POST, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings".to_owned(), json!({})),
    ];
    let server = ground.cluster.client(token.trim(), SOMEBODY)?;
    let mut let_in = Vec::new();
    for (method, path, body) in &tried {
        let answer = server.connect()?.ask(method, path, body)?;
        if answer.status != 403 {
            let_in.push(format!("{method} {path}: {}", answer.status));
        }
    }
    let mut facts = vec![Fact::equal(
        &format!("of {} other requests to the API server with the pod's token, not refused", tried.len()),
        &String::new(),
        &let_in.join("; "),
    )];
    // The kubelet: statistics are what it may read, and nothing else.
    let kubelet = ground.cluster.kubelet_client(token.trim(), SOMEBODY)?;
    let run = format!("/exec/{NAMESPACE}/{}/tare?command=/tare", pod.name());
    let paths = ["/pods", "/runningpods/", "/configz", "/logs/", "/debug/pprof/", "/checkpoint/a/b/c", &run];
    let mut let_in = Vec::new();
    for path in paths {
        let method = if path == run || path.starts_with("/checkpoint") { Method::POST } else { Method::GET };
        let answer = kubelet.connect()?.ask(&method, path, &Value::Null)?;
        if answer.status != 403 {
            let_in.push(format!("{path}: {}", answer.status));
        }
    }
    facts.push(Fact::equal(
        &format!("of {} other requests to the kubelet with it, not refused", paths.len()),
        &String::new(),
        &let_in.join("; "),
    ));
    let statistics = kubelet.get("/stats/summary")?.status;
    facts.push(Fact::equal("what it may ask the kubelet, /stats/summary", &200, &statistics));
    Ok(facts)
}
