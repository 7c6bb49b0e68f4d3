//! The rounds: start, disturb, kill, damage; and the verdict.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{env, fs, thread};

use super::child::Task;
use super::receiver::Receiver;
use super::{CAP, SLACK, size};

/// Each child has numbers of its own.
const NUMBERS: u64 = 1_000_000;

/// What the run has shown.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    acknowledged: usize,
    missing: Vec<u64>,
    arrived: usize,
    twice: usize,
    foreign: u64,
    flips: usize,
    largest: u64,
    unfinished: bool,
}

impl Verdict {
    pub(crate) fn is_sound(&self) -> bool {
        let bounded = self.largest <= CAP + SLACK;
        let whole = self.missing.len() <= self.flips && !self.unfinished;
        // A run that has seen nothing has shown nothing.
        self.foreign == 0 && bounded && whole && self.acknowledged > 0 && self.arrived > 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, missing, arrived, twice, foreign, flips, largest, unfinished } = self;
        let sound = if self.is_sound() { "sound" } else { "FAILED" };
        write!(
            f,
            "{sound}: {acknowledged} acknowledged to the log, {} of them missing, {flips} bits flipped; {arrived} \
             arrived, {twice} more than once, {foreign} foreign; at most {largest} bytes on the disk{}",
            missing.len(),
            if *unfinished { "; the last child did not finish" } else { "" },
        )
    }
}

/// Kills the child if the parent fails meanwhile.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // On Unix this is SIGKILL. It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(task: &Task) -> Guard {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.envs(task.environment()).stdin(Stdio::null()).stdout(Stdio::piped());
    Guard(command.spawn().expect("a child"))
}

pub(crate) fn run(rounds: u64, seed: u64, flip: bool) -> Verdict {
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start();
    let url = format!("http://{}/v1/metrics", receiver.address);
    let task = |round: u64, last: bool| {
        let folder = folder.path().to_str().expect("a plain path").to_owned();
        Task { folder, url: url.clone(), first: round * NUMBERS, last }
    };
    let mut verdict = Verdict::default();
    let mut acknowledged = BTreeSet::new();
    for round in 0..rounds {
        let mut child = start(&task(round, false));
        let output = child.0.stdout.take().expect("a pipe");
        // All that the child said until it was killed; half a line is none.
        let listener = thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.filter_map(|line| line.parse::<u64>().ok()).collect::<Vec<_>>()
        });
        // A log that reaches its bound drops its oldest, as it should: not what is judged here.
        let away = size(folder.path()) < CAP / 4;
        receiver.away.store(away && random.u8(..4) > 0, Ordering::Relaxed);
        for _ in 0..random.u8(1..5) {
            thread::sleep(Duration::from_millis(random.u64(5..120)));
            receiver.away.store(away && random.u8(..3) > 0, Ordering::Relaxed);
            verdict.largest = verdict.largest.max(size(folder.path()));
        }
        drop(child);
        verdict.largest = verdict.largest.max(size(folder.path()));
        let said = listener.join().expect("it listens");
        acknowledged.extend(said.into_iter().filter(|number| number / NUMBERS == round));
        if flip {
            verdict.flips += flip_bits(folder.path(), &mut random);
        }
    }
    receiver.away.store(false, Ordering::Relaxed);
    verdict.unfinished = !finishes(start(&task(rounds, true)));
    let seen = receiver.seen.lock().expect("sound");
    verdict.missing =
        acknowledged.iter().filter(|number| !seen.arrived.contains_key(number)).copied().collect();
    verdict.acknowledged = acknowledged.len();
    verdict.arrived = seen.arrived.len();
    verdict.twice = seen.arrived.values().filter(|times| **times > 1).count();
    verdict.foreign = seen.foreign;
    verdict
}

/// Whether the child ends by itself and well within two minutes.
fn finishes(mut child: Guard) -> bool {
    for _ in 0..2_400 {
        if let Some(status) = child.0.try_wait().expect("our child") {
            return status.success();
        }
        thread::sleep(Duration::from_millis(50));
    }
    false
}

/// Flips up to three bits in the segments of a folder that nobody uses; how many.
fn flip_bits(folder: &Path, random: &mut fastrand::Rng) -> usize {
    let mut flipped = 0;
    for _ in 0..random.u8(..4) {
        let mut segments: Vec<_> = fs::read_dir(folder)
            .expect("the folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
            .collect();
        segments.sort();
        let Some(path) = random.choice(segments) else { continue };
        let mut data = fs::read(&path).expect("a segment");
        if let Some(index) = (!data.is_empty()).then(|| random.usize(..data.len())) {
            data[index] ^= 1 << random.u8(..8);
            fs::write(&path, data).expect("written");
            flipped += 1;
        }
    }
    flipped
}
