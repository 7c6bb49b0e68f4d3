//! What shows only with time: bookmarks, and the silence after a version from the future. It is watched by a thread
//! of its own while the rest of the check goes on.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use super::{POPULATION, answers, requests};
use crate::real::checks::facts::Fact;
use crate::real::cluster::http::{Client, Lines, Next};
use crate::real::cluster::pods::Pod;
use crate::real::cluster::populate::{self, Population};

/// A whole day: kube's own watcher asks for at most 295 s.
const DAY_S: u32 = 86_400;

/// How many bookmarks are waited for.
const BOOKMARKS: usize = 2;

/// The server sends one after 60 to 75 s of its timer; the rest is what a busy machine may add, or take from the one
/// after a late one.
const BOOKMARK_S: std::ops::RangeInclusive<f64> = 40.0..=110.0;

/// Nothing of what is waited for takes longer.
const PATIENCE: Duration = Duration::from_mins(5);

/// A pod of the first node that is created while both watches are open.
const LATE: Pod = Pod { number: POPULATION.pods, node: 0 };

/// The running thread.
pub(super) struct Waiting(JoinHandle<anyhow::Result<Seen>>);

/// What it saw.
struct Seen {
    statuses: (u16, u16),
    /// Seconds from the start to the first bookmark, and between them.
    bookmarks: Vec<f64>,
    /// The pod that was created late, seen by the watch from a version of now.
    late: bool,
    /// What came from the watch from the future, after everything else had been seen.
    future: Next,
    /// A watch that asks for two seconds.
    short: (Next, f64),
}

/// Opens the watches.
pub(super) fn begin(agent: &Client) -> anyhow::Result<Waiting> {
    let list = agent.get(&requests::list())?.json()?;
    let now = agent.watch(&requests::watch(answers::version(&list)?, DAY_S))?;
    let future = agent.watch(&requests::watch(&answers::ahead(&list)?.to_string(), DAY_S))?;
    let short = agent.watch(&requests::watch(answers::version(&list)?, 2))?;
    let thread = std::thread::Builder::new().name("waiting".to_owned());
    Ok(Waiting(thread.spawn(move || wait(now, future, short))?))
}

fn wait(mut now: Lines, mut future: Lines, mut short: Lines) -> anyhow::Result<Seen> {
    let mut last = Instant::now();
    let until = last + PATIENCE;
    let ended = short.next(until);
    let short = (ended, last.elapsed().as_secs_f64());
    let (mut bookmarks, mut late) = (Vec::new(), false);
    while bookmarks.len() < BOOKMARKS || !late {
        let Next::Line(line) = now.next(until) else {
            bail!(
                "after {} bookmarks and {late} for the late pod the watch gave nothing more",
                bookmarks.len()
            );
        };
        let event: Value = serde_json::from_slice(&line)?;
        late |= event["type"] == "ADDED" && event["object"]["metadata"]["name"] == LATE.name();
        if event["type"] == "BOOKMARK" {
            bookmarks.push(last.elapsed().as_secs_f64());
            last = Instant::now();
        }
    }
    // Whatever had come by now would be read at once.
    let nothing = future.next(Instant::now() + Duration::from_secs(1));
    Ok(Seen { statuses: (now.status, future.status), bookmarks, late, future: nothing, short })
}

/// Creates a pod that a watch of the first node has to show.
pub(super) fn touch(admin: &Client) -> anyhow::Result<()> {
    let one_more = Population { pods: POPULATION.pods + 1, ..POPULATION };
    populate::create(admin, one_more, |pod| pod.number == LATE.number)?;
    Ok(())
}

impl Waiting {
    /// Waits for the rest.
    pub(super) fn facts(self) -> anyhow::Result<Vec<Fact>> {
        let seen = self.0.join().ok().context("the thread that waits panicked")??;
        let gaps: Vec<_> = seen.bookmarks.iter().map(|gap| format!("{gap:.0} s")).collect();
        let silent = seen.future == Next::Silence;
        Ok(vec![
            Fact::equal("WATCH for a day: status", &200, &seen.statuses.0),
            Fact::equal("WATCH: a pod created meanwhile is seen", &true, &seen.late),
            Fact::new(
                "WATCH: a bookmark about once a minute",
                "40 s to 110 s apart",
                gaps.join(", "),
                seen.bookmarks.iter().all(|gap| BOOKMARK_S.contains(gap)),
            ),
            Fact::equal("WATCH from a version from the future: status", &200, &seen.statuses.1),
            Fact::new(
                "WATCH from the future, meanwhile: not even a bookmark",
                "silence",
                if silent { "silence".to_owned() } else { format!("{:?}", seen.future) },
                silent,
            ),
            Fact::new(
                "WATCH for 2 s: ended by the server",
                "the end",
                format!("{:?} after {:.1} s", seen.short.0, seen.short.1),
                seen.short.0 == Next::End,
            ),
        ])
    }
}
