//! What the server holds: pods, the size of the cluster, its own DaemonSet; and which watches are open on it.
//!
//! Every change has a version of its own. What happened within the history window is kept, so that a watch from a
//! version within it misses nothing; one from before it is refused.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::question::{Fields, Selector};

mod daemon_set;
#[cfg(test)]
mod tests;

pub(super) use self::daemon_set::DaemonSet;

/// The first version.
const FIRST: u64 = 1_000;

/// What waits for a watch that is slow. One that is slower still is ended, as the real server does.
const BUFFER: usize = 1_000;

/// Namespace and name.
pub(super) type Key = (String, String);

/// The server's objects. Cheap to clone; every clone is the same store.
#[derive(Debug, Clone)]
pub struct Store(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    version: u64,
    /// A watch from below this has missed something.
    floor: u64,
    history: Duration,
    pods: BTreeMap<Key, Arc<Held>>,
    by_node: HashMap<String, BTreeSet<Key>>,
    events: VecDeque<Arc<Event>>,
    /// By the node that they select; none: those that select none.
    watches: HashMap<Option<String>, Vec<Open>>,
    daemon_set: DaemonSet,
}

/// A pod.
#[derive(Debug)]
pub(super) struct Held {
    namespace: String,
    name: String,
    node: String,
    phase: String,
    /// As in the items of a list: without kind and apiVersion.
    pub(super) object: Bytes,
}

impl Held {
    fn fields(&self) -> Fields<'_> {
        Fields { node: &self.node, phase: &self.phase, name: &self.name, namespace: &self.namespace }
    }
}

/// A change.
#[derive(Debug)]
struct Event {
    version: u64,
    at: Instant,
    before: Option<Arc<Held>>,
    after: Option<Arc<Held>>,
    /// As ADDED, MODIFIED and DELETED, once somebody has to be told.
    lines: [OnceLock<Bytes>; 3],
}

/// An open watch.
#[derive(Debug)]
struct Open {
    selector: Selector,
    from: u64,
    sender: mpsc::Sender<Bytes>,
}

/// Where a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// After this version.
    After(u64),
    /// With everything there is.
    Everything,
}

/// A watch that stands.
#[derive(Debug)]
pub(super) struct Opened {
    /// What it begins with.
    pub(super) first: Vec<Bytes>,
    /// The version of that.
    pub(super) version: u64,
    /// What comes later; it ends if the watch is too slow.
    pub(super) later: mpsc::Receiver<Bytes>,
}

/// The version that a watch would have to be from at least.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone(pub(super) u64);

/// Some or all pods of a selection.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) version: u64,
    pub(super) pods: Vec<Arc<Held>>,
    /// The last pod of this page, where there are more.
    pub(super) last: Option<Key>,
}

