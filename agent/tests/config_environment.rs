//! What the environment means: the specification's precedence and address rules, and how the file wins.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use tare::config::settings::{ClientCertificate, Compression, Output, Settings};
use tare::config::{Environment, load};

fn result(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let environment = Environment::new(variables.iter().copied());
    load("tare.yaml", text.as_bytes(), &environment)
        .map(|loaded| loaded.settings)
        .map_err(|error| error.to_string())
}

fn settings(text: &str, variables: &[(&str, &str)]) -> Settings {
    result(text, variables).unwrap()
}

fn output(text: &str, variables: &[(&str, &str)]) -> Output {
    settings(text, variables).outputs.remove(0)
}

fn error(text: &str, variables: &[(&str, &str)]) -> String {
    result(text, variables).map(|_| "accepted").unwrap_err()
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

#[test]
fn a_base_address_gets_the_signals_path_and_one_for_metrics_is_used_as_it_stands() {
    for (variables, expected) in [
        (&[][..], "http://localhost:4318/v1/metrics"),
        (&[(ENDPOINT, "")], "http://localhost:4318/v1/metrics"),
        (&[(ENDPOINT, "http://host:4318")], "http://host:4318/v1/metrics"),
        (&[(ENDPOINT, "https://host/")], "https://host/v1/metrics"),
        (&[(ENDPOINT, "https://host/otlp/")], "https://host/otlp/v1/metrics"),
        (&[(METRICS_ENDPOINT, "http://host:4318")], "http://host:4318/"),
        (&[(METRICS_ENDPOINT, "https://host/push?tenant=1")], "https://host/push?tenant=1"),
        (&[(METRICS_ENDPOINT, "http://m/x"), (ENDPOINT, "http://all")], "http://m/x"),
    ] {
        assert_eq!(output("", variables).endpoint.to_string(), expected, "{variables:?}");
    }
}

#[test]
fn a_variable_for_metrics_wins_over_the_general_one() {
    let both = output(
        "",
        &[
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
            ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
            (HEADERS, "a=1,b=2"),
            ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "c=3"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/all.pem"),
            ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "/metrics.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/c.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/k.pem"),
            ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "/mk.pem"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
        ],
    );
    assert_eq!(both.timeout, Duration::from_millis(2500));
    assert_eq!(both.compression, Compression::None);
    assert_eq!(both.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["c"]);
    assert_eq!(both.tls.ca_file.as_deref(), Some("/metrics.pem".as_ref()));
    let client = ClientCertificate { cert_file: "/c.pem".into(), key_file: "/mk.pem".into() };
    assert_eq!(both.tls.client, Some(client));
    let general = output("", &[("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"), (HEADERS, "a=1,b=2")]);
    assert_eq!((general.timeout, general.headers.len()), (Duration::from_secs(1), 2));
}

#[test]
fn values_of_headers_are_percent_decoded_and_hidden_from_debug_output() {
    let output = output("", &[(HEADERS, "Authorization=Basic%20czNjcmV0%3D, x-tenant = a%2Cb")]);
    assert_eq!(output.headers["authorization"], "Basic czNjcmV0=");
    assert_eq!(output.headers["x-tenant"], "a,b");
    assert!(!format!("{output:?}").contains("czNjcmV0"));
}

#[test]
fn the_file_wins_and_what_it_leaves_open_comes_from_the_environment() {
    let variables = [
        (ENDPOINT, "http://env"),
        (HEADERS, "k=env"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "30000"),
    ];
    let text = "outputs: [{otlp: {timeout: 3s, headers: {k: file}}}]\nhost: {interval: 20s}";
    let mixed = settings(text, &variables);
    let output = &mixed.outputs[0];
    assert_eq!(output.endpoint, "http://env/v1/metrics");
    assert_eq!(output.timeout, Duration::from_secs(3));
    assert_eq!(output.headers["k"], "file");
    assert_eq!(output.compression, Compression::None);
    assert_eq!(mixed.scrapers.cpu.unwrap().interval, Duration::from_secs(20));
    assert_eq!(mixed.control.self_telemetry_interval, Duration::from_secs(30));
}

