//! `hidden-bill`: what the API server is asked because tare scrapes a kubelet is what tare charges itself.
//!
//! Nine agents run side by side on one node, each in its own name: three periods, three ways in. The audit log has each
//! TokenReview and SubjectAccessReview with the token or user that it is about, and every one of them has to stand in the
//! books of the agent that caused it. A tenth scrapes just when the kubelet forgets: who can say on which side of that a
//! scrape falls? It may charge itself too much by one for each time, never too little. Then one with a token that nobody
//! signed, and one that may not read what it asks for: the kubelet does not remember these answers for long, or at all, so
//! scraping has to stop but for one probe a turn. Of a refused token nobody can tell from outside how often the kubelet
//! asked: the books may have more, never less. A denial is forgotten after three turns, and so its probes scrape just then.

use std::fs;
use std::time::{Duration, Instant};

use super::agents::Agent;
use super::facts::{self, Fact};
use super::pods::{self, Ground, Job, own, tare};
use crate::real::cluster::accounts::{Account, Right};
use crate::real::cluster::audit::reviews::Reviews;
use crate::real::cluster::{Setup, flags};
use crate::real::env::Env;
use crate::real::recipes::{self, Need};
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// Oftener than the kubelet forgets (a token after 120 s, what is allowed after 300), about as often, and more rarely than
/// a token; in seconds, and no multiple of them near either.
const PERIODS: [u64; 3] = [14, 55, 290];

/// The product's default, of which two are the time that a token is remembered.
const ON_THE_EDGE: u64 = 60;

/// The turn of a cluster of one node.
const TURN: Duration = Duration::from_secs(10);

/// How long the kubelet remembers whose a token is, and a denial; both are whole turns.
const FORGETS: [Duration; 2] = [Duration::from_mins(2), Duration::from_secs(30)];

const NEEDS: &[Need] =
    &[recipes::TARE, recipes::ETCD, recipes::KUBE_APISERVER, recipes::KUBELET, recipes::IMAGE];

/// The entries of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "hidden-bill",
    tier: Tier::Ci,
    about: "the reviews that scraping causes, by the audit log, are what nine agents charged themselves in 10 minutes",
    needs: NEEDS,
    limit: Duration::from_mins(20),
    lane: Lane::Beside,
    hidden: false,
    run: |env| run(env, CHECK.name, [Duration::from_mins(10), Duration::from_mins(2)]),
};

pub(in crate::real) const FULL: Check = Check {
    name: "hidden-bill-full",
    tier: Tier::Full,
    about: "the same in an hour",
    limit: Duration::from_mins(80),
    run: |env| run(env, FULL.name, [Duration::from_hours(1), Duration::from_mins(10)]),
    ..CHECK
};

