//! The rounds: start, disturb, kill, damage; and the verdict.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use std::{env, thread};

use super::child::Task;
use super::disturb::{Crime, Disturbance};
use super::receiver::Receiver;
use super::{CAP, SLACK, size};

/// Each child has numbers of its own.
const NUMBERS: u64 = 1_000_000;

/// What the run has shown.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    acknowledged: usize,
    /// What the children's own counters say; the last acknowledgements before a kill are in neither.
    stored: u64,
    missing: Vec<u64>,
    /// The oldest of those that were acknowledged, gone for newer ones; none where the bound was never near.
    displaced: Option<usize>,
    arrived: usize,
    twice: usize,
    /// Bodies that are no body of the children's, or bear a number that no child had.
    foreign: u64,
    flips: usize,
    /// Lives in which the disk was in trouble; none where it was to work.
    troubled: Option<u64>,
    largest: u64,
    cap: u64,
    rounds: u64,
    unfinished: bool,
}

/// So many rounds pass the smallest bound several times over.
const ENOUGH: u64 = 20;

impl Verdict {
    pub(crate) fn is_sound(&self) -> bool {
        let lost = self.missing.len() > self.flips || self.unfinished;
        // A run that has seen nothing has shown nothing.
        let idle = self.troubled == Some(0) || self.displaced == Some(0) && self.rounds >= ENOUGH;
        let empty = self.acknowledged == 0 || self.arrived == 0 || idle;
        !lost && self.foreign == 0 && !self.outgrown() && !empty
    }

    const fn outgrown(&self) -> bool {
        self.largest > self.cap + SLACK
    }

    /// Whether it complains of this crime and of nothing else.
    pub(crate) fn convicts(&self, crime: Crime) -> bool {
        let charges = [!self.missing.is_empty(), self.foreign > 0, self.outgrown()];
        let expected = match crime {
            Crime::Loss => [true, false, false],
            Crime::Change | Crime::Invention => [false, true, false],
            Crime::Growth => [false, false, true],
        };
        charges == expected && !self.is_sound()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, stored, missing, arrived, twice, foreign, flips, .. } = self;
        let sound = if self.is_sound() { "sound" } else { "FAILED" };
        write!(
            f,
            "{sound}: {acknowledged} of {stored} acknowledgements of the log were heard, {} of them missing, {flips} \
             bits flipped; {arrived} arrived, {twice} more than once, {foreign} foreign; at most {} bytes on the disk",
            missing.len(),
            self.largest,
        )?;
        if let Some(troubled) = self.troubled {
            write!(f, "; the disk was in trouble in {troubled} lives")?;
        }
        if let Some(displaced) = self.displaced {
            write!(f, " of {}; the oldest {displaced} were displaced", self.cap)?;
        }
        if self.unfinished {
            write!(f, "; the last child did not finish")?;
        }
        Ok(())
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

fn start(task: &Task, disturbance: &Disturbance) -> Guard {
    let mut command = Command::new(env::current_exe().expect("this program"));
    disturbance.prepare(&mut command, Path::new(&task.folder));
    command.envs(task.environment()).stdin(Stdio::null()).stdout(Stdio::piped());
    Guard(command.spawn().expect("a child"))
}

/// All that a child said until it was killed.
#[derive(Default)]
struct Heard {
    acknowledged: Vec<u64>,
    stored: u64,
    troubled: bool,
}

/// Listens until the child's end; half a line is none.
fn listen(output: ChildStdout) -> JoinHandle<Heard> {
    thread::spawn(move || {
        let mut heard = Heard::default();
        let mut last: Option<(u64, u64)> = None;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let words: Vec<_> = line.split(' ').collect();
            let [newest, stored, trouble] = words[..] else { continue };
            heard.troubled |= trouble == "true";
            let (Ok(newest), Ok(stored)) = (newest.parse::<u64>(), stored.parse::<u64>()) else { continue };
            // Between two looks the log may have acknowledged several. They are stored in the order of their
            // numbers: as many as there are numbers since the last look are all of them.
            let first = last
                .filter(|last| newest.checked_sub(last.0) == stored.checked_sub(last.1))
                .map_or(newest, |last| last.0 + 1);
            heard.acknowledged.extend(first..=newest);
            heard.stored = stored;
            last = Some((newest, stored));
        }
        heard
    })
}

