//! `otlp-collector`: whatever tare sends to the collector's otlp receiver comes out of the collector unchanged.
//!
//! One collector has three receivers (plaintext, TLS, and TLS that asks for a client certificate), each with http
//! and gRPC, and forwards what each takes to a receiver of this check. The exporter sends known figures in every
//! combination; then the agent itself reports this machine to all of them and, for comparison, directly to
//! the check. A peer with the wrong authority, and one that is not shown a certificate, must get nothing.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use exporter::compress::Compression;
use exporter::model::Timestamp;
use exporter::output::{Protocol, Settings};
use exporter::tls;

use super::certificates::{Authority, Pair};
use super::otlp::{self, Delivery, PATIENCE, Sample, Taken, Until};
use crate::real::env::Env;
use crate::real::program::{self, Program};
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Outcome, Tier};
use crate::receiver::Receiver;

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "otlp-collector",
    tier: Tier::Ci,
    about: "the collector's otlp receiver gets every series unchanged: http and gRPC, TLS, mTLS, gzip or none",
    needs: &[recipes::COLLECTOR, recipes::TARE],
    limit: Duration::from_mins(3),
    lane: Lane::Servers,
    hidden: false,
    run,
};

/// The collector's address as certificates bear it.
const HOST: &str = "127.0.0.1";
/// How long the agent reports.
const RUN: Duration = Duration::from_secs(5);
/// How much longer it may take to name the reasons in its log.
const TELLING: Duration = Duration::from_secs(70);

/// How a receiver of the collector is guarded. The network of a check is its own, so ports are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    Plain,
    Tls,
    Mutual,
}

impl Guard {
    const ALL: [Self; 3] = [Self::Plain, Self::Tls, Self::Mutual];

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plaintext",
            Self::Tls => "TLS",
            Self::Mutual => "mTLS",
        }
    }

    const fn port(self, protocol: Protocol) -> u16 {
        let first = match self {
            Self::Plain => 4317,
            Self::Tls => 5317,
            Self::Mutual => 6317,
        };
        match protocol {
            Protocol::Grpc => first,
            Protocol::HttpProtobuf | Protocol::Stdout => first + 1,
        }
    }

    /// What an output is told.
    fn endpoint(self, protocol: Protocol) -> String {
        let scheme = if self == Self::Plain { "http" } else { "https" };
        let path = if protocol == Protocol::Grpc { "" } else { "/v1/metrics" };
        format!("{scheme}://{HOST}:{}{path}", self.port(protocol))
    }
}

const PROTOCOLS: [(Protocol, &str); 2] = [(Protocol::HttpProtobuf, "http"), (Protocol::Grpc, "grpc")];
const COMPRESSIONS: [(Compression, &str); 2] = [(Compression::Gzip, "gzip"), (Compression::None, "none")];

/// The certificates of both sides, and an authority that neither trusts.
struct Trust {
    authority: Authority,
    stranger: Authority,
    server: Pair,
    client: Pair,
}

impl Trust {
    fn new(env: &Env) -> anyhow::Result<Self> {
        let authority = Authority::new(env, "authority")?;
        let (server, client) = (authority.issue(env, HOST)?, authority.issue(env, "agent")?);
        Ok(Self { stranger: Authority::new(env, "stranger")?, authority, server, client })
    }

    /// What a peer of this guard needs to be told.
    fn tls(&self, guard: Guard) -> tls::Settings {
        let identity =
            tls::Identity { certificate: self.client.certificate.clone(), key: self.client.key.clone() };
        tls::Settings {
            ca: (guard != Guard::Plain).then(|| self.authority.ca.clone()),
            identity: (guard == Guard::Mutual).then_some(identity),
            server_name: None,
        }
    }
}

/// The collector, and what came out of it by the guard it came in through.
struct Peer {
    program: Program,
    taken: [Taken; 3],
    receivers: Vec<Receiver>,
}

