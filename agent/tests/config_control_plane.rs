//! The declaration in the configuration: what it means, what is refused because it cannot work, and when the API server
//! is asked at all.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use proptest::prelude::*;
use shared_informer::activation::Steps;
use shared_informer::declaration::{Cluster, Declaration};
use shared_informer::reviews::{Access, Subresource};
use tare::config::settings::{Api, ApiServer, ControlPlane, DaemonSet, KubeletReader, Off, Reach};
use tare::config::{Environment, load, print};
use tare::kubelet::settings::{Credential, Settings, Trust};

/// What every pod of the chart has.
const POD: [(&str, &str); 5] = [
    ("NODE_NAME", "node-1.example"),
    ("POD_NAMESPACE", "telemetry"),
    ("TARE_DAEMONSET", "tare"),
    ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
    ("KUBERNETES_SERVICE_PORT", "443"),
];

fn result(text: &str, variables: &[(&str, &str)]) -> Result<ControlPlane, String> {
    let environment = Environment::new(variables.iter().copied());
    load("tare.yaml", text.as_bytes(), &environment)
        .map(|loaded| loaded.settings.control_plane)
        .map_err(|error| error.to_string())
}

fn control_plane(text: &str) -> ControlPlane {
    result(text, &[]).unwrap()
}

fn error(text: &str) -> String {
    result(text, &[]).map(|_| "accepted").unwrap_err()
}

fn api(text: &str, variables: &[(&str, &str)]) -> Api {
    result(text, variables).unwrap().api
}

#[test]
fn without_a_word_the_declaration_is_the_documented_one_and_a_plain_machine_asks_nothing() {
    let defaults = control_plane("");
    assert_eq!(defaults.declaration, Declaration::new(50.0, 16 << 20, 1.0).unwrap());
    assert_eq!(defaults.declaration, Declaration::default());
    assert_eq!(defaults.cluster, Cluster::new(None, 0, 5_000).unwrap());
    assert_eq!(defaults.cluster, Cluster::default());
    assert_eq!(defaults.steps, Steps::default());
    assert_eq!(defaults.kubelet.access, Access::Off);
    assert!(!defaults.dry_run);
    assert_eq!(defaults.api, Api::Off(Off::NoServer));
}

#[test]
fn every_key_reaches_the_settings() {
    let text = "
slo: {control_plane: {requests_per_second: 12.5, list_bytes_per_second: 1GiB, share: 0.25}}
cluster: {size: 300, hint: 40, assume: 700}
kubelet: {access: x509, period: 2m, subresources: [stats, pods], address: 192.0.2.7, port: 10251, cert_file: /c, key_file: /k, pinned_cert_file: /p}
activation: {steps: [{share: 0.5}, {share: 1, after: 1h}]}
dry_run: true
";
    let settings = load("tare.yaml", text.as_bytes(), &Environment::default()).unwrap().settings;
    let all = settings.control_plane;
    assert_eq!(all.declaration, Declaration::new(12.5, 1 << 30, 0.25).unwrap());
    assert_eq!(all.cluster, Cluster::new(Some(300), 40, 700).unwrap());
    assert_eq!((all.kubelet.access, all.kubelet.subresources), (Access::X509, 2));
    assert_eq!(all.kubelet.period, Duration::from_mins(2));
    assert_eq!((all.steps.delay(0.4), all.steps.delay(0.6)), (Duration::ZERO, Duration::from_hours(1)));
    assert!(all.dry_run);
}

/// The reader of the kubelet that a pod of the chart has with this `kubelet` section.
fn reader(kubelet: &str, more: &[(&str, &str)]) -> KubeletReader {
    let variables = [&POD[..], more].concat();
    result(&format!("kubelet: {kubelet}"), &variables).unwrap().reader
}

