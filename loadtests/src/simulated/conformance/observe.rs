//! What a client can see of an answer, in a form in which two servers can be compared. Pure.

use std::fmt::Write as _;

use hyper::header::HeaderMap;
use serde_json::{Value, json};

use super::Seen;
use crate::real::cluster::http::Answer;

/// The headers that a client acts on, and that say how a body comes.
const HEADERS: [&str; 7] = [
    "content-type",
    "cache-control",
    "content-encoding",
    "retry-after",
    "transfer-encoding",
    "x-content-type-options",
    "x-kubernetes-pf-flowschema-uid",
];

/// An answer that came whole.
pub(crate) fn answer(answer: &Answer) -> Seen {
    let status = answer.status;
    let again = answer.headers.get("retry-after").and_then(|value| value.to_str().ok());
    let again = again.map_or(String::new(), |seconds| format!("; come again in {seconds} s"));
    let text = String::from_utf8_lossy(&answer.body);
    let Ok(object) = serde_json::from_slice::<Value>(&answer.body) else {
        let summary = format!("{status} {}{again}", text.trim_end());
        return Seen { detail: format!("{}\n{text:?}", headers(&answer.headers, status)), summary };
    };
    let summary = format!("{status} {}{again}", in_words(&object));
    let newline = if answer.body.ends_with(b"\n") { "ends with a newline" } else { "ends without a newline" };
    let detail = format!("{}\n{}\n{newline}", headers(&answer.headers, status), common(&object));
    Seen { summary, detail }
}

/// Whether this line is a bookmark that says no more than the one before it: how often a server sends them is its own affair, and
/// no client may rely on their number.
pub(crate) fn repeats(before: Option<&[u8]>, line: &[u8]) -> bool {
    let bookmark = |line: &[u8]| {
        let event = serde_json::from_slice::<Value>(line).ok()?;
        (event["type"] == "BOOKMARK").then(|| format!("{} {}", keys(&event), common(&event["object"])))
    };
    before.is_some_and(|before| bookmark(line).is_some_and(|this| bookmark(before) == Some(this)))
}

/// A watch: its lines and how it ended.
pub(crate) fn watch(status: u16, of: &HeaderMap, lines: &[Vec<u8>], end: &str) -> Seen {
    let mut kinds = Vec::new();
    let mut detail = headers(of, status);
    for line in lines {
        let event: Value = serde_json::from_slice(line).unwrap_or_default();
        let kind = event["type"].as_str().unwrap_or("no event").to_owned();
        let code = event["object"]["code"].as_u64().map_or(String::new(), |code| format!(" {code}"));
        let keys = keys(&event);
        // Writing to a String cannot fail.
        let _ = write!(detail, "\n{kind} {keys} {}", common(&event["object"]));
        kinds.push(format!("{kind}{code}"));
    }
    kinds.push(end.to_owned());
    Seen { summary: format!("{status} {}", kinds.join(", ")), detail }
}

fn headers(headers: &HeaderMap, status: u16) -> String {
    let seen = HEADERS.iter().filter_map(|name| {
        let value = headers.get(*name)?.to_str().ok()?;
        let there = name.contains("uid");
        Some(format!("{name}: {}", if there { "there" } else { value }))
    });
    format!("{status}; {}", seen.collect::<Vec<_>>().join("; "))
}

fn keys(object: &Value) -> String {
    let keys = object.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let mut keys: Vec<_> = keys.collect();
    keys.sort_unstable();
    format!("{{{}}}", keys.join(" "))
}

/// In a few words.
fn in_words(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or("no object");
    let status = &object["status"];
    match kind {
        "Status" => {
            let text = |key: &str| object[key].as_str().unwrap_or_default();
            format!("{}: {}", text("reason"), without_numbers(text("message")))
        }
        "PodList" => {
            let more = object["metadata"]["continue"].as_str().is_some_and(|token| !token.is_empty());
            let pods = object["items"].as_array().map_or(0, Vec::len);
            format!("PodList of {pods}{}", if more { " and more" } else { "" })
        }
        "DaemonSet" => format!("DaemonSet wanted on {}", status["desiredNumberScheduled"]),
        "TokenReview" if status["authenticated"] == true => {
            format!("TokenReview: {}", status["user"]["username"].as_str().unwrap_or_default())
        }
        "TokenReview" if status["error"].is_string() => "TokenReview: nobody, with an error".to_owned(),
        "SubjectAccessReview" => {
            format!("SubjectAccessReview: {}", if status["allowed"] == true { "allowed" } else { "denied" })
        }
        _ => kind.to_owned(),
    }
}

