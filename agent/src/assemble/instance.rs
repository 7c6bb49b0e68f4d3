//! `service.instance.id` of the agent: which of a service's instances its own metrics are about.
//!
//! The semantic conventions ask for a UUID of version 5 in their own namespace where the value is to be stable. One agent runs on
//! a node, so it is made of what tells the node from others: the same after a restart, an upgrade and a reboot.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// The namespace that the semantic conventions name for this attribute: 4d63009a-8d0f-11ee-aad7-4c796ed8e320.
const NAMESPACE: u128 = 0x4d63_009a_8d0f_11ee_aad7_4c79_6ed8_e320;

/// What tells one cluster from another, where the operator says it: the agent does not know its cluster's name.
const CLUSTER: [&str; 2] = ["k8s.cluster.uid", "k8s.cluster.name"];

/// What tells one node of a cluster from another. The first that is there counts, so that a name of the host that comes with a
/// mount does not make another instance of it.
const NODE: [&str; 4] = ["k8s.node.uid", "k8s.node.name", "host.id", "host.name"];

/// The instance that runs on the node with this resource; none where nothing tells the node from others.
pub(super) fn id(resource: &[(String, String)]) -> Option<String> {
    let told = |key: &&str| {
        let value = resource.iter().find(|(name, _)| name == key);
        value.map(|(name, value)| format!("{name}={value}"))
    };
    let node = NODE.iter().find_map(told)?;
    let parts: Vec<_> = CLUSTER.iter().filter_map(told).chain([node]).collect();
    Some(uuid(NAMESPACE, &parts.join("\n")))
}

/// A UUID of version 5 (RFC 9562, 5.5): SHA-1 of the namespace and the name, cut to 128 bits, with version and variant in place.
fn uuid(namespace: u128, name: &str) -> String {
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(&namespace.to_be_bytes());
    hash.update(name.as_bytes());
    let digest = hash.finish();
    let bits = digest.as_ref().iter().take(16).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    let bits = (bits & !(0xF << 76)) | (5 << 76);
    let bits = (bits & !(0b11 << 62)) | (0b10 << 62);
    let text = format!("{bits:032x}");
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Option<String> {
        id(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn the_example_of_the_standard_gives_its_uuid() {
        let dns = 0x6ba7_b810_9dad_11d1_80b4_00c0_4fd4_30c8;
        assert_eq!(uuid(dns, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    }

    #[test]
    fn an_instance_is_its_node_s_whatever_else_the_resource_says_and_no_other_node_s() {
        let one = of(&[("k8s.node.name", "a"), ("host.name", "pod-1"), ("team", "x")]);
        assert!(one.is_some());
        assert_eq!(one, of(&[("team", "y"), ("k8s.node.name", "a")]));
        assert_ne!(one, of(&[("k8s.node.name", "b"), ("host.name", "pod-1")]));
        let clusters = ["east", "west"].map(|name| of(&[("k8s.cluster.name", name), ("k8s.node.name", "a")]));
        assert_ne!(clusters[0], clusters[1]);
        assert_ne!(of(&[("host.id", "a")]), of(&[("host.name", "a")]));
    }

    #[test]
    fn without_anything_that_tells_a_node_from_others_there_is_none() {
        assert_eq!(of(&[("os.type", "linux"), ("k8s.cluster.name", "east")]), None);
    }
}
