use super::*;

/// A configuration with one metrics pipeline.
fn pipeline(sections: &str, receivers: &str, processors: &str, exporters: &str) -> Translation {
    let text = format!(
        "{sections}\nservice:\n  pipelines:\n    metrics:\n      receivers: [{receivers}]\n      processors: \
         [{processors}]\n      exporters: [{exporters}]\n"
    );
    let look = |name: &str| (name == "TOKEN").then(|| "s3cret".to_owned());
    translate("test.yaml", text.as_bytes(), &look).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

const HOST: &str = "receivers: {hostmetrics: {scrapers: {cpu: }}}\n";

fn host_with(exporter: &str, settings: &str) -> Translation {
    pipeline(&format!("{HOST}exporters: {{{exporter}: {settings}}}"), "hostmetrics", "", exporter)
}

fn paths(list: &[Leftover]) -> Vec<String> {
    list.iter().map(|leftover| leftover.path.to_string()).collect()
}

#[test]
fn an_instance_with_another_interval_gives_its_scrapers_an_interval_of_their_own() {
    let receivers = "receivers:\n  hostmetrics: {collection_interval: 10s, scrapers: {cpu: }}\n  hostmetrics/slow: \
                     {collection_interval: 1.5m, scrapers: {disk: }}\nexporters: {debug: }";
    let translation = pipeline(receivers, "hostmetrics, hostmetrics/slow", "", "debug");
    assert_eq!(paths(&translation.left_out), Vec::<String>::new());
    assert!(translation.text.contains("\n  interval: 10s\n"), "{}", translation.text);
    assert!(translation.text.contains("      interval: 1m30s\n"), "{}", translation.text);
}

#[test]
fn the_interval_that_is_not_written_is_the_collector_s_and_not_tare_s() {
    let translation = host_with("debug", "");
    assert!(translation.text.contains("\n  interval: 1m\n"), "{}", translation.text);
}

#[test]
fn what_two_instances_set_differently_is_left_out_of_the_second() {
    let receivers = "receivers:\n  hostmetrics: {root_path: /a, scrapers: {cpu: }}\n  hostmetrics/b: \
                     {root_path: /b, scrapers: {load: }}\nexporters: {debug: }";
    let translation = pipeline(receivers, "hostmetrics, hostmetrics/b", "", "debug");
    assert_eq!(paths(&translation.left_out), ["receivers.hostmetrics/b.root_path"]);
    assert!(translation.text.contains("root: /a"), "{}", translation.text);
}

#[test]
fn what_the_checker_refuses_is_taken_out_and_listed_with_its_words() {
    let receivers = "receivers: {hostmetrics: {scrapers: {cpu: , quantum: , disk: {include: {devices: [\"(\"], \
                     match_type: regexp}}}}}\nexporters: {debug: }";
    let translation = pipeline(receivers, "hostmetrics", "", "debug");
    let scrapers = "receivers.hostmetrics.scrapers";
    let listed = paths(&translation.left_out);
    assert!(listed.contains(&format!("{scrapers}.quantum")), "{listed:?}");
    assert!(
        listed.iter().any(|path| path.starts_with(&format!("{scrapers}.disk.include.devices"))),
        "{listed:?}"
    );
    assert!(translation.left_out.iter().any(|leftover| leftover.reason.contains("unknown key")));
}

#[test]
fn old_and_new_names_of_components_mean_the_same() {
    let old = pipeline(
        "receivers: {hostmetrics: {scrapers: {cpu: }}}\nexporters: {otlp: {endpoint: \"a:1\"}, otlphttp: {endpoint: \"http://b\"}}",
        "hostmetrics",
        "",
        "otlp, otlphttp",
    );
    let new = pipeline(
        "receivers: {host_metrics: {scrapers: {cpu: }}}\nexporters: {otlp_grpc: {endpoint: \"a:1\"}, otlp_http: {endpoint: \"http://b\"}}",
        "host_metrics",
        "",
        "otlp_grpc, otlp_http",
    );
    let bare = |text: &str| -> String {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        lines.collect::<Vec<_>>().join("\n").replace("otlp_grpc", "otlp").replace("otlp_http", "otlphttp")
    };
    assert_eq!((old.left_out.len(), new.left_out.len()), (0, 0));
    assert_eq!(bare(&old.text), bare(&new.text));
}

#[test]
fn other_signals_and_receivers_are_left_out_and_their_components_are_not_looked_at() {
    let text = "receivers: {hostmetrics: {scrapers: {cpu: }}, otlp: , filelog: {include: [\"${env:NOWHERE}\"]}}\n\
                exporters: {debug: }\nservice:\n  pipelines:\n    metrics: {receivers: [hostmetrics, otlp], exporters: [debug]}\n    \
                logs: {receivers: [filelog], exporters: [debug]}\n    metrics/apps: {receivers: [otlp], exporters: [debug]}\n";
    let translation = translate("test.yaml", text.as_bytes(), &|_| None).unwrap();
    let expected = ["receivers.otlp", "service.pipelines.logs", "service.pipelines.metrics/apps"];
    assert_eq!(paths(&translation.left_out), expected);
}

#[test]
fn a_prometheus_receiver_that_looks_at_the_collector_itself_is_not_missed_and_another_is() {
    let scrape = |target: &str| {
        let receivers = format!(
            "receivers: {{hostmetrics: {{scrapers: {{cpu: }}}}, prometheus: {{config: {{scrape_configs: [{{static_configs: \
             [{{targets: [\"{target}\"]}}]}}]}}}}}}\nexporters: {{debug: }}"
        );
        paths(&pipeline(&receivers, "hostmetrics, prometheus", "", "debug").left_out)
    };
    assert_eq!(scrape("10.0.0.1:8888"), Vec::<String>::new());
    assert_eq!(scrape("10.0.0.1:9100"), ["receivers.prometheus"]);
}

#[test]
fn pipelines_that_send_elsewhere_or_process_otherwise_are_told_apart() {
    let text = "receivers: {hostmetrics: {scrapers: {cpu: }}, hostmetrics/b: {scrapers: {load: }}}\n\
                processors: {batch: , resource: {attributes: [{key: a, value: b, action: insert}]}}\n\
                exporters: {debug: , otlp: {endpoint: \"a:1\"}}\nservice:\n  pipelines:\n    \
                metrics: {receivers: [hostmetrics], processors: [batch], exporters: [debug]}\n    \
                metrics/b: {receivers: [hostmetrics/b], processors: [resource], exporters: [otlp]}\n";
    let translation = translate("test.yaml", text.as_bytes(), &|_| None).unwrap();
    let below = "service.pipelines.metrics/b";
    assert_eq!(paths(&translation.left_out), [format!("{below}.processors"), format!("{below}.exporters")]);
}

#[test]
fn a_variable_that_is_not_set_leaves_its_value_out_and_never_makes_it_empty() {
    let translation =
        host_with("otlp", "{endpoint: \"a:1\", headers: {api-key: \"${env:NOWHERE}\", x: \"${TOKEN}\"}}");
    assert_eq!(paths(&translation.left_out), ["exporters.otlp.headers.api-key"]);
    assert!(translation.text.contains("x: s3cret"), "{}", translation.text);
    assert!(!translation.text.contains("\n        api-key"), "{}", translation.text);
}

#[test]
fn switched_off_checks_of_certificates_are_never_translated() {
    let translation = host_with("otlphttp", "{endpoint: \"https://a\", tls: {insecure_skip_verify: true}}");
    assert_eq!(paths(&translation.left_out), ["exporters.otlphttp.tls.insecure_skip_verify"]);
}

#[test]
fn plaintext_is_asked_for_where_the_address_does_not_say_it_and_not_needed_where_it_does() {
    let bare = host_with("otlp", "{endpoint: \"a:1\", tls: {insecure: true}}");
    assert!(bare.text.contains("insecure: true"), "{}", bare.text);
    let schemed = host_with("otlp", "{endpoint: \"http://a:1\", tls: {insecure: true}}");
    assert!(!schemed.text.contains("insecure: true"), "{}", schemed.text);
    assert_eq!((paths(&bare.left_out), paths(&schemed.left_out)), (Vec::new(), Vec::new()));
    assert!(paths(&schemed.not_needed).contains(&"exporters.otlp.tls.insecure".to_owned()));
}

#[test]
fn the_kubelet_of_another_node_is_never_taken_for_the_own_one() {
    let translation = |endpoint: &str| {
        let sections = format!(
            "receivers: {{kubeletstats: {{auth_type: serviceAccount, endpoint: \"{endpoint}\"}}}}\nexporters: {{debug: }}"
        );
        pipeline(&sections, "kubeletstats", "", "debug")
    };
    assert!(translation("https://10.0.0.7:10250").text.contains("address: \"10.0.0.7\""));
    assert!(!translation("${env:K8S_NODE_IP}:10250").text.contains("address:"));
    // A port that is not the kubelet's, of a node whose address is not known here.
    let other = translation("${env:K8S_NODE_IP}:9999");
    assert!(paths(&other.left_out).contains(&"receivers.kubeletstats.endpoint".to_owned()));
}

#[test]
fn the_kubelet_through_the_api_server_is_left_out_with_the_reason() {
    let sections = "receivers: {kubeletstats: {auth_type: kubeConfig}}\nexporters: {debug: }";
    let translation = pipeline(sections, "kubeletstats", "", "debug");
    let reasons: Vec<_> = translation.left_out.iter().map(|leftover| leftover.reason.as_str()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("nodes/proxy")), "{reasons:?}");
    assert!(!translation.text.contains("access:"), "{}", translation.text);
}

