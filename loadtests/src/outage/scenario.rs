//! The parameters of the replay: a small file, each number with its origin, and what may be turned by +-50 %.
//!
//! `calibration/outage-2024-12-11.json` holds them; what a request costs is in [`crate::prices`]. Pure: nothing here
//! reads a file at run time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The file as it was committed.
const COMMITTED: &str = include_str!("../../calibration/outage-2024-12-11.json");

/// The schema of the file.
pub(super) const SCHEMA: &str = "tare.outage-scenario/v1";

macro_rules! knobs {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// One parameter.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Knob {
            $($(#[$doc])* $name),+
        }

        impl Knob {
            /// Every parameter.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

knobs! {
    /// Nodes of the cluster.
    Nodes,
    /// Pods on each node.
    PodsPerNode,
    /// API servers; they are taken together as one pool.
    ApiServers,
    /// Cores of each server.
    CoresPerServer,
    /// Memory of each server, GiB.
    MemoryGibPerServer,
    /// Seats of Priority & Fairness of each server.
    SeatsPerServer,
    /// When the server gives a request up, seconds.
    RequestTimeoutS,
    /// Factor on every CPU price.
    PriceFactor,
    /// Pods of the new agent that are created, per second.
    RolloutPodsPerS,
    /// Changes of pods in the cluster without the rollout, per second.
    PodChangesPerS,
    /// Changes of one pod while it starts.
    PodChangesPerStart,
    /// What one pod takes in the buffer of a LIST, kB.
    ListKbPerPod,
    /// What one pod takes in a server's cache, kB.
    CacheKbPerPod,
    /// What an open watch takes, kB.
    WatchKb,
    /// The heap over what lives in it.
    MemoryFactor,
    /// How many events a watch may lag before the server closes it.
    WatchBufferEvents,
    /// CPU of an answer 429, milliseconds.
    RefusalCpuMs,
    /// From the start of a server until it answers, seconds.
    RestartS,
    /// The first wait before a server that ended is started again, seconds.
    RestartBackoffS,
    /// The longest one, seconds.
    RestartBackoffMaxS,
    /// A reflector's first back-off, seconds.
    RetryFirstS,
    /// Its longest, seconds.
    RetryMaxS,
    /// How often a client repeats a request that got 429.
    RefusalRetries,
    /// How long a kubelet waits for the renewal of its lease, seconds.
    LeaseTimeoutS,
    /// A node whose lease is older is NotReady, seconds.
    NodeGraceS,
    /// How long a DNS record is kept on a node, seconds.
    DnsTtlS,
    /// How long cluster DNS answers after it lost the API, seconds.
    DnsStaleS,
    /// Replicas of cluster DNS.
    DnsServers,
    /// What each of them lists, objects for each pod of the cluster.
    DnsObjectsPerPod,
    /// How long an operator waits for a command, seconds.
    OperatorPatienceS,
    /// From the beginning of the rollout until the operators take it back, seconds.
    RollbackS,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A postmortem, or the source of Kubernetes.
    Published,
    /// Taken from real servers.
    Measured,
    /// Nobody outside knows.
    Assumed,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// In `unit`.
    pub value: f64,
    /// For people.
    pub unit: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Where exactly, or why.
    pub note: String,
}

/// The parameters of a replay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// [`SCHEMA`].
    pub schema: String,
    /// What is replayed.
    pub name: String,
    /// Where the published numbers stand.
    pub sources: Vec<String>,
    /// Every [`Knob`].
    pub parameters: BTreeMap<Knob, Parameter>,
}

impl Scenario {
    /// The committed one.
    ///
    /// # Errors
    /// When the committed file is no scenario; a test keeps it one.
    pub fn committed() -> anyhow::Result<Self> {
        Self::parse(COMMITTED)
    }

    /// Reads a scenario.
    ///
    /// # Errors
    /// When it is not of [`SCHEMA`], lacks a parameter, or one is not a positive number.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let scenario: Self = serde_json::from_str(text)?;
        anyhow::ensure!(scenario.schema == SCHEMA, "schema {:?} instead of {SCHEMA:?}", scenario.schema);
        for knob in Knob::ALL {
            let Some(parameter) = scenario.parameters.get(knob) else { anyhow::bail!("no {knob:?}") };
            let value = parameter.value;
            anyhow::ensure!(value > 0.0 && value <= 1e9, "{knob:?} is {value}");
        }
        Ok(scenario)
    }

    /// The value of a parameter, in its unit.
    pub fn of(&self, knob: Knob) -> f64 {
        self.parameters.get(&knob).map_or(1.0, |parameter| parameter.value)
    }

    /// A parameter that counts something.
    pub fn count(&self, knob: Knob) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; positive")]
        let count = self.of(knob).round() as u32;
        count
    }

    /// The same with one parameter times this.
    #[must_use]
    pub fn with(&self, knob: Knob, factor: f64) -> Self {
        let mut other = self.clone();
        if let Some(parameter) = other.parameters.get_mut(&knob) {
            parameter.value *= factor;
        }
        other
    }

    /// Pods in the cluster.
    pub fn pods(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; positive")]
        let pods = (self.of(Knob::Nodes) * self.of(Knob::PodsPerNode)).round() as u32;
        pods
    }

    /// Cores of all servers.
    pub fn cores(&self) -> f64 {
        self.of(Knob::ApiServers) * self.of(Knob::CoresPerServer)
    }
}
