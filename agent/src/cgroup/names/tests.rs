use proptest::prelude::*;

use super::*;

const UID: &str = "76f88cac-df6c-4cbf-a2f1-4c24733821d9";
const ESCAPED: &str = "76f88cac_df6c_4cbf_a2f1_4c24733821d9";
const HASH: &str = "0123456789abcdef0123456789abcdef";
const ID: &str = "0be2b8f87e996126c2eb908e42943d2a20a88d32cd65b37c69565540a5bbc93e";

fn uid_of(name: &str) -> Option<(String, Option<Qos>)> {
    pod(name.as_bytes()).map(|(uid, qos)| (uid.as_str().to_owned(), qos))
}

#[test]
fn a_root_is_kubepods_or_a_slice_that_ends_with_it() {
    for name in ["kubepods", "kubepods.slice", "kubelet-kubepods.slice", "kubelet-node_1-kubepods.slice"] {
        assert!(is_root(name.as_bytes()), "{name}");
    }
    for name in [
        "",
        "kubepods2",
        "xkubepods.slice",
        "-kubepods.slice",
        "kubepods-burstable.slice",
        "a/-kubepods.slice",
    ] {
        assert!(!is_root(name.as_bytes()), "{name}");
    }
}

#[test]
fn a_classs_folder_is_told_by_its_name_alone() {
    for (name, class) in [
        ("burstable", Some(Qos::Burstable)),
        ("besteffort", Some(Qos::BestEffort)),
        ("kubepods-burstable.slice", Some(Qos::Burstable)),
        ("kubelet-kubepods-besteffort.slice", Some(Qos::BestEffort)),
        ("guaranteed", None),
        ("kubepods.slice", None),
        ("kubepods-other.slice", None),
        ("burstable.slice", None),
        ("user-burstable.slice", None),
    ] {
        assert_eq!(qos_folder(name.as_bytes()), class, "{name}");
    }
}

#[test]
fn a_pods_uid_has_dashes_whatever_the_driver_and_a_static_pods_is_a_hash() {
    for (name, uid, class) in [
        (format!("pod{UID}"), UID, None),
        (format!("pod{HASH}"), HASH, None),
        (format!("kubepods-pod{ESCAPED}.slice"), UID, Some(Qos::Guaranteed)),
        (format!("kubepods-burstable-pod{ESCAPED}.slice"), UID, Some(Qos::Burstable)),
        (format!("kubepods-besteffort-pod{HASH}.slice"), HASH, Some(Qos::BestEffort)),
        (format!("kubelet-kubepods-besteffort-pod{ESCAPED}.slice"), UID, Some(Qos::BestEffort)),
    ] {
        assert_eq!(uid_of(&name), Some((uid.to_owned(), class)), "{name}");
    }
    let long = format!("pod{}", "a".repeat(65));
    for name in [
        "pod",
        &long,
        "pod../../etc",
        "pod a",
        "podü",
        "burstable",
        "kubepods-podx y.slice",
        "kubepods.slice",
    ] {
        assert_eq!(uid_of(name), None, "{name}");
    }
    assert_eq!(uid_of(&format!("user-pod{ESCAPED}.slice")), None, "a slice outside of kubepods");
    assert_eq!(uid_of(&format!("pod{ESCAPED}")), None, "the cgroupfs driver escapes nothing");
}

#[test]
fn a_containers_id_is_what_its_runtime_adds_nothing_to_and_no_other_scope_is_one() {
    for name in [
        ID.to_owned(),
        format!("cri-containerd-{ID}.scope"),
        format!("crio-{ID}.scope"),
        format!("crio-{ID}"),
        format!("docker-{ID}.scope"),
    ] {
        assert_eq!(container(name.as_bytes()), Some(ID), "{name}");
    }
    let long = "a".repeat(65);
    for name in [
        &format!("crio-conmon-{ID}.scope"),
        &format!("crio-conmon-{ID}"),
        &format!("{ID}.scope"),
        &format!("-{ID}.scope"),
        &format!("Docker-{ID}.scope"),
        &format!("cri-containerd-{}.scope", &long),
        &format!("cri-containerd-{ID}.slice"),
        "init.scope",
        "session-3.scope",
        "system.slice",
        "0be2b8f87e9",
        &long,
        "container",
    ] {
        assert_eq!(container(name.as_bytes()), None, "{name}");
    }
}

#[test]
fn the_recorded_tree_has_the_pods_and_containers_that_its_kubelet_had() {
    let recorded = include_str!("../../../tests/fixtures/cgroup/v1-memory-tree.txt");
    let (mut roots, mut folders, mut pods, mut containers) = (0, 0, 0, 0);
    for path in recorded.lines() {
        let name = path.rsplit('/').next().unwrap().as_bytes();
        roots += usize::from(is_root(name));
        folders += usize::from(qos_folder(name).is_some());
        pods += usize::from(pod(name).is_some());
        containers += usize::from(container(name).is_some());
    }
    assert_eq!((roots, folders, pods, containers), (1, 2, 30, 85));
}

proptest! {
    #[test]
    fn no_name_is_more_than_one_thing_and_what_it_gives_is_bounded(
        prefix in "(kubelet-|kubepods-|pod|crio-|)", middle in "[a-f0-9_-]{0,80}", junk in any::<Vec<u8>>(),
        suffix in "(\\.slice|\\.scope|)",
    ) {
        for name in [[prefix.as_bytes(), middle.as_bytes(), suffix.as_bytes()].concat(), junk] {
            let uid = pod(&name).map(|(uid, _)| uid.as_str().to_owned());
            let id = container(&name).map(str::to_owned);
            let things = [is_root(&name), qos_folder(&name).is_some(), uid.is_some(), id.is_some()];
            prop_assert!(things.iter().filter(|is_it| **is_it).count() <= 1, "{:?}: {:?}", name, things);
            if let Some(uid) = uid {
                prop_assert!((1..=64).contains(&uid.len()));
                prop_assert!(uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
            }
            if let Some(id) = id {
                prop_assert!((32..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
            }
        }
    }

    #[test]
    fn a_uid_is_the_same_from_both_drivers_names(uid in "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}") {
        let plain = pod(format!("pod{uid}").as_bytes()).map(|(uid, _)| uid);
        let slice = format!("kubepods-burstable-pod{}.slice", uid.replace('-', "_"));
        prop_assert_eq!(plain, pod(slice.as_bytes()).map(|(uid, _)| uid));
        let plain = plain.unwrap();
        prop_assert_eq!(plain.as_str(), uid);
    }
}
