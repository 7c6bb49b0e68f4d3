//! Owner references, and the workloads two steps up that can be told from names alone.
//!
//! A watch of ReplicaSets or Jobs would cost the API server far more than it gives, so Deployment and CronJob
//! are derived, as the collector's k8sattributes processor does it.

use serde::{Deserialize, Serialize};

/// One owner reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// `kind`.
    pub kind: OwnerKind,
    /// `name`.
    pub name: Box<str>,
    /// `uid`.
    pub uid: Box<str>,
    /// `controller`: this owner manages the pod.
    pub controller: bool,
}

/// The kinds that have an attribute of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OwnerKind {
    /// `ReplicaSet`
    ReplicaSet,
    /// `DaemonSet`
    DaemonSet,
    /// `StatefulSet`
    StatefulSet,
    /// `Job`
    Job,
    /// `Node`: the owner of a mirror pod.
    Node,
    /// Anything else.
    Other(Box<str>),
}

impl OwnerKind {
    /// The kind of this name.
    pub fn new(name: &str) -> Self {
        match name {
            "ReplicaSet" => Self::ReplicaSet,
            "DaemonSet" => Self::DaemonSet,
            "StatefulSet" => Self::StatefulSet,
            "Job" => Self::Job,
            "Node" => Self::Node,
            other => Self::Other(other.into()),
        }
    }

    /// The kind's name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::ReplicaSet => "ReplicaSet",
            Self::DaemonSet => "DaemonSet",
            Self::StatefulSet => "StatefulSet",
            Self::Job => "Job",
            Self::Node => "Node",
            Self::Other(name) => name,
        }
    }
}

impl Owner {
    /// The Deployment that made this ReplicaSet: its name is `<deployment>-<pod-template-hash>`. A ReplicaSet
    /// without a Deployment gives its pods no such label, so nothing is guessed from the name alone.
    pub(super) fn deployment(&self, template_hash: &str) -> Option<&str> {
        if self.kind != OwnerKind::ReplicaSet || template_hash.is_empty() {
            return None;
        }
        let deployment = self.name.strip_suffix(template_hash)?.strip_suffix('-')?;
        (!deployment.is_empty()).then_some(deployment)
    }

    /// The CronJob that made this Job: its name is `<cronjob>-<minutes since the epoch>`.
    pub(super) fn cron_job(&self) -> Option<&str> {
        let (cron_job, number) = self.name.rsplit_once('-')?;
        let numeric = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (self.kind == OwnerKind::Job && numeric && !cron_job.is_empty()).then_some(cron_job)
    }
}

#[cfg(test)]
mod tests {
    use super::{Owner, OwnerKind};

    fn owner(kind: &str, name: &str) -> Owner {
        Owner { kind: OwnerKind::new(kind), name: name.into(), uid: "u".into(), controller: true }
    }

    #[test]
    fn a_deployment_is_derived_only_from_a_replica_set_that_carries_the_hash() {
        assert_eq!(owner("ReplicaSet", "web-api-6d6cc64d55").deployment("6d6cc64d55"), Some("web-api"));
        assert_eq!(owner("ReplicaSet", "web-6d6cc64d55").deployment("5f7"), None);
        assert_eq!(owner("ReplicaSet", "web6d6cc64d55").deployment("6d6cc64d55"), None, "no hyphen");
        assert_eq!(owner("ReplicaSet", "-6d6cc64d55").deployment("6d6cc64d55"), None, "nothing is left");
        assert_eq!(owner("ReplicaSet", "web-").deployment(""), None);
        assert_eq!(owner("StatefulSet", "web-6d6cc64d55").deployment("6d6cc64d55"), None);
    }

    #[test]
    fn a_cron_job_is_derived_from_a_jobs_numeric_suffix() {
        assert_eq!(owner("Job", "night-report-29312345").cron_job(), Some("night-report"));
        assert_eq!(owner("Job", "a-1-2").cron_job(), Some("a-1"));
        for name in ["report", "report-x1", "report-", "-12", "29312345"] {
            assert_eq!(owner("Job", name).cron_job(), None, "{name}");
        }
        assert_eq!(owner("ReplicaSet", "night-report-29312345").cron_job(), None);
    }

    #[test]
    fn kinds_keep_their_names() {
        for name in ["ReplicaSet", "DaemonSet", "StatefulSet", "Job", "Node", "Rollout"] {
            assert_eq!(OwnerKind::new(name).as_str(), name);
        }
    }
}
