//! `allocator`: what tare holds after churn with the C library's allocator and with mimalloc, side by side.
//!
//! One binary, started several times; an allocator is a library that is loaded before it. All agents live through the
//! same minute at the same time: their configuration changes between small and large, processes and pods come and go,
//! and their backend is away, so that the queues fill. Then all is quiet, and what is still held is compared.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::real::env::Env;
use crate::real::program::{self, Memory, Program, Stat, float};
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Outcome, Tier};
use crate::receiver::Receiver;

pub(in crate::real) const CHECK: Check = Check {
    name: "allocator",
    tier: Tier::Full,
    about: "after churn the chosen allocator (the C library's) holds little more than the best of the others",
    needs: &[recipes::TARE, recipes::MIMALLOC],
    limit: Duration::from_mins(5),
    lane: Lane::Alone,
    hidden: false,
    run,
};

/// How much more than the best other one the chosen one may hold, bytes: a fifth of the 15 MiB that an agent may take on a
/// node of 110 pods. For less a second allocator is not worth having (decision 9).
const MARGIN: f64 = 3.0 * 1_048_576.0;
/// Changes of everything that changes, a second apart.
const ROUNDS: u32 = 30;
/// Processes and pods that come and go in each.
const PROCESSES: usize = 100;
const PODS: u32 = 100;

/// A way to start tare.
struct Variant {
    name: &'static str,
    /// A file of the recipe's folder.
    library: Option<&'static str>,
    environment: &'static [(&'static str, &'static str)],
}

/// The first one is what is shipped: what the supervisor gives its child.
const VARIANTS: [Variant; 7] = [
    Variant { name: "glibc, as shipped", library: None, environment: &[tare::supervisor::ALLOCATOR] },
    Variant { name: "glibc", library: None, environment: &[] },
    Variant {
        name: "glibc, one arena",
        library: None,
        environment: &[("GLIBC_TUNABLES", "glibc.malloc.arena_max=1")],
    },
    Variant {
        name: "glibc, thresholds",
        library: None,
        // What it starts with, but not raised when a large block is freed.
        environment: &[(
            "GLIBC_TUNABLES",
            "glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=131072",
        )],
    },
    Variant { name: "mimalloc 2", library: Some("v2.so"), environment: &[] },
    Variant {
        name: "mimalloc 2, eager",
        library: Some("v2.so"),
        environment: &[("MIMALLOC_PURGE_DELAY", "0"), ("MIMALLOC_ARENA_EAGER_COMMIT", "0")],
    },
    Variant { name: "mimalloc 3", library: Some("v3.so"), environment: &[] },
];

/// One agent and what was read of it.
struct Agent {
    variant: &'static Variant,
    program: Program,
    config: PathBuf,
    backend: SocketAddr,
    start: Memory,
    churn: Memory,
}

impl Agent {
    fn begin(env: &Env, number: usize, variant: &'static Variant) -> anyhow::Result<Self> {
        // Nobody listens there yet: the namespace is this check's own.
        let backend = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = env.path(&format!("{number}.yaml"));
        write_config(&config, backend, &env.path("host"), false)?;
        let mut command = Command::new(env.program("tare")?);
        command.args(["run", "--config"]).arg(&config);
        command.arg("--state-dir").arg(env.path(&format!("state-{number}")));
        command.arg("--socket").arg(env.path(&format!("{number}.sock")));
        command.envs(variant.environment.iter().copied());
        if let Some(library) = variant.library {
            command.env("LD_PRELOAD", env.program("mimalloc")?.join(library));
        }
        let program = env.start(&format!("agent-{number}"), command)?;
        Ok(Self { variant, program, config, backend, start: Memory::default(), churn: Memory::default() })
    }
}

