//! When counters of pods and containers can have begun, by what the API server says of them.
//!
//! Two agents take the start of a sum from different moments of a pod's start: the kubelet's summary says when the kubelet saw
//! the pod or when the runtime made the container, tare when the cgroup was made with which the counters began. On a node that
//! starts a hundred pods at once seconds lie in between, and how many is the node's doing. Both moments lie in the span that
//! the status of the pod gives, whose ends neither agent made.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use serde_json::Value;

use super::stream::{Attributes, Time};

/// The API has whole seconds: what it gives as the end of a span may be up to a second later.
const RESOLUTION: Time = 1_000_000_000;

/// A static pod's uid on its node: its mirror in the API has another one.
const CONFIG_HASH: &str = "kubernetes.io/config.hash";

/// From when to when the counters of each pod and container can have begun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Starts(BTreeMap<Attributes, (Time, Time)>);

impl Starts {
    /// By the pods of the API server. A pod begins between `status.startTime` and the first start of one of its containers; a
    /// container between that, or the end of its life before, and `startedAt`. What says nothing of that is not known.
    pub fn of(pods: &[Value]) -> Self {
        let mut spans = BTreeMap::new();
        for pod in pods {
            let hash = &pod["metadata"]["annotations"][CONFIG_HASH];
            let uid = if hash.is_string() { hash } else { &pod["metadata"]["uid"] };
            let (Some(uid), Some(seen)) = (uid.as_str(), time(&pod["status"]["startTime"])) else { continue };
            let statuses = ["initContainerStatuses", "containerStatuses"];
            let statuses = statuses.iter().filter_map(|key| pod["status"][key].as_array()).flatten();
            let mut first = None;
            for status in statuses {
                let lives = [&status["state"], &status["lastState"]];
                let started = lives.map(|life| {
                    time(&life["running"]["startedAt"]).or(time(&life["terminated"]["startedAt"]))
                });
                let before = time(&status["lastState"]["terminated"]["finishedAt"]).unwrap_or(seen);
                first = started.into_iter().chain([first]).flatten().min();
                if let (Some(name), Some(until)) = (status["name"].as_str(), started[0]) {
                    spans.insert(identity(uid, Some(name)), (before, until + RESOLUTION));
                }
            }
            if let Some(first) = first {
                spans.insert(identity(uid, None), (seen, first + RESOLUTION));
            }
        }
        Self(spans)
    }

    /// Whether that thing's counters can have begun at that time; not where nothing is known of it.
    pub fn allow(&self, identity: &Attributes, start: Time) -> bool {
        self.0.get(identity).is_some_and(|(from, until)| (*from..=*until).contains(&start))
    }

    /// The same of what had run for so many whole seconds at `now`.
    pub fn allow_uptime(&self, identity: &Attributes, now: Time, seconds: f64) -> bool {
        let Ok(uptime) = std::time::Duration::try_from_secs_f64(seconds) else { return false };
        let uptime = Time::try_from(uptime.as_nanos()).unwrap_or(Time::MAX);
        // The second that had begun is cut off: it began up to a second earlier than this says.
        let latest = now.saturating_sub(uptime);
        self.allow(identity, latest) || self.allow(identity, latest.saturating_sub(RESOLUTION))
    }
}

fn identity(uid: &str, container: Option<&str>) -> Attributes {
    let container = container.map(|name| ("k8s.container.name".to_owned(), name.to_owned()));
    container.into_iter().chain([("k8s.pod.uid".to_owned(), uid.to_owned())]).collect()
}

fn time(value: &Value) -> Option<Time> {
    let time = humantime::parse_rfc3339(value.as_str()?).ok()?;
    Time::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECOND: Time = 1_000_000_000;

    /// 10:00:00 of a day, and seconds after it.
    fn at(seconds: Time) -> Time {
        1_795_341_600 * SECOND + seconds * SECOND
    }

    fn text(seconds: u64) -> String {
        format!("2026-11-22T10:00:{seconds:02}Z")
    }

    fn pod() -> Value {
        json!({
            "metadata": {"uid": "u"},
            "status": {
                "startTime": text(0),
                "initContainerStatuses": [{"name": "init", "state": {"terminated": {"startedAt": text(4), "finishedAt": text(5)}}}],
                "containerStatuses": [
                    {"name": "once", "state": {"running": {"startedAt": text(9)}}, "lastState": {}},
                    {
                        "name": "again", "state": {"running": {"startedAt": text(30)}},
                        "lastState": {"terminated": {"startedAt": text(9), "finishedAt": text(20)}},
                    },
                    {"name": "never", "state": {"waiting": {}}, "lastState": {}},
                ],
            },
        })
    }

    fn allowed(starts: &Starts, uid: &str, container: Option<&str>) -> Vec<Time> {
        let all = (0..600).map(|tenths| at(0) - SECOND + tenths * SECOND / 10);
        let allowed: Vec<_> = all.filter(|time| starts.allow(&identity(uid, container), *time)).collect();
        allowed.first().into_iter().chain(allowed.last()).copied().collect()
    }

    #[test]
    fn a_start_lies_between_what_the_api_server_saw_before_and_after_it() {
        let starts = Starts::of(&[pod()]);
        assert_eq!(allowed(&starts, "u", None), [at(0), at(5)]);
        assert_eq!(allowed(&starts, "u", Some("once")), [at(0), at(10)]);
        assert_eq!(allowed(&starts, "u", Some("again")), [at(20), at(31)]);
        assert!(allowed(&starts, "u", Some("never")).is_empty());
        assert!(allowed(&starts, "other", None).is_empty());
        assert!(!starts.allow(&Attributes::new(), at(1)));
    }

    #[test]
    fn a_static_pod_has_the_uid_of_its_node() {
        let mut pod = pod();
        pod["metadata"]["annotations"] = json!({CONFIG_HASH: "h"});
        let starts = Starts::of(&[pod]);
        assert_eq!(allowed(&starts, "h", None), [at(0), at(5)]);
        assert!(allowed(&starts, "u", None).is_empty());
    }

    #[test]
    fn a_pod_without_a_status_says_nothing() {
        assert_eq!(Starts::of(&[json!({"metadata": {"uid": "u"}})]), Starts::default());
    }

    #[test]
    fn an_uptime_is_right_where_what_it_counts_from_lies_in_the_span() {
        let starts = Starts::of(&[pod()]);
        let allowed = |uptime: f64| starts.allow_uptime(&identity("u", Some("once")), at(100), uptime);
        // It began in the first ten seconds; a hundred is now. The second that had begun is cut off.
        assert!(allowed(100.0) && allowed(90.0) && allowed(89.0));
        assert!(!allowed(100.1) && !allowed(88.9));
        assert!(!allowed(f64::NAN) && !allowed(-1.0) && !allowed(1e300));
        assert!(!starts.allow_uptime(&Attributes::new(), at(100), 50.0));
    }
}
