//! `chart-admission`: a real API server takes every object of every rendered example of the chart, by a dry run on the server
//! with strict validation: the schemas, the defaults and the admission plugins are its own.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use super::facts::{self, Fact};
use crate::real::cache;
use crate::real::cluster::{self, Cluster};
use crate::real::env::Env;
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "chart-admission",
    tier: Tier::Ci,
    about: "a real API server admits every object of the chart's rendered examples, and refuses one with a misspelt field",
    needs: cluster::NEEDS,
    limit: Duration::from_mins(5),
    lane: Lane::Servers,
    hidden: false,
    run: |env| run(env),
};

/// The examples, each rendered and reviewed.
const EXAMPLES: &str = "deploy/helm/examples";

/// The namespaces that they name.
const NAMESPACES: [&str; 2] = ["tare-system", "monitoring"];

/// Fields that the examples have, and how somebody might write them.
const MISSPELT: [(&str, &str, &str); 2] = [
    ("default", "serviceAccountName:", "serviceAccountNames:"),
    ("everything", "keep_firing_for:", "keepFiringFor:"),
];

fn run(env: &Env) -> anyhow::Result<Outcome> {
    let mut cluster = Cluster::start(env)?;
    for namespace in NAMESPACES {
        cluster.kubectl(["create", "namespace", namespace])?;
    }
    let definition = env.file("prometheusrules.json", &prometheus_rules().to_string())?;
    cluster.kubectl(["create", "-f", &definition.to_string_lossy()])?;
    cluster.kubectl([
        "wait",
        "--for=condition=Established",
        "--timeout=60s",
        "crd/prometheusrules.monitoring.coreos.com",
    ])?;

    let examples = examples()?;
    let mut facts = vec![Fact::new("examples", "some", examples.len().to_string(), !examples.is_empty())];
    for name in &examples {
        let text = rendered(name)?;
        let objects = text.lines().filter(|line| line.starts_with("kind: ")).count();
        let (found, holds) = match admit(env, &cluster, &text) {
            Ok(said) => {
                let admitted = said.lines().filter(|line| line.ends_with("(server dry run)")).count();
                (format!("{admitted} of {objects}"), admitted == objects && objects > 0)
            }
            Err(error) => (format!("{error:#}"), false),
        };
        facts.push(Fact::new(&format!("{name}: objects admitted"), "all", found, holds));
    }
    for (name, field, wrong) in MISSPELT {
        let refusal = admit(env, &cluster, &rendered(name)?.replace(field, wrong)).err();
        let refusal = refusal.map(|error| format!("{error:#}")).unwrap_or_default();
        // kubectl names it with its path.
        let named = refusal.contains("unknown field") && refusal.contains(wrong.trim_end_matches(':'));
        facts.push(Fact::equal(&format!("{name}: {wrong} is refused by its name"), &true, &named));
    }
    cluster.alive()?;
    Ok(facts::outcome(CHECK.name, &facts))
}

/// Asks the server what it would do with these objects; it does nothing.
fn admit(env: &Env, cluster: &Cluster, text: &str) -> anyhow::Result<String> {
    let file = env.file("objects.yaml", text)?;
    cluster.kubectl(["apply", "--dry-run=server", "--validate=strict", "-f", &file.to_string_lossy()])
}

/// The names of the examples, in order.
fn examples() -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(cache::repository().join(EXAMPLES)).context(EXAMPLES)?;
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    Ok(names)
}

/// What the chart renders for that example.
fn rendered(name: &str) -> anyhow::Result<String> {
    let path = cache::repository().join(EXAMPLES).join(name).join("rendered.yaml");
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// What a cluster with the Prometheus Operator knows of rules (`monitoring.coreos.com/v1`), by its API's documentation: the
/// fields and their types, without its texts and patterns.
fn prometheus_rules() -> serde_json::Value {
    let text = || json!({"type": "string"});
    let texts = || json!({"type": "object", "additionalProperties": {"type": "string"}});
    let rule = json!({
        "type": "object", "required": ["expr"],
        "properties": {
            "alert": text(), "record": text(), "for": text(), "keep_firing_for": text(),
            "expr": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true},
            "labels": texts(), "annotations": texts(),
        },
    });
    let group = json!({
        "type": "object", "required": ["name"],
        "properties": {
            "name": text(), "interval": text(), "query_offset": text(), "limit": {"type": "integer"}, "labels": texts(),
            "partial_response_strategy": text(), "rules": {"type": "array", "items": rule},
        },
    });
    let spec = json!({"type": "object", "properties": {"groups": {"type": "array", "items": group}}});
    let schema = json!({"type": "object", "required": ["spec"], "properties": {"spec": spec}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com", "scope": "Namespaced",
            "names": {
                "kind": "PrometheusRule", "listKind": "PrometheusRuleList",
                "plural": "prometheusrules", "singular": "prometheusrule",
            },
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    })
}
