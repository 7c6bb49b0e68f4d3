use std::net::SocketAddr;

use super::*;
use crate::config::{Environment, load};

fn outputs_of(text: &str) -> Vec<OutputSettings> {
    outputs(&load("t.yaml", text.as_bytes(), &Environment::default()).unwrap().settings)
}

#[test]
fn every_key_of_an_output_reaches_the_exporter() {
    let text = "
outputs:
  - name: all
    otlp:
      endpoint: collector:4317
      protocol: grpc
      headers: {a: '1'}
      headers_from_files: {authorization: /run/token}
      compression: none
      timeout: 3s
      tls: {ca_file: /ca, cert_file: /c, key_file: /k, server_name: other.example}
      resolve: {max_stale: 48h, min_refresh: 7s, max_refresh: 8m, cache_file: /var/lib/tare/dns.v1}
      queue: {max_bytes: 16MiB, max_age: 5m}
      retry: {initial_interval: 2s, max_interval: 9s}
      disk_log: {directory: /var/lib/tare/queue, max_size: 8MiB, replay_bytes_per_second: 64KiB}
";
    let seconds = Duration::from_secs;
    let mut expected = OutputSettings::new("all", "https://collector:4317/");
    expected.protocol = Wire::Grpc;
    expected.headers = vec![("a".to_owned(), "1".to_owned())];
    expected.headers_from_files = vec![("authorization".to_owned(), "/run/token".into())];
    expected.compression = compress::Compression::None;
    expected.timeout = seconds(3);
    let identity = tls::Identity { certificate: "/c".into(), key: "/k".into() };
    let server_name = Some("other.example".to_owned());
    expected.tls = tls::Settings { ca: Some("/ca".into()), identity: Some(identity), server_name };
    let limits =
        resolve::Limits { min_refresh: seconds(7), max_refresh: seconds(480), max_age: seconds(48 * 3_600) };
    let name_servers: Vec<SocketAddr> = Vec::new();
    expected.resolve = resolve::Settings {
        limits,
        file: Some("/var/lib/tare/dns.v1".into()),
        name_servers,
        ..resolve::Settings::default()
    };
    expected.queue = queue::Limits { max_bytes: 16 << 20, reserved_bytes: 1 << 20, max_age: seconds(300) };
    expected.retry = retry::Limits { initial: seconds(2), max: seconds(9), ..retry::Limits::default() };
    let directory = "/var/lib/tare/queue".into();
    expected.disk = Some(DiskLog { directory, max_bytes: 8 << 20, replay_bytes_per_second: 64 << 10 });
    assert!(outputs_of(text) == [expected], "a key is lost on the way");
}

#[test]
fn what_the_file_leaves_out_is_the_exporters_own_default_where_both_have_one() {
    let [output] = &outputs_of("")[..] else { panic!("one output") };
    let default = OutputSettings::new("default", "http://localhost:4318/v1/metrics");
    assert!(output.resolve == default.resolve && output.tls == default.tls && output.disk == default.disk);
    assert!(output.protocol == default.protocol && output.timeout == default.timeout);
    assert_eq!((&output.name, &output.endpoint), (&default.name, &default.endpoint));
    let disk = outputs_of("outputs: [{otlp: {disk_log: {directory: /q}}}]").remove(0).disk;
    assert_eq!(disk, Some(DiskLog::new("/q")));
}

#[test]
fn standard_output_has_a_queue_of_its_own() {
    let outputs = outputs_of("outputs: [{name: debug, stdout: {queue: {max_bytes: 2MiB}}}, {name: t}]");
    let kinds: Vec<_> = outputs.iter().map(|output| (output.protocol, output.queue.max_bytes)).collect();
    assert_eq!(kinds, [(Wire::Stdout, 2 << 20), (Wire::HttpProtobuf, 4 << 20)]);
}

#[test]
fn the_proxy_of_the_environment_stands_before_every_receiver() {
    let variables = [("HTTPS_PROXY", "http://user:s3cret@proxy.test:3128"), ("no_proxy", "near.test")];
    let text = b"outputs: [{name: a, otlp: {endpoint: 'https://far.test'}}, {name: b, stdout: }]";
    let settings = load("t.yaml", text, &Environment::new(variables)).unwrap().settings;
    let lookup =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let expected = exporter::proxy::from_environment(lookup).unwrap();
    let proxies: Vec<_> = outputs(&settings).into_iter().map(|output| output.proxy).collect();
    assert!(expected.is_some() && proxies == [expected, None]);
    assert!(!format!("{settings:?}").contains("s3cret"));
}
