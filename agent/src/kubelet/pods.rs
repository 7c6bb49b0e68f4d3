//! The answer to `/pods`: the same slim pods as the shared watch has, as an index of their own.

use std::sync::Arc;
use std::time::Duration;

use shared_informer::index::{Index, Limits, Snapshot};
use shared_informer::informer::event::Unusable;
use shared_informer::pod::Refusal;
use shared_informer::wire::list::Reader;
use shared_informer::wire::{Bounds, Kept};

use super::client::Sink;
use super::summary::{Part, Refused};

/// What is accepted: a node runs some hundred pods of 10 kB.
const BOUNDS: Bounds = Bounds {
    list_bytes: 32 << 20,
    list_items: 4096,
    kept_bytes: 16 << 20,
    item_bytes: shared_informer::pod::limits::POD_BYTES,
    other_bytes: 64 << 10,
    line_bytes: 0,
    object_bytes: 0,
};

/// An answer that is being read.
pub struct Pods(Reader);

impl Pods {
    /// Keeps of the pods what `keep` says.
    pub fn new(keep: Kept) -> Self {
        Self(Reader::of_kubelet(keep, BOUNDS))
    }

    /// The pods, and what was left out because it is not within its bounds.
    ///
    /// # Errors
    /// Nothing can be made of the answer: why.
    pub fn finish(self) -> Result<(Arc<Snapshot>, Refused), String> {
        let list = self.0.finish().map_err(|why| words(why).to_owned())?;
        if list.truncated {
            return Err("it is only the beginning of a list".to_owned());
        }
        let mut index = Index::new(Limits::default());
        let summary = index.reset(list.pods, Duration::ZERO);
        let mut refused = Refused::default();
        for (why, count) in Refusal::ALL.into_iter().zip(list.refused) {
            refused.add_many(Part::Pod, why, count);
        }
        // Those for which the index has no room.
        let beyond = u32::try_from(summary.refused).unwrap_or(u32::MAX);
        refused.add_many(Part::Pod, Refusal::TooMany, beyond);
        Ok((index.snapshot(), refused))
    }
}

impl Sink for Pods {
    fn feed(&mut self, chunk: &[u8]) -> Result<(), String> {
        self.0.feed(chunk).map_err(|why| words(why).to_owned())
    }
}

const fn words(why: Unusable) -> &'static str {
    match why {
        Unusable::TooLarge => "the list of pods is beyond its bound",
        Unusable::Truncated => "the list of pods is cut short",
        Unusable::Malformed => "it is no list of pods",
        Unusable::ContentType => "it is of another type",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &[u8] = include_bytes!("../../tests/fixtures/kubelet/pods-1.36.json");

    fn pods(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<(Arc<Snapshot>, Refused), String> {
        let mut pods = Pods::new(Kept::new((|_: &str| true, |_: &str| false)));
        for piece in pieces {
            pods.feed(piece.as_ref())?;
        }
        pods.finish()
    }

    #[test]
    fn the_recorded_answer_of_a_real_kubelet_becomes_an_index() {
        let (snapshot, refused) = pods(RECORDED.chunks(1000)).unwrap();
        let whole: serde_json::Value = serde_json::from_slice(RECORDED).unwrap();
        let items = whole["items"].as_array().unwrap();
        assert_eq!((snapshot.len(), refused), (items.len(), Refused::default()));
        for item in items {
            let meta = &item["metadata"];
            let found = snapshot.by_uid(meta["uid"].as_str().unwrap()).unwrap();
            assert_eq!(*found.pod.name, *meta["name"].as_str().unwrap());
            for status in item["status"]["containerStatuses"].as_array().unwrap() {
                let id = status["containerID"].as_str().unwrap().rsplit('/').next().unwrap();
                assert!(snapshot.by_container_id(id).is_some(), "{id}");
            }
        }
    }

    #[test]
    fn a_static_pod_is_found_by_its_own_uid_and_by_its_hash() {
        let body = r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{
            "name":"etcd-node-0","namespace":"kube-system","uid":"1cb4f3dcbd5fd7ab8ddf2c03a8a5d6b7",
            "annotations":{"kubernetes.io/config.hash":"1cb4f3dcbd5fd7ab8ddf2c03a8a5d6b7","kubernetes.io/config.source":"file"}},
            "spec":{"containers":[{"name":"etcd","image":"i"}]},"status":{"phase":"Running"}}]}"#;
        let (snapshot, _) = pods([body]).unwrap();
        let hash = "1cb4f3dcbd5fd7ab8ddf2c03a8a5d6b7";
        assert_eq!(*snapshot.by_config_hash(hash).unwrap().pod.name, *"etcd-node-0");
        assert_eq!(*snapshot.by_uid(hash).unwrap().pod.name, *"etcd-node-0");
    }

    #[test]
    fn what_is_no_list_of_pods_is_refused_and_a_bad_pod_costs_itself() {
        assert_eq!(pods(["{}"]).unwrap_err(), "it is no list of pods");
        assert_eq!(pods([r#"{"kind":"PodList","items":["#]).unwrap_err(), "the list of pods is cut short");
        let more = r#"{"kind":"PodList","metadata":{"resourceVersion":"1","continue":"x"},"items":[]}"#;
        assert_eq!(pods([more]).unwrap_err(), "it is only the beginning of a list");
        let (snapshot, refused) =
            pods([r#"{"kind":"PodList","metadata":{},"items":[{"metadata":{}}]}"#]).unwrap();
        let told: Vec<_> = refused.iter().collect();
        assert_eq!((snapshot.len(), told), (0, vec![(Part::Pod, Refusal::Missing, 1)]));
        let (snapshot, _) = pods([r#"{"kind":"PodList","items":null}"#]).unwrap();
        assert_eq!(snapshot.len(), 0);
    }
}
