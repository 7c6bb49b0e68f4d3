//! The number of physical cores, from sysfs. Read when the set of online CPUs changes, not at each scrape.
//!
//! CPUs that list the same siblings share a core. Where sysfs has no topology, the packages' figures in
//! `/proc/cpuinfo` are used, as in the collector.

use std::collections::HashSet;

use crate::collectors::Scrape;
use crate::error::SourceError;
use crate::paths::HostPaths;
use crate::source;

/// More than a list of every other CPU of 8192 takes.
const LIST_LIMIT: usize = 64 << 10;
/// The newer name and the older one of the same list.
const LISTS: [&str; 2] = ["core_cpus_list", "thread_siblings_list"];

/// The cores of the online `cpus` (`cpu0` and so on); else `from_cpuinfo`. `None` where neither is known,
/// which is counted.
pub(super) fn cores<'a>(
    paths: &HostPaths,
    cpus: &(impl Iterator<Item = &'a [u8]> + Clone),
    from_cpuinfo: Option<u64>,
    scrape: &mut Scrape<'_>,
) -> Option<u64> {
    let mut error = None;
    for list in LISTS {
        match distinct(paths, cpus.clone(), list, scrape.buffer) {
            Ok(cores) => return Some(cores),
            Err(first) => error = error.or(first),
        }
    }
    if let (None, Some(error)) = (from_cpuinfo, error) {
        scrape.fail(&error);
    }
    from_cpuinfo
}

/// How many different lists the CPUs have, at least one; else the first error, if there was a CPU at all.
fn distinct<'a>(
    paths: &HostPaths,
    cpus: impl Iterator<Item = &'a [u8]>,
    list: &str,
    buffer: &mut Vec<u8>,
) -> Result<u64, Option<SourceError>> {
    let mut cores: HashSet<Box<[u8]>> = HashSet::new();
    let mut error = None;
    for cpu in cpus {
        let cpu = String::from_utf8_lossy(cpu);
        let path = paths.sys(format!("devices/system/cpu/{cpu}/topology/{list}"));
        match source::read_once(&path, buffer, LIST_LIMIT) {
            Ok(siblings) => {
                cores.insert(siblings.into());
            }
            Err(failed) => error = error.or(Some(failed)),
        }
    }
    if cores.is_empty() { Err(error) } else { Ok(cores.len() as u64) }
}