#[test]
fn attributes_that_grow_with_the_cluster_are_left_out_one_by_one() {
    let sections = "receivers: {kubeletstats: {auth_type: serviceAccount}}\nprocessors: {k8sattributes: {extract: {metadata: \
                    [k8s.pod.name, k8s.node.uid], labels: [{key: a, from: namespace}]}}}\nexporters: {debug: }";
    let listed = paths(&pipeline(sections, "kubeletstats", "k8sattributes", "debug").left_out);
    let extract = "processors.k8sattributes.extract";
    for part in ["metadata[1]", "labels[0]"] {
        assert!(listed.contains(&format!("{extract}.{part}")), "{listed:?}");
    }
}

#[test]
fn actions_that_set_resource_attributes_are_translated_and_others_are_not() {
    let processors = "processors: {resource: {attributes: [{key: a, value: 1, action: upsert}, {key: b, action: delete}, \
                      {key: c, from_attribute: d, action: insert}]}}\nexporters: {debug: }\n";
    let translation = pipeline(&format!("{HOST}{processors}"), "hostmetrics", "resource", "debug");
    let list = "processors.resource.attributes";
    assert_eq!(paths(&translation.left_out), [format!("{list}[1]"), format!("{list}[2]")]);
    assert!(translation.text.contains("a: \"1\""), "{}", translation.text);
}

