use std::sync::Arc;

use shared_informer::pod::Keep as _;

use crate::config::{Environment, load, print};
use crate::enrich::{Choice, Excluded, Extracted, Metadata, Rule};

fn choice(text: &str) -> Arc<Choice> {
    load("t.yaml", text.as_bytes(), &Environment::default()).unwrap().settings.choice
}

/// Path and message of each problem, without the file and the place.
fn problems(text: &str) -> Vec<String> {
    let problems = load("t.yaml", text.as_bytes(), &Environment::default()).unwrap_err().to_string();
    problems
        .lines()
        .filter_map(|line| line.splitn(4, ':').nth(3))
        .map(|text| text.trim().to_owned())
        .collect()
}

const EVERY_KEY: &str = r"
enrich:
  extract:
    metadata: [k8s.pod.name, service.name, k8s.container.restart_count]
    labels:
      - {tag_name: team, key: example.com/team}
      - {tag_name: $1, key_regex: 'kubernetes.io/(.*)', from: pod}
      - {key: tier}
    annotations:
      - {key_regex: 'a.*'}
    otel_annotations: true
  exclude: {pods: [{name: ^agent$}]}
";

#[test]
fn every_key_reaches_the_choice() {
    let choice = choice(EVERY_KEY);
    assert!(choice.enabled);
    let metadata = [Metadata::PodName, Metadata::ServiceName, Metadata::RestartCount];
    assert_eq!(choice.metadata, metadata.into_iter().collect::<Extracted>());
    let labels = [
        Rule::exact(Some("team"), "example.com/team"),
        Rule::matching(Some("$1"), "kubernetes.io/(.*)").unwrap(),
        Rule::exact(None, "tier"),
    ];
    assert_eq!(choice.labels, labels);
    assert_eq!(choice.annotations, [Rule::matching(None, "a.*").unwrap(), Rule::otel_annotations().unwrap()]);
    assert!(choice.annotation("resource.opentelemetry.io/x") && !choice.annotation("b"));
    assert!(
        choice.excluded.has("agent")
            && !choice.excluded.has("agents")
            && !choice.excluded.has("jaeger-agent")
    );
}

#[test]
fn without_keys_it_is_the_processors_default_with_its_two_excluded_pods() {
    let standard = choice("");
    assert_eq!(Choice { excluded: Excluded::default(), ..(*standard).clone() }, Choice::default());
    assert!(standard.excluded.has("my-jaeger-agent-x1") && standard.excluded.has("jaeger-collector"));
    let names: Vec<_> =
        Metadata::ALL.iter().filter(|one| standard.metadata.has(**one)).map(|one| one.name()).collect();
    let expected = [
        "k8s.namespace.name",
        "k8s.pod.name",
        "k8s.pod.uid",
        "k8s.pod.start_time",
        "k8s.node.name",
        "k8s.deployment.name",
        "container.image.name",
        "container.image.tag",
    ];
    assert_eq!(names, expected);
    assert!(!choice("enrich: {enabled: false}").enabled);
    assert_eq!(choice("enrich: {extract: {metadata: []}}").metadata, Extracted::default());
    assert!(!choice("enrich: {exclude: {pods: []}}").excluded.has("jaeger-agent"));
}

#[test]
fn what_is_printed_is_read_as_the_same_choice() {
    for text in ["", EVERY_KEY] {
        let loaded = load("t.yaml", text.as_bytes(), &Environment::default()).unwrap();
        let printed = print::print(&loaded.effective);
        assert_eq!(choice(&printed), loaded.settings.choice, "{printed}");
    }
}

#[test]
fn what_only_a_wider_watch_could_give_is_refused_with_the_reason() {
    let refused = |text: &str| problems(&format!("enrich: {{extract: {text}}}"));
    for from in ["namespace", "node", "deployment", "statefulset", "daemonset", "job"] {
        let expected = format!(
            "enrich.extract.labels[0].from: {from} is not supported: tare watches the pods of its own node only; a watch of \
             other objects on every node grows with the cluster"
        );
        assert_eq!(refused(&format!("{{labels: [{{key: a, from: {from}}}]}}")), [expected]);
    }
    for name in ["k8s.cluster.uid", "k8s.node.uid", "k8s.deployment.uid", "k8s.cronjob.uid"] {
        let all = refused(&format!("{{metadata: [{name}]}}"));
        let begin = format!("enrich.extract.metadata[0]: {name} is not supported: ");
        assert!(all.len() == 1 && all[0].starts_with(&begin), "{all:?}");
    }
    assert_eq!(
        refused("{metadata: [k8s.pod.nmae]}"),
        [r#"enrich.extract.metadata[0]: unknown attribute "k8s.pod.nmae"; did you mean "k8s.pod.name"?"#]
    );
}

#[test]
fn a_rule_that_cannot_work_is_refused() {
    let cases = [
        (
            "extract: {labels: [{tag_name: a}]}",
            "enrich.extract.labels[0]: names no key; give key or key_regex",
        ),
        (
            "extract: {annotations: [{key: a}, {key: a, key_regex: b}]}",
            "enrich.extract.annotations[1]: has key and key_regex; give one of them",
        ),
        (
            "extract: {labels: [{key_regex: '('}]}",
            r#"enrich.extract.labels[0].key_regex: "(" is no regular expression: unclosed group"#,
        ),
        ("exclude: {pods: [{}]}", "enrich.exclude.pods[0]: names no pod; give name"),
        (
            "exclude: {pods: [{name: '['}]}",
            r#"enrich.exclude.pods[0].name: "[" is no regular expression: unclosed character class"#,
        ),
        ("extract: {labels: [{key: ''}]}", "enrich.extract.labels[0].key: is empty"),
    ];
    for (text, expected) in cases {
        assert_eq!(problems(&format!("enrich: {{{text}}}")), [expected], "{text}");
    }
    let many = vec!["{key: a}"; 257].join(", ");
    let expected = "enrich.extract.labels: has 257 entries; at most 256 are allowed";
    assert_eq!(problems(&format!("enrich: {{extract: {{labels: [{many}]}}}}")), [expected]);
}