/// May look at pods, but at nothing of the node.
const DENIED: [Right<'static>; 1] = [("", &["pods"], &["list", "watch"])];

/// Nobody signed it.
const FORGED: &str = "tare-real.forged.token";

/// An agent and whom its reviews are about.
struct Debtor {
    name: String,
    agent: Agent,
    token: String,
    user: String,
    /// Whether its way in makes the kubelet ask who it is, and what it may do.
    causes: [bool; 2],
    /// How much more than was audited may stand in its books.
    over: [usize; 2],
}

impl Debtor {
    /// What its books have to say about the reviews that were `audited`, and whether they do.
    fn judge(&self, audited: [usize; 2]) -> [Fact; 2] {
        let requests = self.agent.requests();
        let charged = ["token_review", "access_review"].map(|reason| {
            let total = own::total(&requests, "tare.kube_api.requests", ("reason", reason));
            usize::try_from(total).unwrap_or_default()
        });
        let within = |at: usize| {
            let most = audited[at].saturating_add(self.over[at]);
            (audited[at]..=most).contains(&charged[at])
        };
        let more = if self.over == [0, 0] { "" } else { " or more" };
        let some = audited.map(|count| count > 0);
        [
            Fact::new(
                &format!("{}: charged token and access reviews, as audited", self.name),
                &format!("{audited:?}{more}"),
                format!("{charged:?}"),
                within(0) && within(1),
            ),
            Fact::new(
                &format!("{}: of which there are some", self.name),
                &format!("{:?}", self.causes),
                format!("{some:?}"),
                some == self.causes,
            ),
        ]
    }
}

fn run(env: &Env, name: &str, [length, failing]: [Duration; 2]) -> anyhow::Result<Outcome> {
    let setup = Setup { audit: flags::AUDIT_REVIEWS, ..Setup::default() };
    let mut ground = Ground::empty(env, setup)?;
    let mut debtors = Vec::new();
    for period in PERIODS {
        for way in ["token", "x509", "read-only"] {
            debtors.push(debtor(env, &ground, way, period)?);
        }
    }
    debtors
        .push(Debtor { over: [edges(length, FORGETS[0]); 2], ..debtor(env, &ground, "token", ON_THE_EDGE)? });
    wait(&mut ground, &mut debtors, length)?;
    let mut failures = stop(&mut debtors);
    let over = FORGETS.map(|span| edges(failing, span));
    let mut refused = vec![forged(env, &ground)?, Debtor { over, ..denied(env, &ground)? }];
    wait(&mut ground, &mut refused, failing)?;
    failures.extend(stop(&mut refused));

    let log = ground.cluster.audit_log();
    let reviews = Reviews::read(&log)?;
    let mut facts = Vec::new();
    let mut attributed = 0;
    for debtor in debtors.iter().chain(&refused) {
        let audited = [reviews.of_token(&debtor.token).len(), reviews.of_user(&debtor.user).len()];
        attributed += audited[0] + audited[1];
        facts.extend(debtor.judge(audited));
    }
    let turns = edges(failing, TURN);
    for debtor in &refused {
        let probes = reviews.of_token(&debtor.token).len();
        let what = format!("{}: TokenReviews, for one probe a turn", debtor.name);
        facts.push(Fact::new(&what, &format!("at most {turns}"), probes.to_string(), probes <= turns));
    }
    facts.push(Fact::equal("reviews of nobody among them", &0, &(reviews.all() - attributed)));
    let mut outcome = facts::outcome(name, &facts);
    failures.append(&mut outcome.failures);
    Ok(Outcome { failures, ..outcome })
}

/// How often a span that is repeated begins within `length`.
fn edges(length: Duration, span: Duration) -> usize {
    usize::try_from(length.as_secs() / span.as_secs()).unwrap_or_default() + 1
}

/// One agent with an account of its own, and a certificate of its own where that is its way in.
fn debtor(env: &Env, ground: &Ground, way: &str, period: u64) -> anyhow::Result<Debtor> {
    let name = format!("{way}-{period}");
    let (kubelet, user, causes) = match way {
        "x509" => {
            let user = format!("user-{name}");
            let [certificate, key] = ground.cluster.user(&user, &tare::RIGHTS)?;
            let files = format!("cert_file: {}, key_file: {}", certificate.display(), key.display());
            (format!("access: x509, {files}"), Some(user), [false, true])
        }
        "token" => ("access: token".to_owned(), None, [true, true]),
        _ => ("access: read_only".to_owned(), None, [false, false]),
    };
    let account = ground.cluster.account(env, &name, &tare::RIGHTS)?;
    let kubelet = format!("{kubelet}, period: {period}s");
    start(env, &account, &kubelet, account.token()?, user, causes)
}

/// Its own token is good for the API server, but it shows the kubelet another.
fn forged(env: &Env, ground: &Ground) -> anyhow::Result<Debtor> {
    let account = ground.cluster.account(env, "forged", &tare::RIGHTS)?;
    let file = env.path("forged-token");
    fs::write(&file, FORGED)?;
    let kubelet = format!("access: token, token_file: {}, period: 10s", file.display());
    let debtor = start(env, &account, &kubelet, FORGED.to_owned(), None, [true, false])?;
    Ok(Debtor { over: [usize::MAX, 0], ..debtor })
}

fn denied(env: &Env, ground: &Ground) -> anyhow::Result<Debtor> {
    let account = ground.cluster.account(env, "denied", &DENIED)?;
    start(env, &account, "access: token, period: 10s", account.token()?, None, [true, true])
}

fn start(
    env: &Env,
    account: &Account,
    kubelet: &str,
    token: String,
    user: Option<String>,
    causes: [bool; 2],
) -> anyhow::Result<Debtor> {
    let rows = pods::rows()?.into_iter().filter(|row| row.default_on).collect();
    let job = Job { rows, all_interfaces: false, scrapers: &[] };
    let agent = tare::start_as(env, recipes::TARE, account, &account.name, &|endpoint| {
        tare::config(&job, kubelet, endpoint)
    })?;
    let user = user.unwrap_or_else(|| account.user());
    Ok(Debtor { name: account.name.clone(), agent, token, user, causes, over: [0, 0] })
}

fn wait(ground: &mut Ground, debtors: &mut [Debtor], length: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + length;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(500));
        ground.alive()?;
        debtors.iter_mut().try_for_each(|debtor| debtor.agent.alive())?;
    }
    Ok(())
}

/// They send the last of their books when they are asked to end.
fn stop(debtors: &mut [Debtor]) -> Vec<String> {
    debtors.iter_mut().filter_map(|debtor| debtor.agent.stop(&debtor.name)).collect()
}
