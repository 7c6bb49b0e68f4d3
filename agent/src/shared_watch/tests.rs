use std::time::Duration;

use shared_informer::clock::{Mono, Now, Wall};
use shared_informer::declaration::Declaration;
use shared_informer::informer::report::{Report, Trouble};
use shared_informer::remembered::Header;
use shared_informer::size;

use super::*;
use crate::config::settings::{Api as Wanted, Reach};
use crate::config::{Environment, load};

const EVERY_KEY: &str = "
slo: {control_plane: {requests_per_second: 30, list_bytes_per_second: 2MiB, share: 0.5}}
cluster: {hint: 7}
kubelet: {access: token, period: 90s}
activation: {steps: [{share: 0.25, after: 0s}, {share: 1.0, after: 1h}]}
dry_run: true
kube: {server: '[fd00::1]:6443', node_name: node-1, namespace: monitoring, daemonset: tare, max_pods: 300, watch_bytes: 3MiB}
";

fn configured(text: &str) -> (ControlPlane, ApiServer) {
    let loaded = load("t.yaml", text.as_bytes(), &Environment::default()).unwrap();
    let control_plane = loaded.settings.control_plane;
    let Wanted::On(api) = control_plane.api.clone() else { panic!("{:?}", control_plane.api) };
    (control_plane, api)
}

#[test]
fn every_key_reaches_the_informer() {
    let (control_plane, api) = configured(EVERY_KEY);
    let settings = settings::settings(&control_plane, &api);
    assert_eq!(&*settings.node, "node-1");
    assert_eq!(settings.declaration, Declaration::new(30.0, 2 << 20, 0.5).unwrap());
    assert_eq!((settings.cluster.size(), settings.cluster.hint()), (None, Some(7)));
    assert_eq!(settings.kubelet.period, Duration::from_secs(90));
    assert_eq!(settings.kubelet.reviews(), 2);
    assert_eq!(settings.steps, control_plane.steps);
    assert_ne!(settings.steps, Steps::default());
    assert!(settings.has_daemonset && settings.dry_run && !settings.off);
    assert_eq!((settings.max_pods, settings.carried_bound), (300, 3 << 20));
    let target = settings::target(&api);
    let daemon_set = target.daemon_set.unwrap();
    assert_eq!((&*target.node, &*daemon_set.namespace, &*daemon_set.name), ("node-1", "monitoring", "tare"));
}

#[test]
fn without_a_daemon_set_nobody_is_asked_for_the_size() {
    let (control_plane, api) =
        configured("cluster: {size: 3}\nkube: {kubeconfig: /etc/kubeconfig, node_name: node-1}");
    let settings = settings::settings(&control_plane, &api);
    assert!(!settings.has_daemonset && settings::target(&api).daemon_set.is_none());
    let path = "/etc/kubeconfig".into();
    assert_eq!(settings::source(&api.reach).unwrap(), client::Source::Kubeconfig { path, context: None });
}

#[test]
fn in_a_pod_the_server_is_reached_by_an_address_and_never_by_a_name() {
    let reach = |host: &str| Reach::Pod { host: host.to_owned(), port: 6443 };
    for host in ["10.96.0.1", "fd00::1"] {
        let client::Source::InCluster { address, account } = settings::source(&reach(host)).unwrap() else {
            panic!("{host}")
        };
        assert_eq!(address, client::Address::new(host.parse().unwrap(), 6443));
        assert_eq!(account, std::path::Path::new(client::SERVICE_ACCOUNT));
    }
    for host in ["kubernetes.default.svc", "localhost", "", "10.96.0.1:443"] {
        let refused = settings::source(&reach(host)).unwrap_err();
        assert!(matches!(&refused, Error::Address(named) if named == host), "{refused}");
    }
}

#[test]
fn of_labels_and_annotations_only_those_are_kept_that_become_attributes() {
    let (standard, _) = configured(EVERY_KEY);
    let kept = &standard.choice;
    assert!(!kept.label("app.kubernetes.io/name") && !kept.annotation("team") && !kept.image_ids());
    let extract = "enrich: {extract: {metadata: [service.name, container.image.repo_digests], labels: [{key_regex: team/.*}], annotations: [{key: team}]}}";
    let (chosen, api) = configured(&format!("{EVERY_KEY}{extract}"));
    let kept = &chosen.choice;
    assert!(kept.label("team/x") && kept.label("app.kubernetes.io/name") && kept.image_ids());
    assert!(kept.annotation("team") && !kept.annotation("team/x") && !kept.label("team"));
    assert_ne!(
        Fixed::of(&chosen, &api),
        Fixed::of(&standard, &api),
        "an informer keeps what it was made to keep"
    );
}