/// Each number becomes an N, unless it ends a name.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for character in text.chars().chain(['\n']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        // Names of nodes and of API versions are none.
        let before = out.chars().next_back();
        let part_of_a_name = before.is_some_and(|before| before == '-' || before.is_alphabetic());
        let part_of_a_name = part_of_a_name || digits.is_empty();
        out.push_str(if part_of_a_name { &digits } else { "N" });
        digits.clear();
        out.push(character);
    }
    out.pop();
    out
}

/// An object without what differs from server to server: what is left has to be equal.
fn common(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default();
    match kind {
        "Status" => {
            let mut status = object.clone();
            let message = object["message"].as_str().unwrap_or_default();
            status["message"] = without_numbers(message).into();
            status.to_string()
        }
        "PodList" => {
            let items = object["items"].as_array().cloned().unwrap_or_default();
            let mut pods: Vec<_> = items.iter().map(|item| pod(item, true).to_string()).collect();
            // A page from the cache has no order that is promised.
            pods.sort_unstable();
            format!("{} {}\n{}", keys(object), keys(&object["metadata"]), pods.join("\n"))
        }
        // A bookmark: all of it but its version.
        "Pod" if object["metadata"]["name"].is_null() => {
            let mut bookmark = object.clone();
            bookmark["metadata"]["resourceVersion"] = "N".into();
            bookmark.to_string()
        }
        "Pod" => pod(object, false).to_string(),
        "DaemonSet" => {
            let metadata = &object["metadata"];
            let there = ["uid", "resourceVersion", "creationTimestamp"].map(|key| metadata[key].is_string());
            json!({
                "keys": keys(object), "generation": metadata["generation"], "name": metadata["name"],
                "namespace": metadata["namespace"], "annotations": metadata["annotations"], "there": there,
                "status": object["status"],
            })
            .to_string()
        }
        _ => in_words(object),
    }
}

/// What tare and others read of a pod.
fn pod(pod: &Value, item: bool) -> Value {
    let metadata = &pod["metadata"];
    let there = ["uid", "resourceVersion", "creationTimestamp"].map(|key| metadata[key].is_string());
    let containers = pod["spec"]["containers"].as_array().cloned().unwrap_or_default();
    let containers: Vec<_> = containers
        .iter()
        .map(|one| json!({"name": one["name"], "image": one["image"], "resources": one["resources"]}))
        .collect();
    let statuses = pod["status"]["containerStatuses"].as_array().cloned().unwrap_or_default();
    let statuses: Vec<_> = statuses.iter().map(|one| json!([one["name"], one["containerID"]])).collect();
    json!({
        "item": item, "kind": pod["kind"], "apiVersion": pod["apiVersion"], "keys": keys(pod), "there": there,
        "name": metadata["name"], "namespace": metadata["namespace"], "labels": metadata["labels"],
        "annotations": metadata["annotations"], "owners": metadata["ownerReferences"],
        "node": pod["spec"]["nodeName"], "containers": containers, "phase": pod["status"]["phase"],
        "ip": pod["status"]["podIP"], "started": pod["status"]["startTime"], "statuses": statuses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_left_out_and_names_are_not() {
        assert_eq!(without_numbers("too old: 1 (1234)"), "too old: N (N)");
        assert_eq!(without_numbers("node-0007 of v1 at 12"), "node-0007 of v1 at N");
    }

    #[test]
    fn a_bookmark_repeats_the_one_before_it_unless_it_says_more_and_nothing_else_does() {
        let line =
            |kind: &str, object: Value| json!({"type": kind, "object": object}).to_string().into_bytes();
        let bookmark = |version: &str, annotations: Value| {
            let metadata = json!({"resourceVersion": version, "annotations": annotations});
            line("BOOKMARK", json!({"kind": "Pod", "metadata": metadata}))
        };
        let (first, later) = (bookmark("1", Value::Null), bookmark("2", Value::Null));
        let initial = bookmark("2", json!({"k8s.io/initial-events-end": "true"}));
        let event = line("MODIFIED", json!({"kind": "Pod", "metadata": {"name": "a"}}));
        assert!(repeats(Some(&first), &later));
        assert!(!repeats(None, &first) && !repeats(Some(&event), &first));
        assert!(!repeats(Some(&initial), &later) && !repeats(Some(&event), &event), "news is not left out");
    }

    #[test]
    fn two_answers_that_differ_in_what_a_client_reads_differ_here() {
        let object = |phase: &str| json!({"kind": "PodList", "metadata": {}, "items": [{"metadata": {"name": "a"}, "status": {"phase": phase}}]});
        assert_ne!(common(&object("Running")), common(&object("Failed")));
        let status =
            |reason: &str| json!({"kind": "Status", "message": "at 12", "reason": reason, "code": 410});
        assert_ne!(common(&status("Expired")), common(&status("Gone")));
        assert_eq!(in_words(&status("Expired")), "Expired: at N");
    }
}