#[test]
fn an_output_that_names_its_own_address_takes_nothing_from_the_environment() {
    let variables = [
        (ENDPOINT, "http://env"),
        (HEADERS, "api-key=s3cret"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
    ];
    for key in ["endpoint", "metrics_endpoint"] {
        let own = output(&format!("outputs: [{{otlp: {{{key}: 'https://other'}}}}]"), &variables);
        assert_eq!(own.endpoint.host(), Some("other"));
        assert!(own.headers.is_empty() && own.tls.ca_file.is_none());
        assert_eq!(own.timeout, Duration::from_secs(10));
    }
}

#[test]
fn resource_attributes_come_from_the_nearest_place_that_names_them() {
    let variables = [
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=list,zone=a%20b,k8s.node.name=list,team=list"),
        ("OTEL_SERVICE_NAME", "own"),
        ("NODE_NAME", "node-1"),
    ];
    let text = "enrich: {resource_attributes: {team: file}}";
    let expected = [("k8s.node.name", "list"), ("service.name", "own"), ("team", "file"), ("zone", "a b")];
    let expected: Vec<_> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(settings(text, &variables).resource, expected);
    let node = settings("", &[("NODE_NAME", "node-1")]).resource;
    assert_eq!(node, [("k8s.node.name".to_owned(), "node-1".to_owned())]);
    assert_eq!(settings("", &[]).resource, []);
}

#[test]
fn the_level_of_the_log_is_the_environments() {
    use tare::config::values::LogLevel;
    assert_eq!(
        settings("control: {log_level: error}", &[("TARE_LOG", "debug")]).control.log_level,
        LogLevel::Debug
    );
    assert_eq!(settings("control: {log_level: error}", &[]).control.log_level, LogLevel::Error);
}

#[test]
fn a_variable_that_cannot_be_understood_is_an_error_with_its_name() {
    for (name, value, message) in [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", r#"expected a whole number of milliseconds, found "10s""#),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10", "10 milliseconds are less than the smallest value, 100ms"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", r#"expected gzip or none, found "zstd""#),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "grpc is not supported; tare sends http/protobuf, which every OTLP receiver takes, usually at port 4318",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "collector:4317",
            r#"expected a URL that starts with http:// or https://, found "collector:4317""#,
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "k=v,s3cret", r#"entry 2: expected name=value, found no "=""#),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/k.pem", "needs OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE too"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/c.pem", "needs OTEL_EXPORTER_OTLP_CLIENT_KEY too"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=v", "entry 1: the name of an attribute is empty"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "10", "10 milliseconds are less than the smallest value, 1s"),
        ("TARE_LOG", "tare=debug", r#"expected error, warn, info, debug or trace, found "tare=debug""#),
    ] {
        assert_eq!(error("", &[(name, value)]), format!("environment: {name}: {message}"));
    }
    let bytes = Environment::new([("NODE_NAME", OsString::from_vec(vec![0xff]))]);
    let message = load("tare.yaml", b"", &bytes).map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "environment: NODE_NAME: is no UTF-8 text");
}

#[test]
fn errors_of_file_and_environment_are_reported_together() {
    let message = error("hosst: {}", &[("TARE_LOG", "loud"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "x")]);
    assert_eq!(message.lines().count(), 3, "{message}");
}

#[test]
fn a_variable_that_something_overrides_is_not_looked_at() {
    let text = "outputs: [{otlp: {endpoint: 'http://own'}}]";
    let variables =
        [(ENDPOINT, "nonsense"), (HEADERS, "nonsense"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "nonsense")];
    assert!(result(text, &variables).is_ok());
    assert!(result("", &[(METRICS_ENDPOINT, "http://m"), (ENDPOINT, "nonsense")]).is_ok());
}
