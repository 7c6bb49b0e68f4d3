//! What is told of pods and containers: attribute by attribute against the collector's semantics, rung by rung, and then as
//! a machine that may be driven in any way.

mod late;
mod model;
mod processor;
mod rungs;

use std::sync::Arc;

use super::testing::at;
use super::{Binding, Choice, Enricher, Extracted, Metadata, Rungs, Settings};

/// The enricher whose choice is this.
fn choosing(choice: Choice) -> Enricher {
    Enricher::new(Settings { choice: Arc::new(choice), ..Settings::default() })
}

/// A choice of these attributes and nothing else.
fn only(metadata: impl IntoIterator<Item = Metadata>) -> Choice {
    Choice { metadata: metadata.into_iter().collect::<Extracted>(), ..Choice::default() }
}

/// The attributes of the pod `uid` once it is reported.
fn pod_attributes(enricher: &mut Enricher, rungs: Rungs<'_>, uid: &str) -> Vec<(String, String)> {
    for second in [0, 10] {
        enricher.pod(rungs, at(second), 1, uid);
    }
    listed(enricher, 1)
}

/// The attributes of the container `id` of the pod `uid` once it is reported.
fn container_attributes(
    enricher: &mut Enricher,
    rungs: Rungs<'_>,
    uid: &str,
    id: &str,
) -> Vec<(String, String)> {
    for second in [0, 10] {
        enricher.container(rungs, at(second), 2, uid, id);
    }
    listed(enricher, 2)
}

fn listed(enricher: &Enricher, key: u64) -> Vec<(String, String)> {
    enricher.attributes(key).iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// Without what the kubeletstats receiver itself says.
fn added(attributes: Vec<(String, String)>) -> Vec<(String, String)> {
    let own = ["k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.container.name"];
    attributes.into_iter().filter(|(key, _)| !own.contains(&&**key)).collect()
}

fn strings(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

const fn known(version: u32) -> Binding {
    Binding::Known { version }
}
