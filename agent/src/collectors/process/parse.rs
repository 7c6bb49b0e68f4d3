//! Parsers of `/proc/<pid>/{stat,statm,io,status,cmdline}` and `/etc/passwd`: pure functions over bytes.
//!
//! A parser answers `None` where the text does not have the file's format; it never panics and never guesses a
//! number. Field numbers are those of proc(5).

use std::borrow::Cow;

use crate::scan::{Words, decimal, lines};

#[cfg(test)]
mod tests;

/// `PF_KTHREAD` of the kernel's `task_struct.flags`.
const KERNEL_THREAD: u64 = 0x0020_0000;
/// From this length on the kernel may have cut the name; the command line may know the rest.
const CUT_NAME: usize = 15;

/// What `/proc/<pid>/stat` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat<'a> {
    /// The name (field 2), without its parentheses; any bytes.
    pub comm: &'a [u8],
    /// The state's letter (field 3).
    pub state: u8,
    /// The parent's process id (field 4).
    pub parent: u64,
    /// The kernel's task flags (field 9).
    pub flags: u64,
    /// Minor page faults of the process itself (field 10).
    pub minor_faults: u64,
    /// Major page faults of the process itself (field 12).
    pub major_faults: u64,
    /// Time in user mode, in clock ticks (field 14).
    pub user: u64,
    /// Time in kernel mode, in clock ticks (field 15).
    pub system: u64,
    /// Threads (field 20).
    pub threads: u64,
    /// When the process started, in clock ticks since boot (field 22).
    pub start: u64,
    /// Where the program's code and stack begin (fields 26 and 28): anew at each `execve`; zero or one where the
    /// reader lacks the permission.
    pub image: [u64; 2],
    /// Time waiting for block I/O, in clock ticks (field 42); zero on kernels that do not account for it.
    pub block_io: u64,
}

impl Stat<'_> {
    /// Whether this is a thread of the kernel: it has no executable and no command line.
    pub(in crate::collectors) const fn is_kernel_thread(&self) -> bool {
        self.flags & KERNEL_THREAD != 0
    }
}

/// The name and the state of `/proc/<pid>/stat` and what follows them. The name may hold any byte but NUL,
/// parentheses and blanks included; it ends at the last closing parenthesis.
fn after_comm(text: &[u8]) -> Option<(&[u8], u8, Words<'_>)> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')').filter(|close| *close > open)?;
    let mut words = Words::new(text.get(close + 1..)?);
    let state = *words.next()?.first()?;
    Some((&text[open + 1..close], state, words))
}

/// The state's letter of `/proc/<pid>/stat`, for which the first 128 bytes are enough.
pub(in crate::collectors) fn state(text: &[u8]) -> Option<u8> {
    after_comm(text).map(|(_, state, _)| state)
}

/// Parses `/proc/<pid>/stat`; a text without its newline was cut off.
pub(crate) fn stat(text: &[u8]) -> Option<Stat<'_>> {
    let (comm, state, mut words) = after_comm(text.strip_suffix(b"\n")?)?;
    let parent = words.u64()?;
    let flags = words.nth(4).and_then(decimal)?;
    let minor_faults = words.u64()?;
    let major_faults = words.nth(1).and_then(decimal)?;
    let user = words.nth(1).and_then(decimal)?;
    let system = words.u64()?;
    let threads = words.nth(4).and_then(decimal)?;
    let start = words.nth(1).and_then(decimal)?;
    let code = words.nth(3).and_then(decimal).unwrap_or(0);
    let stack = words.nth(1).and_then(decimal).unwrap_or(0);
    let block_io = words.nth(13).and_then(decimal).unwrap_or(0);
    let image = [code, stack];
    Some(Stat {
        comm,
        state,
        parent,
        flags,
        minor_faults,
        major_faults,
        user,
        system,
        threads,
        start,
        image,
        block_io,
    })
}

/// The text up to its last newline: a line that was cut off may end within a number.
fn whole(text: &[u8]) -> &[u8] {
    &text[..text.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)]
}

/// Parses `/proc/<pid>/statm`: virtual and resident size in pages.
pub(crate) fn statm(text: &[u8]) -> Option<(u64, u64)> {
    let mut words = Words::new(lines(whole(text)).next()?);
    Some((words.u64()?, words.u64()?))
}

