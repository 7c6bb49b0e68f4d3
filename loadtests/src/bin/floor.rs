//! The least that a host agent can do: read the files of the host scrapers, and nothing else.
//!
//! `floor INTERVAL_MS NAME... [--pods CGROUP]` opens the hot files once and reads them with `pread` at each tick into one
//! buffer; opens, reads and closes `/proc/<pid>/stat` of every process; asks each mounted filesystem of a
//! disk for its size; and for the processes with one of the names reads what the process scraper needs. It
//! parses only what it has to in order to know what to read. TCP sockets are asked for over netlink: on a
//! machine with a large table of connections each of `/proc/net/tcp` and `tcp6` costs milliseconds, whatever
//! they hold. With `--pods` it also keeps open, and reads at each tick, the files of CPU time and memory, limits included, of every
//! pod and container below that cgroup, and `net/dev` of one process of each pod; and it asks whether the links to logs have
//! changed. Like tare it leaves out the pods' sandboxes, which no log belongs to. What tare costs is measured against this.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::net::netlink::SOCK_DIAG;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// Files that are there on every machine and are read at each tick.
const HOT: [&str; 9] = [
    "/proc/stat",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/vmstat",
    "/proc/net/dev",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/self/mountinfo",
];

/// Where every container of a pod has a link to its log.
const LOGS: &str = "/var/log/containers";

/// What the process scraper reads of each process that it reports, besides `stat`.
const OF_A_NAMED: [&str; 2] = ["status", "io"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((interval, names)) = arguments.split_first() else { return ExitCode::from(64) };
    let Ok(interval) = interval.parse().map(Duration::from_millis) else { return ExitCode::from(64) };
    let (names, pods) = match names.iter().position(|name| name == "--pods") {
        Some(at) => (names.get(..at).unwrap_or_default(), names.get(at + 1).map(String::as_str)),
        None => (names, None),
    };
    let mut hot: Vec<_> = HOT.iter().filter_map(|path| File::open(path).ok()).collect();
    hot.extend(pods.into_iter().flat_map(of_pods));
    let mut floor = Floor {
        pods: pods.is_some(),
        hot,
        mounts: mounts(),
        sockets: socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(SOCK_DIAG))
            .ok(),
        names: names.iter().map(|name| format!("({name})")).collect(),
        buffer: vec![0; 64 << 10],
    };
    let mut next = Instant::now();
    loop {
        floor.tick();
        next += interval;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

struct Floor {
    hot: Vec<File>,
    /// Whether there are pods to read.
    pods: bool,
    mounts: Vec<String>,
    sockets: Option<OwnedFd>,
    names: Vec<String>,
    buffer: Vec<u8>,
}

impl Floor {
    fn tick(&mut self) {
        for file in &self.hot {
            let mut offset = 0;
            // To the end, as a reader has to: procfs gives a long file in several pieces.
            while let Ok(read @ 1..) = file.read_at(&mut self.buffer, offset) {
                offset += read as u64;
            }
        }
        for family in [AddressFamily::INET, AddressFamily::INET6] {
            self.connections(family);
        }
        if self.pods {
            std::hint::black_box(fs::metadata(LOGS).is_ok());
        }
        for mount in &self.mounts {
            std::hint::black_box(rustix::fs::statvfs(mount.as_str()).is_ok());
        }
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
                self.process(&entry.path());
            }
        }
    }

    /// Every TCP socket of one family in this network namespace (sock_diag(7)).
    fn connections(&mut self, family: AddressFamily) -> Option<()> {
        let socket = self.sockets.as_ref()?;
        let mut request = [0_u8; 72];
        // nlmsghdr: length, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP.
        request[..8].copy_from_slice(&[72, 0, 0, 0, 20, 0, 1, 3]);
        // inet_diag_req_v2: family, IPPROTO_TCP, no extensions, every state.
        request[16] = u8::try_from(family.as_raw()).ok()?;
        request[17] = 6;
        request[20..24].fill(0xff);
        send(socket, &request, SendFlags::empty()).ok()?;
        loop {
            let (length, _) = recv(socket, &mut self.buffer[..], RecvFlags::empty()).ok()?;
            let mut messages = self.buffer.get(..length)?;
            while let Some((size, kind)) = header(messages) {
                // NLMSG_ERROR and NLMSG_DONE end the answer.
                if matches!(kind, 2 | 3) {
                    return Some(());
                }
                messages = messages.get(size.next_multiple_of(4)..).unwrap_or_default();
            }
        }
    }

    fn process(&mut self, folder: &Path) {
        let Some(length) = self.read(&folder.join("stat")) else { return };
        let stat = &self.buffer[..length];
        let named =
            self.names.iter().any(|name| stat.windows(name.len()).any(|part| part == name.as_bytes()));
        if named {
            for file in OF_A_NAMED {
                self.read(&folder.join(file));
            }
        }
    }

    fn read(&mut self, path: &Path) -> Option<usize> {
        File::open(path).ok()?.read(&mut self.buffer).ok()
    }
}

