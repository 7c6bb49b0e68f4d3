//! One question to the name servers, as the system's configuration says at that moment.
//!
//! The files are read for each question, as seldom as that is: a configuration that changes is followed,
//! and nothing is kept between questions but the answer.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::parse_resolv_conf;
use hickory_resolver::{Hosts, Resolver};
use tokio::time::timeout;

use super::Settings;
use super::cache::{Answer, is_usable};
use super::lookups::{Failed, Outcome};
use crate::text;

/// The most of a configuration file that is read, in bytes. Some hosts files are lists of advertisers.
const MAX_FILE: u64 = 1 << 20;
/// The most time for one try at one name server, and the most tries, whatever resolv.conf says.
const MAX_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ATTEMPTS: usize = 3;
/// The most time for a question with all its search domains, servers and tries.
const LIMIT: Duration = Duration::from_secs(30);

/// Asks for the addresses of `host`.
pub(super) async fn lookup(host: String, settings: Settings) -> Result<Answer, Failed> {
    match timeout(LIMIT, ask(&host, &settings)).await {
        Ok(answer) => answer,
        Err(_) => Err(Failed { outcome: Outcome::Timeout, text: format!("no answer within {LIMIT:?}") }),
    }
}

async fn ask(host: &str, settings: &Settings) -> Result<Answer, Failed> {
    let (config, options) =
        parse_resolv_conf(resolv_conf(&settings.resolv_conf)).map_err(|error| say(&error))?;
    let (domain, search, mut servers) = config.into_parts();
    if !settings.name_servers.is_empty() {
        servers = settings.name_servers.iter().map(server).collect();
    }
    let config = ResolverConfig::from_parts(domain, search, servers);
    let mut builder =
        Resolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
    let options = builder.options_mut();
    options.timeout = options.timeout.clamp(Duration::from_secs(1), MAX_TIMEOUT);
    options.attempts = options.attempts.min(MAX_ATTEMPTS);
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Never;
    // The answer is kept here; the resolver lives for one question.
    options.cache_size = 0;
    let mut resolver = builder.build().map_err(|error| say(&error))?;
    resolver.set_hosts(Arc::new(hosts(&settings.hosts)));
    let found = resolver.lookup_ip(host).await.map_err(|error| say(&error))?;
    let addresses: Vec<IpAddr> = found.iter().filter(is_usable).collect();
    if addresses.is_empty() {
        let text = "the name has no address at which anything can be".to_owned();
        return Err(Failed { outcome: Outcome::NoAddress, text });
    }
    let ttl = found.as_lookup().answers().iter().map(|record| record.ttl).min().unwrap_or(0);
    Ok(Answer { addresses, ttl: Duration::from_secs(u64::from(ttl)) })
}

/// The content of resolv.conf. As in the C library, a missing file or one without a name server means the
/// server on this machine.
fn resolv_conf(path: &Path) -> String {
    let mut content = String::from_utf8_lossy(&read(path).unwrap_or_default()).into_owned();
    if !content.lines().any(|line| line.trim_start().starts_with("nameserver")) {
        content.push_str("\nnameserver 127.0.0.1\n");
    }
    content
}

/// The hosts file; what cannot be read holds no host.
fn hosts(path: &Path) -> Hosts {
    let mut hosts = Hosts::default();
    let content = read(path).unwrap_or_default();
    // It fails only if its reader does, and this one is memory.
    let _ = hosts.read_hosts_conf(&content[..]);
    hosts
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut content)?;
    Ok(content)
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.to_vec())
}

fn say(error: &NetError) -> Failed {
    if error.is_nx_domain() || error.is_no_records_found() {
        return Failed { outcome: Outcome::NoAddress, text: "the name has no address".to_owned() };
    }
    let outcome = if matches!(error, NetError::Timeout) { Outcome::Timeout } else { Outcome::Failed };
    Failed { outcome, text: text::chain(error) }
}
