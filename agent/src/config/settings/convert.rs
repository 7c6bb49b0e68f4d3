//! From the file to [`Settings`]: everything but the outputs.

use std::sync::Arc;

use exporter::proxy::Proxy;

use super::{
    Control, Disk, Filesystem, Load, Network, Process, Scraper, Scrapers, Settings, containers,
    control_plane, enrich, outputs,
};
use crate::catalog::Enabled;
use crate::collectors::process::{Muted, Subject};
use crate::config::check::Checker;
use crate::config::file::host::MatchList;
use crate::config::file::{self, Config, host};
use crate::config::report::{Path, quote};
use crate::config::schema::Section as _;
use crate::config::values::quantity::Interval;
use crate::config::values::{AbsolutePath, ProcessAttribute};
use crate::filter::{Filter, MatchType, Matcher};
use crate::paths::HostPaths;

/// The most entries of one list of names: each may be an expression that is compiled.
pub(super) const MAX_ENTRIES: usize = 256;

/// Converts `config`, in which the environment already is, except for the proxy. What it reports makes the result
/// unusable.
pub(in crate::config) fn convert(
    config: &Config,
    proxy: Option<Proxy>,
    checker: &mut Checker<'_>,
) -> Settings {
    let optional = |path: &Option<AbsolutePath>| path.as_ref().map(|path| path.get().to_owned());
    let host = &config.host;
    let resource = config.enrich.resource_attributes.iter();
    let choice = enrich::convert(&config.enrich, checker);
    Settings {
        paths: HostPaths::new(host.root.get(), optional(&host.proc), optional(&host.sys)),
        enabled: Enabled::new(config.metrics.iter().map(|(name, switch)| (name.0.name, switch.enabled))),
        scrapers: scrapers(host, checker),
        containers: containers::convert(&config.containers, *host.interval.get(), checker),
        control_plane: control_plane::convert(config, Arc::clone(&choice), checker),
        choice,
        resource: resource.map(|(name, value)| (name.0.clone(), value.0.clone())).collect(),
        outputs: outputs::convert(config.outputs.as_deref().unwrap_or_default(), checker),
        proxy,
        control: control(&config.control),
    }
}

fn control(control: &file::Control) -> Control {
    Control {
        shutdown_timeout: control.shutdown_timeout.get(),
        self_telemetry_interval: control.self_telemetry_interval.get().get(),
        log_level: control.log_level,
        log_format: control.log_format,
    }
}

fn scrapers(host: &file::Host, checker: &mut Checker<'_>) -> Scrapers {
    let path = Path::root().key("host").key("scrapers");
    let named = host.scrapers.clone().unwrap_or_else(host::Scrapers::standard);
    let cadence = Cadence(*host.interval.get());
    let scrapers = Scrapers {
        cpu: cadence.plain(named.cpu.as_ref()),
        disk: cadence.of(named.disk.as_ref(), |own| {
            let path = path.key("disk");
            Disk { devices: filter(&path, ("include", &own.include), ("exclude", &own.exclude), checker) }
        }),
        filesystem: cadence
            .of(named.filesystem.as_ref(), |own| filesystem(own, &path.key("filesystem"), checker)),
        load: cadence.of(named.load.as_ref(), |own| Load { cpu_average: own.cpu_average }),
        memory: cadence.plain(named.memory.as_ref()),
        network: cadence.of(named.network.as_ref(), |own| {
            let path = path.key("network");
            Network {
                interfaces: filter(&path, ("include", &own.include), ("exclude", &own.exclude), checker),
            }
        }),
        nfs: cadence.plain(named.nfs.as_ref()),
        paging: cadence.plain(named.paging.as_ref()),
        process: cadence.of(named.process.as_ref(), |own| process(own, &path.key("process"), checker)),
        processes: cadence.plain(named.processes.as_ref()),
        system: cadence.plain(named.system.as_ref()),
    };
    // Where a name is misspelled, that is the error.
    let all_understood = checker.len(&path) == named.write_keys().len();
    if all_understood && is_empty(&scrapers) {
        checker
            .problem(&path, "no scraper runs; name at least one, or leave the key out for the default ones");
    }
    scrapers
}

const fn is_empty(scrapers: &Scrapers) -> bool {
    matches!(
        scrapers,
        Scrapers {
            cpu: None,
            disk: None,
            filesystem: None,
            load: None,
            memory: None,
            network: None,
            nfs: None,
            paging: None,
            process: None,
            processes: None,
            system: None,
        }
    )
}

