//! The attributes of resources, both ways: what only one of two agents says of a thing.

use std::collections::{BTreeMap, BTreeSet};

use crate::parity::stream::{Attributes, Stream};

/// What kind of thing a resource is, by what identifies it.
fn kind(identity: &Attributes) -> &'static str {
    match (identity.contains_key("k8s.container.name"), identity.contains_key("k8s.pod.uid")) {
        (true, _) => "container",
        (false, true) => "pod",
        (false, false) => "node",
    }
}

/// The keys that some resource of a kind has in `ours`, and the same resource nowhere in `theirs`: `kind key`. Resources for
/// which `theirs` has no name at all (`unnamed`) are left out.
pub(super) fn added(ours: &Stream, theirs: &Stream, unnamed: &BTreeSet<Attributes>) -> BTreeSet<String> {
    let mut added = BTreeSet::new();
    for (identity, versions) in &ours.resources {
        let Some(others) = theirs.resources.get(identity).filter(|_| !unnamed.contains(identity)) else {
            continue;
        };
        let keys = versions.iter().flat_map(BTreeMap::keys);
        let lacking = keys.filter(|key| !others.iter().any(|other| other.contains_key(*key)));
        added.extend(lacking.map(|key| format!("{} {key}", kind(identity))));
    }
    added
}

/// The pods and containers of which a stream says neither a label nor an owner, but only what their figures came with.
pub(super) fn unnamed(stream: &Stream) -> BTreeSet<Attributes> {
    let pods = stream.resources.iter().filter(|(identity, _)| kind(identity) != "node");
    let named = |versions: &BTreeSet<Attributes>| {
        versions.iter().any(|version| version.contains_key("k8s.pod.start_time"))
    };
    pods.filter(|(_, versions)| !named(versions)).map(|(identity, _)| identity.clone()).collect()
}

/// Takes an attribute out of every resource; how many had it.
pub(super) fn take(stream: &mut Stream, key: &str) -> usize {
    let mut found = 0;
    for versions in stream.resources.values_mut() {
        let taken = std::mem::take(versions).into_iter().map(|mut version| {
            found += usize::from(version.remove(key).is_some());
            version
        });
        *versions = taken.collect();
    }
    found
}

/// The names of the pods that these resources are about.
pub(super) fn names(stream: &Stream, identities: &BTreeSet<Attributes>) -> BTreeSet<String> {
    let versions = identities.iter().filter_map(|identity| stream.resources.get(identity)).flatten();
    versions.filter_map(|version| version.get("k8s.pod.name").cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(pairs: &[(&str, &str)]) -> Attributes {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn stream(resources: &[&[(&str, &str)]]) -> Stream {
        let mut stream = Stream::default();
        for resource in resources {
            let full = attributes(resource);
            let mut identity = full.clone();
            identity.retain(|key, _| key == "k8s.pod.uid" || key == "k8s.container.name");
            stream.resources.entry(identity).or_default().insert(full);
        }
        stream
    }

    #[test]
    fn an_attribute_that_only_one_side_gives_is_told_with_the_kind_of_thing_it_describes() {
        let named = [("k8s.pod.uid", "1"), ("k8s.pod.start_time", "now"), ("team", "a")];
        let theirs = stream(&[&[], &named[..2], &[("k8s.pod.uid", "2"), ("k8s.pod.name", "fixed")]]);
        let more = [("k8s.pod.uid", "2"), ("k8s.pod.name", "fixed"), ("k8s.pod.start_time", "now")];
        let ours = stream(&[&[("host.name", "here")], &named, &more]);
        let unnamed = unnamed(&theirs);
        assert_eq!(names(&theirs, &unnamed), BTreeSet::from(["fixed".to_owned()]));
        let told = added(&ours, &theirs, &unnamed);
        assert_eq!(told, BTreeSet::from(["node host.name".to_owned(), "pod team".to_owned()]));
        assert_eq!(added(&theirs, &ours, &BTreeSet::new()), BTreeSet::new());
    }

    #[test]
    fn an_attribute_that_is_taken_out_is_counted_and_gone() {
        let mut stream = stream(&[&[("k8s.pod.uid", "1"), ("team", "a")], &[("k8s.pod.uid", "2")]]);
        assert_eq!([take(&mut stream, "team"), take(&mut stream, "team")], [1, 0]);
    }
}
