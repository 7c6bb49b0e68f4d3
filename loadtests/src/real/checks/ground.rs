//! The machine that two agents watch: processes of every state, traffic, disk writes, a second interface.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::real::env::Env;
use crate::real::load;
use crate::real::program::Program;

/// The processes that the process scrapers are told to report. At most 15 bytes: the kernel cuts names.
pub(super) const NAMED: [&str; 2] = ["parity-busy", "parity-idle"];

/// How many processes sleep beside the others: an ordinary small machine.
const SLEEPERS: usize = 60;

/// Everything that was started; dropping it ends it.
#[derive(Debug)]
pub(super) struct Ground {
    programs: Vec<Program>,
}

impl Ground {
    /// Makes the machine busy.
    pub(super) fn prepare(env: &Env) -> anyhow::Result<Self> {
        interface(env)?;
        let mut programs = Vec::new();
        for kind in ["busy", "idle"] {
            let named = copy(env, &format!("parity-{kind}"))?;
            programs.push(env.start(&format!("parity-{kind}"), command(named, kind))?);
        }
        let this = copy(env, "parity-load")?;
        for kind in ["net", "forks"] {
            programs.push(env.start(kind, command(this.clone(), kind))?);
        }
        for number in 0..SLEEPERS {
            let mut sleep = Command::new("sleep");
            sleep.arg("100000");
            programs.push(env.start(&format!("sleeper-{}", number % 2), sleep)?);
        }
        // The child of a shell that became `sleep` is never waited for: a zombie.
        let mut zombie = Command::new("sh");
        zombie.args(["-c", "true & exec sleep 100000"]);
        programs.push(env.start("zombie", zombie)?);
        let stopped = env.start("stopped", command(this, "idle"))?;
        stopped.signal(Signal::STOP)?;
        programs.push(stopped);
        // Programs take a moment to become what they are; none of the figures depends on how long.
        std::thread::sleep(Duration::from_millis(500));
        Ok(Self { programs })
    }

    /// Fails if anything has ended.
    pub(super) fn alive(&mut self) -> anyhow::Result<()> {
        self.programs.iter_mut().try_for_each(Program::alive)
    }
}

fn command(program: PathBuf, kind: &str) -> Command {
    let mut command = Command::new(program);
    command.args([load::ROLE, kind]);
    command
}

/// This binary under another name: a process is named after its file.
fn copy(env: &Env, name: &str) -> anyhow::Result<PathBuf> {
    let path = env.path(name);
    fs::copy(std::env::current_exe()?, &path)?;
    Ok(path)
}

/// A second interface with traffic: a pair of which one end sends to an address that the other end has.
fn interface(env: &Env) -> anyhow::Result<()> {
    env.execute("ip", ["link", "add", "par0", "type", "veth", "peer", "name", "par1"])?;
    env.execute("ip", ["addr", "add", "198.51.100.1/24", "dev", "par0"])?;
    env.execute("ip", ["link", "set", "par0", "up"])?;
    env.execute("ip", ["link", "set", "par1", "up"])?;
    env.execute("ip", ["neigh", "add", "198.51.100.2", "lladdr", "02:00:00:00:00:02", "dev", "par0"])
}
