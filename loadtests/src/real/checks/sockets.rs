//! `sockets-*`: hundreds and thousands of agents with the shipped driver, over real sockets with TLS, against an API server
//! that counts: the simulated one, and the real one.
//!
//! They are installed at one moment and restarted at one moment. After each, every agent's books agree with the
//! server's, and no window of 10 s held more than was declared; meanwhile somebody else's requests are timed. In the end a
//! request past the gate, in an agent's name, has to be noticed.

mod operator;
mod real;
mod scenario;
mod simulated;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::scenario::Size;
use super::facts;
use crate::real::cluster;
use crate::real::env::Env;
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// Turns every 20 s, with 500 nodes and with a quarter more.
const SMALL: Size = Size {
    agents: 500,
    pods_each: 10,
    requests_per_second: 100.0,
    turn: Duration::from_secs(20),
    alone: Duration::from_secs(5),
};

/// Turns every 80 s.
const LARGE: Size = Size {
    agents: 2_000,
    pods_each: 10,
    requests_per_second: 100.0,
    turn: Duration::from_secs(80),
    alone: Duration::from_secs(30),
};

/// The entry of the registry.
pub(in crate::real) const SIMULATED: Check = Check {
    name: "sockets-simulated",
    tier: Tier::Full,
    about: "500 agents over TLS: their own bill equals the simulated server's count, no window above the declaration",
    needs: &[],
    limit: Duration::from_mins(5),
    lane: Lane::Servers,
    hidden: false,
    run: |env| simulated(env, SIMULATED.name, SMALL),
};

/// The same with more agents.
pub(in crate::real) const SIMULATED_FULL: Check = Check {
    name: "sockets-simulated-full",
    tier: Tier::Full,
    about: "the same for 2,000 agents",
    needs: &[],
    limit: Duration::from_mins(20),
    lane: Lane::Servers,
    hidden: false,
    run: |env| simulated(env, SIMULATED_FULL.name, LARGE),
};

/// The same scenario on the real API server.
pub(in crate::real) const REAL_FULL: Check = Check {
    name: "sockets-real-full",
    tier: Tier::Full,
    about: "2,000 agents over TLS on 20,000 pods: their own bill equals the real API server's audit log",
    needs: cluster::NEEDS,
    limit: Duration::from_mins(45),
    lane: Lane::Servers,
    hidden: false,
    run: |env| {
        let facts = real::run(env, LARGE)?;
        Ok(facts::outcome(REAL_FULL.name, &facts))
    },
};

fn simulated(env: &mut Env, name: &str, size: Size) -> anyhow::Result<Outcome> {
    let facts = simulated::run(&env.path("account"), size)?;
    Ok(facts::outcome(name, &facts))
}
