//! What is looked at after each phase.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;

use super::compare::{self, Sums};
use super::phases::Ground;
use super::{AGENTS, REQUESTS_PER_SECOND};
use crate::real::checks::facts::Fact;
use crate::real::cluster::audit::{Kind, WINDOW};
use crate::real::cluster::pods::node_name;

/// The server logs a request at most this long after its answer.
const QUIET: Duration = Duration::from_secs(2);

/// Every so many nodes kubectl is asked as well.
const SAMPLE: usize = 20;

/// Names of pods, and what matters of each, by node.
type Pods = BTreeMap<String, BTreeSet<String>>;

impl Ground {
    /// Books, windows and indexes, as of now.
    pub(super) fn verdicts(&mut self, phase: &str) -> anyhow::Result<()> {
        self.books(phase)?;
        self.indexes(phase)
    }

    fn books(&mut self, phase: &str) -> anyhow::Result<()> {
        let ours = |kind: &Kind| kind.user_agent.starts_with("tare/");
        // An agent may have its turn between the two reads: then they are read again.
        let mut differing = Vec::new();
        let (mut own, mut server) = (Sums::new(), Sums::new());
        for _ in 0..3 {
            let counts = self.audit.settle(QUIET, ours)?;
            let reports = self.agents.reports()?;
            (own, server) = (Sums::new(), Sums::new());
            differing.clear();
            for (agent, report) in self.agents.all.iter().zip(&reports) {
                let (reported, audited) = (compare::reported(report), compare::audited(counts, agent));
                if let Some(why) = compare::disagreement(&reported, &audited) {
                    differing.push(format!("{}: {why}", agent.user_agent()));
                }
                compare::add(&mut own, &reported);
                compare::add(&mut server, &audited);
            }
            if differing.is_empty() {
                break;
            }
        }
        let found =
            differing.first().map_or("0".to_owned(), |first| format!("{}, first {first}", differing.len()));
        self.facts.push(Fact::equal(
            &format!("{phase}: agents whose books disagree"),
            &"0".to_owned(),
            &found,
        ));
        let keys: BTreeSet<_> = own.keys().chain(server.keys()).cloned().collect();
        for key in keys {
            let of = |sums: &Sums| sums.get(&key).copied().unwrap_or(0);
            let (verb, resource, status) = &key;
            self.facts.push(Fact::new(
                &format!("{phase}: {verb} {resource} {status}"),
                "for the record",
                format!("{} reported, {} audited", of(&own), of(&server)),
                true,
            ));
        }
        let most = self.audit.read()?.busiest(ours);
        let bound = REQUESTS_PER_SECOND * WINDOW.as_secs_f64();
        self.facts.push(Fact::new(
            &format!("{phase}: requests in the busiest 10 s"),
            &format!("at most {bound}"),
            most.to_string(),
            number(most) <= bound,
        ));
        Ok(())
    }

    fn indexes(&mut self, phase: &str) -> anyhow::Result<()> {
        let expected = self.expected()?;
        let differing: Vec<_> = (0..AGENTS).filter(|which| !self.is_as(*which, &expected)).collect();
        let pods: usize =
            (0..AGENTS).filter_map(|node| expected.get(&node_name(node))).map(BTreeSet::len).sum();
        self.facts.push(Fact::new(
            &format!("{phase}: indexes that are not what the API server lists"),
            "0 of 200",
            format!("{} of {AGENTS}{}", differing.len(), self.difference(&differing, &expected)),
            differing.is_empty() && pods > 0,
        ));
        let mut wrong = 0;
        for node in (0..AGENTS).step_by(SAMPLE) {
            let selector = format!(
                "--field-selector=spec.nodeName={},status.phase!=Succeeded,status.phase!=Failed",
                node_name(node)
            );
            let json =
                self.cluster.kubectl(["get", "pods", "--all-namespaces", &selector, "--output=json"])?;
            let pods = compare::listed(&serde_json::from_str(&json).context("kubectl's JSON")?);
            wrong += usize::from(!self.is_as(node, &pods));
        }
        self.facts.push(Fact::equal(
            &format!("{phase}: indexes that are not what kubectl prints"),
            &0,
            &wrong,
        ));
        Ok(())
    }

    /// What every node's index should hold.
    pub(super) fn expected(&self) -> anyhow::Result<Pods> {
        // Node by node: all pods of the cluster at once are a gigabyte as a tree.
        let mut connection = self.admin.connect()?;
        let mut pods = Pods::new();
        for node in (0..AGENTS).map(node_name) {
            let path = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}");
            pods.append(&mut compare::listed(&connection.get(&path)?.json()?));
        }
        Ok(pods)
    }

    /// Whether an agent's index is that.
    pub(super) fn is_as(&self, which: usize, expected: &Pods) -> bool {
        let found = self.agents.all.get(which).map(|agent| compare::indexed(&agent.snapshot()));
        found.as_ref() == expected.get(&node_name(which))
    }

    /// The first pod in which the first of these agents differs, for people.
    fn difference(&self, which: &[usize], expected: &Pods) -> String {
        let first = which.first().and_then(|which| Some((self.agents.all.get(*which)?, *which)));
        let Some((agent, which)) = first else { return String::new() };
        let found = compare::indexed(&agent.snapshot());
        let expected = expected.get(&node_name(which)).cloned().unwrap_or_default();
        let line = found.symmetric_difference(&expected).next().cloned().unwrap_or_default();
        format!(", of node {which}: {line}")
    }
}

/// A small number as a fraction's part.
pub(super) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
