//! What the environment means: the specification's precedence and address rules, and how the file wins.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use proptest::prelude::*;
use tare::config::environment::VARIABLES;
use tare::config::settings::{ClientCertificate, Compression, Destination, Otlp, Protocol, Settings};
use tare::config::{Environment, load, print};

fn result(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let environment = Environment::new(variables.iter().copied());
    load("tare.yaml", text.as_bytes(), &environment)
        .map(|loaded| loaded.settings)
        .map_err(|error| error.to_string())
}

fn settings(text: &str, variables: &[(&str, &str)]) -> Settings {
    result(text, variables).unwrap()
}

fn first(settings: Settings) -> Otlp {
    let receivers = settings.outputs.into_iter().map(|output| match output.to {
        Destination::Otlp(otlp) => Some(*otlp),
        Destination::Stdout => None,
    });
    receivers.flatten().next().unwrap()
}

fn output(text: &str, variables: &[(&str, &str)]) -> Otlp {
    first(settings(text, variables))
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
            (ENDPOINT, "https://host"),
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
fn a_grpc_address_is_https_unless_it_says_otherwise_and_never_gets_a_path() {
    const INSECURE: &str = "OTEL_EXPORTER_OTLP_INSECURE";
    const METRICS_INSECURE: &str = "OTEL_EXPORTER_OTLP_METRICS_INSECURE";
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    for (variables, expected) in [
        (&[][..], "http://localhost:4317/"),
        (&[(ENDPOINT, "collector:4317")], "https://collector:4317/"),
        (&[(ENDPOINT, "collector")], "https://collector/"),
        (&[(ENDPOINT, "[::1]:4317")], "https://[::1]:4317/"),
        (&[(METRICS_ENDPOINT, "collector:4317"), (ENDPOINT, "http://all")], "https://collector:4317/"),
        (&[(ENDPOINT, "http://collector:4317/")], "http://collector:4317/"),
        (&[(ENDPOINT, "https://collector:4317")], "https://collector:4317/"),
        (&[(ENDPOINT, "collector:4317"), (INSECURE, "TRUE")], "http://collector:4317/"),
        (&[(ENDPOINT, "collector:4317"), (INSECURE, "false")], "https://collector:4317/"),
        (&[(ENDPOINT, "c:1"), (INSECURE, "false"), (METRICS_INSECURE, "true")], "http://c:1/"),
        (&[(ENDPOINT, "c:1"), (INSECURE, "true"), (METRICS_INSECURE, "false")], "https://c:1/"),
        // An address with a scheme says it itself, and the variable is not looked at.
        (&[(ENDPOINT, "https://c:1"), (INSECURE, "true")], "https://c:1/"),
        (&[(ENDPOINT, "http://c:1"), (INSECURE, "nonsense")], "http://c:1/"),
    ] {
        let all: Vec<_> = variables.iter().copied().chain([grpc]).collect();
        let output = output("", &all);
        assert_eq!(
            (output.endpoint.to_string().as_str(), output.protocol),
            (expected, Protocol::Grpc),
            "{all:?}"
        );
    }
    assert_eq!(
        error("", &[grpc, (ENDPOINT, "c:1"), (INSECURE, "1")]),
        r#"environment: OTEL_EXPORTER_OTLP_INSECURE: expected true or false, found "1""#
    );
    assert_eq!(
        error("", &[grpc, (METRICS_ENDPOINT, "http://c:1/v1/metrics")]),
        "environment: OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: has a path or a query, which grpc cannot use; give \
         scheme, host and port only"
    );
    // Over HTTP the scheme is part of the address.
    assert!(error("", &[(ENDPOINT, "c:1"), (INSECURE, "true")]).contains("starts with http:// or https://"));
}

/// One row for each variable of the specification's exporter: a value, and what becomes of it in the printed
/// configuration.
const TABLE: &[(&str, &str, &str)] = &[
    (ENDPOINT, "https://general", "endpoint: https://general/"),
    (METRICS_ENDPOINT, "https://metrics/x", "metrics_endpoint: https://metrics/x"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "protocol: grpc"),
    ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc", "protocol: grpc"),
    (HEADERS, "api-key=s3cret", "api-key: \"[redacted]\""),
    ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "api-key=s3cret", "api-key: \"[redacted]\""),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "none", "compression: none"),
    ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none", "compression: none"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500", "timeout: 2s500ms"),
    ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2500", "timeout: 2s500ms"),
    ("OTEL_EXPORTER_OTLP_INSECURE", "true", "insecure: true"),
    ("OTEL_EXPORTER_OTLP_METRICS_INSECURE", "true", "insecure: true"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem", "ca_file: /ca.pem"),
    ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "/ca.pem", "ca_file: /ca.pem"),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/k.pem", "key_file: /k.pem"),
    ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "/k.pem", "key_file: /k.pem"),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/c.pem", "cert_file: /c.pem"),
    ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", "/c.pem", "cert_file: /c.pem"),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative", ""),
    ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram", ""),
];

