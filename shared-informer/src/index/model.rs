//! The index after any sequence of events, LISTs, disconnects and time steps equals a naive list of pods.

mod naive;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use naive::{Lookup, Naive};

use super::tests::pod;
use super::{Applied, Found, FoundContainer, Index, Limits, PrefixMatch, Provenance, Snapshot};
use crate::pod::{ContainerId, Phase, Pod, Runtime};

/// IDs with common beginnings of all lengths around the shortest allowed prefix.
const IDS: [&str; 6] = ["aaaaa1", "aaaaaa1", "aaaaaa2", "aaaaaaa", "b00000", "b000001"];
const PREFIXES: [&str; 7] = ["", "a", "aaaaaa", "aaaaaaa", "b0000", "b00000", "zzzzzz"];
const UIDS: [&str; 6] = ["u0", "u1", "u2", "u3", "h0", "u5"];
const HASHES: [&str; 2] = ["h0", "h1"];
const NAMES: [&str; 4] = ["n0", "n1", "n2", "n3"];

fn addresses() -> [IpAddr; 3] {
    ["10.0.0.1", "10.0.0.2", "fd00::1"].map(|text| text.parse().unwrap())
}

#[derive(Debug, Clone)]
enum Op {
    /// The server stores a pod and sends the event, which is lost while disconnected.
    Store(Box<Pod>),
    /// The server deletes a pod and sends the event, which is lost while disconnected.
    Delete(usize, Option<u64>),
    /// An event of an earlier watch comes again.
    Replay(Box<Pod>),
    Disconnect,
    /// A LIST of what the server has; connected again.
    Relist,
    Restore(Vec<Pod>),
    Confirm,
    Wait(u64),
    Advance,
    Snapshot,
}

fn some_pod() -> impl Strategy<Value = Pod> {
    let identity = (
        0..UIDS.len(),
        0..NAMES.len(),
        prop_oneof![4 => (0u64..40).prop_map(|v| v.to_string()), 1 => Just("x".into())],
    );
    let network = (any::<bool>(), proptest::collection::vec(0usize..3, 0..3), any::<bool>());
    let containers = proptest::collection::vec(proptest::option::of(0..IDS.len()), 0..3);
    (identity, network, containers, proptest::option::of(0..HASHES.len())).prop_map(
        |((uid, name, version), (host_network, places, ended), containers, hash)| {
            let mut pod = pod(UIDS[uid], NAMES[name], &version);
            pod.host_network = host_network;
            pod.addresses = places.into_iter().map(|place| addresses()[place]).collect();
            pod.phase = if ended { Phase::Failed } else { Phase::Running };
            pod.config_hash = hash.map(|hash| HASHES[hash].into());
            let template = pod.containers[0].clone();
            pod.containers = (0..)
                .zip(containers)
                .map(|(at, id)| {
                    let mut container = template.clone();
                    container.name = format!("c{at}").into();
                    container.id =
                        id.map(|id| ContainerId { runtime: Runtime::Containerd, id: IDS[id].into() });
                    container
                })
                .collect();
            pod
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => some_pod().prop_map(|pod| Op::Store(Box::new(pod))),
        4 => (0..UIDS.len(), proptest::option::of(0u64..40)).prop_map(|(uid, version)| Op::Delete(uid, version)),
        3 => some_pod().prop_map(|pod| Op::Replay(Box::new(pod))),
        1 => Just(Op::Disconnect),
        2 => Just(Op::Relist),
        1 => proptest::collection::vec(some_pod(), 0..4).prop_map(Op::Restore),
        1 => Just(Op::Confirm),
        4 => (0u64..8).prop_map(Op::Wait),
        1 => Just(Op::Advance),
        2 => Just(Op::Snapshot),
    ]
}

fn answer(found: Found<'_>) -> (Pod, Provenance, Option<Duration>) {
    ((**found.pod).clone(), found.provenance, found.gone_at)
}

fn answers(snapshot: &Snapshot) -> Lookup {
    let mut all = Lookup::new();
    all.extend(snapshot.pods().map(|found| ("pods".into(), Some(answer(found)))));
    for uid in UIDS {
        all.push((format!("uid {uid}"), snapshot.by_uid(uid).map(answer)));
    }
    for name in NAMES {
        all.push((format!("name {name}"), snapshot.by_name("ns", name).map(answer)));
    }
    for hash in HASHES {
        all.push((format!("hash {hash}"), snapshot.by_config_hash(hash).map(answer)));
    }
    for address in addresses() {
        all.push((format!("address {address}"), snapshot.by_address(address).map(answer)));
    }
    let container = |id: &str, found: FoundContainer<'_>| {
        assert!(found.container.id.as_ref().is_some_and(|found| found.id.starts_with(id)));
        answer(found.found)
    };
    for id in IDS {
        let found = snapshot.by_container_id(id).map(|found| container(id, found));
        all.push((format!("container {id}"), found));
    }
    let mut prefix = |what: String, text: &str, found: PrefixMatch<'_>| match found {
        PrefixMatch::None => all.push((what, None)),
        PrefixMatch::One(found) => all.push((what, Some(container(text, found)))),
        PrefixMatch::Ambiguous => all.push((format!("{what} ambiguous"), None)),
    };
    for text in PREFIXES {
        prefix(format!("prefix {text}"), text, snapshot.by_container_prefix(text));
        for uid in UIDS {
            prefix(format!("prefix {text} in {uid}"), text, snapshot.by_container_prefix_in(uid, text));
        }
    }
    all
}