impl Peer {
    fn start(env: &Env, trust: &Trust) -> anyhow::Result<Self> {
        let taken: [Taken; 3] = Default::default();
        let receivers = taken.iter().map(Taken::receiver).collect::<anyhow::Result<Vec<_>>>()?;
        let config = env.file("collector.yaml", &config(trust, &receivers))?;
        let mut command = Command::new(env.program("otelcol")?);
        command.arg("--config").arg(config);
        let mut peer = Self { program: env.start("collector", command)?, taken, receivers };
        for guard in Guard::ALL {
            for (protocol, _) in PROTOCOLS {
                listening(&mut peer.program, guard.port(protocol))?;
            }
        }
        Ok(peer)
    }
}

/// Waits until `program` listens on a port.
pub(super) fn listening(program: &mut Program, port: u16) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_mins(1);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        program.alive()?;
        if Instant::now() > until {
            bail!("nothing listens on port {port}\n{}", program.log_tail());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The collector's configuration. JSON is YAML. What it takes it has delivered before it acknowledges it.
fn config(trust: &Trust, receivers: &[Receiver]) -> String {
    let mut config = serde_json::json!({
        "receivers": {}, "exporters": {},
        "service": {"telemetry": {"metrics": {"level": "none"}}, "pipelines": {}},
    });
    for (guard, receiver) in Guard::ALL.into_iter().zip(receivers) {
        let id = guard.name().to_lowercase();
        let server = |protocol| {
            let mut server = serde_json::json!({"endpoint": format!("{HOST}:{}", guard.port(protocol))});
            if guard != Guard::Plain {
                let (certificate, key) = (&trust.server.certificate, &trust.server.key);
                server["tls"] = serde_json::json!({"cert_file": certificate, "key_file": key});
            }
            if guard == Guard::Mutual {
                server["tls"]["client_ca_file"] = serde_json::json!(&trust.authority.ca);
            }
            server
        };
        let protocols =
            serde_json::json!({"http": server(Protocol::HttpProtobuf), "grpc": server(Protocol::Grpc)});
        config["receivers"][format!("otlp/{id}")] = serde_json::json!({"protocols": protocols});
        config["exporters"][format!("otlphttp/{id}")] = serde_json::json!({
            "endpoint": receiver.endpoint(),
            "sending_queue": {"enabled": false},
            "retry_on_failure": {"enabled": false},
        });
        config["service"]["pipelines"][format!("metrics/{id}")] = serde_json::json!({
            "receivers": [format!("otlp/{id}")], "exporters": [format!("otlphttp/{id}")],
        });
    }
    format!("{config:#}\n")
}

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let trust = Trust::new(env)?;
    let mut peer = Peer::start(env, &trust)?;
    let mut outcome = Outcome::default();
    known_figures(&trust, &peer, &mut outcome)?;
    refusals(&trust, &peer, &mut outcome)?;
    the_agent(env, &trust, &peer, &mut outcome)?;
    peer.program.alive()?;
    let refused: u64 = peer.receivers.iter().map(|receiver| receiver.totals().refused).sum();
    if refused > 0 {
        outcome.failures.push(format!("{refused} requests of the collector could not be taken"));
    }
    Ok(outcome)
}

fn settings(trust: &Trust, guard: Guard, protocol: Protocol) -> Settings {
    Settings { protocol, tls: trust.tls(guard), ..Settings::new("peer", &guard.endpoint(protocol)) }
}

/// At most three of many.
pub(super) fn few(what: &str, differences: &[String], failures: &mut Vec<String>) {
    let shown = differences.iter().take(3).cloned().collect::<Vec<_>>().join("\n  ");
    if !differences.is_empty() {
        failures.push(format!("{what}: {} differences, among them\n  {shown}", differences.len()));
    }
}