/// What a variable cannot be used without.
fn companions(name: &str) -> &'static [(&'static str, &'static str)] {
    match name.trim_start_matches("OTEL_EXPORTER_OTLP_").trim_start_matches("METRICS_") {
        "INSECURE" => &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), (ENDPOINT, "c:4317")],
        "CERTIFICATE" => &[(ENDPOINT, "https://c")],
        "CLIENT_KEY" => &[(ENDPOINT, "https://c"), ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/c")],
        "CLIENT_CERTIFICATE" => &[(ENDPOINT, "https://c"), ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/k")],
        _ => &[],
    }
}

#[test]
fn every_variable_of_the_exporter_has_its_effect_reads_back_and_hides_no_error_in_the_docs() {
    let mut tested: Vec<_> = TABLE.iter().map(|(name, ..)| *name).collect();
    let mut known: Vec<_> = VARIABLES.iter().map(|variable| variable.name).collect();
    known.retain(|name| name.starts_with("OTEL_EXPORTER_OTLP_"));
    tested.sort_unstable();
    known.sort_unstable();
    assert_eq!(tested, known, "a variable is documented and not in this table, or the other way round");
    for (name, value, printed) in TABLE {
        let variables: Vec<_> = companions(name).iter().copied().chain([(*name, *value)]).collect();
        let loaded = load("t", b"", &Environment::new(variables)).unwrap();
        assert_eq!(loaded.warnings, [] as [String; 0], "{name}");
        let text = print::print(&loaded.effective);
        assert!(text.contains(printed) && !text.contains("s3cret"), "{name}: no {printed:?} in\n{text}");
        let again = load("printed", text.as_bytes(), &Environment::default()).unwrap();
        assert_eq!(print::print(&again.effective), text, "{name}");
        assert_eq!(first(again.settings).endpoint, first(loaded.settings).endpoint, "{name}");
    }
}

