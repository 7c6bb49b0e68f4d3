//! The content of cgroup files: pure, without allocation, and never a panic whatever the bytes are.
//!
//! Each function takes a whole file. A key that every kernel has and that is not there, a word that is no number
//! and a number beyond 64 bits are [`Bad`], with the offset of the line; keys that are not asked for are passed over.

use super::figures::{Io, Stall, Throttling};
use crate::scan::{Words, decimal, lines, offset};

#[cfg(test)]
mod tests;

/// Above this a v1 limit is none: the kernel rounds its largest number down to a page. As the kubelet has it.
const UNLIMITED_ABOVE: u64 = 1 << 62;

/// What is wrong with a file, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) what: &'static str,
    pub(super) at: usize,
}

/// What a file says.
pub(super) type Parsed<T> = Result<T, Bad>;

const fn missing(what: &'static str) -> Bad {
    Bad { what, at: 0 }
}

const NO_NUMBER: &str = "no number";
const TOO_LARGE: &str = "a number beyond 64 bits";

/// A file of one number, as `memory.current` is.
pub(super) fn number(text: &[u8]) -> Parsed<u64> {
    Words::new(text.trim_ascii_end()).u64().ok_or(missing(NO_NUMBER))
}

/// A file of one limit; none for `max`, and for what v1 shows where there is none.
pub(super) fn limit(text: &[u8]) -> Parsed<Option<u64>> {
    if text.trim_ascii_end() == b"max" {
        return Ok(None);
    }
    Ok(Some(number(text)?).filter(|limit| *limit <= UNLIMITED_ABOVE))
}

/// The values of `keys` in a file of lines `key value`.
fn values<const N: usize>(text: &[u8], keys: [&str; N]) -> Parsed<[Option<u64>; N]> {
    let mut values = [None; N];
    for line in lines(text) {
        let mut words = Words::new(line);
        let Some(key) = words.next() else { continue };
        if let Some(place) = keys.iter().position(|wanted| wanted.as_bytes() == key) {
            let value = words.u64().ok_or(Bad { what: NO_NUMBER, at: offset(text, line) })?;
            values[place] = Some(value);
        }
    }
    Ok(values)
}

/// CPU time in nanoseconds and what a quota did, of v2's `cpu.stat`.
pub(super) fn cpu_stat(text: &[u8]) -> Parsed<(u64, Option<Throttling>)> {
    let keys = ["usage_usec", "nr_periods", "nr_throttled", "throttled_usec"];
    let [usage, periods, throttled, throttled_usec] = values(text, keys)?;
    let nanoseconds = |usec: u64| usec.checked_mul(1000).ok_or(missing(TOO_LARGE));
    let throttled_ns = throttled_usec.map(nanoseconds).transpose()?;
    Ok((nanoseconds(usage.ok_or(missing("no usage_usec"))?)?, throttling(periods, throttled, throttled_ns)))
}

/// What a quota did, of v1's `cpu.stat`.
pub(super) fn cpu_stat_v1(text: &[u8]) -> Parsed<Option<Throttling>> {
    let [periods, throttled, time] = values(text, ["nr_periods", "nr_throttled", "throttled_time"])?;
    Ok(throttling(periods, throttled, time))
}

/// A cgroup without a quota has had no period; without the controller there is no such line.
fn throttling(periods: Option<u64>, throttled: Option<u64>, time: Option<u64>) -> Option<Throttling> {
    let periods = periods.filter(|periods| *periods > 0)?;
    Some(Throttling { periods, throttled_periods: throttled?, throttled_ns: time? })
}

/// What is used of `memory.stat`, in bytes and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct MemoryStat {
    pub(super) anonymous: u64,
    pub(super) file: u64,
    pub(super) inactive_file: u64,
    pub(super) page_faults: u64,
    pub(super) major_page_faults: u64,
    /// Only on v1 with swap accounting.
    pub(super) swap: Option<u64>,
}

/// v2's `memory.stat`, which always includes what is below.
pub(super) fn memory_stat(text: &[u8]) -> Parsed<MemoryStat> {
    let keys = ["anon", "file", "inactive_file", "pgfault", "pgmajfault"];
    let [anonymous, file, inactive_file, page_faults, major_page_faults] = values(text, keys)?;
    Ok(MemoryStat {
        anonymous: anonymous.ok_or(missing("no anon"))?,
        file: file.ok_or(missing("no file"))?,
        inactive_file: inactive_file.ok_or(missing("no inactive_file"))?,
        page_faults: page_faults.ok_or(missing("no pgfault"))?,
        major_page_faults: major_page_faults.ok_or(missing("no pgmajfault"))?,
        swap: None,
    })
}

