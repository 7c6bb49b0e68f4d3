//! What a person reads when a configuration is wrong: the exact text, for every kind of mistake.

use tare::config::{Environment, load};

fn message(text: &str) -> String {
    match load("tare.yaml", text.as_bytes(), &Environment::default()) {
        Ok(_) => "accepted".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

/// The configuration and, line by line, what is said of it.
type Case = (&'static str, &'static [&'static str]);

fn check(cases: &[Case]) {
    for (text, expected) in cases {
        assert_eq!(message(text), expected.join("\n"), "for:\n{text}");
    }
}

#[test]
fn an_unknown_key_comes_with_the_nearest_valid_one_or_its_right_place() {
    check(&[
        (
            "host:\n  scrapers:\n    dsik:\n",
            &[r#"tare.yaml:3:5: host.scrapers.dsik: unknown key; did you mean "disk"?"#],
        ),
        (
            "host: {root_path: /hostfs}",
            &[r#"tare.yaml:1:8: host.root_path: unknown key; did you mean "root"?"#],
        ),
        (
            "host: {collection_interval: 10s}",
            &[r#"tare.yaml:1:8: host.collection_interval: unknown key; did you mean "interval"?"#],
        ),
        ("scrapers: {cpu: }", &[r#"tare.yaml:1:1: scrapers: unknown key; it is a key of "host""#]),
        (
            "host: {scrapers: {cpu: {metrics: {}}}}",
            &["tare.yaml:1:25: host.scrapers.cpu.metrics: unknown key; it is a key of the top level"],
        ),
        (
            "zzz: 1",
            &[
                "tare.yaml:1:1: zzz: unknown key; the keys here are slo, cluster, kube, kubelet, host, containers, metrics, enrich, outputs, control, activation, dry_run",
            ],
        ),
        (
            "metrics: {system.cpu.utilisation: {enabled: true}}",
            &[
                r#"tare.yaml:1:11: metrics.system.cpu.utilisation: unknown metric; did you mean "system.cpu.utilization"?"#,
            ],
        ),
        (
            "metrics: {zzz: {enabled: true}}",
            &["tare.yaml:1:11: metrics.zzz: unknown metric; docs/configuration.md lists all of them"],
        ),
    ]);
}

#[test]
fn a_value_of_another_kind_or_outside_its_bounds_says_what_would_be_right() {
    check(&[
        ("host: {interval: 10}", &["tare.yaml:1:18: host.interval: 10 has no unit; write 10s or 10ms"]),
        ("host: {interval: 0}", &["tare.yaml:1:18: host.interval: 0 has no unit; write 0s or 0ms"]),
        ("host: {interval: 0s}", &["tare.yaml:1:18: host.interval: 0s is less than the smallest value, 1s"]),
        (
            "host: {interval: 999ms}",
            &["tare.yaml:1:18: host.interval: 999ms is less than the smallest value, 1s"],
        ),
        (
            "host: {interval: 1h1ms}",
            &["tare.yaml:1:18: host.interval: 1h1ms is more than the largest value, 1h"],
        ),
        (
            "host: {interval: -5s}",
            &[r#"tare.yaml:1:18: host.interval: expected a duration like 500ms, 10s or 1m30s, found "-5s""#],
        ),
        (
            "host: {interval: 99999999999999999999s}",
            &[
                r#"tare.yaml:1:18: host.interval: expected a duration like 500ms, 10s or 1m30s, found "99999999999999999999s""#,
            ],
        ),
        (
            "host:\n  interval:\n",
            &["tare.yaml:2:3: host.interval: expected a duration from 1s to 1h, found nothing"],
        ),
        (
            "host: {interval: [10s]}",
            &["tare.yaml:1:18: host.interval: expected a duration from 1s to 1h, found a list"],
        ),
        ("host: 5", &[r#"tare.yaml:1:7: host: expected a section with keys of its own, found "5""#]),
        ("- host", &["tare.yaml:1:1: expected a section with keys of its own, found a list"]),
        (
            "host: {root: hostfs}",
            &[r#"tare.yaml:1:14: host.root: expected an absolute path, found "hostfs""#],
        ),
        (
            "host: {scrapers: {load: {cpu_average: on}}}",
            &[r#"tare.yaml:1:39: host.scrapers.load.cpu_average: expected true or false, found "on""#],
        ),
        (
            "host: {scrapers: {disk: {include: {devices: sda}}}}",
            &[r#"tare.yaml:1:45: host.scrapers.disk.include.devices: expected a list, found "sda""#],
        ),
        (
            "host: {scrapers: {disk: {include: {devices: [a], match_type: glob}}}}",
            &[
                r#"tare.yaml:1:62: host.scrapers.disk.include.match_type: expected strict or regexp, found "glob""#,
            ],
        ),
        ("outputs: {name: a}", &["tare.yaml:1:10: outputs: expected a list, found a section"]),
        (
            "control: {log_level: loud}",
            &[
                r#"tare.yaml:1:22: control.log_level: expected error, warn, info, debug or trace, found "loud""#,
            ],
        ),
        (
            "outputs:\n- otlp:\n    queue: {max_bytes: 64MB}\n",
            &[
                r#"tare.yaml:3:24: outputs[0].otlp.queue.max_bytes: expected a size like 512KiB or 2MiB, found "64MB""#,
            ],
        ),
        (
            "outputs:\n- otlp:\n    queue: {max_bytes: 1MiB}\n",
            &["tare.yaml:3:24: outputs[0].otlp.queue.max_bytes: 1MiB is less than the smallest value, 2MiB"],
        ),
    ]);
}

#[test]
fn a_bad_expression_is_named_by_its_place_in_the_list() {
    check(&[
        (
            "host:\n  scrapers:\n    disk:\n      include:\n        devices: [sda, \"sd(\"]\n        match_type: regexp\n",
            &[
                r#"tare.yaml:5:24: host.scrapers.disk.include.devices[1]: "sd(" is no regular expression: unclosed group"#,
            ],
        ),
        (
            "host: {scrapers: {network: {exclude: {interfaces: ['\\w{1000}{1000}'], match_type: regexp}}}}",
            &[concat!(
                r#"tare.yaml:1:52: host.scrapers.network.exclude.interfaces[0]: "\\w{1000}{1000}" "#,
                "is no regular expression: Compiled regex exceeds size limit of 1048576 bytes."
            )],
        ),
        ("host: {scrapers: {disk: {include: {devices: ['sd(']}}}}", &["accepted"]),
    ]);
    let many = "a,".repeat(257);
    let text = format!("host: {{scrapers: {{disk: {{include: {{devices: [{many}]}}}}}}}}");
    assert_eq!(
        message(&text),
        "tare.yaml:1:45: host.scrapers.disk.include.devices: has 257 entries; at most 256 are allowed"
    );
}

#[test]
fn scrapers_and_outputs_that_would_do_nothing_are_refused() {
    let none = "no scraper runs; name at least one, or leave the key out for the default ones";
    assert_eq!(message("host: {scrapers: }"), format!("tare.yaml:1:8: host.scrapers: {none}"));
    assert_eq!(message("host: {scrapers: {}}"), format!("tare.yaml:1:18: host.scrapers: {none}"));
    assert_eq!(
        message("host: {scrapers: {cpu: {enabled: false}}}"),
        format!("tare.yaml:1:18: host.scrapers: {none}")
    );
    check(&[
        (
            "outputs: []",
            &[
                "tare.yaml:1:10: outputs: no output; name at least one, or leave the key out for the default one",
            ],
        ),
        (
            "outputs:\n- {name: a, otlp: {endpoint: 'http://a'}}\n- {name: a, otlp: {endpoint: 'http://b'}}",
            &[r#"tare.yaml:3:10: outputs[1].name: outputs[0] has the name "a" already"#],
        ),
        (
            "outputs:\n- name: a\n- name: b\n",
            &[
                "tare.yaml:3:3: outputs[1].otlp: needs an endpoint: outputs[0] already takes its address from the environment",
            ],
        ),
        (
            "outputs: [{otlp: {retry: {initial_interval: 1m}}}]",
            &["tare.yaml:1:45: outputs[0].otlp.retry.initial_interval: is longer than max_interval"],
        ),
    ]);
}

#[test]
fn an_address_that_cannot_work_is_refused() {
    let endpoint = |text: &str| message(&format!("outputs: [{{otlp: {{endpoint: '{text}'}}}}]"));
    let at = "tare.yaml:1:29: outputs[0].otlp.endpoint: ";
    let scheme = "expected a URL that starts with http:// or https://";
    assert_eq!(endpoint("localhost:4318"), format!(r#"{at}{scheme}, found "localhost:4318""#));
    assert_eq!(endpoint("grpc://host"), format!(r#"{at}{scheme}, found "grpc://host""#));
    for address in
        ["http://", "http:///v1", "http://host:port", "http://host:99999", "http://ho st", "http://h:0"]
    {
        assert_eq!(endpoint(address), format!(r#"{at}is no valid URL: "{address}""#));
    }
    assert!(endpoint("http://host/?a=b").contains("has a query"));
    assert!(endpoint("http://host/#x").contains("has a fragment"));
    for good in ["http://host", "https://host:1/base/", "http://[::1]:4318", "http://10.0.0.1:4318"] {
        assert_eq!(endpoint(good), "accepted");
    }
    check(&[
        (
            "outputs: [{otlp: {endpoint: 'http://a', metrics_endpoint: 'http://b'}}]",
            &[
                "tare.yaml:1:59: outputs[0].otlp.metrics_endpoint: is given beside endpoint; keep one of the two",
            ],
        ),
        (
            "outputs: [{otlp: {protocol: http/json}}]",
            &[
                "tare.yaml:1:29: outputs[0].otlp.protocol: http/json is not supported; tare sends http/protobuf, which \
                 every OTLP receiver takes at the same address, or grpc",
            ],
        ),
        (
            "outputs: [{otlp: {protocol: grpc, endpoint: 'http://a:4317/v1/metrics'}}]",
            &[
                "tare.yaml:1:45: outputs[0].otlp.endpoint: has a path or a query, which grpc cannot use; give scheme, \
                 host and port only",
            ],
        ),
        ("outputs: [{otlp: {protocol: grpc, endpoint: 'a:4317', tls: {insecure: true}}}]", &["accepted"]),
        (
            "outputs: [{otlp: {protocol: grpc, endpoint: 'a:4317', tls: {insecure: true, ca_file: /c}}}]",
            &[
                "tare.yaml:1:60: outputs[0].otlp.tls: has no effect: the address is http://a:4317/, without TLS",
            ],
        ),
        (
            "outputs: [{otlp: {protocol: grpc, endpoint: 'https://a:4317', tls: {insecure: true}}}]",
            &[
                "tare.yaml:1:79: outputs[0].otlp.tls.insecure: has no effect: only a grpc address without http:// or \
                 https:// leaves it open",
            ],
        ),
        (
            "outputs: [{otlp: {endpoint: 'https://a', tls: {server_name: 'a b'}}}]",
            &[
                r#"tare.yaml:1:61: outputs[0].otlp.tls.server_name: expected a host name or an IP address, found "a b""#,
            ],
        ),
        (
            "outputs: [{otlp: {endpoint: 'http://a', tls: {ca_file: /ca.pem}}}]",
            &[
                "tare.yaml:1:46: outputs[0].otlp.tls: has no effect: the address is http://a/v1/metrics, without TLS",
            ],
        ),
        (
            "outputs: [{otlp: {endpoint: 'https://a', tls: {cert_file: /c.pem}}}]",
            &["tare.yaml:1:59: outputs[0].otlp.tls.cert_file: needs key_file too"],
        ),
    ]);
}

#[test]
fn two_outputs_share_no_folder_no_file_and_no_standard_output() {
    check(&[
        (
            "outputs:\n- {name: a, otlp: {endpoint: 'http://a', disk_log: {directory: /q}}}\n\
             - {name: b, otlp: {endpoint: 'http://b', disk_log: {directory: /x/..//q/.}}}",
            &[
                "tare.yaml:3:64: outputs[1].otlp.disk_log.directory: outputs[0].otlp.disk_log.directory is the same \
                 folder; two outputs need different ones",
            ],
        ),
        (
            "outputs:\n- {name: a, otlp: {endpoint: 'http://a', resolve: {cache_file: /d}}}\n\
             - {name: b, otlp: {endpoint: 'http://b', resolve: {cache_file: /d}}}",
            &[
                "tare.yaml:3:64: outputs[1].otlp.resolve.cache_file: outputs[0].otlp.resolve.cache_file is the same \
                 file; two outputs need different ones",
            ],
        ),
        (
            "outputs:\n- {name: a, stdout: }\n- {name: b, stdout: {}}",
            &["tare.yaml:3:21: outputs[1].stdout: outputs[0] writes to standard output already"],
        ),
        (
            "outputs: [{stdout: {}, otlp: {endpoint: 'http://a'}}]",
            &["tare.yaml:1:20: outputs[0].stdout: is given beside otlp; an output is one of the two"],
        ),
        (
            "outputs:\n- {name: a, otlp: {endpoint: 'http://a', disk_log: {directory: /q}}}\n\
             - {name: b, otlp: {endpoint: 'http://b', disk_log: {directory: /q/b}}}\n- {name: c, stdout: }",
            &["accepted"],
        ),
    ]);
}

#[test]
fn limits_of_the_disk_log_and_of_names_are_checked() {
    check(&[
        (
            "outputs: [{otlp: {disk_log: {}}}]",
            &["tare.yaml:1:29: outputs[0].otlp.disk_log: needs a directory"],
        ),
        (
            "outputs: [{otlp: {disk_log: {directory: queue, max_size: 1MiB, fsync: true}}}]",
            &[
                r#"tare.yaml:1:41: outputs[0].otlp.disk_log.directory: expected an absolute path, found "queue""#,
                "tare.yaml:1:58: outputs[0].otlp.disk_log.max_size: 1MiB is less than the smallest value, 4MiB",
                "tare.yaml:1:64: outputs[0].otlp.disk_log.fsync: unknown key; the keys here are directory, max_size, \
                 replay_bytes_per_second",
            ],
        ),
        (
            "outputs: [{otlp: {resolve: {min_refresh: 10m, max_stale: 1m}}}]",
            &[
                "tare.yaml:1:42: outputs[0].otlp.resolve.min_refresh: is longer than max_refresh",
                "tare.yaml:1:58: outputs[0].otlp.resolve.max_stale: is shorter than max_refresh",
            ],
        ),
        (
            "outputs: [{otlp: {resolve: {max_stale: 8760h}}}]",
            &[
                "tare.yaml:1:40: outputs[0].otlp.resolve.max_stale: 8760h is more than the largest value, 720h",
            ],
        ),
        (
            "outputs: [{otlp: {headers: {a: x}, headers_from_files: {A: /t, Host: /h, grpc-timeout: /g}}}]",
            &[
                "tare.yaml:1:60: outputs[0].otlp.headers_from_files.A: is given in headers too; keep one of the two",
                "tare.yaml:1:64: outputs[0].otlp.headers_from_files.Host: the header host is set by tare itself",
                "tare.yaml:1:74: outputs[0].otlp.headers_from_files.grpc-timeout: the header grpc-timeout is set by \
                 tare itself",
            ],
        ),
        (
            "outputs: [{stdout: {otlp: {}}}]",
            &["tare.yaml:1:21: outputs[0].stdout.otlp: unknown key; it is a key of \"outputs[]\""],
        ),
    ]);
}

#[test]
fn no_message_carries_a_secret() {
    for text in [
        "outputs: [{otlp: {endpoint: 'http://user:s3cret@host'}}]",
        "outputs: [{otlp: {endpoint: 'user:s3cret@host'}}]",
        "outputs: [{otlp: {headers: {api-key: \"s3cret\\n\"}}}]",
    ] {
        let message = message(text);
        assert!(message != "accepted" && !message.contains("s3cret"), "{message}");
    }
    check(&[(
        "outputs: [{otlp: {headers: {'a b': x, Host: y, k: v, K: w}}}]",
        &[
            "tare.yaml:1:29: outputs[0].otlp.headers.a b: not the name of a header",
            "tare.yaml:1:39: outputs[0].otlp.headers.Host: the header host is set by tare itself",
            "tare.yaml:1:54: outputs[0].otlp.headers.K: given twice",
        ],
    )]);
}

#[test]
fn what_is_no_plain_yaml_is_refused_with_its_place() {
    check(&[
        (
            "host: &h {root: /}",
            &["tare.yaml:1:10: host: anchors and aliases are not supported; write the value out"],
        ),
        (
            "host: {interval: &i 10s}\ncontrol: {self_telemetry_interval: *i}",
            &[
                "tare.yaml:1:21: host.interval: anchors and aliases are not supported; write the value out",
                "tare.yaml:2:36: control.self_telemetry_interval: anchors and aliases are not supported; write the value out",
            ],
        ),
        ("host: {<<: {root: /}}", &["tare.yaml:1:8: host: merge keys are not supported; write the keys out"]),
        ("host: !x {}", &["tare.yaml:1:10: host: tags are not supported; write the value without one"]),
        ("host: {root: /a}\nhost: {root: /b}", &["tare.yaml:2:1: host: given twice; the first is in line 1"]),
        ("{[a]: b}", &["tare.yaml:1:2: a key must be text"]),
        ("host: {}\n---\nhost: {}", &["tare.yaml:2:1: a second document; a configuration is one"]),
    ]);
    for broken in ["host: [", "host: {root: /", "a: b: c", "a: \"x", "host:\n - a\n b"] {
        let message = message(broken);
        assert!(message.contains(": no valid YAML: "), "{broken:?}: {message}");
    }
}

#[test]
fn every_mistake_of_a_file_is_reported_at_once_in_the_order_of_the_file() {
    let text = "\
hots: {}
host:
  interval: 10
  scrapers:
    dsik: {}
    disk:
      include: {devices: [sda, '('], match_type: regexp}
    filesystem: {timeout: 2d}
metrics:
  system.cpu.utilisation: {enabled: maybe}
outputs:
  - {name: a, otlp: {endpoint: 'localhost:4318', tls: {cert_file: /a}}}
  - {name: a, otlp: {endpoint: 'http://b', timeout: 1h, headers: {Host: x}}}
control: {log_level: loud, shutdown: 5s}
";
    let expected = r#"
tare.yaml:1:1: hots: unknown key; did you mean "host"?
tare.yaml:3:13: host.interval: 10 has no unit; write 10s or 10ms
tare.yaml:5:5: host.scrapers.dsik: unknown key; did you mean "disk"?
tare.yaml:7:32: host.scrapers.disk.include.devices[1]: "(" is no regular expression: unclosed group
tare.yaml:8:27: host.scrapers.filesystem.timeout: expected a duration like 500ms, 10s or 1m30s, found "2d"
tare.yaml:10:3: metrics.system.cpu.utilisation: unknown metric; did you mean "system.cpu.utilization"?
tare.yaml:10:37: metrics.system.cpu.utilisation.enabled: expected true or false, found "maybe"
tare.yaml:12:32: outputs[0].otlp.endpoint: expected a URL that starts with http:// or https://, found "localhost:4318"
tare.yaml:12:67: outputs[0].otlp.tls.cert_file: needs key_file too
tare.yaml:13:12: outputs[1].name: outputs[0] has the name "a" already
tare.yaml:13:53: outputs[1].otlp.timeout: 1h is more than the largest value, 10m
tare.yaml:13:67: outputs[1].otlp.headers.Host: the header host is set by tare itself
tare.yaml:14:22: control.log_level: expected error, warn, info, debug or trace, found "loud"
tare.yaml:14:28: control.shutdown: unknown key; did you mean "shutdown_timeout"?"#;
    assert_eq!(message(text), expected.trim_start());
}

#[test]
fn a_flood_of_mistakes_is_counted_and_not_printed() {
    let keys = |margin: &str| -> String {
        (0..20_000).flat_map(|index| [margin.to_owned(), format!("k{index}: {{}}\n")]).collect()
    };
    for text in [keys(""), format!("metrics:\n{}", keys("  system.cpu.time"))] {
        let message = message(&text);
        assert_eq!(message.lines().count(), 101);
        assert!(message.ends_with("tare.yaml: and 19900 more"), "{message}");
    }
}