#[test]
fn only_the_first_output_writes_to_standard_output() {
    let translation =
        pipeline(&format!("{HOST}exporters: {{debug: , logging: }}"), "hostmetrics", "", "debug, logging");
    assert_eq!(paths(&translation.left_out), ["exporters.logging"]);
}

#[test]
fn a_line_break_in_a_name_does_not_end_a_comment() {
    let text = "receivers: {\"hostmetrics/a\\nkube: {enabled: true}\": {scrapers: {cpu: }}}\nexporters: {debug: }\nservice: \
                {pipelines: {metrics: {receivers: [\"hostmetrics/a\\nkube: {enabled: true}\"], exporters: [debug]}}}";
    let translation =
        translate("a\rkube: {enabled: true}\nkube: {enabled: true}", text.as_bytes(), &|_| None).unwrap();
    assert!(!translation.text.contains("\nkube"), "{}", translation.text);
    // To YAML this alone is a line break too.
    assert!(!translation.text.contains('\r'), "{}", translation.text);
}

#[test]
fn a_file_without_a_pipeline_that_tare_replaces_says_so() {
    let translation = translate("test.yaml", b"service: {pipelines: {logs: }}", &|_| None).unwrap();
    assert_eq!(paths(&translation.left_out), ["service.pipelines", "service.pipelines.logs"]);
}

#[test]
fn a_tag_that_says_text_is_text() {
    let text = "receivers: {hostmetrics: {scrapers: {cpu: }}}\nexporters: {debug: }\nservice:\n  telemetry: {resource: {host.name: !!str 123}}\n  \
                pipelines: {metrics: {receivers: [hostmetrics], exporters: [debug]}}\n";
    assert!(translate("test.yaml", text.as_bytes(), &|_| None).is_ok());
    assert!(load("test.yaml", b"dry_run: !!str true", &Environment::default()).is_err());
}
