//! `system.filesystem.*`: space and inodes of the host's mounts.
//!
//! Reads the mounts of the host's first process (its own where that one's cannot be read), reports them as the host
//! sees them, and asks `statfs` at the path under which this process reaches them, on a worker thread
//! ([`statfs::Pool`]): a filesystem that hangs costs one scrape the time limit and is `timeout` from then on.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use exporter::model::{Attribute, Metric};
use exporter::segment::{Segment, SeriesId};

use self::mounts::{Malformed, Mount};
use self::statfs::{Answer, Pool, Question};
use self::usage::Usage;
use crate::catalog::hostmetrics::filesystem as catalog;
use crate::collectors::{Collector, Scrape, Setup};
use crate::error::SourceError;
use crate::filter::Filter;
use crate::paths::HostPaths;
use crate::source::{KeptFile, read_once};

mod mounts;
mod statfs;
#[cfg(test)]
mod tests;
mod usage;

/// The most mounts that are reported; further ones are counted as `refused`.
pub const MAX_MOUNTS: usize = 4096;
/// The most that is read of a file of mounts: overlays of many layers have lines of 4 KiB.
const MOUNTS_LIMIT: usize = 16 << 20;

/// What can be configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which devices are reported.
    pub devices: Filter,
    /// Which filesystem types are reported.
    pub fs_types: Filter,
    /// Which mount points, as the host sees them, are reported.
    pub mount_points: Filter,
    /// Whether filesystems without a device and bind mounts are reported too.
    pub include_virtual: bool,
    /// How long one scrape waits for all its filesystems.
    pub statfs_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            devices: Filter::default(),
            fs_types: Filter::default(),
            mount_points: Filter::default(),
            include_virtual: false,
            statfs_timeout: Duration::from_secs(1),
        }
    }
}

/// The collector of `system.filesystem.*`.
#[derive(Debug)]
pub struct Filesystem {
    setup: Setup,
    settings: Settings,
    /// The files that tell the mounts, best first.
    sources: [KeptFile; 4],
    segment: Segment,
    pool: Pool,
    /// The file's text and place that `mounted` was made from.
    known: Option<(usize, Vec<u8>)>,
    mounted: Vec<Mounted>,
    questions: Vec<Question>,
    /// Mounts above the bound.
    surplus: usize,
}

/// A mount that is reported.
#[derive(Debug)]
struct Mounted {
    mount: Mount,
    ids: Ids,
}

/// The series of a mount; absent where their metric is switched off.
#[derive(Debug, Clone, Copy, Default)]
struct Ids {
    usage: Option<[SeriesId; 3]>,
    inodes: Option<[SeriesId; 2]>,
    utilization: Option<SeriesId>,
}

impl Filesystem {
    /// The collector for the host of `setup`.
    pub fn new(setup: &Setup, settings: Settings) -> Self {
        let pool = Pool::new(settings.statfs_timeout);
        Self::with_pool(setup, settings, pool)
    }

    fn with_pool(setup: &Setup, settings: Settings, pool: Pool) -> Self {
        let file = |name| KeptFile::with_limit(setup.paths.proc(name), MOUNTS_LIMIT);
        Self {
            sources: [file("1/mountinfo"), file("1/mounts"), file("self/mountinfo"), file("self/mounts")],
            segment: setup.node_segment("tare.host.filesystem"),
            setup: setup.clone(),
            settings,
            pool,
            known: None,
            mounted: Vec::new(),
            questions: Vec::new(),
            surplus: 0,
        }
    }

    /// Reads the mounts; where they changed, makes the list anew.
    fn refresh(&mut self, scrape: &mut Scrape<'_>) -> Result<(), SourceError> {
        let Some((place, length)) = self.read_first(scrape)? else { return Ok(()) };
        let text = &scrape.buffer[..length];
        let parsed = match place {
            0 | 2 => mounts::mountinfo(text, self.settings.include_virtual),
            _ => self.old_mounts(text)?,
        };
        let mounts = parsed.map_err(|(what, at)| self.sources[place].malformed(what, at))?;
        self.known = Some((place, text.to_vec()));
        self.replace(mounts);
        Ok(())
    }

