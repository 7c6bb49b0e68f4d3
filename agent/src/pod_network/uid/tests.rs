use proptest::prelude::*;

use super::*;

const UID: &str = "3576bd40-94bf-4579-bc66-7c3788993880";
const OUTER: &str = "11111111-2222-3333-4444-555555555555";

fn uids(text: &str) -> Vec<String> {
    pod_uids_in_text(text.as_bytes()).map(|uid| uid.as_str().to_owned()).collect()
}

fn outer(path: &str) -> Option<String> {
    pod_uid_in_path(path.as_bytes()).map(|uid| uid.as_str().to_owned())
}

#[test]
fn the_uid_is_found_with_every_driver_runtime_and_prefix() {
    let slice = format!("pod{}.slice", UID.replace('-', "_"));
    for path in [
        format!("/kubepods/pod{UID}/5f4a"),
        format!("/kubepods/burstable/pod{UID}"),
        format!("/kubepods/besteffort/pod{UID}/5f4a/init.scope"),
        format!("/kubelet/kubepods/burstable/pod{UID}/5f4a"),
        format!("/../../burstable/pod{UID}/5f4a"),
        format!("/../pod{UID}/5f4a (deleted)"),
        format!("/kubepods.slice/kubepods-{slice}/cri-containerd-5f4a.scope"),
        format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-{slice}/crio-5f4a.scope"),
        format!("/../kubelet-kubepods-besteffort-{slice}/docker-5f4a.scope"),
        format!("/kubepods/pod{UID}/a:b"),
    ] {
        assert_eq!(pod_uid_in_path(path.as_bytes()).unwrap().as_str(), UID, "{path}");
        assert_eq!(uids(&format!("4:memory:{path}\n")), [UID], "{path}");
        assert_eq!(uids(&format!("13:cpu,cpuacct:/\n0::{path}\n")), [UID], "{path}");
    }
}

#[test]
fn the_hash_of_a_static_pod_is_its_uid() {
    let hash = "0123456789abcdef0123456789abcdef";
    let slice =
        format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{hash}.slice/x.scope");
    assert_eq!(pod_uid_in_path(slice.as_bytes()).unwrap().as_str(), hash);
    assert_eq!(pod_uid_in_path(format!("/kubepods/burstable/pod{hash}").as_bytes()).unwrap().as_str(), hash);
}

#[test]
fn a_node_within_a_pod_gives_both_uids_the_outer_one_first() {
    let path = format!("/kubepods/pod{OUTER}/5f4a/kubelet/kubepods/burstable/pod{UID}/77aa");
    assert_eq!(uids(&format!("0::{path}\n")), [OUTER, UID]);
    assert_eq!(pod_uid_in_path(path.as_bytes()).unwrap().as_str(), OUTER);
}

#[test]
fn other_paths_have_no_uid() {
    let long = format!("/kubepods/pod{}", "a".repeat(65));
    for path in [
        "",
        "/",
        "/kubepods/burstable",
        "/system.slice/podman-123.scope",
        "/machine.slice/libpod-5f4a.scope",
        "/kubepods/pod",
        "/kubepods/podé",
        "/kubepods/pod a",
        "/kubepods.slice/kubepods-burstable.slice",
        "/kubepods.slice/kubepods-pod.slice",
        "/pod.slice",
        "/podabc.slice",
        "/kubepods-pod1234-5678.slice",
        "/kubepods-podab.scope",
        &long,
    ] {
        assert!(pod_uid_in_path(path.as_bytes()).is_none(), "{path}");
    }
    assert!(uids(&format!("0:pod{UID}\npod{UID}\n:\n")).is_empty(), "no path");
}

proptest! {
    #[test]
    fn a_uid_is_read_back_from_both_forms(uid in "[0-9a-f]{1,8}(-[0-9a-f]{1,4}){0,4}", before in "(/[a-z.]{1,9}){0,3}") {
        prop_assume!(!before.contains("/pod"));
        let group = format!("{before}/pod{uid}/5f4a");
        prop_assert_eq!(outer(&group), Some(uid.clone()));
        let slice = format!("{before}/kubepods-besteffort-pod{}.slice/5f4a.scope", uid.replace('-', "_"));
        prop_assert_eq!(outer(&slice), Some(uid));
    }

    #[test]
    fn random_bytes_give_only_uids_that_stand_in_them(
        text in prop::collection::vec(
            prop::sample::select(vec![&b"pod"[..], b"-pod", b".slice", b"/", b":", b"_", b"a1", b"\xff", b"\n"]),
            0..40,
        ),
    ) {
        let text = text.concat();
        let plain = String::from_utf8_lossy(&text).replace('_', "-");
        for uid in pod_uids_in_text(&text) {
            let uid = uid.as_str();
            prop_assert!(!uid.is_empty() && uid.len() <= 64);
            prop_assert!(plain.contains(&format!("pod{uid}")), "{uid} in {plain}");
        }
    }
}
