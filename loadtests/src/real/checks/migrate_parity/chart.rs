//! What the collector's chart renders, fit for this machine: for the collector that is built here, and for `tare migrate`.

use std::process::Command;

use anyhow::{Context, bail};

use crate::real::cache;
use crate::real::env::Env;

/// The rendered configuration with the three presets, as the translations' own tests have it.
const RENDERED: &str = "agent/tests/fixtures/migrate/chart-all.yaml";

/// Where it sends to, and where the chart mounts the node.
const BACKEND: &str = "http://gateway.monitoring.svc:4318";
const MOUNTED: &str = "root_path: /hostfs\n";

/// What the collector is built without here. None of it makes or changes a row: it receives from applications, sends the same
/// in larger requests, refuses when there is too little memory, or answers probes; the detectors add attributes that
/// `tare migrate` lists.
pub(super) const NOT_BUILT: [&str; 7] =
    ["batch", "health_check", "jaeger", "memory_limiter", "prometheus", "resourcedetection/env", "zipkin"];

/// The budget of one node is not that of the 5,000 that an agent assumes without anybody to ask; the chart's DaemonSet would say.
pub(super) const ADDED: &str = "cluster: {size: 1}\n";

/// The variables that the chart gives the collector's container.
pub(super) fn variables(node: &str, address: &str) -> [(&'static str, String); 9] {
    let [node, address, pod] = [node, address, "127.0.0.1"].map(str::to_owned);
    [
        ("K8S_NODE_NAME", node.clone()),
        ("K8S_NODE_IP", address.clone()),
        ("MY_POD_IP", pod.clone()),
        ("OTEL_K8S_NODE_NAME", node),
        ("OTEL_K8S_NODE_IP", address),
        ("OTEL_K8S_NAMESPACE", "monitoring".to_owned()),
        ("OTEL_K8S_POD_IP", pod),
        ("OTEL_K8S_POD_NAME", "agent".to_owned()),
        ("GOMEMLIMIT", "400MiB".to_owned()),
    ]
}

/// The configuration with the place where this machine has the node, and with this backend.
pub(super) fn original(endpoint: &str, root: &str) -> anyhow::Result<String> {
    let path = cache::repository().join(RENDERED);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    if !text.contains(BACKEND) || !text.contains(MOUNTED) {
        bail!("{RENDERED} has no {BACKEND} or no {MOUNTED}");
    }
    Ok(text.replace(BACKEND, endpoint).replace(MOUNTED, &format!("root_path: {root}\n")))
}

/// The same without the components that are not built.
pub(super) fn for_the_collector(original: &str) -> anyhow::Result<String> {
    let mut text = original.to_owned();
    for component in NOT_BUILT {
        text = without(&text, component)?;
    }
    Ok(text)
}

/// Without a component: its section, two steps in, and its name in every list.
fn without(text: &str, component: &str) -> anyhow::Result<String> {
    let (section, item) = (format!("  {component}:"), format!("- {component}"));
    let mut inside = false;
    let mut found = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_end() == section || line.starts_with(&format!("{section} ")) {
            (inside, found) = (true, true);
            continue;
        }
        // A list may stand as far in as the key that it belongs to.
        inside &= line.starts_with("   ") || line.starts_with("  - ");
        if !inside && line.trim() != item {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    if !found {
        bail!("{RENDERED} has no {component}");
    }
    Ok(kept)
}

/// What `tare migrate` made of a configuration, and what it says has no counterpart.
#[derive(Default)]
pub(super) struct Translation {
    pub(super) text: String,
    pub(super) left_out: Vec<String>,
}

/// Translates as a person does: the file, the variables of the container, a part rather than nothing.
pub(super) fn translate(
    env: &Env,
    original: &str,
    variables: &[(&str, String)],
) -> anyhow::Result<Translation> {
    let path = env.file("otelcol.yaml", original)?;
    let mut command = Command::new(env.program("tare")?);
    command.args(["migrate", "--partial"]).arg(path).env_clear();
    let output = command.envs(variables.iter().map(|(name, value)| (name, value))).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("tare migrate: {said}");
    }
    let left_out = said.lines().filter(|line| line.starts_with("  line ")).map(|line| line.trim().to_owned());
    Ok(Translation { left_out: left_out.collect(), text: String::from_utf8(output.stdout)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_built_is_gone_and_everything_else_is_there_word_for_word() {
        let original = original("http://127.0.0.1:1", "/node").unwrap();
        let given = for_the_collector(&original).unwrap();
        let mut rest = original.lines();
        assert!(given.lines().all(|line| rest.any(|other| other == line)), "{given}");
        for gone in ["check_interval", "14250", "9411", "scrape_configs", "detectors", "- batch"] {
            assert!(original.contains(gone) && !given.contains(gone), "{gone}");
        }
        for kept in
            ["root_path: /node", "otel_annotations: true", "prometheus:\n              host:", "- otlp\n"]
        {
            assert!(given.contains(kept), "{kept}");
        }
        assert_eq!(given.matches("endpoint: http://127.0.0.1:1\n").count(), 1);
    }

    #[test]
    fn a_component_that_is_not_there_is_a_mistake() {
        assert!(without("receivers:\n  otlp: {}\n", "oltp").is_err());
        assert_eq!(without("receivers:\n  otlp: {}\n  a:\n", "otlp").unwrap(), "receivers:\n  a:\n");
    }
}