    /// Leaves the text of the first readable file in the scrape's buffer and answers the file's place and the
    /// text's length, or nothing where it is the known text.
    fn read_first(&mut self, scrape: &mut Scrape<'_>) -> Result<Option<(usize, usize)>, SourceError> {
        let mut first_error = None;
        for (place, source) in self.sources.iter_mut().enumerate() {
            match source.read(scrape.buffer) {
                Ok(text) => {
                    let is_known =
                        self.known.as_ref().is_some_and(|(at, known)| *at == place && known == text);
                    return Ok((!is_known).then_some((place, text.len())));
                }
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        first_error.map_or(Ok(None), Err)
    }

    fn old_mounts(&self, text: &[u8]) -> Result<Result<Vec<Mount>, Malformed>, SourceError> {
        let mut buffer = Vec::new();
        let path = self.setup.paths.proc("filesystems");
        let physical = match read_once(&path, &mut buffer, crate::source::DEFAULT_LIMIT) {
            Ok(types) => mounts::physical_types(types),
            Err(_) if self.settings.include_virtual => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(mounts::mounts(text, self.settings.include_virtual, &physical))
    }

    /// Takes a new list of mounts. Those that stay keep their series.
    fn replace(&mut self, mounts: Vec<Mount>) {
        let mut before: HashMap<Mount, Ids> =
            self.mounted.drain(..).map(|mounted| (mounted.mount, mounted.ids)).collect();
        self.questions.clear();
        self.surplus = 0;
        let mut seen = HashSet::new();
        for mut mount in mounts {
            resolve_device(&mut mount, &self.setup.paths);
            if !seen.insert((mount.point.clone(), mount.device.clone())) || !self.passes(&mount) {
                continue;
            }
            if self.mounted.len() == MAX_MOUNTS {
                self.surplus += 1;
                continue;
            }
            let path = self.setup.paths.host(OsStr::from_bytes(&mount.point));
            self.questions
                .push(Question { path: Arc::from(path), fs_type: Arc::from(mount.fs_type.as_str()) });
            let ids = before.remove(&mount).unwrap_or_else(|| self.register(&mount));
            self.mounted.push(Mounted { mount, ids });
        }
        for ids in before.into_values() {
            self.forget(ids);
        }
        let there: HashSet<_> = self.questions.iter().map(|question| &*question.path).collect();
        self.pool.retain(|path| there.contains(path));
    }

    fn passes(&self, mount: &Mount) -> bool {
        self.settings.devices.passes(&mount.device)
            && self.settings.fs_types.passes(&mount.fs_type)
            && self.settings.mount_points.passes(&String::from_utf8_lossy(&mount.point))
    }

    fn register(&mut self, mount: &Mount) -> Ids {
        let point = String::from_utf8_lossy(&mount.point);
        let Self { segment, setup, .. } = self;
        let mut series = |metric: &'static Metric, state: Option<&str>| {
            let mut attributes = vec![
                Attribute::str("device", &mount.device),
                Attribute::str("mode", mount.mode),
                Attribute::str("mountpoint", &point),
                Attribute::str("type", &mount.fs_type),
            ];
            attributes.extend(state.map(|state| Attribute::str("state", state)));
            segment.series(metric, &attributes)
        };
        Ids {
            usage: setup
                .enabled
                .has(&catalog::USAGE)
                .then(|| ["used", "free", "reserved"].map(|state| series(&catalog::USAGE, Some(state)))),
            inodes: setup
                .enabled
                .has(&catalog::INODES_USAGE)
                .then(|| ["used", "free"].map(|state| series(&catalog::INODES_USAGE, Some(state)))),
            utilization: setup
                .enabled
                .has(&catalog::UTILIZATION)
                .then(|| series(&catalog::UTILIZATION, None)),
        }
    }

    fn forget(&mut self, ids: Ids) {
        let all = ids.usage.iter().flatten().chain(ids.inodes.iter().flatten()).chain(&ids.utilization);
        for id in all {
            self.segment.forget(*id);
        }
    }

    fn record(&mut self, ids: Ids, usage: &Usage) {
        let pairs = ids.usage.iter().flatten().zip(usage.bytes);
        for (id, value) in pairs.chain(ids.inodes.iter().flatten().zip(usage.inodes)) {
            self.segment.set_int(*id, value);
        }
        if let (Some(id), Some(utilization)) = (ids.utilization, usage.utilization) {
            self.segment.set_double(id, utilization);
        }
    }

    /// Asks every mount and records what came.
    fn ask(&mut self, scrape: &mut Scrape<'_>) {
        let answers = self.pool.ask(&self.questions);
        for (index, answer) in answers.into_iter().enumerate() {
            let path = || self.questions[index].path.to_path_buf();
            let error = match answer {
                Answer::Figures(figures) => match figures.usage() {
                    Some(usage) => {
                        self.record(self.mounted[index].ids, &usage);
                        continue;
                    }
                    None => SourceError::Parse { path: path(), what: "figures of statfs below 2^63", at: 0 },
                },
                Answer::Failed(error) => SourceError::Read { path: path(), error },
                Answer::Late => SourceError::Timeout { path: path() },
                Answer::Refused => SourceError::TooMany {
                    path: path(),
                    what: "filesystems that do not answer",
                    limit: statfs::MAX_STUCK_OF_A_TYPE,
                },
            };
            scrape.fail(&error);
        }
    }
}

impl Collector for Filesystem {
    fn name(&self) -> &'static str {
        "filesystem"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.segment.begin(scrape.time);
        let Setup { enabled, paths, .. } = &self.setup;
        if enabled.any(&[&catalog::USAGE, &catalog::INODES_USAGE, &catalog::UTILIZATION]) {
            let surplus =
                SourceError::TooMany { path: paths.proc("1/mountinfo"), what: "mounts", limit: MAX_MOUNTS };
            match self.refresh(scrape) {
                Ok(()) => {
                    self.ask(scrape);
                    for _ in 0..self.surplus {
                        scrape.fail(&surplus);
                    }
                }
                Err(error) => scrape.fail(&error),
            }
        }
        self.segment.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.segment);
    }
}

/// Replaces the names under which a device is mounted by its real one: the target of a device mapper's link, and
/// the device behind the kernel's `/dev/root`. Where that cannot be found out, the name stays.
fn resolve_device(mount: &mut Mount, paths: &HostPaths) {
    if mount.device.starts_with("/dev/mapper/") {
        let found = std::fs::canonicalize(paths.host(&mount.device)).ok();
        let below = found.as_deref().map(|target| target.strip_prefix(paths.host("/")).unwrap_or(target));
        if let Some(target) = below.and_then(Path::to_str) {
            mount.device = format!("/{}", target.trim_start_matches('/'));
        }
    }
    if mount.device == "/dev/root"
        && let Some(id) = &mount.device_id
        && let Ok(target) = std::fs::read_link(paths.sys("dev/block").join(id))
        && let Some(name) = target.file_name().and_then(OsStr::to_str)
    {
        mount.device = format!("/dev/{name}");
    }
}
