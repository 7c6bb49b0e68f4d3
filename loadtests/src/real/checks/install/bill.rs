//! What the pod costs the control plane by existing, by cause, and what `tare plan` says of that.

use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::real::checks::facts::Fact;
use crate::real::cluster::audit::acts::{self, Act};
use crate::real::env::Env;

/// The section `ambient` of the plan for one node.
pub(super) struct Plan(Value);

/// By how much a count may differ from the plan's: the kubelet and the controllers join what happens within the same
/// fraction of a second into one request, or do not.
const TOLERANCE: u64 = 3;

impl Plan {
    /// Asks the shipped binary.
    pub(super) fn ask(env: &Env) -> anyhow::Result<Self> {
        let output = Command::new(env.program("tare-static")?)
            .args(["plan", "--nodes", "1", "--format", "json"])
            .output()?;
        if !output.status.success() {
            bail!("tare plan: {}", String::from_utf8_lossy(&output.stderr));
        }
        let plan: Value = serde_json::from_slice(&output.stdout).context("the plan")?;
        Ok(Self(plan["ambient"].clone()))
    }

    /// A count of the plan's.
    pub(super) fn count(&self, key: &str) -> anyhow::Result<u64> {
        self.0[key].as_u64().with_context(|| format!("the plan has no ambient.{key}"))
    }

    /// What happened, `times` times, against the plan's count of it.
    pub(super) fn judge(&self, what: &str, key: &str, acts: &[Act]) -> anyhow::Result<Fact> {
        let planned = self.count(key)?;
        let found = acts.len() as u64;
        let holds = found.abs_diff(planned) <= TOLERANCE;
        Ok(Fact::new(what, &format!("{planned} planned, {TOLERANCE} more or less"), told(acts), holds))
    }
}

/// The sum and its parts.
pub(super) fn told(acts: &[Act]) -> String {
    let causes: Vec<_> =
        acts::causes(acts).into_iter().map(|(cause, count)| format!("{count} {cause}")).collect();
    if causes.is_empty() { "0".to_owned() } else { format!("{}: {}", acts.len(), causes.join(", ")) }
}

/// What comes with a namespace and with a release, whatever the number of nodes, is told and no part of a pod's bill.
pub(super) fn once(acts: Vec<Act>) -> (Vec<Act>, Vec<Act>) {
    let of_the_namespace = ["namespace-controller", "service-account-controller", "root-ca-cert-publisher"];
    acts.into_iter().partition(|act| {
        // The server itself looks for a LimitRange of the namespace.
        matches!(act.resource.as_str(), "controllerrevisions" | "limitranges")
            || of_the_namespace.iter().any(|controller| act.user.ends_with(controller))
    })
}

/// Requests that go on for as long as the pod is there: its token's, and those for the authority that it mounts.
pub(super) fn steady(acts: &[Act]) -> [usize; 3] {
    let tokens = acts.iter().filter(|act| act.resource == "serviceaccounts/token").count();
    let authority = acts.iter().filter(|act| act.name == "kube-root-ca.crt").count();
    [tokens, authority, acts.len() - tokens - authority]
}
