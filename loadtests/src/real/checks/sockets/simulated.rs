//! The simulated server, on a thread of its own.

use std::path::Path;
use std::time::Duration;

use shared_informer::counts::Status;

use super::scenario::{self, Counted, Size};
use crate::agents::mount_account;
use crate::real::checks::facts::Fact;
use crate::real::cluster::http::{Client, Form, PATIENCE};
use crate::real::cluster::pods::node_name;
use crate::simulated::apiserver::{Options, Server};
use crate::simulated::host::Host;
use crate::simulated::pods;

/// Who the agents are.
const ACCOUNT: &str = "system:serviceaccount:tare:tare";

/// Nothing more has come for this long: nothing is under way.
const QUIET: Duration = Duration::from_secs(1);

/// Runs the scenario; files go below `account`.
pub(super) fn run(account: &Path, size: Size) -> anyhow::Result<Vec<Fact>> {
    let host = Host::start("simulated")?;
    let options = Options { nodes: u32::try_from(size.agents)?, ..Options::default() };
    let mut server = host.wait_for(Server::start(options))?;
    let store = server.store();
    for number in 0..size.agents * size.pods_each {
        store.add_pod(pods::running(number, &node_name(number % size.agents), pods::ORDINARY))?;
    }
    std::fs::create_dir_all(account)?;
    let authority = account.join("authority.pem");
    std::fs::write(&authority, server.authority_pem())?;
    mount_account(account, &authority, &server.token(ACCOUNT))?;
    let port = server.address().port();
    scenario::run(&mut server, size, account, port)
}

impl scenario::Server for Server {
    fn alive(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn counted(&mut self) -> anyhow::Result<Counted> {
        let mut before = usize::MAX;
        let counts = loop {
            let counts = self.counts().only(|arrival| arrival.kind.user_agent.starts_with("tare/"));
            if counts.total() == before {
                break counts;
            }
            before = counts.total();
            std::thread::sleep(QUIET);
        };
        let mut counted = Counted::default();
        for arrival in counts.arrivals() {
            let kind = &arrival.kind;
            let status = arrival.status.map_or(Status::None, Status::of_code).as_str().to_owned();
            let sums = counted.by_agent.entry(kind.user_agent.clone()).or_default();
            *sums.entry((kind.verb.clone(), kind.resource.clone(), status)).or_default() += 1;
            counted.times.push(arrival.at);
        }
        Ok(counted)
    }

    fn client(&self, user_agent: &str) -> anyhow::Result<Client> {
        let (address, tls) = (self.address(), self.authority().trusting(None)?);
        let (token, user_agent) = (Some(self.token(ACCOUNT)), user_agent.to_owned());
        Ok(Client { address, tls, token, user_agent, patience: PATIENCE, form: Form::Json })
    }
}