/// The files of every pod and container, of both cgroup versions: those that are there.
fn of_pods(cgroup: &str) -> Vec<File> {
    const HIERARCHIES: [(&str, &[&str]); 4] = [
        ("", &["cpu.stat", "memory.current", "memory.max", "memory.stat"]),
        ("cpuacct", &["cpuacct.usage"]),
        ("cpu,cpuacct", &["cpuacct.usage"]),
        ("memory", &["memory.usage_in_bytes", "memory.limit_in_bytes", "memory.stat"]),
    ];
    let logs: Vec<_> =
        fs::read_dir(LOGS).into_iter().flatten().flatten().map(|link| link.file_name()).collect();
    let mut files = Vec::new();
    for (hierarchy, names) in HIERARCHIES {
        let root = Path::new("/sys/fs/cgroup").join(hierarchy).join(cgroup.trim_start_matches('/'));
        let classes = folders(&root).chain([root.clone()]);
        for pod in classes.flat_map(|class| folders(&class).collect::<Vec<_>>()) {
            if !pod.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"pod")) {
                continue;
            }
            let containers: Vec<_> = folders(&pod).filter(|group| has_log(&logs, group)).collect();
            for group in containers.iter().chain([&pod]) {
                files.extend(names.iter().filter_map(|file| File::open(group.join(file)).ok()));
            }
            let processes = |group: &std::path::PathBuf| fs::read_to_string(group.join("cgroup.procs")).ok();
            let first = containers.iter().filter_map(processes).find(|text| !text.is_empty());
            let first = first.as_deref().and_then(|text| text.lines().next());
            // Once for each pod, not in each hierarchy.
            if hierarchy.is_empty() || hierarchy == "memory" {
                files.extend(first.and_then(|pid| File::open(format!("/proc/{pid}/net/dev")).ok()));
            }
        }
    }
    files
}

/// Whether a link among the logs ends with the ID that is in the name of this cgroup.
fn has_log(logs: &[OsString], group: &Path) -> bool {
    let name = group.file_name().unwrap_or_default().to_string_lossy();
    let id = name.trim_end_matches(".scope").rsplit('-').next().unwrap_or_default();
    logs.iter().any(|link| link.to_string_lossy().trim_end_matches(".log").ends_with(id))
}

fn folders(path: &Path) -> impl Iterator<Item = std::path::PathBuf> + use<> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

/// Length and type of the first netlink message.
fn header(messages: &[u8]) -> Option<(usize, u16)> {
    let length = u32::from_ne_bytes(messages.get(..4)?.try_into().ok()?);
    let kind = u16::from_ne_bytes(messages.get(4..6)?.try_into().ok()?);
    Some((usize::try_from(length).ok()?.max(16), kind))
}

/// The mount points of filesystems on devices.
fn mounts() -> Vec<String> {
    let text = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounts =
        text.lines().filter_map(|line| line.split_once(' ').filter(|(device, _)| device.starts_with('/')));
    mounts.filter_map(|(_, rest)| Some(rest.split_once(' ')?.0.to_owned())).collect()
}