#[test]
fn the_kubelet_is_read_on_the_nodes_own_address_as_the_file_says() {
    let expected = Settings {
        address: ([192, 0, 2, 7], 10_250).into(),
        credential: Credential::Token("/var/run/secrets/kubernetes.io/serviceaccount/token".into()),
        trust: Trust::Authorities("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt".into()),
        subresources: vec![Subresource::Stats],
        period: Duration::from_mins(1),
        node: "node-1.example".to_owned(),
    };
    let ip = [("NODE_IP", "192.0.2.7")];
    assert_eq!(reader("{access: token}", &ip), KubeletReader::On(expected.clone()));
    let text = "{access: x509, period: 2m, subresources: [pods, stats], address: '2001:db8::1', port: 10251, \
                cert_file: /c, key_file: /k, pinned_cert_file: /p}";
    let every = Settings {
        address: "[2001:db8::1]:10251".parse().unwrap(),
        credential: Credential::Certificate { certificate: "/c".into(), key: "/k".into() },
        trust: Trust::Pinned("/p".into()),
        subresources: vec![Subresource::Stats, Subresource::Pods],
        period: Duration::from_mins(2),
        ..expected.clone()
    };
    assert_eq!(reader(text, &ip), KubeletReader::On(every));
    let insecure = Settings { trust: Trust::Anyone, ..expected.clone() };
    assert_eq!(reader("{access: token, insecure_skip_verify: true}", &ip), KubeletReader::On(insecure));
    let files = Settings {
        credential: Credential::Token("/t".into()),
        trust: Trust::Authorities("/ca".into()),
        ..expected.clone()
    };
    assert_eq!(reader("{access: token, token_file: /t, ca_file: /ca}", &ip), KubeletReader::On(files));
    let plain = Settings {
        address: ([192, 0, 2, 7], 10_255).into(),
        credential: Credential::None,
        trust: Trust::Plain,
        ..expected
    };
    assert_eq!(reader("{access: read_only}", &ip), KubeletReader::On(plain.clone()));
    // Without a cluster too: it costs nobody anything.
    let alone = control_plane("kubelet: {access: read_only, address: 192.0.2.7}").reader;
    assert_eq!(alone, KubeletReader::On(Settings { node: "192.0.2.7".to_owned(), ..plain }));
}

