//! One script of requests, with what has to come of each, for the simulated API server and the real one.
//!
//! The script is data ([`script`]); what comes is brought into a form without versions, uids and times ([`observe`]). A test
//! runs it against the simulated server, the check `apiserver-conformance` against both, and compares the answers in every
//! detail that a client can see.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use hyper::Method;
use serde_json::Value;

use self::script::{Act, How, Step, Who};
use crate::real::cluster::http::{Client, Next};

pub(crate) mod observe;
pub(crate) mod script;
pub(crate) mod simulated;
#[cfg(test)]
mod tests;

/// What has to come comes within this on any machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long something that must not come is waited for.
const QUIET: Duration = Duration::from_secs(1);

/// How far ahead a version is that no server has reached yet.
const AHEAD: u64 = 1_000_000_000;

/// A server under the script.
pub(crate) trait Ground {
    /// A client for somebody.
    fn client(&self, who: Who) -> anyhow::Result<Client>;

    /// Changes something behind the clients' backs.
    fn act(&mut self, act: Act) -> anyhow::Result<()>;
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// In a line, as the script expects it.
    pub(crate) summary: String,
    /// All that a client can see, brought into a common form.
    pub(crate) detail: String,
}

/// What later steps need of earlier ones.
#[derive(Debug, Default)]
struct Known {
    version: String,
    more: String,
    agent: String,
}

/// Runs the script; gives what came of each step.
///
/// # Errors
/// When a request has no answer at all, or something cannot be changed.
pub(crate) fn run(ground: &mut impl Ground) -> anyhow::Result<Vec<(&'static Step, Seen)>> {
    let agent = ground.client(Who::Agent)?.token.context("the agent has no token")?;
    let mut known = Known { agent, ..Known::default() };
    let steps = script::SCRIPT.iter().map(|step| {
        let seen = known.take(ground, step).with_context(|| format!("step {:?}", step.what))?;
        Ok((step, seen))
    });
    steps.collect()
}

impl Known {
    fn take(&mut self, ground: &mut impl Ground, step: &Step) -> anyhow::Result<Seen> {
        let client = ground.client(step.who)?;
        let path = self.fill(step.path)?;
        let seen = match step.how {
            How::Get => {
                let answer = client.get(&path)?;
                self.learn(&answer.body);
                observe::answer(&answer)
            }
            How::Post(body) => {
                let body: Value = serde_json::from_str(&self.fill(body)?)?;
                observe::answer(&client.connect()?.ask(&Method::POST, &path, &body)?)
            }
            How::Watch { acts, events } => watch(ground, &client, &path, acts, events)?,
        };
        Ok(seen)
    }

    /// Remembers version and token of a list.
    fn learn(&mut self, body: &[u8]) {
        let Ok(object) = serde_json::from_slice::<Value>(body) else { return };
        if let Some(version) = object["metadata"]["resourceVersion"].as_str()
            && object["kind"] == "PodList"
        {
            version.clone_into(&mut self.version);
            object["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut self.more);
        }
    }

    /// Puts what is known into the gaps of a text.
    fn fill(&self, text: &str) -> anyhow::Result<String> {
        let mut text = text.replace("{node}", script::NODE).replace("{agent}", &self.agent);
        text = text.replace("{now}", &self.version).replace("{more}", &self.more);
        if text.contains("{ahead}") {
            let ahead = self.version.parse::<u64>().context("a list without a version")? + AHEAD;
            text = text.replace("{ahead}", &ahead.to_string());
        }
        Ok(text)
    }
}

/// Opens a watch, changes things and reads so many events, then waits for the end, or for nothing to come. Bookmarks that follow
/// each other count as one.
fn watch(
    ground: &mut impl Ground,
    client: &Client,
    path: &str,
    acts: &[Act],
    events: usize,
) -> anyhow::Result<Seen> {
    let mut lines = client.watch(path)?;
    for act in acts {
        ground.act(*act)?;
    }
    let mut told: Vec<Vec<u8>> = Vec::new();
    let end = loop {
        let wait = if told.len() < events { PATIENCE } else { QUIET };
        match lines.next(Instant::now() + wait) {
            Next::Line(line) if observe::repeats(told.last().map(Vec::as_slice), &line) => {}
            Next::Line(line) => told.push(line),
            Next::Silence => break "silence",
            Next::End => break "end",
        }
    };
    Ok(observe::watch(lines.status, &lines.headers, &told, end))
}
