use proptest::prelude::*;

use super::*;

const ID: &str = "5f4a8e4bd34a054e715da517c0727e006d33307a40d430c7cc39aaff733dbdb0";
const UID: &str = "3576bd40-94bf-4579-bc66-7c3788993880";

/// The kubelet's own way to name a link and where it leads to.
fn kubelet(
    pod: &str,
    namespace: &str,
    container: &str,
    id: &str,
    uid: &str,
    restarts: u32,
) -> (String, String) {
    let mut stem = format!("{pod}_{namespace}_{container}-{id}");
    stem.truncate(NAME_LIMIT - ENDING.len());
    (format!("{stem}.log"), format!("/var/log/pods/{namespace}_{pod}_{uid}/{container}/{restarts}.log"))
}

/// The beginning of an ID or uid.
fn first(text: &str, count: usize) -> &str {
    text.split_at(count).0
}

fn read<'a>(name: &'a str, target: &'a str) -> Option<Link<'a>> {
    link(name.as_bytes(), target.as_bytes())
}

#[test]
fn every_recorded_link_says_whose_it_is() {
    let mut count = 0;
    for line in include_str!("../../../tests/fixtures/log_names/var-log-containers.txt").lines() {
        let (name, target) = line.split_once(" -> ").unwrap();
        let link = read(name, target).unwrap();
        assert_eq!((link.namespace, link.id.len(), link.cut, link.restarts), ("shop", 64, false, Some(0)));
        let again = kubelet(link.pod, link.namespace, link.container, link.id, link.uid.unwrap(), 0);
        assert_eq!(again, (name.to_owned(), target.to_owned()));
        count += 1;
    }
    assert_eq!(count, 55, "25 pods with two containers, 5 with one");
}

#[test]
fn the_names_of_static_pods_and_restarted_containers_are_read_whole() {
    let (name, target) =
        kubelet("etcd-node-1.example.com", "kube-system", "etcd", ID, "0123456789abcdef0123456789abcdef", 12);
    let link = read(&name, &target).unwrap();
    assert_eq!(
        (link.pod, link.namespace, link.container),
        ("etcd-node-1.example.com", "kube-system", "etcd")
    );
    assert_eq!((link.uid, link.restarts), (Some("0123456789abcdef0123456789abcdef"), Some(12)));
}

#[test]
fn dashes_of_pod_and_container_do_not_move_the_borders_between_the_parts() {
    let (name, target) = kubelet("a-b-c", "d-e", "f-g-h", ID, UID, 0);
    let link = read(&name, &target).unwrap();
    assert_eq!((link.pod, link.namespace, link.container, link.id), ("a-b-c", "d-e", "f-g-h", ID));
    assert_eq!(read(&name, "/elsewhere").unwrap().container, "f-g-h");
}

#[test]
fn a_cut_name_leaves_the_beginning_of_the_id_or_nothing_and_the_target_tells_the_rest() {
    let container = "c".repeat(63);
    for (length, left) in [(119, 64), (120, 64), (121, 63), (179, 5), (183, 1), (184, 0), (185, 0), (210, 0)]
    {
        let pod = "p".repeat(length);
        let (name, target) = kubelet(&pod, "n", &container, ID, UID, 3);
        let link = read(&name, &target).unwrap();
        assert_eq!((link.id, link.cut), (first(ID, left), left < 64), "{length}");
        assert_eq!(
            (link.pod, link.container, link.uid, link.restarts),
            (&*pod, &*container, Some(UID), Some(3))
        );
        // Without a target nobody can tell where the container's name ends.
        assert_eq!(read(&name, "/elsewhere").is_some(), left == 64, "{length}");
    }
}

#[test]
fn a_name_below_the_limit_was_not_cut_and_must_have_its_id() {
    let target = format!("/var/log/pods/n_p_{UID}/c/0.log");
    for name in ["p_n_c-.log", "p_n_c.log", "p_n.log", "p.log", ".log"] {
        assert_eq!(read(name, &target), None, "{name}");
    }
}

#[test]
fn the_folder_of_the_logs_is_a_setting_and_only_the_end_of_a_target_counts() {
    let name = format!("p_n_c-{ID}.log");
    for folder in ["/var/log/pods", "/data/logs", "../pods", "/host/var/log/pods"] {
        assert_eq!(
            read(&name, &format!("{folder}/n_p_{UID}/c/7.log")).unwrap().restarts,
            Some(7),
            "{folder}"
        );
    }
}

#[test]
fn a_name_that_contradicts_its_target_is_refused() {
    let name = format!("p_n_c-{ID}.log");
    for target in ["x_p_u/c/0.log", "n_x_u/c/0.log", "n_p_u/x/0.log"] {
        assert_eq!(read(&name, target), None, "{target}");
    }
    assert!(read(&name, "n_p_u/c/0.log").unwrap().uid.is_some());
}