/// Every combination of protocol, guard and compression.
fn known_figures(trust: &Trust, peer: &Peer, outcome: &mut Outcome) -> anyhow::Result<()> {
    let _ = writeln!(outcome.text, "{:28} {:>6} {:>8} {:>8} {:>8}", "", "sent", "equal", "bytes", "on wire");
    for (protocol, protocol_name) in PROTOCOLS {
        for (guard, taken) in Guard::ALL.into_iter().zip(&peer.taken) {
            for (compression, compression_name) in COMPRESSIONS {
                let case = format!("{protocol_name} {} {compression_name}", guard.name());
                let settings = Settings { compression, ..settings(trust, guard, protocol) };
                let requests = otlp::figures(&case, Timestamp::now());
                let Delivery { sent, acknowledged, bytes, error, .. } =
                    otlp::deliver(&settings, requests, Until::Sent)?;
                let arrived: Vec<Sample> = of_case(taken, &case);
                let differences = otlp::differences(&sent, 1, &arrived);
                let equal = sent.iter().filter(|sample| arrived.contains(sample)).count();
                let (encoded, wire) = bytes;
                let count = sent.len();
                let _ = writeln!(outcome.text, "{case:28} {count:>6} {equal:>8} {encoded:>8} {wire:>8}");
                few(&case, &differences, &mut outcome.failures);
                if acknowledged != count as u64 {
                    let why = error.unwrap_or_default();
                    outcome.failures.push(format!("{case}: {acknowledged} of {count} acknowledged; {why}"));
                }
                if (wire < encoded) != (compression == Compression::Gzip) {
                    outcome.failures.push(format!("{case}: {wire} bytes on the wire for {encoded}"));
                }
            }
        }
    }
    Ok(())
}

fn of_case(taken: &Taken, case: &str) -> Vec<Sample> {
    let samples = taken.samples().into_iter();
    samples.filter(|sample| sample.resource.get("case").is_some_and(|of| of == case)).collect()
}

/// What names the reason: rustls's own finding, and the alert of the peer.
const WRONG_AUTHORITY: &str = "UnknownIssuer";
const NO_CERTIFICATE: &str = "CertificateRequired";

/// The wrong authority, and no certificate where one is asked for: nothing arrives, and the reason is told. With TLS 1.3
/// the alert comes after our side of the handshake; the exporter reads it where its writing fails.
fn refusals(trust: &Trust, peer: &Peer, outcome: &mut Outcome) -> anyhow::Result<()> {
    for (protocol, protocol_name) in PROTOCOLS {
        let wrong = tls::Settings { ca: Some(trust.stranger.ca.clone()), ..tls::Settings::default() };
        for (what, guard, tls, word) in [
            ("wrong authority", Guard::Tls, wrong, WRONG_AUTHORITY),
            ("no certificate", Guard::Mutual, trust.tls(Guard::Tls), NO_CERTIFICATE),
        ] {
            let case = format!("{protocol_name} {what}");
            let settings = Settings { tls, ..settings(trust, guard, protocol) };
            let requests = otlp::figures(&case, Timestamp::now());
            let delivery = otlp::deliver(&settings, requests, Until::Refused(word))?;
            let arrived: usize = peer.taken.iter().map(|taken| of_case(taken, &case).len()).sum();
            let says = delivery.error.unwrap_or_default();
            let (sent, attempts) = (delivery.sent.len(), delivery.attempts);
            let _ = writeln!(outcome.text, "{case:28} {sent:>6} {arrived:>8}   attempt {attempts}: {says}");
            if arrived > 0 || delivery.acknowledged > 0 {
                outcome.failures.push(format!("{case}: data arrived"));
            }
            if !says.contains(word) {
                outcome.failures.push(format!("{case}: the reason is not told but {says:?}"));
            }
        }
    }
    Ok(())
}

/// The agent's outputs: one directly to the check, and one for each protocol, guard and compression.
fn agent_config(trust: &Trust, direct: &str) -> String {
    let mut outputs = vec![serde_json::json!({"name": "direct", "otlp": {"endpoint": direct}})];
    let mut add = |protocol, name: &str, guard: Guard, compression: &str, ca: &Path, identity: bool| {
        let mut tls = serde_json::json!({"ca_file": ca});
        if identity {
            tls["cert_file"] = serde_json::json!(&trust.client.certificate);
            tls["key_file"] = serde_json::json!(&trust.client.key);
        }
        let (short, protocol_name, key) = match protocol {
            Protocol::Grpc => ("grpc", "grpc", "endpoint"),
            _ => ("http", "http/protobuf", "metrics_endpoint"),
        };
        let endpoint = guard.endpoint(protocol);
        let mut otlp =
            serde_json::json!({"protocol": protocol_name, key: endpoint, "compression": compression});
        if guard != Guard::Plain {
            otlp["tls"] = tls;
        }
        let name = format!("{short}-{name}");
        outputs.push(serde_json::json!({"name": name, "otlp": otlp}));
    };
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        for guard in Guard::ALL {
            for (_, compression) in COMPRESSIONS {
                let name = format!("{}-{compression}", guard.name());
                add(protocol, &name, guard, compression, &trust.authority.ca, guard == Guard::Mutual);
            }
        }
        add(protocol, "wrong-authority", Guard::Tls, "gzip", &trust.stranger.ca, false);
        add(protocol, "no-certificate", Guard::Mutual, "gzip", &trust.authority.ca, false);
    }
    let config = serde_json::json!({
        "host": {"interval": "1s", "scrapers": {"cpu": {}, "memory": {}, "load": {}, "network": {}, "disk": {}}},
        "outputs": outputs,
    });
    format!("{config:#}\n")
}

