//! What happens to the folder besides the kills, and what a sound log could never do.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{CAP, SLACK, body};

/// What the disk does to the log.
#[derive(Debug, Clone)]
pub(crate) enum Disturbance {
    /// It works.
    None,
    /// Between two lives up to three bits of the segments change.
    Flips,
    /// Calls fail with EIO now and then: the library that is preloaded.
    Errors(PathBuf),
    /// The file system, this folder, is full now and then.
    Full(PathBuf),
    /// The log has the smallest bound there is and a backend that never comes: it must displace its oldest.
    Narrow,
}

impl Disturbance {
    /// Whether the log is to notice while it works.
    pub(crate) const fn is_felt(&self) -> bool {
        matches!(self, Self::Errors(_) | Self::Full(_))
    }

    /// Bytes that the log may use.
    pub(crate) const fn cap(&self) -> u64 {
        if matches!(self, Self::Narrow) { exporter::disk::MIN_BYTES } else { CAP }
    }

    /// Prepares a child over `folder`.
    pub(crate) fn prepare(&self, command: &mut Command, folder: &Path) {
        if let Self::Errors(library) = self {
            command.env("LD_PRELOAD", library).env("TARE_CRASH_EIO", folder);
        }
    }

    /// Called again and again while a child lives.
    pub(crate) fn during(&self, random: &mut fastrand::Rng) {
        let Self::Full(root) = self else { return };
        if random.bool() {
            fill(root);
        } else {
            free(root);
        }
    }

    /// Called when nobody uses the folder; how many bits it changed.
    pub(crate) fn between(&self, folder: &Path, random: &mut fastrand::Rng) -> usize {
        if matches!(self, Self::Flips) { flip_bits(folder, random) } else { 0 }
    }

    /// The disk works from now on.
    pub(crate) fn end(&self) {
        if let Self::Full(root) = self {
            free(root);
        }
    }
}

/// Builds the library of [`Disturbance::Errors`] into `folder`; needs the C compiler that links Rust programs.
pub(crate) fn failing_disk(folder: &Path) -> PathBuf {
    let library = folder.join("libeio.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crash_oracle/eio.c");
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).args([source, "-ldl"]);
    assert!(compile.status().expect("cc is needed").success(), "{source} does not compile");
    library
}

const BALLAST: &str = "ballast";

/// Takes every byte that is left.
fn fill(root: &Path) {
    let Ok(mut file) = fs::File::options().create(true).append(true).open(root.join(BALLAST)) else { return };
    for size in [64 << 10, 4 << 10, 1] {
        while file.write_all(&vec![0x5a; size]).is_ok() {}
    }
}

fn free(root: &Path) {
    // There may be none.
    let _ = fs::remove_file(root.join(BALLAST));
}

/// The segments of a folder, oldest first.
fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut segments: Vec<_> = fs::read_dir(folder)
        .expect("the folder")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    segments.sort();
    segments
}

/// Flips up to three bits in the segments of a folder that nobody uses; how many.
fn flip_bits(folder: &Path, random: &mut fastrand::Rng) -> usize {
    let mut flipped = 0;
    for _ in 0..random.u8(..4) {
        let Some(path) = random.choice(segments(folder)) else { continue };
        let mut data = fs::read(&path).expect("a segment");
        if let Some(index) = (!data.is_empty()).then(|| random.usize(..data.len())) {
            data[index] ^= 1 << random.u8(..8);
            fs::write(&path, data).expect("written");
            flipped += 1;
        }
    }
    flipped
}

/// A crime that the judge has to see, committed after the last round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crime {
    /// A segment with acknowledged requests vanishes.
    Loss,
    /// A request arrives with one bit changed.
    Change,
    /// A request arrives that no child pushed.
    Invention,
    /// The folder outgrows its bound.
    Growth,
}

impl Crime {
    pub(crate) const ALL: [Self; 4] = [Self::Loss, Self::Change, Self::Invention, Self::Growth];

    /// Commits it over a folder that nobody uses. `unused` is a number that no child had.
    pub(crate) fn commit(self, folder: &Path, receiver: SocketAddr, unused: u64) {
        match self {
            Self::Loss => {
                let segment =
                    segments(folder).into_iter().find(|path| path.metadata().expect("a segment").len() > 0);
                fs::remove_file(segment.expect("a segment with requests")).expect("removed");
            }
            Self::Change => {
                let mut body = body(1);
                body[8] ^= 1;
                post(receiver, &body);
            }
            Self::Invention => post(receiver, &body(unused)),
            Self::Growth => {
                let file = fs::File::create(folder.join("growth.tmp")).expect("a file");
                file.set_len(CAP + SLACK + 1).expect("a length");
            }
        }
    }
}

fn post(receiver: SocketAddr, body: &[u8]) {
    let mut stream = TcpStream::connect(receiver).expect("the receiver listens");
    write!(stream, "POST /v1/metrics HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len()).expect("sent");
    stream.write_all(body).expect("sent");
    assert!(stream.read(&mut [0; 512]).expect("an answer") > 0, "the receiver answers");
}