/// The interval of scrapers that have none of their own.
struct Cadence(Interval);

impl Cadence {
    /// The scraper that `section` declares, if it runs. Its settings are checked even if it does not.
    fn of<S: host::Scraper, T>(
        &self,
        section: Option<&S>,
        settings: impl FnOnce(&S) -> T,
    ) -> Option<Scraper<T>> {
        let section = section?;
        let settings = settings(section);
        let (enabled, interval) = section.cadence();
        enabled.then(|| Scraper { interval: interval.unwrap_or(self.0).get(), settings })
    }

    fn plain<S: host::Scraper>(&self, section: Option<&S>) -> Option<Scraper<()>> {
        self.of(section, |_| ())
    }
}

fn filesystem(own: &host::Filesystem, path: &Path, checker: &mut Checker<'_>) -> Filesystem {
    Filesystem {
        devices: filter(
            path,
            ("include_devices", &own.include_devices),
            ("exclude_devices", &own.exclude_devices),
            checker,
        ),
        fs_types: filter(
            path,
            ("include_fs_types", &own.include_fs_types),
            ("exclude_fs_types", &own.exclude_fs_types),
            checker,
        ),
        mount_points: filter(
            path,
            ("include_mount_points", &own.include_mount_points),
            ("exclude_mount_points", &own.exclude_mount_points),
            checker,
        ),
        include_virtual: own.include_virtual_filesystems,
        statfs_timeout: own.timeout.get(),
    }
}

fn process(own: &host::Process, path: &Path, checker: &mut Checker<'_>) -> Process {
    Process {
        names: filter(path, ("include", &own.include), ("exclude", &own.exclude), checker),
        scrape_delay: own.scrape_process_delay.get(),
        cgroup: own.resource_attributes.get(&ProcessAttribute::Cgroup).is_some_and(|switch| switch.enabled),
        muted: muted(own),
    }
}

/// The collector's `mute_process_*` options.
fn muted(own: &host::Process) -> Muted {
    if own.mute_process_all_errors {
        return Muted::all();
    }
    [
        (own.mute_process_name_error, Subject::Name),
        (own.mute_process_exe_error, Subject::Executable),
        (own.mute_process_io_error, Subject::Io),
        (own.mute_process_user_error, Subject::Owner),
        (own.mute_process_cgroup_error, Subject::Cgroup),
    ]
    .into_iter()
    .filter(|(on, _)| *on)
    .fold(Muted::default(), |muted, (_, subject)| muted.with(subject))
}

/// The filter of two lists, each with its key below `path`.
fn filter<L: MatchList>(
    path: &Path,
    (include_key, include): (&str, &Option<L>),
    (exclude_key, exclude): (&str, &Option<L>),
    checker: &mut Checker<'_>,
) -> Filter {
    let mut list =
        |key, list: &Option<L>| list.as_ref().and_then(|list| matcher(list, &path.key(key), checker));
    Filter { include: list(include_key, include), exclude: list(exclude_key, exclude) }
}

/// An empty list filters nothing, as in the collector.
fn matcher(list: &impl MatchList, path: &Path, checker: &mut Checker<'_>) -> Option<Matcher> {
    let (key, entries, match_type) = list.list();
    let path = path.key(key);
    if entries.len() > MAX_ENTRIES {
        let message = format!("has {} entries; at most {MAX_ENTRIES} are allowed", entries.len());
        checker.problem(&path, message);
        return None;
    }
    let all: Vec<_> = entries.iter().map(|entry| entry.0.clone()).collect();
    if all.is_empty() {
        return None;
    }
    Matcher::new(match_type, &all).map_err(|_| bad_expressions(match_type, &all, &path, checker)).ok()
}

/// Reports each of `entries` that does not compile by itself.
fn bad_expressions(match_type: MatchType, entries: &[String], path: &Path, checker: &mut Checker<'_>) {
    for (index, entry) in entries.iter().enumerate() {
        if checker.is_full() {
            return;
        }
        if let Err(error) = Matcher::new(match_type, std::slice::from_ref(entry)) {
            checker.problem(&path.index(index), bad_expression(entry, &error));
        }
    }
}

/// The regex crate draws a picture over several lines; the last one says what is wrong.
pub(super) fn bad_expression(expression: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("{} is no regular expression: {reason}", quote(expression))
}