/// What `/proc/<pid>/io` tells of reads and writes through system calls, from files, pipes and sockets alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::collectors) struct Io {
    /// Bytes read and written (`rchar`, `wchar`).
    pub bytes: [u64; 2],
    /// Calls that read and wrote (`syscr`, `syscw`).
    pub calls: [u64; 2],
}

/// Parses `/proc/<pid>/io`; all four figures must be there.
pub(in crate::collectors) fn io(text: &[u8]) -> Option<Io> {
    let mut found = [None; 4];
    for line in lines(whole(text)) {
        let mut words = Words::new(line);
        let slot = match words.next() {
            Some(b"rchar:") => 0,
            Some(b"wchar:") => 1,
            Some(b"syscr:") => 2,
            Some(b"syscw:") => 3,
            _ => continue,
        };
        found[slot] = Some(words.u64()?);
    }
    let [Some(read), Some(written), Some(reads), Some(writes)] = found else { return None };
    Some(Io { bytes: [read, written], calls: [reads, writes] })
}

/// What `/proc/<pid>/status` tells beyond `stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Status {
    /// The real user id.
    pub uid: Option<u32>,
    /// The mask of signals pending for the whole process (`ShdPnd`).
    pub pending: Option<u64>,
    /// Context switches of this thread that it asked for.
    pub voluntary: Option<u64>,
    /// Context switches of this thread that were forced on it.
    pub involuntary: Option<u64>,
}

/// Parses `/proc/<pid>/status`; lines that are absent or malformed leave their figure out.
pub(in crate::collectors) fn status(text: &[u8]) -> Status {
    let mut found = Status::default();
    for line in lines(whole(text)) {
        let mut words = Words::new(line);
        match words.next() {
            Some(b"Uid:") => found.uid = words.u64().and_then(|uid| u32::try_from(uid).ok()),
            Some(b"ShdPnd:") => found.pending = words.next().and_then(hexadecimal),
            Some(b"voluntary_ctxt_switches:") => found.voluntary = words.u64(),
            Some(b"nonvoluntary_ctxt_switches:") => found.involuntary = words.u64(),
            _ => {}
        }
    }
    found
}

/// The last 16 digits of a hexadecimal mask.
fn hexadecimal(word: &[u8]) -> Option<u64> {
    let word = &word[word.len().saturating_sub(16)..];
    u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
}

/// The arguments of `/proc/<pid>/cmdline`: the first one, and all joined by blanks. Both empty for an empty file.
pub(in crate::collectors) fn cmdline(text: &[u8]) -> (Cow<'_, str>, String) {
    let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let text = &text[..end];
    let first = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let line: Vec<u8> = text.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
    (String::from_utf8_lossy(first), String::from_utf8_lossy(&line).into_owned())
}

/// The process's name as `ps` shows it: the kernel's, or where that may be cut the program's own.
///
/// A name of 15 bytes and more is taken from the base name of the first argument if it begins like it. Of such a
/// name, a newline and a backslash are written as two characters, as `/proc/<pid>/status` does.
pub(in crate::collectors) fn full_name(comm: &[u8], first_argument: &str) -> String {
    let name = String::from_utf8_lossy(comm);
    if !name.is_empty() && comm.len() < CUT_NAME {
        return name.into_owned();
    }
    let name = name.replace('\\', "\\\\").replace('\n', "\\n");
    let name = name.trim_matches([' ', '\t']);
    let base = first_argument.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if name.len() >= CUT_NAME && base.starts_with(name) { base.to_owned() } else { name.to_owned() }
}

/// The name and the id of a user in a line of `/etc/passwd`; `None` for a line that names none.
pub(in crate::collectors) fn passwd_line(line: &[u8]) -> Option<(u32, &str)> {
    let mut fields = line.split(|byte| *byte == b':');
    let name = fields.next().filter(|name| !matches!(name.first(), None | Some(b'+' | b'-' | b'#')))?;
    let uid = fields.nth(1).and_then(decimal)?;
    let _group = fields.next().and_then(decimal)?;
    // Full name, home and shell must be there, even if empty.
    fields.nth(2)?;
    Some((u32::try_from(uid).ok()?, std::str::from_utf8(name).ok()?))
}
