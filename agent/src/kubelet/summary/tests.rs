use proptest::prelude::*;

use super::*;
use crate::kubelet::{Container, Filesystem};

const RECORDED: &[u8] = include_bytes!("../../../tests/fixtures/kubelet/summary-1.36.json");
const RECEIVED: Timestamp = Timestamp(1_795_247_100_000_000_000);

fn read_within(bounds: Bounds, pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<Read, Unusable> {
    let mut reader = Reader::new(bounds, RECEIVED);
    for piece in pieces {
        reader.feed(piece.as_ref())?;
    }
    reader.finish()
}

fn read(body: &str) -> Result<Read, Unusable> {
    read_within(Bounds::default(), [body])
}

/// A summary with these pods.
fn summary(pods: &str) -> String {
    format!(r#"{{"node":{{"nodeName":"node-0"}},"pods":[{pods}]}}"#)
}

/// A pod with this beside its names.
fn pod(more: &str) -> String {
    format!(r#"{{"podRef":{{"name":"web","namespace":"shop","uid":"u-1"}}{more}}}"#)
}

fn refused(read: &Read) -> Vec<(&'static str, &'static str, u32)> {
    read.refused.iter().map(|(part, why, count)| (part.as_str(), why.as_str(), count)).collect()
}

const fn seconds(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1_000_000_000)
}

#[test]
fn the_recorded_answer_of_a_real_kubelet_is_read_in_full() {
    let read = read_within(Bounds::default(), [RECORDED]).unwrap();
    assert_eq!(refused(&read), []);
    assert_eq!((&*read.node.name, read.node.started), ("node-0", Some(seconds(1_795_243_520))));
    let [system] = &*read.node.system_containers else { panic!("{:?}", read.node.system_containers) };
    assert_eq!(&*system.name, "pods");
    assert_eq!(system.memory.unwrap().available, Some(24_854_274_048));
    assert_eq!(read.node.cpu.unwrap().usage_core_nano_seconds, Some(5_136_627_849_406));
    assert_eq!(read.node.cpu.unwrap().time, seconds(1_795_247_069));
    assert_eq!(read.node.filesystem.unwrap().inodes_used, Some(651_521));
    assert_eq!(read.node.image_filesystem.unwrap().used, Some(34_770_944));
    assert_eq!(read.node.container_filesystem.unwrap().time, seconds(1_795_247_075));
    let network = read.node.network.as_ref().unwrap();
    let names: Vec<&str> = network.all.iter().map(|interface| &*interface.name).collect();
    assert_eq!((&*network.default.name, names), ("eth0", vec!["ifb0", "ifb1", "eth0", "cni0"]));
    assert_eq!(network.default.rx_bytes, Some(1_009_777_986));

    assert_eq!(read.pods.len(), 30);
    let pod = &read.pods[0];
    let names = [&*pod.namespace, &*pod.name, &*pod.uid];
    assert_eq!(names, ["shop", "web-6d6cc64d55-cjt5j", "76f88cac-df6c-4cbf-a2f1-4c24733821d9"]);
    assert_eq!(pod.memory.unwrap().working_set, Some(12_505_088));
    assert_eq!(pod.network.as_ref().unwrap().all.len(), 1);
    assert_eq!(pod.ephemeral_storage.unwrap().inodes_used, Some(22));
    let [volume] = &*pod.volumes else { panic!("{:?}", pod.volumes) };
    assert_eq!((&*volume.name, volume.filesystem.used, &volume.claim), ("scratch", Some(4096), &None));
    let [app, side] = &*pod.containers else { panic!("{:?}", pod.containers) };
    assert_eq!([&*app.name, &*side.name], ["app", "side"]);
    assert_eq!(app.started, Some(seconds(1_795_244_612)));
    assert_eq!((app.memory.unwrap().available, side.memory.unwrap().available), (Some(56_639_488), None));
    assert_eq!(app.memory.unwrap().page_faults, Some(3272));
    assert_eq!((app.rootfs.unwrap().used, app.logs.unwrap().inodes_used), (Some(1_073_152), Some(1)));
}

/// Counts of each kind of figure, by another parser.
#[test]
fn nothing_that_a_parser_of_the_whole_sees_in_the_recorded_answer_is_lost() {
    let read = read_within(Bounds::default(), [RECORDED]).unwrap();
    let whole: serde_json::Value = serde_json::from_slice(RECORDED).unwrap();
    for (value, pod) in whole["pods"].as_array().unwrap().iter().zip(&read.pods) {
        let entries = |key: &str| value[key].as_array().map_or(0, Vec::len);
        assert_eq!(value["podRef"]["uid"], *pod.uid);
        assert_eq!((entries("containers"), entries("volume")), (pod.containers.len(), pod.volumes.len()));
        let has = |key: &str| value.get(key).is_some();
        assert_eq!(has("network"), pod.network.is_some());
        for (value, container) in value["containers"].as_array().unwrap().iter().zip(&pod.containers) {
            let cpu = container.cpu.unwrap();
            assert_eq!(value["cpu"]["usageNanoCores"].as_u64(), cpu.usage_nano_cores);
            assert_eq!(value["cpu"]["usageCoreNanoSeconds"].as_u64(), cpu.usage_core_nano_seconds);
            assert_eq!(
                value["memory"]["majorPageFaults"].as_u64(),
                container.memory.unwrap().major_page_faults
            );
            assert_eq!(value["rootfs"]["inodesFree"].as_u64(), container.rootfs.unwrap().inodes_free);
            assert_eq!(value["logs"]["capacityBytes"].as_u64(), container.logs.unwrap().capacity);
        }
    }
}

#[test]
fn how_the_bytes_are_cut_changes_nothing_and_little_is_held() {
    let whole = read_within(Bounds::default(), [RECORDED]).unwrap();
    for size in [1, 7, 4096] {
        assert_eq!(read_within(Bounds::default(), RECORDED.chunks(size)).unwrap(), whole, "{size}");
    }
    let mut reader = Reader::new(Bounds::default(), RECEIVED);
    let mut most = 0;
    for chunk in RECORDED.chunks(1024) {
        reader.feed(chunk).unwrap();
        most = most.max(reader.held_bytes());
    }
    assert!(most < 32 << 10, "{most} bytes held of {}", RECORDED.len());
}

#[test]
fn an_answer_that_is_cut_short_is_an_error_that_says_where() {
    let text = summary(&pod(r#","containers":[{"name":"app","cpu":{"usageNanoCores":12}}]"#));
    assert!(read(&text).is_ok());
    for cut in 0..text.len() {
        let beginning = text.get(..cut).unwrap();
        assert_eq!(read(beginning), Err(Unusable::Truncated { at: cut }), "{beginning}");
    }
}

#[test]
fn bytes_that_are_no_json_cost_the_answer_and_the_place_is_told() {
    let malformed = |text: &str| match read(text) {
        Err(Unusable::Malformed { at, .. }) => at,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(malformed("<html>"), 0);
    assert_eq!(malformed("[]"), 0);
    assert_eq!(malformed(r#"{"node","#), 7);
    assert_eq!(malformed(r#"{"node":{"nodeName":"n"},"pods":[{"podRef":{},}]}"#), 33);
    assert_eq!(malformed(r#"{"other":nul,"node":{}}"#), 9);
    assert_eq!(malformed(&format!("{}x", summary(""))), summary("").len());
    let twice = r#"{"node":{"nodeName":"n"},"node":{"nodeName":"m"},"pods":[]}"#;
    assert_eq!(malformed(twice), 32);
    let words = read(&format!(r#"{{"{}":nul}}"#, "é".repeat(300))).unwrap_err().to_string();
    assert!(words.len() < 260, "{words}");
}

#[test]
fn a_summary_has_a_node_with_a_name_and_a_list_of_pods() {
    assert_eq!(read("{}"), Err(Unusable::Missing("node")));
    assert_eq!(read(r#"{"node":{"nodeName":"n"}}"#), Err(Unusable::Missing("pods")));
    assert_eq!(read(r#"{"pods":[],"node":{}}"#), Err(Unusable::Missing("nodeName")));
    assert_eq!(read(r#"{"pods":[],"node":{"nodeName":""}}"#), Err(Unusable::Missing("nodeName")));
    // Go writes an empty list as null.
    let empty = read(r#" { "pods" : null , "node" : { "nodeName" : "n" } } "#).unwrap();
    assert_eq!((empty.pods.len(), &*empty.node.name, empty.node.cpu), (0, "n", None));
    assert!(matches!(read(r#"{"node":{"nodeName":"n"},"pods":7}"#), Err(Unusable::Malformed { at: 32, .. })));
}

#[test]
fn a_figure_that_is_missing_or_null_is_none_and_never_zero() {
    let text = summary(&pod(r#","cpu":{"time":null,"usageNanoCores":null},"memory":null,"startTime":null"#));
    let read = read(&text).unwrap();
    let pod = &read.pods[0];
    let cpu = pod.cpu.unwrap();
    assert_eq!((cpu.usage_nano_cores, cpu.usage_core_nano_seconds), (None, None));
    assert_eq!(cpu.time, RECEIVED, "a figure without a time was taken when it was received");
    assert_eq!((pod.memory, pod.started, pod.network.as_ref()), (None, None, None));
}

#[test]
fn a_time_that_is_none_is_no_reason_to_lose_the_figure() {
    for time in ["yesterday", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", ""] {
        let text =
            summary(&pod(&format!(r#","startTime":"{time}","cpu":{{"time":"{time}","usageNanoCores":1}}"#)));
        let read = read(&text).unwrap();
        assert_eq!((read.pods[0].started, read.pods[0].cpu.unwrap().time), (None, RECEIVED), "{time}");
    }
}

#[test]
fn the_claim_of_a_volume_comes_with_its_name_and_namespace() {
    let volume = r#"{"name":"data","pvcRef":{"name":"data-db-0","namespace":"shop"},"time":"2026-11-21T07:44:28Z","usedBytes":18446744073709551615}"#;
    let read = read(&summary(&pod(&format!(r#","volume":[{volume}]"#)))).unwrap();
    let volume = &read.pods[0].volumes[0];
    assert_eq!(volume.claim, Some(("data-db-0".into(), "shop".into())));
    let filesystem = Filesystem {
        time: seconds(1_795_247_068),
        available: None,
        capacity: None,
        used: Some(u64::MAX),
        inodes_free: None,
        inodes: None,
        inodes_used: None,
    };
    assert_eq!(volume.filesystem, filesystem);
}

#[test]
fn what_is_beyond_its_bound_costs_itself_and_is_counted() {
    let long = "x".repeat(254);
    let containers =
        format!(r#","containers":[{{"name":"ok"}},{{"name":"{}"}},{{}},{{"name":"a b"}}]"#, "x".repeat(64));
    let volumes =
        format!(r#","volume":[{{"name":"ok"}},{{"name":"v","pvcRef":{{"name":"{long}","namespace":"n"}}}}]"#);
    let network = format!(
        r#","network":{{"name":"eth0","interfaces":[{{"name":"eth0"}},{{"name":"{}"}}]}}"#,
        "x".repeat(64)
    );
    let read = read(&summary(&pod(&[containers, volumes, network].concat()))).unwrap();
    let pod = &read.pods[0];
    let lengths = (pod.containers.len(), pod.volumes.len(), pod.network.as_ref().unwrap().all.len());
    assert_eq!(lengths, (1, 1, 1));
    let expected = [
        ("container", "missing", 1),
        ("container", "too_long", 1),
        ("container", "invalid", 1),
        ("volume", "too_long", 1),
        ("interface", "too_long", 1),
    ];
    assert_eq!(refused(&read), expected);
}

#[test]
fn a_pod_that_cannot_be_told_from_another_costs_itself() {
    let refs = [
        "{}".to_owned(),
        r#"{"podRef":{"name":"","namespace":"n","uid":"u"}}"#.to_owned(),
        format!(r#"{{"podRef":{{"name":"p","namespace":"{}","uid":"u"}}}}"#, "n".repeat(64)),
        r#"{"podRef":{"name":"p\u0000","namespace":"n","uid":"u"}}"#.to_owned(),
        pod(r#","cpu":{"usageNanoCores":-1}"#),
        pod(r#","cpu":{"usageNanoCores":1e300}"#),
        "null".to_owned(),
        "7".to_owned(),
        pod(""),
    ];
    let read = read(&summary(&refs.join(","))).unwrap();
    assert_eq!(read.pods.len(), 1);
    let expected =
        [("pod", "malformed", 4), ("pod", "missing", 2), ("pod", "too_long", 1), ("pod", "invalid", 1)];
    assert_eq!(refused(&read), expected);
}

#[test]
fn pods_beyond_the_number_the_size_and_the_memory_are_left_out_one_by_one() {
    let three = summary(&[pod(""), pod(""), pod("")].join(","));
    let within = |bounds| read_within(bounds, [&three]).unwrap();
    let read = within(Bounds { pods: 2, ..Bounds::default() });
    assert_eq!((read.pods.len(), refused(&read)), (2, vec![("pod", "too_many", 1)]));
    let kept_bytes = 2 * convert::heap_bytes(&read.pods[0]);
    let read = within(Bounds { kept_bytes, ..Bounds::default() });
    assert_eq!((read.pods.len(), refused(&read)), (2, vec![("pod", "too_large", 1)]));

    let large = summary(&[pod(""), pod(&format!(r#","x":"{}""#, "y".repeat(200))), pod("")].join(","));
    let bounds = Bounds { part_bytes: 100, ..Bounds::default() };
    for size in [1, 64, 10_000] {
        let read = read_within(bounds, large.as_bytes().chunks(size)).unwrap();
        assert_eq!((read.pods.len(), refused(&read)), (2, vec![("pod", "too_large", 1)]));
    }
}

#[test]
fn an_answer_without_end_is_let_go_of_at_its_bound() {
    let bounds = Bounds { answer_bytes: 1 << 16, part_bytes: 1 << 12, ..Bounds::default() };
    let head = r#"{"node":{"nodeName":"n"},"pods":["#;
    for endless in [" ".to_owned(), format!("{},", pod("")), format!("{{\"x\":\"{}", "y".repeat(9000))] {
        let pieces = std::iter::once(head.to_owned()).chain(std::iter::repeat_n(endless, 100_000));
        assert_eq!(read_within(bounds, pieces), Err(Unusable::TooLarge { limit: 1 << 16 }));
    }
    let node = format!(r#"{{"node":{{"x":"{}"#, "y".repeat(5000));
    assert_eq!(read_within(bounds, [node]), Err(Unusable::TooLarge { limit: 1 << 12 }));
}

#[test]
fn lists_beyond_their_bound_keep_their_beginning() {
    let many = vec![r#"{"name":"c"}"#; 600].join(",");
    let read = read(&summary(&pod(&format!(r#","containers":[{many}]"#)))).unwrap();
    assert_eq!(read.pods[0].containers.len(), 512);
    assert_eq!(refused(&read), [("container", "too_many", 88)]);
}

#[test]
fn deep_nesting_is_skipped_without_a_stack_for_it() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let read = read(&summary(&pod(&format!(r#","x":{deep}"#)))).unwrap();
    assert_eq!((read.pods.len(), read.pods[0].containers.as_ref()), (1, <&[Container]>::default()));
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail_otherwise_than_by_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_within(Bounds::default(), [bytes]);
    }

    #[test]
    fn one_changed_byte_is_read_the_same_however_it_is_cut(at in 0..4000_usize, byte: u8, size in 1..50_usize) {
        let text = summary(&pod(r#","containers":[{"name":"app","cpu":{"time":"2026-11-21T07:44:28Z","usageNanoCores":12}}],"volume":null"#));
        let mut bytes = text.into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        prop_assert_eq!(read_within(Bounds::default(), [&bytes]), read_within(Bounds::default(), bytes.chunks(size)));
    }
}