#[test]
fn what_the_reader_cannot_do_without_leaves_the_kubelet_unread_and_the_reason_is_told() {
    let why = |reader| match reader {
        KubeletReader::Off(Some(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(reader("{access: off}", &[]), KubeletReader::Off(None));
    assert!(why(reader("{access: token}", &[])).contains("NODE_IP"));
    let alone = control_plane("kubelet: {access: token, address: 192.0.2.7}").reader;
    assert!(why(alone).starts_with("no budget is kept for the reviews: there is no cluster"));
    let dry = "dry_run: true\nkubelet: {access: read_only, address: 192.0.2.7}";
    assert!(why(control_plane(dry).reader).contains("dry_run"));
    let metrics = "{access: token, address: 192.0.2.7, subresources: [metrics]}";
    assert!(why(reader(metrics, &[])).contains("neither stats nor pods"));
}

#[test]
fn settings_of_the_reader_that_cannot_work_or_have_no_effect_are_refused() {
    for (kubelet, expected) in [
        (
            "access: token}\nkube: {enabled: false",
            "1:19: kubelet.access: makes the kubelet ask the API server, but kube.enabled is false",
        ),
        (
            "access: x509}\nkube: {enabled: false, max_pods: 1",
            "1:19: kubelet.access: x509 needs cert_file and key_file",
        ),
        ("access: x509, cert_file: /c", "1:19: kubelet.access: x509 needs cert_file and key_file"),
        ("access: token, cert_file: /c", "1:37: kubelet.cert_file: has no effect: access is not x509"),
        (
            "access: x509, cert_file: /c, key_file: /k, token_file: /t",
            "1:66: kubelet.token_file: has no effect: access is not token",
        ),
        (
            "access: token, ca_file: /c, pinned_cert_file: /p",
            "1:57: kubelet.pinned_cert_file: is given beside ca_file; keep one",
        ),
        (
            "access: token, insecure_skip_verify: true, ca_file: /c",
            "1:48: kubelet.insecure_skip_verify: is given beside ca_file; keep one",
        ),
        (
            "access: read_only, ca_file: /c",
            "1:39: kubelet.ca_file: has no effect: the read-only port has no TLS",
        ),
        ("access: token, port: 70000", "1:32: kubelet.port: expected a whole number from 1 to 65535"),
    ] {
        let message = error(&format!("kubelet: {{{kubelet}}}\n"));
        assert!(
            message.starts_with(&format!("tare.yaml:{expected}")) && message.lines().count() == 1,
            "{message}"
        );
    }
    assert!(result("kubelet: {access: read_only}\nkube: {enabled: false}", &[]).is_ok());
}

#[test]
fn a_declaration_that_cannot_work_is_refused_with_both_numbers_and_its_place() {
    for (text, expected) in [
        (
            "cluster: {assume: 100000}\nslo:\n  control_plane:\n    requests_per_second: 0.5\n",
            "tare.yaml:4:26: slo.control_plane.requests_per_second: is 0.5, but 100000 nodes need at least 8.01: \
             with less a node's turn comes less often than every 22.8 h, and no watch lives long enough to be renewed",
        ),
        (
            "slo: {control_plane: {list_bytes_per_second: 1KiB}}\n",
            "tare.yaml:1:46: slo.control_plane.list_bytes_per_second: is 1024, but 5000 nodes with LISTs of 360000 \
             bytes need at least 126001",
        ),
        (
            "slo: {control_plane: {requests_per_second: 30}}\ncluster: {hint: 50000}\n\
             kubelet: {access: token, subresources: [stats, metrics, pods]}\n",
            "tare.yaml:1:44: slo.control_plane.requests_per_second: is 30, but the reviews that 100000 kubelets send \
             when scraped once a day need at least",
        ),
    ] {
        let message = error(text);
        assert!(message.starts_with(expected) && message.lines().count() == 1, "{message}");
    }
    // The number in the message works.
    let enough = "cluster: {assume: 100000}\nslo: {control_plane: {requests_per_second: 8.01}}\n";
    assert!(result(enough, &[]).is_ok());
}

#[test]
fn numbers_outside_their_bounds_are_refused_all_at_once() {
    let text = "slo: {control_plane: {requests_per_second: 0, list_bytes_per_second: 0B, share: 1.5}}
cluster: {size: some, hint: -1, assume: 0}
kube: {max_pods: 0, watch_bytes: 1B, node_name: 'a/b', server: 'https://x'}
kubelet: {access: password, period: 1s, subresources: [stats, stats, logs]}
activation: {steps: [{share: 0.5}, {share: 0.2, after: 1s}, {share: 1, after: 1h}]}
dry_run: perhaps
";
    let expected = r#"
tare.yaml:1:44: slo.control_plane.requests_per_second: expected a number above 0, at most 1000000, found "0"
tare.yaml:1:70: slo.control_plane.list_bytes_per_second: 0B is less than the smallest value, 1B
tare.yaml:1:81: slo.control_plane.share: expected a number above 0, at most 1, found "1.5"
tare.yaml:2:17: cluster.size: expected auto or a whole number from 1 to 1000000, found "some"
tare.yaml:2:29: cluster.hint: expected a whole number from 0 to 1000000, found "-1"
tare.yaml:2:41: cluster.assume: expected a whole number from 1 to 1000000, found "0"
tare.yaml:3:18: kube.max_pods: expected a whole number from 1 to 10000, found "0"
tare.yaml:3:34: kube.watch_bytes: 1B is less than the smallest value, 64KiB
tare.yaml:3:49: kube.node_name: expected the name of a Kubernetes object, found "a/b"
tare.yaml:3:64: kube.server: expected an address and a port like 10.96.0.1:443, found "https://x"
tare.yaml:4:19: kubelet.access: expected token, x509, read_only or off, found "password"
tare.yaml:4:37: kubelet.period: 1s is less than the smallest value, 10s
tare.yaml:4:70: kubelet.subresources[2]: expected stats, metrics or pods, found "logs"
tare.yaml:5:36: activation.steps[1]: step 2 (0.2 of the nodes after 1s) does not lie above the one before it (0.5 after 0ns)
tare.yaml:6:10: dry_run: expected true or false, found "perhaps""#;
    assert_eq!(error(text), expected.trim_start());
    for (text, expected) in [
        (
            "activation: {steps: []}",
            "tare.yaml:1:21: activation.steps: the last step reaches 0 of the nodes, it has to reach 1",
        ),
        (
            "kubelet: {access: token, subresources: []}",
            "tare.yaml:1:40: kubelet.subresources: nothing is read; name at least one, or set access: off",
        ),
        (
            "kubelet: {subresources: [stats, stats]}",
            "tare.yaml:1:33: kubelet.subresources[1]: is subresources[0] already",
        ),
    ] {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn a_pod_of_the_chart_asks_the_server_of_its_environment() {
    let expected = ApiServer {
        reach: Reach::Pod { host: "10.96.0.1".to_owned(), port: 443 },
        node: "node-1.example".to_owned(),
        daemon_set: Some(DaemonSet { namespace: "telemetry".to_owned(), name: "tare".to_owned() }),
        max_pods: 256,
        watch_bytes: 20 << 20,
    };
    assert_eq!(api("", &POD), Api::On(expected.clone()));
    let file = "kube: {server: '[fd00::1]:6443', node_name: n2, namespace: ns, daemonset: d, max_pods: 30}";
    let from_file = ApiServer {
        reach: Reach::Pod { host: "fd00::1".to_owned(), port: 6443 },
        node: "n2".to_owned(),
        daemon_set: Some(DaemonSet { namespace: "ns".to_owned(), name: "d".to_owned() }),
        max_pods: 30,
        ..expected.clone()
    };
    assert_eq!(api(file, &POD), Api::On(from_file), "the file wins");
    let kubeconfig = ApiServer { reach: Reach::Kubeconfig("/etc/kube.yaml".into()), ..expected };
    assert_eq!(api("kube: {kubeconfig: /etc/kube.yaml}", &POD), Api::On(kubeconfig));
    assert_eq!(api("kube: {enabled: false}", &POD), Api::Off(Off::Configured));
}

#[test]
fn what_is_missing_switches_the_server_off_and_is_an_error_where_it_is_wanted() {
    for (missing, off) in [
        (&["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"][..], Off::NoServer),
        (&["NODE_NAME"], Off::NoNode),
        (&["TARE_DAEMONSET"], Off::NoSize),
        (&["POD_NAMESPACE"], Off::NoNamespace),
    ] {
        let rest: Vec<_> = POD.into_iter().filter(|(name, _)| !missing.contains(name)).collect();
        assert_eq!(api("", &rest), Api::Off(off));
        let wanted = result("kube: {enabled: true}", &rest).unwrap_err();
        assert_eq!(wanted, format!("tare.yaml:1:7: kube: {off}"));
        assert!(missing.iter().any(|name| off.to_string().contains(name)), "{off}");
    }
    // Where the size is vouched for, nobody has to be asked.
    let without: Vec<_> = POD.into_iter().filter(|(name, _)| *name != "TARE_DAEMONSET").collect();
    let Api::On(server) = api("cluster: {size: 7}", &without) else { panic!("off") };
    assert_eq!(server.daemon_set, None);
    let wanted = result("kube: {kubeconfig: /k}", &[]).unwrap_err();
    assert_eq!(wanted, format!("tare.yaml:1:7: kube: {}", Off::NoNode));
}

#[test]
fn a_pods_environment_that_cannot_be_understood_is_an_error() {
    for (name, value, expected) in [
        ("NODE_NAME", "a/b", "NODE_NAME: expected the name of a Kubernetes object, found \"a/b\""),
        ("NODE_IP", "node", "NODE_IP: expected an IP address, found \"node\""),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1", "KUBERNETES_SERVICE_HOST: needs KUBERNETES_SERVICE_PORT too"),
        ("KUBERNETES_SERVICE_PORT", "443", "KUBERNETES_SERVICE_PORT: needs KUBERNETES_SERVICE_HOST too"),
    ] {
        assert_eq!(result("", &[(name, value)]).unwrap_err(), format!("environment: {expected}"));
    }
    let other = [("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("KUBERNETES_SERVICE_PORT", "tcp://10.0.0.1")];
    assert!(result("", &other).unwrap_err().contains("KUBERNETES_SERVICE_HOST: expected an address"));
    assert!(result("kube: {server: '10.0.0.1:443'}", &other).is_ok(), "a variable that the file overrides");
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same_declaration(
        requests in 10.0_f64..1_000.0, mebibytes in 1_u64..1_000, share in 0.5_f64..=1.0,
        size in prop::option::of(1_u32..1_000), hint in 0_u32..1_000, dry_run: bool,
        access in prop::sample::select(vec!["token", "x509", "read_only", "off"]), after in 0_u64..1_000,
    ) {
        let certificate = if access == "x509" { ", cert_file: /c, key_file: /k" } else { "" };
        let size = size.map_or("auto".to_owned(), |size| size.to_string());
        let text = format!(
            "slo: {{control_plane: {{requests_per_second: {requests}, list_bytes_per_second: {mebibytes}MiB, \
             share: {share}}}}}\ncluster: {{size: {size}, hint: {hint}}}\nkubelet: {{access: {access}{certificate}}}\n\
             activation: {{steps: [{{share: 0.5}}, {{share: 1, after: {after}s}}]}}\ndry_run: {dry_run}\n"
        );
        let environment = Environment::new(POD);
        let first = load("tare.yaml", text.as_bytes(), &environment).unwrap();
        let printed = print::print(&first.effective);
        let again = load("printed", printed.as_bytes(), &Environment::default()).unwrap();
        prop_assert_eq!(&again.effective, &first.effective, "{}", printed);
        let (one, two) = (first.settings.control_plane, again.settings.control_plane);
        prop_assert_eq!(one.declaration, two.declaration);
        prop_assert_eq!(one.api, two.api, "what the environment said is in the file now");
        let numbers = ["requests_per_second: \"", "share: \"", "hint: \""];
        prop_assert!(numbers.iter().all(|quoted| !printed.contains(quoted)), "{}", printed);
    }
}