impl Store {
    pub(super) fn new(history: Duration, daemon_set: DaemonSet) -> Self {
        Self(Arc::new(Mutex::new(State {
            version: FIRST,
            floor: FIRST,
            history,
            pods: BTreeMap::new(),
            by_node: HashMap::new(),
            events: VecDeque::new(),
            watches: HashMap::new(),
            daemon_set,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a pod, or changes the one of the same namespace and name. Gives the version of the change. What a server adds
    /// (kind, uid, creation, version) need not be there.
    ///
    /// # Errors
    /// When it is no object with a name.
    pub fn add_pod(&self, mut pod: Value) -> anyhow::Result<u64> {
        let mut state = self.state();
        let version = state.version + 1;
        let (namespace, name) = complete(&mut pod, version)?;
        let text = |at: &str| pod.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (node, phase) = (text("/spec/nodeName"), text("/status/phase"));
        let object = Bytes::from(serde_json::to_vec(&pod)?);
        let held = Arc::new(Held { namespace, name, node, phase, object });
        let key = (held.namespace.clone(), held.name.clone());
        let before = state.pods.insert(key.clone(), Arc::clone(&held));
        state.unlist(&key, before.as_deref());
        state.by_node.entry(held.node.clone()).or_default().insert(key);
        state.changed(version, before, Some(held));
        Ok(version)
    }

    /// Removes a pod. Gives the version of the change; none if there is no such pod.
    pub fn remove_pod(&self, namespace: &str, name: &str) -> Option<u64> {
        let mut state = self.state();
        let key = (namespace.to_owned(), name.to_owned());
        let before = state.pods.remove(&key)?;
        state.unlist(&key, Some(&before));
        let version = state.version + 1;
        state.changed(version, Some(before), None);
        Some(version)
    }

    /// Sets how many nodes the DaemonSet is wanted on.
    pub fn set_nodes(&self, nodes: u32) {
        self.state().change_daemon_set(|daemon_set| daemon_set.nodes = nodes);
    }

    /// Sets an annotation of the DaemonSet, or removes it.
    pub fn set_daemon_set_annotation(&self, key: &str, value: Option<&str>) {
        self.state().change_daemon_set(|daemon_set| {
            match value {
                Some(value) => daemon_set.annotations.insert(key.to_owned(), value.to_owned()),
                None => daemon_set.annotations.remove(key),
            };
        });
    }

    /// Something else was written so many times: leases, events, other objects.
    pub fn written_elsewhere(&self, times: u64) {
        self.state().version += times;
    }

    /// Goes back by so many versions, as an etcd that was restored: what was known of them is no longer so.
    pub fn go_back(&self, versions: u64) {
        let mut state = self.state();
        state.version = state.version.saturating_sub(versions).max(1);
        state.forget();
    }

    /// Forgets what was before now, as a server that starts again, and ends every watch.
    pub(super) fn forget(&self) {
        self.state().forget();
    }

    /// The newest version.
    pub fn version(&self) -> u64 {
        self.state().version
    }

    /// How many pods there are.
    pub fn pods(&self) -> usize {
        self.state().pods.len()
    }

    /// The pods of a node as objects.
    pub fn objects_of_node(&self, node: &str) -> Vec<Value> {
        let selector = Selector::of_node(node);
        let pods = self.list(&selector, None, None).pods;
        pods.iter().filter_map(|held| serde_json::from_slice(&held.object).ok()).collect()
    }

    /// How many watches stand.
    pub fn watches(&self) -> usize {
        let state = self.state();
        state.watches.values().flatten().filter(|open| !open.sender.is_closed()).count()
    }

    /// The DaemonSet as an object.
    pub(super) fn daemon_set(&self) -> Value {
        self.state().daemon_set.object()
    }

    /// The version that a bookmark tells of. Whatever else a cluster does has moved it on by then, by one at least.
    pub(super) fn bookmark(&self) -> u64 {
        let mut state = self.state();
        state.version += 1;
        state.version
    }

    /// The selected pods behind `after`, at most `limit` of them.
    pub(super) fn list(&self, selector: &Selector, after: Option<&Key>, limit: Option<usize>) -> Page {
        self.state().select(selector, after, limit)
    }

    /// Opens a watch.
    pub(super) fn watch(&self, selector: Selector, begin: Begin) -> Result<Opened, Gone> {
        let mut state = self.state();
        let everything = match begin {
            Begin::Everything => state.select(&selector, None, None).pods,
            Begin::After(_) => Vec::new(),
        };
        state.prune(Instant::now());
        let from = match begin {
            Begin::Everything => state.version,
            Begin::After(version) if version < state.floor => return Err(Gone(state.floor)),
            Begin::After(version) => version,
        };
        let mut first: Vec<_> = everything.iter().map(|held| line("ADDED", &held.object)).collect();
        let missed = state.events.iter().filter(|event| event.version > from);
        first.extend(missed.filter_map(|event| event.told_to(&selector)));
        let (sender, later) = mpsc::channel(BUFFER);
        let version = state.version;
        let open = state.watches.entry(selector.node.clone()).or_default();
        open.retain(|open| !open.sender.is_closed());
        open.push(Open { selector, from, sender });
        Ok(Opened { first, version, later })
    }
}

impl State {
    fn select(&self, selector: &Selector, after: Option<&Key>, limit: Option<usize>) -> Page {
        let selected: Box<dyn Iterator<Item = &Arc<Held>>> = match &selector.node {
            Some(node) => {
                let keys = self.by_node.get(node).into_iter().flatten();
                Box::new(keys.filter_map(|key| self.pods.get(key)))
            }
            None => Box::new(self.pods.values()),
        };
        let behind = |held: &Held| {
            after.is_none_or(|(namespace, name)| (&held.namespace, &held.name) > (namespace, name))
        };
        let mut selected = selected.filter(|held| behind(held) && selector.selects(held.fields()));
        let pods: Vec<_> = selected.by_ref().take(limit.unwrap_or(usize::MAX)).cloned().collect();
        let more = selected.next().is_some();
        let last = pods.last().filter(|_| more).map(|held| (held.namespace.clone(), held.name.clone()));
        Page { version: self.version, pods, last }
    }

    /// Removes a pod's name from its node.
    fn unlist(&mut self, key: &Key, before: Option<&Held>) {
        let Some(before) = before else { return };
        if let Some(keys) = self.by_node.get_mut(&before.node) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_node.remove(&before.node);
            }
        }
    }

    /// Notes a change and tells everyone who watches.
    fn changed(&mut self, version: u64, before: Option<Arc<Held>>, after: Option<Arc<Held>>) {
        let at = Instant::now();
        self.version = version;
        self.prune(at);
        let event = Event { version, at, before, after, lines: Default::default() };
        let mut nodes: Vec<_> =
            [&event.before, &event.after].into_iter().flatten().map(|held| Some(held.node.clone())).collect();
        nodes.dedup();
        nodes.push(None);
        for node in nodes {
            let Some(open) = self.watches.get_mut(&node) else { continue };
            open.retain(|open| {
                if event.version <= open.from {
                    return true;
                }
                event.told_to(&open.selector).is_none_or(|line| open.sender.try_send(line).is_ok())
            });
            if open.is_empty() {
                self.watches.remove(&node);
            }
        }
        self.events.push_back(Arc::new(event));
    }

    /// Forgets what is older than the window.
    fn prune(&mut self, now: Instant) {
        while let Some(oldest) = self.events.front()
            && now.saturating_duration_since(oldest.at) > self.history
        {
            self.floor = self.floor.max(oldest.version);
            self.events.pop_front();
        }
    }

    fn forget(&mut self) {
        self.floor = self.version;
        self.events.clear();
        self.watches.clear();
    }

    fn change_daemon_set(&mut self, change: impl FnOnce(&mut DaemonSet)) {
        self.version += 1;
        self.daemon_set.version = self.version;
        change(&mut self.daemon_set);
    }
}

impl Event {
    /// What a watch with this selector is told of it.
    fn told_to(&self, selector: &Selector) -> Option<Bytes> {
        let selected = |held: &Option<Arc<Held>>| held.clone().filter(|held| selector.selects(held.fields()));
        let (kind, at, held) = match (selected(&self.before), selected(&self.after)) {
            (None, None) => return None,
            (None, Some(after)) => ("ADDED", 0, after),
            (Some(_), Some(after)) => ("MODIFIED", 1, after),
            (Some(before), None) => ("DELETED", 2, self.at_its_end(&before)),
        };
        Some(self.lines[at].get_or_init(|| line(kind, &held.object)).clone())
    }

    /// The last that was known of a pod, with the version of its end.
    fn at_its_end(&self, before: &Held) -> Arc<Held> {
        let object = serde_json::from_slice::<Value>(&before.object).map(|mut pod| {
            pod["metadata"]["resourceVersion"] = self.version.to_string().into();
            Bytes::from(pod.to_string())
        });
        let Held { namespace, name, node, phase, .. } = before;
        let [namespace, name, node, phase] = [namespace, name, node, phase].map(String::clone);
        Arc::new(Held { namespace, name, node, phase, object: object.unwrap_or_default() })
    }
}

/// One line of a watch.
fn line(kind: &str, object: &[u8]) -> Bytes {
    let mut line =
        format!("{{\"type\":\"{kind}\",\"object\":{{\"kind\":\"Pod\",\"apiVersion\":\"v1\",").into_bytes();
    line.extend_from_slice(object.get(1..).unwrap_or_default());
    line.extend_from_slice(b"}\n");
    line.into()
}

/// Adds to an object what a server adds; gives its namespace and name.
fn complete(pod: &mut Value, version: u64) -> anyhow::Result<Key> {
    let object = pod.as_object_mut().context("a pod that is no object")?;
    object.remove("kind");
    object.remove("apiVersion");
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(serde_json::Map::new()));
    let metadata = metadata.as_object_mut().context("metadata that are no object")?;
    let name = metadata.get("name").and_then(Value::as_str).context("a pod without a name")?.to_owned();
    let namespace = metadata.entry("namespace").or_insert_with(|| "default".into());
    let namespace = namespace.as_str().context("a namespace that is no text")?.to_owned();
    metadata.entry("uid").or_insert_with(|| uid(&namespace, &name).into());
    metadata.entry("creationTimestamp").or_insert_with(|| "2026-11-20T09:29:58Z".into());
    metadata.insert("resourceVersion".to_owned(), version.to_string().into());
    Ok((namespace, name))
}

/// A uid that follows from the name: the same run has the same uids.
fn uid(namespace: &str, name: &str) -> String {
    let hash = |seed: u64| {
        let bytes = namespace.bytes().chain([b'/']).chain(name.bytes());
        bytes.fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let (high, low) = (hash(0xcbf2_9ce4_8422_2325), hash(0x9e37_79b9_7f4a_7c15));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0xfff,
        low & 0xffff_ffff_ffff
    )
}