/// The report of an informer that has just begun.
fn report() -> Report {
    let (control_plane, api) = configured(EVERY_KEY);
    let now =
        Now { wall: Wall::new(Duration::from_secs(1_795_244_279)), mono: Mono::new(Duration::from_secs(9)) };
    let settings = settings::settings(&control_plane, &api);
    Informer::new(settings, Memory::default(), now).unwrap().report(now)
}

#[test]
fn an_agent_that_has_not_asked_shows_what_it_counts_with_and_claims_no_watch() {
    let report = report();
    let budget = view::budget(&report);
    assert_eq!((&*budget.state, budget.why.as_deref(), budget.dry_run), ("ok", None, true));
    assert_eq!((budget.nodes, &*budget.nodes_source), (14, "hint"));
    assert!((budget.requests_per_second - 15.0).abs() < f64::EPSILON, "this release's share");
    assert_eq!(budget.turn_period_s, report.turn_period.as_secs());
    assert!(budget.next_turn.unwrap().as_str() > "2026-11-21T06:57:59Z");
    assert_eq!(budget.watch, status::Watch::default());
    assert!(budget.requests.is_empty() && budget.last_error.is_none());
}

#[test]
fn a_watch_its_requests_and_the_last_trouble_are_told_in_whole_seconds_and_one_line() {
    use shared_informer::counts::{Asked, Reason, Resource, Status, Verb};

    let mut report = report();
    let asked = Asked { verb: Verb::Watch, resource: Resource::Pods, reason: Reason::Watch };
    report.requests.add(asked, Status::None, 3);
    report.watch_open = Some(Duration::from_millis(61_900));
    report.staleness = Some(Duration::from_millis(2_100));
    (report.pods, report.confirmed) = (17, true);
    let at = Wall::new(Duration::from_secs(1_795_244_279));
    report.trouble = Some(Trouble { at, what: "first\nsecond".into() });
    let budget = view::budget(&report);
    let watch = status::Watch { open_s: Some(61), staleness_s: Some(2), pods: 17, confirmed: true };
    assert_eq!(budget.watch, watch);
    let [request] = &*budget.requests else { panic!("{:?}", budget.requests) };
    let names = [&*request.verb, &*request.resource, &*request.reason, &*request.status];
    assert_eq!((names, request.count), (["watch", "pods", "watch", "none"], 3));
    let trouble = budget.last_error.unwrap();
    assert_eq!((&*trouble.at, &*trouble.text), ("2026-11-21T06:57:59Z", "first second"));
}

#[test]
fn the_reason_of_a_pause_by_the_fleet_and_of_a_ceiling_below_the_declared_one_is_told() {
    let mut report = report();
    report.configured = Declaration::new(60.0, 2 << 20, 0.5).unwrap();
    let why = |report: &Report| view::budget(report).why.unwrap_or_default();
    assert!(why(&report).contains("steps of a rollout"), "{}", why(&report));
    report.fleet_paused = true;
    assert!(why(&report).contains("tare.dev/pause"), "{}", why(&report));
}

#[test]
fn each_origin_of_the_number_of_nodes_has_a_name_of_its_own() {
    use size::Source::{Assumed, Declared, Hint, Probed, Remembered};

    let names = [Declared, Probed, Remembered, Hint, Assumed]
        .map(|nodes_source| view::budget(&Report { nodes_source, ..report() }).nodes_source);
    assert_eq!(names, ["declared", "probed", "remembered", "hint", "assumed"]);
}

#[test]
fn what_was_kept_by_another_choice_is_good_for_names_and_a_list_follows() {
    let folder = tempfile::tempdir().unwrap();
    let state_dir = StateDir::open(folder.path()).unwrap();
    let cluster = ClusterId([7; 32]);
    let (control_plane, _) = configured(&EVERY_KEY.replace("dry_run: true", ""));
    let saved_at = Duration::from_secs(1_795_244_279);
    let kept = control_plane.choice.fingerprint();
    let json = br#"{"metadata": {"name": "web", "namespace": "ns", "uid": "u"}}"#;
    let pod = shared_informer::pod::parse(json, &*control_plane.choice).unwrap();
    for (kept, expected) in [(kept, saved_at), (kept ^ 1, Duration::ZERO)] {
        let header = Header { cluster, resource_version: "5".into(), saved_at, kept };
        assert!(state_dir.save_index(&header, [&pod]));
        let index = remembered(&state_dir, cluster, &control_plane).index.unwrap();
        assert_eq!((index.header.saved_at, &*index.pods), (expected, &[pod.clone()][..]));
    }
}