/// The agent reports this machine to all of them at once. Only what it collects is compared: of its telemetry
/// about itself each output may get another share.
fn the_agent(env: &Env, trust: &Trust, peer: &Peer, outcome: &mut Outcome) -> anyhow::Result<()> {
    let direct = Taken::default();
    let receiver = direct.receiver()?;
    let config = env.file("tare.yaml", &agent_config(trust, &receiver.endpoint()))?;
    let mut command = Command::new(env.program("tare")?);
    command.args(["run", "--config"]).arg(config);
    let mut tare = env.start("tare", command)?;
    std::thread::sleep(RUN);
    // The log tells of one failed exchange in 30 s, and that one may have met a closed connection only.
    let until = Instant::now() + TELLING;
    while told(env)?.iter().any(|(_, line)| line.is_none()) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
        tare.alive()?;
    }
    tare.alive()?;
    let status = tare.terminate(PATIENCE)?;
    let told = told(env)?;
    if !program::ended_cleanly(status) {
        outcome.failures.push(format!("tare ended with {status}"));
    }
    let host = |taken: &Taken| -> Vec<Sample> {
        let samples = taken.samples().into_iter();
        samples.filter(|sample| sample.name.starts_with("system.")).filter(|of| !of_a_case(of)).collect()
    };
    let sent = host(&direct);
    if sent.is_empty() {
        outcome.failures.push("tare sent nothing directly".to_owned());
    }
    for (guard, taken) in Guard::ALL.into_iter().zip(&peer.taken) {
        let arrived = host(taken);
        let differences = otlp::differences(&sent, i64::from(WAYS), &arrived);
        let case = format!("tare http+grpc {} gzip+none", guard.name());
        let all = usize::from(WAYS) * sent.len();
        let _ = writeln!(outcome.text, "{case:28} {all:>6} {:>8}", all - differences.len());
        few(&case, &differences, &mut outcome.failures);
    }
    for (output, line) in told {
        match line {
            Some(line) => {
                let _ = writeln!(outcome.text, "tare {output}: {line}");
            }
            None => outcome.failures.push(format!("tare's log does not say why {output} fails")),
        }
    }
    Ok(())
}

/// By how many ways the agent's points reach a guard: two protocols and two compressions.
const WAYS: u8 = 4;

/// The outputs of the agent that must fail, and what its log has to say of each.
const TOLD: [(&str, &str); 4] = [
    ("http-wrong-authority", WRONG_AUTHORITY),
    ("http-no-certificate", NO_CERTIFICATE),
    ("grpc-wrong-authority", WRONG_AUTHORITY),
    ("grpc-no-certificate", NO_CERTIFICATE),
];

/// The lines of tare's log that tell why an output fails.
fn told(env: &Env) -> anyhow::Result<[(&'static str, Option<String>); TOLD.len()]> {
    let log = std::fs::read_to_string(env.path("tare.log")).context("tare's log")?;
    Ok(TOLD.map(|(output, word)| {
        let mut lines = log.lines().filter(|line| line.contains(output) && line.contains(word));
        (output, lines.next().map(str::to_owned))
    }))
}

fn of_a_case(sample: &Sample) -> bool {
    sample.resource.contains_key("case")
}