/// `folder` is where the log is; nothing else is in it.
pub(crate) fn run(
    rounds: u64,
    seed: u64,
    folder: &Path,
    disturbance: &Disturbance,
    crime: Option<Crime>,
) -> Verdict {
    let mut random = fastrand::Rng::with_seed(seed);
    let receiver = Receiver::start();
    let cap = disturbance.cap();
    let url = format!("http://{}/v1/metrics", receiver.address);
    let task = |round: u64, last: bool| {
        let folder = folder.to_str().expect("a plain path").to_owned();
        Task { folder, cap, url: url.clone(), first: round * NUMBERS, last }
    };
    // A log leaves a disk alone for a second after an error: lives must be longer than that to see it again. And
    // a log that is to be in trouble, or robbed, must have something to write.
    let narrow = matches!(disturbance, Disturbance::Narrow);
    let slow = if disturbance.is_felt() || narrow { 5 } else { 1 };
    let never_there = narrow || crime.is_some();
    let at_first_away = disturbance.is_felt() || never_there;
    let troubled = disturbance.is_felt().then_some(0);
    let mut verdict = Verdict { troubled, cap, rounds, ..Verdict::default() };
    let mut acknowledged = BTreeSet::new();
    for round in 0..rounds {
        // A log that reaches its bound drops its oldest, as it should: not what is judged here.
        let away = narrow || size(folder) < cap / 4;
        receiver.away.store(away && (at_first_away || random.u8(..4) > 0), Ordering::Relaxed);
        let mut child = start(&task(round, false), disturbance);
        let listener = listen(child.0.stdout.take().expect("a pipe"));
        for turn in 0..random.u8(1..5) {
            thread::sleep(Duration::from_millis(slow * random.u64(5..120)));
            disturbance.during(&mut random);
            let away = away && (never_there || turn == 0 && at_first_away || random.u8(..3) > 0);
            receiver.away.store(away, Ordering::Relaxed);
            verdict.largest = verdict.largest.max(size(folder));
        }
        if at_first_away {
            // However slow the machine is: without a first record there would be nothing to see.
            await_record(folder);
        }
        drop(child);
        verdict.largest = verdict.largest.max(size(folder));
        let heard = listener.join().expect("it listens");
        acknowledged.extend(heard.acknowledged.into_iter().filter(|number| number / NUMBERS == round));
        verdict.stored += heard.stored;
        verdict.troubled = verdict.troubled.map(|lives| lives + u64::from(heard.troubled));
        verdict.flips += disturbance.between(folder, &mut random);
    }
    disturbance.end();
    receiver.away.store(false, Ordering::Relaxed);
    if let Some(crime) = crime {
        crime.commit(folder, receiver.address, rounds * NUMBERS + 1);
        verdict.largest = verdict.largest.max(size(folder));
    }
    verdict.unfinished = !finishes(start(&task(rounds, true), &Disturbance::None));
    judge(&mut verdict, &acknowledged, &receiver, rounds);
    verdict
}

/// Compares what was acknowledged with what arrived.
fn judge(verdict: &mut Verdict, acknowledged: &BTreeSet<u64>, receiver: &Receiver, rounds: u64) {
    let seen = receiver.seen.lock().expect("sound");
    verdict.missing =
        acknowledged.iter().filter(|number| !seen.arrived.contains_key(number)).copied().collect();
    if verdict.cap < CAP {
        // Only what is older than everything that arrived can have been displaced.
        let kept = acknowledged.iter().find(|number| seen.arrived.contains_key(number));
        let before = verdict.missing.len();
        verdict.missing.retain(|number| kept.is_some_and(|kept| number > kept));
        verdict.displaced = Some(before - verdict.missing.len());
    }
    verdict.acknowledged = acknowledged.len();
    verdict.arrived = seen.arrived.len();
    verdict.twice = seen.arrived.values().filter(|times| **times > 1).count();
    let invented = seen.arrived.keys().filter(|number| **number / NUMBERS >= rounds).count();
    verdict.foreign = seen.foreign + invented as u64;
}

/// Waits, a minute at most, until there is anything in the folder.
fn await_record(folder: &Path) {
    for _ in 0..6_000 {
        if size(folder) > 0 {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
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
