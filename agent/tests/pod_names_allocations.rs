//! The gate of the names and networks of pods: where nothing changes, neither a refresh nor a reading allocates.
//!
//! dhat is the allocator of this test binary and counts every block. It has no test harness: the harness has threads of
//! its own, and a block of theirs would be counted as ours.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use dhat::{HeapStats, Profiler};
use tare::log_names::LogNames;
use tare::paths::HostPaths;
use tare::pod_network::PodNetworks;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const PODS: usize = 20;
const SCRAPES: usize = 10;

fn uid(pod: usize) -> String {
    format!("3576bd40-94bf-4579-bc66-{pod:012}")
}

/// A host of [`PODS`] pods with a container each, and a process in each that has a network of its own.
fn make(root: &Path) -> io::Result<()> {
    let links = root.join("var/log/containers");
    fs::create_dir_all(&links)?;
    let row = |name: &str| format!("{name}: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    for pid in 1..=PODS + 1 {
        let process = root.join("proc").join(pid.to_string());
        let pod = uid(pid);
        fs::create_dir_all(process.join("net"))?;
        fs::write(process.join("net/dev"), format!("Inter-| |\n face | |\n{}{}", row("lo"), row("eth0")))?;
        fs::write(process.join("stat"), "7 (a) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0\n")?;
        fs::write(process.join("cgroup"), format!("0::/kubepods/pod{pod}/{pid:064}\n"))?;
        let target = format!("/var/log/pods/n_p{pid}_{pod}/c/0.log");
        symlink(target, links.join(format!("p{pid}_n_c-{pid:064}.log")))?;
    }
    fs::File::open(links)?.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000))
}

/// A scrape of every pod; answers how many names and interfaces it found, and how many errors it was told of.
fn scrape(
    (names, networks): &mut (LogNames, PodNetworks),
    pods: &[(&str, &str)],
    uids: &[&str],
    buffer: &mut Vec<u8>,
) -> (usize, usize) {
    let (mut found, mut failed) = (0, 0);
    failed += usize::from(names.refresh().is_err());
    networks.refresh(uids, false, buffer, &mut |_| failed += 1);
    for (uid, id) in pods {
        found += usize::from(names.container(uid, id).is_some() && names.pod(uid).is_some());
        networks.read(uid, buffer, &mut |_| failed += 1, &mut |_| found += 1);
    }
    networks.read_node(buffer, &mut |_| failed += 1, &mut |_| found += 1);
    (found, failed)
}

fn main() -> io::Result<()> {
    let _profiler = Profiler::builder().testing().build();
    let root = tempfile::tempdir()?;
    make(root.path())?;
    let paths = HostPaths::new(root.path(), None, None);
    let mut sources = (LogNames::new(&paths), PodNetworks::new(&paths));
    let mut buffer = Vec::new();
    let pods: Vec<_> = (2..=PODS + 1).map(|pod| (uid(pod), format!("{pod:064}"))).collect();
    let pods: Vec<_> = pods.iter().map(|(uid, id)| (uid.as_str(), id.as_str())).collect();
    let uids: Vec<_> = pods.iter().map(|(uid, _)| *uid).collect();
    let all = (2 * PODS + 1, 0);
    let before = HeapStats::get().total_blocks;
    assert_eq!(scrape(&mut sources, &pods, &uids, &mut buffer), all);
    assert!(HeapStats::get().total_blocks > before, "the gate counts nothing");
    let before = HeapStats::get().total_blocks;
    for _ in 0..SCRAPES {
        assert_eq!(scrape(&mut sources, &pods, &uids, &mut buffer), all);
    }
    assert_eq!(HeapStats::get().total_blocks - before, 0, "blocks in {SCRAPES} scrapes");
    Ok(())
}