/// v1's `memory.stat`. The kubelet takes memory with what is below (`total_`), and page faults without.
pub(super) fn memory_stat_v1(text: &[u8]) -> Parsed<MemoryStat> {
    let keys = ["total_rss", "total_cache", "total_inactive_file", "pgfault", "pgmajfault", "total_swap"];
    let [anonymous, file, inactive_file, page_faults, major_page_faults, swap] = values(text, keys)?;
    Ok(MemoryStat {
        anonymous: anonymous.ok_or(missing("no total_rss"))?,
        file: file.ok_or(missing("no total_cache"))?,
        inactive_file: inactive_file.ok_or(missing("no total_inactive_file"))?,
        page_faults: page_faults.ok_or(missing("no pgfault"))?,
        major_page_faults: major_page_faults.ok_or(missing("no pgmajfault"))?,
        swap,
    })
}

/// Processes killed for want of memory: v2's `memory.events`, v1's `memory.oom_control`. Kernels before 4.13 do
/// not count them.
pub(super) fn oom_kills(text: &[u8]) -> Parsed<Option<u64>> {
    values(text, ["oom_kill"]).map(|[kills]| kills)
}

/// A pressure file: `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, in microseconds, and perhaps `full`.
pub(super) fn pressure(text: &[u8]) -> Parsed<Stall> {
    let (mut some, mut full) = (None, None);
    for line in lines(text) {
        let mut words = Words::new(line);
        let stall = match words.next() {
            Some(b"some") => &mut some,
            Some(b"full") => &mut full,
            _ => continue,
        };
        let total = words.find_map(|word| word.strip_prefix(b"total="));
        let bad = |what| Bad { what, at: offset(text, line) };
        let microseconds = total.and_then(decimal).ok_or(bad("no total"))?;
        *stall = Some(microseconds.checked_mul(1000).ok_or(bad(TOO_LARGE))?);
    }
    Ok(Stall { some_ns: some.ok_or(missing("no some"))?, full_ns: full })
}

/// v2's `io.stat`: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 ...` for each device. Some kernels leave the rest of a
/// device's line empty until it was used.
pub(super) fn io_stat(text: &[u8]) -> Parsed<Io> {
    let mut io = Io::default();
    for line in lines(text) {
        let bad = |what| Bad { what, at: offset(text, line) };
        for word in Words::new(line).skip(1) {
            let Some(at) = word.iter().position(|byte| *byte == b'=') else { continue };
            let sum = match &word[..at] {
                b"rbytes" => &mut io.read_bytes,
                b"wbytes" => &mut io.write_bytes,
                b"rios" => &mut io.reads,
                b"wios" => &mut io.writes,
                _ => continue,
            };
            let value = decimal(&word[at + 1..]).ok_or(bad(NO_NUMBER))?;
            *sum = sum.checked_add(value).ok_or(bad(TOO_LARGE))?;
        }
    }
    Ok(io)
}

/// A v1 blkio file, `8:0 Read 1` and `8:0 Write 2` for each device: what was read and what was written.
pub(super) fn blkio(text: &[u8]) -> Parsed<(u64, u64)> {
    let (mut read, mut written) = (0_u64, 0_u64);
    for line in lines(text) {
        let mut words = Words::new(line).skip(1);
        let sum = match words.next() {
            Some(b"Read") => &mut read,
            Some(b"Write") => &mut written,
            _ => continue,
        };
        let bad = |what| Bad { what, at: offset(text, line) };
        let value = words.next().and_then(decimal).ok_or(bad(NO_NUMBER))?;
        *sum = sum.checked_add(value).ok_or(bad(TOO_LARGE))?;
    }
    Ok((read, written))
}

/// The machine's memory and the swap in use, of `/proc/meminfo`, in bytes.
pub(super) fn meminfo(text: &[u8]) -> Parsed<(u64, u64)> {
    let [total, swap_total, swap_free] = values(text, ["MemTotal:", "SwapTotal:", "SwapFree:"])?;
    let bytes =
        |kib: Option<u64>, what| kib.ok_or(missing(what))?.checked_mul(1024).ok_or(missing(TOO_LARGE));
    let swap = bytes(swap_total, "no SwapTotal")?.saturating_sub(bytes(swap_free, "no SwapFree")?);
    Ok((bytes(total, "no MemTotal")?, swap))
}