/// Small: three scrapers. Large: all of them, every process, and attributes that fill pages.
fn write_config(path: &Path, backend: SocketAddr, host: &Path, large: bool) -> std::io::Result<()> {
    let mut text = format!(
        "host:\n  proc: /proc\n  sys: {}\n  interval: 1s\n  scrapers:\n    cpu: {{}}\n    memory: {{}}\n    load: {{}}\n",
        host.join("sys").display()
    );
    let mut attributes = String::new();
    if large {
        for scraper in ["disk", "filesystem", "network", "paging", "process", "processes", "system"] {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "    {scraper}: {{}}");
        }
        for number in 0..50 {
            let _ = writeln!(attributes, "    churn.{number}: {}", "x".repeat(200));
        }
    }
    if !attributes.is_empty() {
        let _ = write!(text, "enrich:\n  resource_attributes:\n{attributes}");
    }
    let _ = writeln!(text, "outputs:\n  - name: default\n    otlp: {{endpoint: \"http://{backend}\"}}");
    fs::write(path, text)
}

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let host = env.path("host");
    pods(&host, 0)?;
    let agents: Result<Vec<_>, _> =
        VARIANTS.iter().enumerate().map(|(number, variant)| Agent::begin(env, number, variant)).collect();
    let mut agents = agents?;
    std::thread::sleep(Duration::from_secs(10));
    for agent in &mut agents {
        agent.program.alive()?;
        agent.start = Memory::of(agent.program.pid())?;
    }
    churn(&mut agents, &host)?;
    for agent in &mut agents {
        agent.churn = Memory::of(agent.program.pid())?;
    }
    let receivers: Result<Vec<_>, _> =
        agents.iter().map(|agent| Receiver::start(agent.backend, |_| {})).collect();
    let receivers = receivers?;
    // Longer than the longest wait between two attempts, and then some rounds of peace.
    std::thread::sleep(Duration::from_secs(45));
    let mut failures = Vec::new();
    let mut rows = Vec::new();
    for (agent, receiver) in agents.iter_mut().zip(&receivers) {
        agent.program.alive()?;
        let end = Memory::of(agent.program.pid())?;
        let cpu_s = Stat::of(agent.program.pid())?.cpu_with_children_s();
        if receiver.totals().requests == 0 {
            failures.push(format!("{}: nothing arrived: the queue was not emptied", agent.variant.name));
        }
        rows.push((agent.variant.name, agent.start, agent.churn, end, cpu_s));
        if !program::ended_cleanly(agent.program.terminate(Duration::from_secs(20))?) {
            failures.push(format!("{} did not end in order", agent.variant.name));
        }
    }
    let held = |memory: &Memory| float(memory.pss);
    let chosen = rows.first().map_or(f64::NAN, |row| held(&row.3));
    let best = rows.iter().skip(1).map(|row| held(&row.3)).fold(f64::INFINITY, f64::min);
    if chosen.is_nan() || chosen > best + MARGIN {
        failures
            .push(format!("{chosen} bytes with the chosen allocator, {best} with the best of the others"));
    }
    let report: Vec<_> = rows
        .iter()
        .map(|(name, start, churn, end, cpu_s)| {
            serde_json::json!({"allocator": name, "start": start, "churn": churn, "end": end, "cpu_s": cpu_s})
        })
        .collect();
    let report =
        serde_json::json!({"schema": "tare.real.allocator/v2", "margin_bytes": MARGIN, "allocators": report});
    Ok(Outcome { failures, text: table(&rows), report: Some(("allocator.json".into(), report)) })
}

/// Everything changes once a second.
fn churn(agents: &mut [Agent], host: &Path) -> anyhow::Result<()> {
    let mut processes = Vec::new();
    for round in 1..=ROUNDS {
        for agent in &mut *agents {
            write_config(&agent.config, agent.backend, host, round % 2 == 1)?;
            agent.program.signal(Signal::HUP)?;
        }
        drop(std::mem::replace(&mut processes, sleepers()?));
        pods(host, round)?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

/// A process that ends when this is dropped.
struct Sleeper(Child);

impl Drop for Sleeper {
    fn drop(&mut self) {
        // Both fail only if it has been reaped already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn sleepers() -> std::io::Result<Vec<Sleeper>> {
    let start = |_| Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().map(Sleeper);
    (0..PROCESSES).map(start).collect()
}

/// Replaces a third of the pods of a made-up cgroup tree.
fn pods(host: &Path, round: u32) -> std::io::Result<()> {
    let base = host.join("sys/fs/cgroup");
    fs::create_dir_all(&base)?;
    fs::write(base.join("cgroup.controllers"), "cpu io memory pids\n")?;
    for number in 0..PODS {
        let made = |round: u32| {
            let uid = format!("{round:08x}_0000_4000_8000_{number:012x}");
            base.join(format!("kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{uid}.slice"))
        };
        if round > 0 && number % 3 != round % 3 {
            continue;
        }
        // The last round in which this pod was replaced.
        let before = (0..round).rev().find(|before| *before == 0 || number % 3 == before % 3);
        if let Some(before) = before {
            fs::remove_dir_all(made(before))?;
        }
        for group in
            [made(round), made(round).join(format!("cri-containerd-{round:032x}{number:032x}.scope"))]
        {
            fs::create_dir_all(&group)?;
            fs::write(group.join("cpu.stat"), "usage_usec 1000\nuser_usec 600\nsystem_usec 400\n")?;
            fs::write(group.join("memory.current"), "1048576\n")?;
            fs::write(
                group.join("memory.stat"),
                "anon 524288\nfile 0\ninactive_file 0\npgfault 10\npgmajfault 0\n",
            )?;
            fs::write(group.join("memory.max"), "max\n")?;
        }
    }
    Ok(())
}

type Row = (&'static str, Memory, Memory, Memory, f64);

fn table(rows: &[Row]) -> String {
    let mib = |bytes| float(bytes) / 1_048_576.0;
    let mut text = format!(
        "{:20} {:>9} {:>9} {:>9} {:>11} {:>9} {:>7}\n",
        "MiB", "PSS start", "PSS churn", "PSS end", "anonymous", "peak RSS", "CPU s"
    );
    for (name, start, churn, end, cpu_s) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{name:20} {:>9.2} {:>9.2} {:>9.2} {:>11.2} {:>9.2} {cpu_s:>7.2}",
            mib(start.pss),
            mib(churn.pss),
            mib(end.pss),
            mib(end.anonymous),
            mib(end.peak_rss)
        );
    }
    text
}