#[test]
fn a_cut_name_that_contradicts_its_target_is_refused() {
    let (name, target) = kubelet(&"p".repeat(200), "n", &"c".repeat(63), ID, UID, 0);
    assert_eq!(name.len(), NAME_LIMIT);
    assert!(read(&name, &target).is_some());
    for wrong in
        [name.replace("ccc.log", "cxc.log"), name.replace("_n_", "_m_"), name.replacen("pp", "qp", 1)]
    {
        assert_ne!(wrong, name);
        assert_eq!(read(&wrong, &target), None, "{wrong}");
    }
}

#[test]
fn a_target_of_another_form_leaves_the_name_without_uid_and_restarts() {
    let name = format!("p_n_c-{ID}.log");
    let long = "9".repeat(20);
    let strange = [
        "/var/lib/docker/containers/x/x-json.log".to_owned(),
        format!("n_p_{UID}/c/0.log.gz"),
        format!("n_p_{UID}/c/-1.log"),
        format!("n_p_{UID}/c/+1.log"),
        format!("n_p_{UID}/c/.log"),
        format!("n_p_{UID}/c/{long}.log"),
        format!("n_p_{}/c/0.log", "u".repeat(65)),
        "n_p/c/0.log".to_owned(),
        "0.log".to_owned(),
        String::new(),
    ];
    for target in &strange {
        let link = read(&name, target).unwrap();
        assert_eq!((link.pod, link.namespace, link.container, link.id), ("p", "n", "c", ID), "{target}");
        assert_eq!((link.uid, link.restarts, link.cut), (None, None, false), "{target}");
    }
}

#[test]
fn names_beyond_the_limits_of_kubernetes_are_refused() {
    let long = "x".repeat(64);
    let wrong = [
        ("P", "n", "c", ID),
        ("p..q", "n", "c", ID),
        ("-p", "n", "c", ID),
        ("p", "n.m", "c", ID),
        ("p", &long, "c", ID),
        ("p", "n", &long, ID),
        ("p", "n", "c-", ID),
        ("p", "n", "", ID),
        ("p", "n", "c", "5f4a/8e"),
        ("p", "n", "c", "5f4a\n8e"),
        ("p", "n", "c", "5f4aé"),
        ("p", "n", "c", &"5".repeat(65)),
    ];
    for (pod, namespace, container, id) in wrong {
        let (name, target) = kubelet(pod, namespace, container, id, UID, 0);
        assert_eq!(read(&name, &target), None, "{name}");
        assert_eq!(read(&name, ""), None, "{name} alone");
    }
    let name = format!("p_n_c-{}.log", "5".repeat(64));
    assert!(read(&name, "").is_some());
    assert!(link(&[name.as_bytes(), b"\xff"].concat(), b"").is_none());
}

proptest! {
    #[test]
    fn what_the_kubelet_writes_is_what_is_read(
        pod in "[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?){0,3}",
        namespace in "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        container in "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        id in "[0-9a-f]{64}",
        uid in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}|[0-9a-f]{32}",
        restarts in any::<u32>(),
    ) {
        let (name, target) = kubelet(&pod, &namespace, &container, &id, &uid, restarts);
        let whole = pod.len() + namespace.len() + container.len() + id.len() + 3;
        let link = read(&name, &target).unwrap();
        prop_assert_eq!((link.pod, link.namespace, link.container), (&*pod, &*namespace, &*container));
        prop_assert_eq!((link.uid, link.restarts), (Some(&*uid), Some(restarts)));
        prop_assert!(id.starts_with(link.id));
        prop_assert_eq!(link.cut, whole > 251);
        prop_assert_eq!(link.id.len(), 64_usize.saturating_sub(whole.saturating_sub(251)));
    }

    #[test]
    fn random_texts_give_valid_parts_or_nothing(
        name in prop::collection::vec(prop_oneof![Just(b'_'), Just(b'-'), Just(b'.'), b'a'..=b'c', any::<u8>()], 0..40),
        target in prop::collection::vec(prop_oneof![Just(b'/'), Just(b'_'), Just(b'0'), b'a'..=b'c', any::<u8>()], 0..40),
    ) {
        let name = [&name[..], b".log"].concat();
        for target in [&target[..], b"/a_b_c/a/0.log"] {
            if let Some(link) = link(&name, target) {
                prop_assert!(is_subdomain(link.pod) && is_label(link.namespace) && is_label(link.container));
                prop_assert!(is_id(link.id) && !link.cut);
                let rebuilt = format!("{}_{}_{}-{}.log", link.pod, link.namespace, link.container, link.id);
                prop_assert_eq!(rebuilt.as_bytes(), &name[..]);
            }
        }
    }
}
