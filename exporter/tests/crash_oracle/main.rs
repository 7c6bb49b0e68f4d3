//! The crash oracle: a real process with a disk log is killed at random moments, again and again, and a
//! receiver judges what arrives.
//!
//! Each round starts this program anew as a child over the same folder. The child pushes requests that can
//! be recognised and says on its standard output which ones its log has acknowledged; the backend comes and
//! goes; SIGKILL comes when it likes. Further scenarios, each with a folder of its own: bits flip between two
//! lives; the bound is so narrow that the oldest must go; calls fail with EIO (`eio.c`); the file system is full now and then. In the end a child sends what
//! is left. Then:
//! every acknowledged request has arrived at least once (but one for each flipped bit); nothing arrived
//! that no child pushed, and nothing changed; the folder never grew beyond its bound. Last the judge is judged:
//! it must complain of each crime that is committed before its eyes, and of nothing else.
//!
//! `TARE_CRASH_ROUNDS` is the number of rounds, 10 by default, a quarter of it for each further scenario;
//! `TARE_CRASH_SEED` repeats a run; `TARE_CRASH_SMALL` is the folder of a small file system of its own that may be
//! filled, without which that scenario is left out.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test with a `main` of its own, in which clippy does not recognise a test"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

mod child;
mod disturb;
mod receiver;
mod rounds;

use disturb::{Crime, Disturbance};

/// Bytes that the log may use; the cursor, its successor and the lock are smaller than the slack.
const CAP: u64 = 32 << 20;
const SLACK: u64 = 4 << 10;

/// The body of a request: its number, its length and bytes that follow from both.
fn body(number: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(number);
    let length = random.usize(0..6_000);
    let mut body = number.to_le_bytes().to_vec();
    body.extend(std::iter::repeat_with(|| random.u8(..)).take(length));
    body
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

fn main() -> ExitCode {
    if let Some(task) = child::Task::from_environment() {
        task.run();
        return ExitCode::SUCCESS;
    }
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let count = number("TARE_CRASH_ROUNDS").unwrap_or(10);
    let seed = number("TARE_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    let small = env::var_os("TARE_CRASH_SMALL").map(PathBuf::from);
    let tools = tempfile::tempdir().expect("a folder");
    let some = count.div_ceil(4);
    let mut scenarios = vec![
        ("kills", Disturbance::None, count),
        ("kills and flipped bits", Disturbance::Flips, some),
        ("kills and a narrow bound", Disturbance::Narrow, some),
        ("kills and EIO", Disturbance::Errors(disturb::failing_disk(tools.path())), some),
    ];
    scenarios.extend(small.clone().map(|root| ("kills and a full disk", Disturbance::Full(root), some)));
    let mut sound = true;
    for (name, disturbance, rounds) in scenarios {
        let folder = folder(small.as_deref().filter(|_| matches!(disturbance, Disturbance::Full(_))));
        let verdict = rounds::run(rounds, seed, folder.path(), &disturbance, None);
        println!("crash oracle, {name} (seed {seed}, {rounds} rounds): {verdict}");
        sound &= verdict.is_sound();
    }
    for crime in Crime::ALL {
        let folder = folder(None);
        let verdict = rounds::run(2, seed, folder.path(), &Disturbance::None, Some(crime));
        let convicts = verdict.convicts(crime);
        let says = if convicts { "seen, as it must be" } else { "NOT SEEN for what it is" };
        println!("crash oracle, the judge before a crime of {crime:?}: {says}: {verdict}");
        sound &= convicts;
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A folder for a log, removed in the end.
fn folder(root: Option<&Path>) -> tempfile::TempDir {
    root.map_or_else(tempfile::tempdir, tempfile::tempdir_in).expect("a folder")
}