/// Both sides, the server they follow, and the snapshots taken on the way with what they must answer for ever.
struct Run {
    index: Index,
    naive: Naive,
    server: BTreeMap<Box<str>, Pod>,
    connected: bool,
    now: Duration,
    taken: Vec<(Arc<Snapshot>, Lookup)>,
}

impl Run {
    fn step(&mut self, op: Op) {
        let now = self.now;
        match op {
            Op::Store(pod) => {
                self.server.retain(|_, other| other.uid != pod.uid);
                self.server.insert(pod.name.clone(), (*pod).clone());
                if self.connected {
                    self.naive.apply(&pod, now);
                    self.index.apply(*pod, now);
                }
            }
            Op::Delete(uid, version) => {
                self.server.retain(|_, other| &*other.uid != UIDS[uid]);
                if self.connected {
                    self.naive.delete(UIDS[uid], version, now);
                    self.index.delete(UIDS[uid], version.map(|v| v.to_string()).as_deref(), now);
                }
            }
            Op::Replay(pod) => {
                self.naive.apply(&pod, now);
                self.index.apply(*pod, now);
            }
            Op::Disconnect => self.connected = false,
            Op::Relist => {
                let list: Vec<Pod> = self.server.values().cloned().collect();
                self.naive.reset(&list, now);
                let summary = self.index.reset(list, now);
                if summary.refused == 0 {
                    let live = self.index.live.iter().map(|entry| (*entry.pod).clone());
                    assert!(live.eq(self.server.values().cloned()), "after a LIST the index is the server");
                }
                self.connected = true;
            }
            Op::Restore(pods) => {
                self.naive.restore(&pods);
                self.index.restore(pods);
            }
            Op::Confirm => {
                self.naive.live.iter_mut().for_each(|row| row.provenance = Provenance::Live);
                self.index.confirm();
            }
            Op::Wait(seconds) => self.now += Duration::from_secs(seconds),
            Op::Advance => {
                self.naive.expire(now);
                self.index.advance(now);
            }
            Op::Snapshot => self.taken.push((self.index.snapshot(), self.naive.answers())),
        }
    }
}

fn some_limits() -> impl Strategy<Value = Limits> {
    let tombstone_age = Duration::from_secs(10);
    let tight = (1usize..5, 200usize..2000, 0usize..4, 100usize..1500).prop_map(
        move |(pods, bytes, tombstones, tombstone_bytes)| Limits {
            pods,
            bytes,
            tombstones,
            tombstone_bytes,
            tombstone_age,
        },
    );
    prop_oneof![Just(Limits { tombstone_age, ..Limits::default() }), tight]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_index_equals_a_naive_list_after_any_sequence(
        limits in some_limits(),
        ops in proptest::collection::vec(op(), 1..40),
    ) {
        let naive = Naive::new(limits);
        let (index, server, now) = (Index::new(limits), BTreeMap::new(), Duration::from_secs(1000));
        let mut run = Run { index, naive, server, connected: true, now, taken: Vec::new() };
        for op in ops {
            let (before, generation) = (run.naive.answers(), run.index.generation());
            run.step(op.clone());
            let after = run.naive.answers();
            prop_assert_eq!(&answers(&run.index.snapshot()), &after, "after {:?}", op);
            if run.index.generation() == generation {
                prop_assert_eq!(&before, &after, "no change without a new generation: {:?}", op);
            }
        }
        for (snapshot, expected) in &run.taken {
            prop_assert_eq!(&answers(snapshot), expected, "a snapshot never changes");
        }
    }

    #[test]
    fn what_is_applied_twice_changes_nothing_the_second_time(pods in proptest::collection::vec(some_pod(), 1..10)) {
        let mut index = Index::new(Limits::default());
        for pod in pods {
            index.apply(pod.clone(), Duration::ZERO);
            let (before, generation) = (answers(&index.snapshot()), index.generation());
            prop_assert!(matches!(index.apply(pod, Duration::ZERO), Applied::Unchanged | Applied::Stale));
            prop_assert_eq!(index.generation(), generation);
            prop_assert_eq!(answers(&index.snapshot()), before);
        }
    }
}
