//! The rows that an agent without root and without the node's `/` cannot give: `docs/unprivileged.md`, made from three runs of one
//! configuration with every row on: in the installed pod, as the pod's user on the node itself, and as root on the node.
//!
//! What a run says depends on what runs on the node; the page holds only which rows are there, in part or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, bail};
use serde_json::Value;

use super::pod::Pod;
use crate::parity::contract::Row;
use crate::real::cache;
use crate::real::checks::facts::Fact;
use crate::real::checks::{parity, pods};
use crate::real::env::Env;

/// Where both the pod and the node see the configuration and find what it says.
const CONFIG: &str = "/var/lib/tare/every-row.yaml";

/// The user of the image.
const USER: &str = "65532";

/// Fewer than this share of the series that root sees is "in part".
const WHOLE: f64 = 0.8;

/// Series by metric: whose, and with which attributes.
type Seen = BTreeMap<String, BTreeSet<String>>;

/// Makes the page and compares it with the recorded one; with `TARE_BLESS=1` it is recorded anew.
pub(super) fn judge(env: &Env, pod: &Pod) -> anyhow::Result<Vec<Fact>> {
    let mut rows = parity::host_rows()?;
    rows.extend(pods::rows()?);
    // No ordinary node exports or mounts by it.
    rows.retain(|row| row.scraper != "nfs");
    let tare = env.program("tare-static")?;
    let words = ["collect", "--config", CONFIG, "--count", "2", "--interval", "2s"];
    // The chart has this scraper only with the node's `/`: without it its figures would be the container's own.
    let given: Vec<_> = rows.iter().filter(|row| row.scraper != "filesystem").cloned().collect();
    write(&config(&given, "/hostfs"))?;
    let inside = seen(&pod.exec(&words)?, "in the pod")?;
    write(&config(&rows, "/"))?;
    let ids = [format!("--reuid={USER}"), format!("--regid={USER}")];
    let mut user = Command::new("setpriv");
    user.args(ids).args(["--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]).arg(tare).args(words);
    let user = seen(&user.output()?, "as the user on the node")?;
    let root = seen(&Command::new(tare).args(words).output()?, "as root on the node")?;
    fs::remove_file(CONFIG)?;

    let page = page(&rows, &[&inside, &user, &root]);
    let path = cache::repository().join("docs/unprivileged.md");
    if std::env::var_os("TARE_BLESS").is_some() {
        fs::write(&path, &page).with_context(|| format!("writing {}", path.display()))?;
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    let differing = lines(&page).symmetric_difference(&lines(&recorded)).cloned().collect::<Vec<_>>();
    Ok(vec![
        Fact::equal(
            "docs/unprivileged.md differs in (TARE_BLESS=1 records it)",
            &String::new(),
            &differing.join("; "),
        ),
        Fact::new(
            "metrics in the pod, and as root",
            "told",
            format!("{} of {}", inside.len(), root.len()),
            !inside.is_empty(),
        ),
    ])
}

fn lines(page: &str) -> BTreeSet<String> {
    page.lines().map(str::to_owned).collect()
}

/// Moved into place by the agent's user's own folder; readable for it and for root.
fn write(text: &str) -> anyhow::Result<()> {
    fs::write(CONFIG, text).with_context(|| format!("writing {CONFIG}"))?;
    fs::set_permissions(Path::new(CONFIG), fs::Permissions::from_mode(0o644))?;
    Ok(())
}

/// Every row of the contract on.
fn config(rows: &[Row], root: &str) -> String {
    let scrapers: BTreeSet<_> =
        rows.iter().filter(|row| row.receiver == "hostmetrics").map(|row| row.scraper.as_str()).collect();
    let mut text = format!("kube: {{enabled: false}}\nhost:\n  root: {root}\n  scrapers:\n");
    // Writing to a String cannot fail.
    for scraper in scrapers {
        let _ = writeln!(text, "    {scraper}: {{}}");
    }
    text.push_str("containers: {metric_groups: [container, pod, node, volume]}\nmetrics:\n");
    for row in
        rows.iter().filter(|row| !row.default_on && !parity::NEVER_ON_LINUX.contains(&row.metric.as_str()))
    {
        let _ = writeln!(text, "  {}: {{enabled: true}}", row.metric);
    }
    text
}

/// The process that a resource is; nothing for the node, and for pods and containers, which all three runs name alike.
fn whose(resource: &Value) -> String {
    let attributes = resource["attributes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = attributes.iter().find(|attribute| attribute["key"] == "process.pid");
    found.map(|attribute| attribute["value"].to_string()).unwrap_or_default()
}

/// The series of each metric in what was printed.
fn seen(output: &Output, how: &str) -> anyhow::Result<Seen> {
    if !output.status.success() {
        bail!("tare collect {how}: {}", cache::tail(&String::from_utf8_lossy(&output.stderr), 5));
    }
    let mut seen = Seen::new();
    let text = String::from_utf8_lossy(&output.stdout);
    for line in text.lines() {
        let request: Value = serde_json::from_str(line).context("a line of tare collect")?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        for resource in list(&request["resourceMetrics"]) {
            let whose = whose(&resource["resource"]);
            let scopes = list(&resource["scopeMetrics"]);
            for metric in scopes.iter().flat_map(|scope| list(&scope["metrics"])) {
                let points = ["sum", "gauge"].iter().flat_map(|kind| list(&metric[*kind]["dataPoints"]));
                let series = points.map(|point| format!("{whose} {}", point["attributes"]));
                let name = metric["name"].as_str().unwrap_or_default().to_owned();
                seen.entry(name).or_default().extend(series);
            }
        }
    }
    Ok(seen)
}

/// How much of what root sees is there too.
fn share(of: &Seen, root: &Seen, metric: &str) -> &'static str {
    let none = BTreeSet::new();
    let [of, root] = [of, root].map(|seen| seen.get(metric).unwrap_or(&none));
    let count = |number: usize| u32::try_from(number).map_or(f64::MAX, f64::from);
    match of.intersection(root).count() {
        0 => "none",
        some if count(some) >= count(root.len()) * WHOLE => "all",
        _ => "in part",
    }
}

fn page(rows: &[Row], [inside, user, root]: &[&Seen; 3]) -> String {
    let mut text = String::from(
        "# What an unprivileged agent cannot give\n\n\
         Made by the check `install` (`TARE_BLESS=1 loadtests/real/run --only install`) from three runs of one configuration with every\n\
         row of the contract on: in the pod that the chart installs by default, as the pod's user on the node itself, and as root on the\n\
         node. Rows that all three give whole are left out, and so are those that the machine has nothing to report for, and those that\n\
         only the kubelet knows.\n\n\
         - `hostRoot.enabled: true` gives what the second column has and the first lacks.\n\
         - What only the third column has needs root and `CAP_SYS_PTRACE` (`securityContext`), which the chart never gives by itself.\n\
         - `hostPID` adds nothing: the node's own `/proc` is mounted.\n\n\
         | row | on by default | in the pod | with the node's `/` | as root |\n|---|---|---|---|---|\n",
    );
    let metrics: BTreeMap<_, _> = rows.iter().map(|row| (row.metric.as_str(), row.default_on)).collect();
    for (metric, on) in metrics.into_iter().filter(|(metric, _)| root.contains_key(*metric)) {
        let shares = [inside, user].map(|seen| share(seen, root, metric));
        if shares != ["all", "all"] {
            let on = if on { "yes" } else { "no" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| `{metric}` | {on} | {} | {} | all |", shares[0], shares[1]);
        }
    }
    text
}
