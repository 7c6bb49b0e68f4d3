//! Any bytes as a link of the kubelet's, as the cgroups of a process, or as the interfaces of a network namespace: no
//! panic, and no part of an answer that is not in the input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tare::log_names::parse;
use tare::pod_network::interfaces::{self, Fault};
use tare::pod_network::uid;

/// Between the name of a link and its target.
const ARROW: &[u8] = b" -> ";
/// A small bound, so that short inputs meet it.
const INTERFACES: usize = 3;
/// The most of a name that the kubelet writes before the ending.
const STEM: usize = 251;

/// What the kubelet would call this link is what it is called, and where it leads to is what the target ends with.
fn link(input: &[u8]) {
    let arrow = input.windows(ARROW.len()).position(|part| part == ARROW);
    let (name, target) = arrow.map_or((input, &[][..]), |at| (&input[..at], &input[at + ARROW.len()..]));
    let Some(link) = parse::link(name, target) else { return };
    let mut stem = format!("{}_{}_{}-{}", link.pod, link.namespace, link.container, link.id);
    assert!(link.cut || !link.id.is_empty());
    assert!(stem.len() >= STEM || !link.cut);
    stem.truncate(STEM);
    assert_eq!(name, format!("{stem}.log").as_bytes());
    assert_eq!(link.uid.is_some(), link.restarts.is_some());
    let Some(uid) = link.uid else { return };
    let pod = format!("{}_{}_{uid}/{}/", link.namespace, link.pod, link.container);
    let target = std::str::from_utf8(target).expect("a target that was understood");
    let (before, file) = target.rsplit_once(&pod).expect("the pod of the target");
    assert!(before.is_empty() || before.ends_with('/'));
    let restarts = file.strip_suffix(".log").and_then(|digits| digits.parse().ok());
    assert_eq!(restarts, link.restarts);
}

/// Every uid stands in the text behind the word that says so.
fn cgroup(input: &[u8]) {
    let plain: Vec<_> = input.iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }).collect();
    for uid in uid::pod_uids_in_text(input) {
        let named = format!("pod{}", uid.as_str());
        assert!((4..=67).contains(&named.len()));
        assert!(plain.windows(named.len()).any(|part| part == named.as_bytes()), "{named}");
    }
    assert_eq!(uid::pod_uid_in_path(input), uid::pod_uids_in_path(input).next());
}

fn net_dev(input: &[u8]) {
    let mut count = 0;
    let result = interfaces::visit(input, INTERFACES, &mut |interface| {
        count += 1;
        assert!(!interface.name.is_empty() && !interface.name.starts_with("lo"));
        assert_eq!(interface.is_default, interface.name == "eth0");
    });
    match result {
        Ok(()) => assert!(count <= INTERFACES),
        Err(Fault::TooMany) => assert_eq!(count, INTERFACES),
        Err(Fault::Malformed { at, .. }) => assert!(count == 0 && at <= input.len()),
    }
}

fuzz_target!(|input: &[u8]| {
    link(input);
    cgroup(input);
    net_dev(input);
});
