//! One file of a host replaced by the fuzzer's bytes, read by the collector that it belongs to.
//!
//! Each case has a fixture tree of its own below the directory for temporary files, made once per process, so
//! that nothing has to be put back after an input. An input is a letter that selects the case, and the file's
//! content; where the content has a line [`SEPARATOR`], the file changes to what follows it between two scrapes.

use std::fs;
use std::path::{Path, PathBuf};

use exporter::model::Timestamp;
use tare::catalog::{self, Enabled};
use tare::collectors::{Collector, Failures, Scrape, Setup};
use tare::paths::HostPaths;

use crate::check::Samples;

/// Between the content at the first scrape and the content at the second.
pub const SEPARATOR: &[u8] = b"\n%%\n";
/// The first scrape's time: a thousand seconds after the fixtures' boot time.
const FIRST: Timestamp = Timestamp((BOOT_S + 1000) * 1_000_000_000);
const BOOT_S: u64 = 1_700_000_000;
const INTERVAL_NS: u64 = 10_000_000_000;

/// A file and the collector that reads it.
pub struct Case {
    /// The file below the host's root.
    pub file: &'static str,
    /// The collector of every row that the file serves.
    pub collector: fn(&Setup) -> Box<dyn Collector>,
}

/// The trees of a target.
pub struct Host(Vec<Prepared>);

struct Prepared {
    file: PathBuf,
    setup: Setup,
    collector: fn(&Setup) -> Box<dyn Collector>,
}

impl Host {
    /// Copies the fixture `fixture` of `agent/tests/fixtures` once per case. Where two targets have a case in
    /// common they do not share its tree. `without` are directories that are left out.
    pub fn new(target: &str, fixture: &str, without: &[&str], cases: &[Case]) -> Self {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/tests/fixtures").join(fixture);
        let trees = std::env::temp_dir().join(format!("tare-fuzz-{target}-{}", std::process::id()));
        let enabled = Enabled::new(catalog::metrics().map(|metric| (metric.name, true)));
        let prepare = |(number, case): (usize, &Case)| {
            let root = trees.join(number.to_string());
            copy(&fixture, &root);
            for directory in without {
                fs::remove_dir_all(root.join(directory)).expect("a directory of the fixture");
            }
            let file = root.join(case.file);
            fs::create_dir_all(file.parent().expect("a file is in a directory")).expect("a directory");
            let setup = Setup {
                paths: HostPaths::new(root, None, None),
                enabled: enabled.clone(),
                resource: vec![("host.name".to_owned(), "fuzzed".to_owned())],
                boot_time: Timestamp(BOOT_S * 1_000_000_000),
            };
            Prepared { file, setup, collector: case.collector }
        };
        Self(cases.iter().enumerate().map(prepare).collect())
    }

    /// Runs one input: two scrapes of one collector, each judged.
    pub fn run(&self, input: &[u8]) {
        let Some((letter, content)) = input.split_first() else { return };
        let case = &self.0[usize::from(letter.wrapping_sub(b'a')) % self.0.len()];
        let separator = content.windows(SEPARATOR.len()).position(|part| part == SEPARATOR);
        let (before, after) = match separator {
            // The newline ends the first content's last line.
            Some(at) => (&content[..=at], &content[at + SEPARATOR.len()..]),
            None => (content, content),
        };
        fs::write(&case.file, before).expect("a place for the fuzzer's bytes");
        let mut collector = (case.collector)(&case.setup);
        let mut samples = Samples::default();
        scrape(&mut *collector, FIRST, &mut samples);
        if after != before {
            fs::write(&case.file, after).expect("a place for the fuzzer's bytes");
        }
        scrape(&mut *collector, Timestamp(FIRST.0 + INTERVAL_NS), &mut samples);
    }
}

fn scrape(collector: &mut dyn Collector, time: Timestamp, samples: &mut Samples) {
    let (mut buffer, mut failures) = (Vec::new(), Failures::default());
    collector.collect(&mut Scrape::new(time, time.0, &mut buffer, &mut failures));
    assert_eq!(failures.total() > 0, failures.first().is_some(), "what is counted is said");
    samples.begin(time);
    collector.segments(&mut |segment| samples.add(segment));
}

/// Copies files and directories; links lead out of the tree and are left out.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("the fixtures of the agent") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("its type");
        let to = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &to);
        } else if kind.is_file() {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}