#[test]
fn a_variable_for_metrics_wins_over_its_general_one_in_every_row_of_the_table() {
    for (name, value, printed) in TABLE {
        let Some(general) = name.strip_prefix("OTEL_EXPORTER_OTLP_METRICS_") else { continue };
        let general = format!("OTEL_EXPORTER_OTLP_{general}");
        if general == ENDPOINT || !TABLE.iter().any(|(name, ..)| *name == general) {
            continue;
        }
        let nonsense = [(general.as_str(), "\u{1}nonsense")];
        let companions = companions(name).iter().copied().filter(|(companion, _)| *companion != general);
        let variables: Vec<_> = companions.chain(nonsense).chain([(*name, *value)]).collect();
        let loaded =
            load("t", b"", &Environment::new(variables)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(print::print(&loaded.effective).contains(printed), "{name}");
    }
}

#[test]
fn certificates_for_an_address_without_tls_are_checked_and_left_out() {
    let certificate = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem");
    for (address, expected) in [("http://host", None), ("https://host", Some("/ca.pem".as_ref()))] {
        let output = output("", &[certificate, (ENDPOINT, address)]);
        assert_eq!(output.tls.ca_file.as_deref(), expected, "{address}");
    }
}

#[test]
fn a_wish_for_another_histogram_is_a_warning_and_stops_nothing() {
    let name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    let environment = Environment::new([(name, "base2_exponential_bucket_histogram")]);
    let loaded = load("t", b"", &environment).unwrap();
    let expected = format!(
        "environment: {name}: is ignored: tare's one histogram, tare.collector.duration, has explicit buckets"
    );
    assert_eq!(loaded.warnings, [expected]);
}

#[test]
fn a_header_whose_value_the_file_takes_from_a_file_is_not_taken_from_the_environment() {
    let text = "outputs: [{otlp: {headers_from_files: {api-key: /run/token}}}]";
    let output = output(text, &[(HEADERS, "api-key=env,other=1")]);
    assert_eq!(output.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["other"]);
    assert_eq!(output.headers_from_files.len(), 1);
}

#[test]
fn standard_output_takes_nothing_from_the_environment_and_leaves_it_to_the_next_output() {
    let text = "outputs: [{name: debug, stdout: }, {name: t}]";
    let settings = settings(text, &[(ENDPOINT, "http://env")]);
    assert!(matches!(settings.outputs[0].to, Destination::Stdout));
    let Destination::Otlp(otlp) = &settings.outputs[1].to else { panic!("no receiver") };
    assert_eq!(otlp.endpoint, "http://env/v1/metrics");
    assert!(result("outputs: [{stdout: }]", &[(ENDPOINT, "nonsense://"), (HEADERS, "nonsense")]).is_ok());
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
    let output = output(text, &variables);
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

const HTTP_JSON: &str = "http/json is not supported; tare sends http/protobuf, which every OTLP receiver takes at \
                         the same address, or grpc";

#[test]
fn a_variable_that_cannot_be_understood_is_an_error_with_its_name() {
    for (name, value, message) in [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", r#"expected a whole number of milliseconds, found "10s""#),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10", "10 milliseconds are less than the smallest value, 100ms"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", r#"expected gzip or none, found "zstd""#),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", HTTP_JSON),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json", HTTP_JSON),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http", r#"expected http/protobuf or grpc, found "http""#),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
            "-1",
            r#"expected a whole number of milliseconds, found "-1""#,
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "Delta",
            "delta is not supported; tare sends cumulative sums, from which a receiver can make deltas",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "lowmemory",
            "lowmemory is not supported; tare sends cumulative sums, from which a receiver can make deltas",
        ),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "none", r#"expected cumulative, found "none""#),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "drop",
            "expected explicit_bucket_histogram or base2_exponential_bucket_histogram, found \"drop\"",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "collector:4317",
            r#"expected a URL that starts with http:// or https://, found "collector:4317""#,
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "http://me:s3cret@host",
            "has a user or password in it; send credentials as a header",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
            "/k.pem",
            "needs OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE too",
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
fn a_proxy_that_is_used_and_wrong_is_an_error_that_shows_no_credentials() {
    let secret = "socks5://user:s3cret@proxy.test:1080";
    let socks = "only http:// and https:// proxies are spoken to";
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        assert_eq!(error("", &[(name, secret)]), format!("environment: {name}: {socks}"));
        let bytes = Environment::new([(name, OsString::from_vec(vec![0xff]))]);
        let message = load("tare.yaml", b"", &bytes).map(|_| ()).unwrap_err().to_string();
        assert_eq!(message, format!("environment: {name}: is no UTF-8 text"));
        // Nothing goes anywhere.
        assert!(settings("outputs: [{stdout: }]", &[(name, secret)]).proxy.is_none(), "{name}");
    }
    // What something else overrides is not looked at.
    let http = [("HTTP_PROXY", "http://a:1"), ("http_proxy", secret)];
    let both = [http[0], http[1], ("HTTPS_PROXY", "a:1"), ("https_proxy", secret), ("ALL_PROXY", secret)];
    assert!(settings("", &both).proxy.is_some());
    assert!(settings("", &[("HTTP_PROXY", " "), ("NO_PROXY", "*")]).proxy.is_none());
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_variable_holds_it_is_taken_and_reads_back_or_refused_by_its_name_without_a_secret(
        index in 0..VARIABLES.len(),
        value in "(?s).{0,60}|[a-z:/?#@\\[\\].=,%0-9-]{0,40}|(https?://)?[a-z0-9@:/?# \\[\\]]{0,12}",
        grpc: bool,
    ) {
        let name = VARIABLES[index].name;
        // A password that stands where one may stand by mistake.
        let value = value.replace('@', ":s3cret@");
        let mut variables = vec![(name, value.as_str())];
        if grpc && !name.contains("PROTOCOL") {
            variables.push(("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"));
        }
        match load("t", b"", &Environment::new(variables)) {
            Ok(loaded) => {
                let text = print::print(&loaded.effective);
                let again = load("printed", text.as_bytes(), &Environment::default());
                let again = again.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
                prop_assert_eq!(print::print(&again.effective), text);
            }
            Err(problems) => {
                let text = problems.to_string();
                prop_assert!(text.starts_with("environment: ") && text.contains(name), "{}", text);
                let may_quote = ["ENDPOINT", "HEADERS"].iter().all(|secret| !name.contains(secret));
                prop_assert!(may_quote || !text.contains("s3cret"), "{}", text);
            }
        }
    }
}
