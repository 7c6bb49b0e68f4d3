//! The binary: answers on standard output, reasons on standard error, and the exit codes of the design.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tare"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may have closed it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn file(directory: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = directory.path().join("tare.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn help_and_version_are_answers_and_wrong_usage_is_64() {
    let help = run(&["--help"], &[], "");
    assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
    for part in [
        "run",
        "collect",
        "check-config",
        "print-config",
        "plan",
        "migrate",
        "status",
        "pause",
        "resume",
        "health",
        "Exit codes:",
        "Examples:",
        "Environment:",
    ] {
        assert!(help.out.contains(part), "{part} in {}", help.out);
    }
    let version = run(&["--version"], &[], "");
    assert_eq!((version.code, version.out), (Some(0), format!("tare {}\n", env!("CARGO_PKG_VERSION"))));
    for wrong in [&[][..], &["frob"], &["run", "--frob"], &["check-config"], &["collect", "--count", "0"]] {
        let ran = run(wrong, &[], "");
        assert_eq!((ran.code, ran.out.as_str()), (Some(64), ""), "{wrong:?}");
        assert!(!ran.err.is_empty(), "{wrong:?}");
    }
    let interval = run(&["collect", "--interval", "5"], &[], "");
    assert!(interval.err.contains("5 has no unit; write 5s or 5ms"), "{}", interval.err);
}

#[test]
fn every_command_refuses_a_bad_configuration_with_64_before_it_does_anything() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "hosst: {}\nhost: {interval: 1}\n");
    let path = path.to_str().unwrap();
    let expected = format!(
        "{path}:1:1: hosst: unknown key; did you mean \"host\"?\n{path}:2:18: host.interval: 1 has no unit; write 1s or 1ms\n"
    );
    for command in [
        &["check-config", path][..],
        &["print-config", "--config", path],
        &["run", "--config", path],
        &["collect", "--config", path],
    ] {
        let ran = run(command, &[], "");
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.as_str()),
            (Some(64), "", expected.as_str()),
            "{command:?}"
        );
    }
}

#[test]
fn a_bad_environment_is_64_and_names_the_variable() {
    let ran = run(&["print-config"], &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")], "");
    assert_eq!(ran.code, Some(64));
    assert!(
        ran.err.starts_with("environment: OTEL_EXPORTER_OTLP_PROTOCOL: http/json is not supported"),
        "{}",
        ran.err
    );
}

#[test]
fn a_file_that_cannot_be_read_and_an_answer_that_cannot_be_written_are_74() {
    let missing = run(&["check-config", "/nonexistent/tare.yaml"], &[], "");
    assert_eq!(missing.code, Some(74));
    assert_eq!(missing.err, "tare: /nonexistent/tare.yaml: No such file or directory (os error 2)\n");
    assert_eq!(run(&["check-config", "/"], &[], "").code, Some(74));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_tare"))
        .arg("print-config")
        .env_clear()
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(74));
}

#[test]
fn check_config_reads_the_files_that_outputs_name_and_reports_every_one_that_does_not_serve() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let output = |name, ca| {
        format!("  - {{name: {name}, otlp: {{endpoint: \"https://127.0.0.1:1\", tls: {{ca_file: {ca}}}}}}}\n")
    };
    let text =
        format!("outputs:\n{}{}", output("one", "/nowhere/ca.pem"), output("two", empty.to_str().unwrap()));
    let path = file(&directory, &text);
    let ran = run(&["check-config", path.to_str().unwrap()], &[], "");
    assert_eq!((ran.code, ran.out.as_str()), (Some(64), ""), "{}", ran.err);
    let expected = format!(
        "tare: output `one`: tls: /nowhere/ca.pem: No such file or directory (os error 2)\n\
         tare: output `two`: tls: {}: holds no certificate\n",
        empty.display()
    );
    assert_eq!(ran.err, expected);
}

#[test]
fn check_config_touches_no_disk_log_and_no_file_of_addresses_of_a_running_agent() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let text = format!(
        "outputs: [{{otlp: {{endpoint: \"http://c.test\", disk_log: {{directory: {:?}}}, resolve: {{cache_file: {:?}}}}}}}]\n",
        at("queue"),
        at("dns.v1")
    );
    let path = file(&directory, &text);
    let ran = run(&["check-config", path.to_str().unwrap()], &[], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(!at("queue").exists() && !at("dns.v1").exists());
}

#[test]
fn check_config_tells_what_is_ignored_and_print_config_hides_every_header() {
    let name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    let ran = run(&["check-config", "-"], &[(name, "base2_exponential_bucket_histogram")], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.starts_with(&format!("warning: environment: {name}: is ignored")), "{}", ran.out);
    let text = "outputs:\n- {name: a, otlp: {endpoint: 'http://a', headers: {x: s3cret}}}\n- {name: b}\n";
    let variables = [("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "y=s3cret,z=s3cret")];
    let printed = run(&["print-config", "--config", "-"], &variables, text);
    assert_eq!((printed.code, printed.out.matches("[redacted]").count()), (Some(0), 3), "{}", printed.out);
    assert!(!printed.out.contains("s3cret"), "{}", printed.out);
}

#[test]
fn check_config_opens_no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = listener.local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path =
        file(&directory, &format!("outputs: [{{name: t, otlp: {{endpoint: \"http://{endpoint}\"}}}}]\n"));
    assert_eq!(run(&["check-config", path.to_str().unwrap()], &[], "").code, Some(0));
    // A connection that was opened and closed again would still wait here.
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn collect_ends_with_zero_when_its_reader_has_seen_enough() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tare"))
        .args(["collect", "--count", "1000000", "--interval", "100ms"])
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // The reader is dropped now: the pipe is closed while a day of rounds is still to come.
    let request: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(request["resourceMetrics"].is_array());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_endless_file_is_refused_after_its_first_mebibyte() {
    let endless = run(&["check-config", "/dev/zero"], &[], "");
    assert_eq!(endless.code, Some(64));
    assert_eq!(endless.err, "/dev/zero:1:1: the file is larger than 1048576 bytes\n");
}

#[test]
fn what_print_config_prints_is_accepted_by_check_config() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret"),
        ("NODE_NAME", "node-1"),
        ("HTTP_PROXY", "http://user:s3cret@proxy.test:3128"),
    ];
    let printed = run(&["print-config"], &variables, "");
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    assert!(
        printed.out.contains("k8s.node.name: node-1") && !printed.out.contains("s3cret"),
        "{}",
        printed.out
    );
    let checked = run(&["check-config", "-"], &[], &printed.out);
    assert_eq!((checked.code, checked.out.as_str()), (Some(0), "-: ok\n"), "{}", checked.err);
    let again = run(&["print-config", "--config", "-"], &[], &printed.out);
    assert_eq!(again.out, printed.out);
}
