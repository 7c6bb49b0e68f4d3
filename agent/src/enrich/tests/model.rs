//! Any order of events on any rung, in any order of scrapes: what must hold whatever happens.

use std::collections::{HashMap, HashSet};

use exporter::model::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use shared_informer::pod::Pod;

use super::super::testing::{Fixture, at, container, pairs, pod_of};
use super::super::{Binding, Choice, Enricher, Rule, Settings};
use super::only;

/// Uids of cgroups: two pods, and a static pod by its hash.
const UIDS: [&str; 3] = ["uid-a", "uid-b", "hash-c"];
const IDS: [&str; 4] = ["c1", "c2", "c3", "sandbox"];
const IDENTITY: [&str; 5] =
    ["k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.container.name", "container.id"];
const INTERVAL: u64 = 10;

#[derive(Debug, Clone)]
enum Event {
    /// The watch brings pod `pod` with this label, and with the first `ids` container IDs known.
    Watch {
        pod: usize,
        label: u8,
        ids: usize,
    },
    /// So does the kubelet.
    Kubelet {
        pod: usize,
        label: u8,
        ids: usize,
    },
    /// The watch brings a pod under another name, which is a lie.
    Lie {
        pod: usize,
    },
    Delete {
        pod: usize,
    },
    Expire,
    Unwatch,
    Summary {
        pod: usize,
    },
    Link {
        pod: usize,
        id: usize,
    },
    /// A scrape so many seconds after the last, of the objects in this bit set.
    Scrape {
        after: u64,
        objects: u16,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let pod = 0..UIDS.len();
    prop_oneof![
        3 => (pod.clone(), 0..3u8, 0..4usize).prop_map(|(pod, label, ids)| Event::Watch { pod, label, ids }),
        2 => (pod.clone(), 0..3u8, 0..4usize).prop_map(|(pod, label, ids)| Event::Kubelet { pod, label, ids }),
        1 => pod.clone().prop_map(|pod| Event::Lie { pod }),
        1 => pod.clone().prop_map(|pod| Event::Delete { pod }),
        1 => Just(Event::Expire),
        1 => Just(Event::Unwatch),
        1 => pod.clone().prop_map(|pod| Event::Summary { pod }),
        2 => (pod, 0..3usize).prop_map(|(pod, id)| Event::Link { pod, id }),
        8 => (1..2 * INTERVAL, any::<u16>()).prop_map(|(after, objects)| Event::Scrape { after, objects }),
    ]
}

/// Pod `index` with as many container IDs as are told of: `c1` and `c2` are two instances of one container.
fn told(index: usize, label: u8, ids: usize, name: &str) -> Pod {
    let uid = if index == 2 { "mirror-c" } else { UIDS[index] };
    let app = if ids > 1 { ("c2", 1) } else { ("c1", 0) };
    let id = |id: &'static str, told: bool| if told { id } else { "" };
    let containers = [
        container("app", "app:1", id(app.0, ids > 0), app.1),
        container("side", "side:1", id("c3", ids > 2), 0),
    ];
    Pod {
        labels: pairs([("l", ["x", "y", "z"][usize::from(label)])]),
        config_hash: (index == 2).then(|| "hash-c".into()),
        ..pod_of(["ns", name, uid], containers)
    }
}

fn apply(fixture: &mut Fixture, event: &Event) {
    let name = |pod: usize| ["pod-a", "pod-b", "pod-c"][pod];
    match *event {
        Event::Watch { pod, label, ids } => fixture.watch(told(pod, label, ids, name(pod))),
        Event::Kubelet { pod, label, ids } => fixture.kubelet(told(pod, label, ids, name(pod))),
        Event::Lie { pod } => fixture.watch(told(pod, 0, 3, "liar")),
        Event::Delete { pod } => fixture.delete(if pod == 2 { "mirror-c" } else { UIDS[pod] }),
        Event::Expire => fixture.expire(),
        Event::Unwatch => fixture.unwatch(),
        Event::Summary { pod } => fixture.summary("ns", name(pod), UIDS[pod]),
        Event::Link { pod, id } => {
            let (container, restarts) = [("app", 0), ("app", 1), ("side", 0)][id];
            fixture.link(["ns", name(pod), container], UIDS[pod], IDS[id], restarts);
        }
        Event::Scrape { .. } => {}
    }
}

/// What was seen of one object.
#[derive(Debug)]
struct Seen {
    first: u64,
    version: u32,
    attributes: Vec<(Box<str>, Box<str>)>,
    /// The scrape in which it was reported last: what is not in the next one has ended.
    reported: u64,
}

/// The names that the object may have, as the events above tell them.
fn may_be_called(pod: usize, container: Option<usize>, key: &str, value: &str) -> bool {
    match (key, container) {
        ("k8s.namespace.name", _) => value == "ns",
        ("k8s.pod.name", _) => value == ["pod-a", "pod-b", "pod-c"][pod] || value == "liar",
        ("k8s.pod.uid", _) => value == UIDS[pod],
        ("k8s.container.name", Some(id)) => value == if id == 2 { "side" } else { "app" },
        ("container.id", Some(id)) => value == IDS[id],
        _ => true,
    }
}

fn judge(events: &[Event], container_ids: bool) -> Result<(), TestCaseError> {
    let choice = Choice { labels: vec![Rule::exact(None, "l")], ..only([]) };
    let settings = Settings { container_ids, choice: choice.into(), ..Settings::default() };
    let (mut enricher, mut fixture) = (Enricher::new(settings), Fixture::default());
    // Objects by their place in the bit set; one that is left out is gone, and comes back under another key.
    let (mut seen, mut keys, mut next) = (HashMap::<usize, Seen>::new(), HashMap::<usize, u64>::new(), 0);
    let (mut now, mut scrape) = (0, 0);
    for event in events {
        apply(&mut fixture, event);
        let Event::Scrape { after, objects } = *event else { continue };
        now += after;
        scrape += 1;
        let mut together = HashSet::new();
        for place in 0..15 {
            if objects & (1 << place) == 0 {
                seen.remove(&place);
                keys.remove(&place);
                continue;
            }
            let key = *keys.entry(place).or_insert_with(|| {
                next += 1;
                next
            });
            let (pod, container) = (place / 5, (place % 5).checked_sub(1));
            let time: Timestamp = at(now);
            let binding = match container {
                None => enricher.pod(fixture.rungs(), time, key, UIDS[pod]),
                Some(id) => enricher.container(fixture.rungs(), time, key, UIDS[pod], IDS[id]),
            };
            let attributes = enricher.attributes(key).to_vec();
            let seen = seen.entry(place).or_insert(Seen {
                first: now,
                version: 0,
                attributes: Vec::new(),
                reported: 0,
            });
            let Binding::Known { version } = binding else {
                prop_assert!(
                    binding == Binding::Skip || now - seen.first < INTERVAL,
                    "an object waits for {} s",
                    now - seen.first
                );
                prop_assert!(container.is_some() || binding == Binding::Wait, "a pod is always an object");
                continue;
            };
            prop_assert!(container != Some(3), "a sandbox is reported: {attributes:?}");
            prop_assert!(together.insert(attributes.clone()), "two under one resource: {attributes:?}");
            for (name, value) in &attributes {
                prop_assert!(may_be_called(pod, container, name, value), "{name} of {place} is {value}");
            }
            for name in IDENTITY {
                let of = |all: &[(Box<str>, Box<str>)]| {
                    all.iter().find(|(key, _)| **key == *name).map(|(_, value)| value.clone())
                };
                if let Some(sent) = of(&seen.attributes) {
                    prop_assert_eq!(Some(sent), of(&attributes), "{} of {} has changed", name, place);
                }
            }
            let changed = seen.attributes != attributes;
            // A container whose successor was reported in its stead may have changed to and fro meanwhile.
            let went_on = seen.reported + 1 == scrape;
            prop_assert!(!changed || version > seen.version, "{} -> {}", seen.version, version);
            prop_assert!(changed || version == seen.version || !went_on, "{} -> {}", seen.version, version);
            prop_assert!(version >= seen.version);
            (seen.version, seen.attributes, seen.reported) = (version, attributes, scrape);
        }
        enricher.finish();
        let tally = enricher.tally();
        prop_assert_eq!(tally.reported + tally.waiting + tally.skipped, seen.len());
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_the_rungs_say_identities_stay_waits_end_and_no_two_objects_share_a_resource(
        events in vec(event(), 1..60),
        container_ids in any::<bool>(),
    ) {
        judge(&events, container_ids)?;
    }
}
