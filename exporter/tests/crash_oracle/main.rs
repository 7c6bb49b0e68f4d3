//! The crash oracle: a real process with a disk log is killed at random moments, again and again, and a
//! receiver judges what arrives.
//!
//! Each round starts this program anew as a child over the same folder. The child pushes requests that can
//! be recognised and says on its standard output which ones its log has acknowledged; the backend comes and
//! goes; SIGKILL comes when it likes. Some rounds (another folder) are followed by flipped bits. In the end a
//! child sends what is left. Then:
//! every acknowledged request has arrived at least once (but one for each flipped bit); nothing arrived
//! that no child pushed, and nothing changed; the folder never grew beyond its bound.
//!
//! `TARE_CRASH_ROUNDS` is the number of rounds, 10 by default; `TARE_CRASH_SEED` repeats a run.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test with a `main` of its own, in which clippy does not recognise a test"
)]

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

mod child;
mod receiver;
mod rounds;

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
    let mut sound = true;
    for (name, flips, rounds) in
        [("kills", false, count), ("kills and flipped bits", true, count.div_ceil(4))]
    {
        let verdict = rounds::run(rounds, seed, flips);
        println!("crash oracle, {name} (seed {seed}, {rounds} rounds): {verdict}");
        sound &= verdict.is_sound();
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
