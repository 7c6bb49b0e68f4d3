//! Whatever happens between a server and an informer, an informer that is in sync knows what the server has.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::event::{End, Failure};
use super::*;
use crate::pod::Head;

/// A server with a history, as the watch cache has one.
#[derive(Debug, Default)]
struct Server {
    version: u64,
    pods: BTreeMap<u8, u64>,
    /// What happened at which version; `true` for a change, `false` for a deletion.
    history: Vec<(u64, u8, bool)>,
}

#[derive(Debug, Clone)]
enum Op {
    Store(u8),
    Delete(u8),
    /// Deliver so many of the events that wait.
    Deliver(usize),
    Bookmark,
    Break(bool),
    /// The history is forgotten: a watch from an older version gets a 410.
    Compact,
    /// The next answer is an error.
    Fail,
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..6_u8).prop_map(Op::Store),
        2 => (0..6_u8).prop_map(Op::Delete),
        4 => (1..5_usize).prop_map(Op::Deliver),
        2 => Just(Op::Bookmark),
        1 => any::<bool>().prop_map(Op::Break),
        1 => Just(Op::Compact),
        1 => Just(Op::Fail),
        3 => (1..90_u64).prop_map(Op::Pass),
    ]
}

/// The server's side of one conversation.
#[derive(Default)]
struct Talk {
    server: Server,
    compacted: u64,
    watch: Option<(RequestId, u64)>,
    fail_next: bool,
}

impl Talk {
    fn change(&mut self, pod: u8, stored: bool) {
        let server = &mut self.server;
        if !stored && !server.pods.contains_key(&pod) {
            return;
        }
        server.version += 1;
        server.history.push((server.version, pod, stored));
        if stored {
            server.pods.insert(pod, server.version);
        } else {
            server.pods.remove(&pod);
        }
    }

    fn answer(&mut self, node: &mut Node) {
        while !node.sent.is_empty() {
            let Send { id, ask, .. } = node.sent.remove(0);
            if std::mem::take(&mut self.fail_next) {
                node.done(id, Outcome::Failed(Failure::Connection));
                continue;
            }
            match ask {
                Ask::Size => node.done(id, Outcome::Size(daemon_set(1))),
                Ask::List { .. } => {
                    let pods = self
                        .server
                        .pods
                        .iter()
                        .map(|(name, version)| pod(&name.to_string(), &version.to_string()));
                    let listed = list(&self.server.version.to_string(), pods.collect());
                    node.done(id, Outcome::List(listed));
                }
                Ask::Watch { resource_version, .. } => {
                    let from: u64 = resource_version.parse().unwrap();
                    if from < self.compacted {
                        node.done(id, rejected(410));
                    } else {
                        self.watch = Some((id, from));
                        node.tell(id, Happened::Opened);
                    }
                }
            }
        }
        if self.watch.is_some_and(|(id, _)| node.aborted.contains(&id)) {
            self.watch = None;
        }
    }

    fn deliver(&mut self, node: &mut Node, number: usize) {
        for _ in 0..number {
            let Some((id, at)) = self.watch else { return };
            let next = self.server.history.iter().find(|(version, ..)| *version > at).copied();
            let Some((version, name, stored)) = next else { return };
            self.watch = Some((id, version));
            let (text, at) = (name.to_string(), version.to_string());
            let item = if stored {
                Item::Applied(Box::new(pod(&text, &at)))
            } else {
                let uid = Some(format!("uid-{text}").into());
                Item::Deleted(Box::new(Head {
                    namespace: None,
                    name: None,
                    uid,
                    resource_version: Some(at.into()),
                }))
            };
            node.tell(id, Happened::Item(item));
        }
    }

    fn bookmark(&self, node: &mut Node) {
        if let Some((id, at)) = self.watch {
            // A bookmark stands for everything that was delivered before it.
            node.bookmark(id, &at.to_string());
        }
    }

    fn pass(&mut self, node: &mut Node, seconds: u64) {
        for _ in 0..seconds {
            node.pass(Duration::from_secs(1));
            self.answer(node);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_informer_in_sync_knows_what_the_server_has(ops in prop::collection::vec(op(), 1..60)) {
        let mut node = Node::new(settings(Some(1)));
        let mut talk = Talk { server: Server { version: 10, ..Server::default() }, ..Talk::default() };
        for op in ops {
            match op {
                Op::Store(pod) => talk.change(pod, true),
                Op::Delete(pod) => talk.change(pod, false),
                Op::Deliver(number) => talk.deliver(&mut node, number),
                Op::Bookmark => talk.bookmark(&mut node),
                Op::Break(clean) => {
                    if let Some((id, _)) = talk.watch.take() {
                        node.tell(id, Happened::Ended(if clean { End::Closed } else { End::Broken }));
                    }
                }
                Op::Compact => talk.compacted = talk.server.version,
                Op::Fail => talk.fail_next = true,
                Op::Pass(seconds) => talk.pass(&mut node, seconds),
            }
            talk.answer(&mut node);
        }
        // Left alone, it comes back into sync: a quarter of an hour is enough for the stretched period to shrink.
        talk.fail_next = false;
        for _ in 0..60 {
            talk.pass(&mut node, 60);
            talk.deliver(&mut node, 1_000);
            talk.bookmark(&mut node);
        }
        prop_assert!(talk.watch.is_some());
        let expected: Vec<String> = talk.server.pods.keys().map(u8::to_string).collect();
        prop_assert_eq!(node.names(), expected);
        let versions: BTreeMap<String, String> = node.informer.pods.index.snapshot().pods()
            .map(|found| (found.pod.name.to_string(), found.pod.resource_version.clone().unwrap_or_default().to_string()))
            .collect();
        for (name, version) in &talk.server.pods {
            prop_assert_eq!(&versions[&name.to_string()], &version.to_string());
        }
    }
}
