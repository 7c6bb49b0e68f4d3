//! What tare's rows have to say, worked out from the text of a cgroup's files by the kubelet's formulas, in code that
//! shares nothing with tare's.

use std::collections::BTreeMap;

use super::pods::Pod;
use super::report::Reading;

/// The attributes of a point, as `key=value` in the order of the keys.
pub(super) type Attributes = Vec<(&'static str, &'static str)>;

/// One figure that the files give.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    pub(super) metric: String,
    pub(super) attributes: Attributes,
    pub(super) value: f64,
    /// It never falls: a value between two readings lies between theirs.
    pub(super) counter: bool,
}

/// Whether a cgroup is a pod's or a container's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Pod,
    Container,
}

impl Level {
    /// The cgroup of that level of a pod.
    pub(super) fn group(self, pod: &Pod) -> String {
        match self {
            Self::Pod => pod.group(),
            Self::Container => pod.container_group(),
        }
    }

    /// The beginnings of the names that the collector has, and of tare's own.
    fn prefixes(self) -> (&'static str, &'static str) {
        match self {
            Self::Pod => ("k8s.pod.", "tare.pod."),
            Self::Container => ("container.", "tare.container."),
        }
    }
}

/// Every figure of a reading.
pub(super) fn of(level: Level, reading: &Reading) -> Vec<Figure> {
    let (plain, own) = level.prefixes();
    let mut list = Figures { files: &reading.files, list: Vec::new() };
    list.cpu(plain, own);
    list.memory(plain, own);
    list.pids(own);
    // The one row of block I/O that the semantic conventions have a name for is the container's.
    list.io(if level == Level::Container { plain } else { own }, own);
    list.pressure(own);
    list.list
}

struct Figures<'a> {
    files: &'a BTreeMap<String, String>,
    list: Vec<Figure>,
}

impl Figures<'_> {
    fn counter(&mut self, prefix: &str, name: &str, attributes: Attributes, value: Option<f64>) {
        self.push(prefix, name, attributes, value, true);
    }

    fn gauge(&mut self, prefix: &str, name: &str, value: Option<f64>) {
        self.push(prefix, name, Vec::new(), value, false);
    }

    fn push(&mut self, prefix: &str, name: &str, attributes: Attributes, value: Option<f64>, counter: bool) {
        if let Some(value) = value {
            self.list.push(Figure { metric: format!("{prefix}{name}"), attributes, value, counter });
        }
    }

    /// A file that holds one number; none for "max".
    fn number(&self, file: &str) -> Option<f64> {
        self.files.get(file)?.trim().parse().ok()
    }

    /// A line "name number" of a file.
    fn line(&self, file: &str, name: &str) -> Option<f64> {
        let lines = self.files.get(file)?.lines();
        let mut rests = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        rests.next()?.trim().parse().ok()
    }

    fn cpu(&mut self, plain: &str, own: &str) {
        let seconds = |microseconds: f64| microseconds / 1e6;
        self.counter(plain, "cpu.time", Vec::new(), self.line("cpu.stat", "usage_usec").map(seconds));
        if self.files.get("cpu.max").is_some_and(|text| text.starts_with("max")) {
            return;
        }
        self.counter(own, "cpu.throttling.periods", Vec::new(), self.line("cpu.stat", "nr_periods"));
        self.counter(
            own,
            "cpu.throttling.throttled_periods",
            Vec::new(),
            self.line("cpu.stat", "nr_throttled"),
        );
        let throttled = self.line("cpu.stat", "throttled_usec").map(seconds);
        self.counter(own, "cpu.throttling.time", Vec::new(), throttled);
    }

    fn memory(&mut self, plain: &str, own: &str) {
        let usage = self.number("memory.current");
        let inactive = self.line("memory.stat", "inactive_file");
        let working_set = usage.zip(inactive).map(|(usage, inactive)| (usage - inactive).max(0.0));
        self.gauge(plain, "memory.usage", usage);
        self.gauge(plain, "memory.working_set", working_set);
        self.gauge(plain, "memory.rss", self.line("memory.stat", "anon"));
        let available =
            self.number("memory.max").zip(working_set).map(|(limit, used)| (limit - used).max(0.0));
        self.gauge(plain, "memory.available", available);
        self.counter(plain, "memory.page_faults", Vec::new(), self.line("memory.stat", "pgfault"));
        self.counter(plain, "memory.major_page_faults", Vec::new(), self.line("memory.stat", "pgmajfault"));
        self.counter(own, "memory.oom_kills", Vec::new(), self.line("memory.events", "oom_kill"));
        self.gauge(own, "memory.swap.usage", self.number("memory.swap.current"));
    }

    fn pids(&mut self, own: &str) {
        self.gauge(own, "pids.count", self.number("pids.current"));
        self.gauge(own, "pids.limit", self.number("pids.max"));
    }

    /// Sums over all devices; a cgroup that did no I/O has an empty file, which says 0.
    fn io(&mut self, bytes: &str, own: &str) {
        let Some(text) = self.files.get("io.stat") else { return };
        let sum = |key: &str| {
            let values = text.split_whitespace().filter_map(|word| word.strip_prefix(key)?.strip_prefix('='));
            Some(values.filter_map(|value| value.parse::<f64>().ok()).sum())
        };
        for (direction, in_bytes, in_operations) in
            [("read", sum("rbytes"), sum("rios")), ("write", sum("wbytes"), sum("wios"))]
        {
            let attributes = || vec![("disk.io.direction", direction)];
            self.counter(bytes, "disk.io", attributes(), in_bytes);
            self.counter(own, "disk.operations", attributes(), in_operations);
        }
    }

    fn pressure(&mut self, own: &str) {
        for resource in ["cpu", "io", "memory"] {
            let Some(text) = self.files.get(&format!("{resource}.pressure")) else { continue };
            for stall in ["full", "some"] {
                let line = text.lines().find_map(|line| line.strip_prefix(stall));
                let total = line.and_then(|line| line.rsplit_once("total=")?.1.trim().parse::<f64>().ok());
                let attributes = vec![("resource", resource), ("stall", stall)];
                self.counter(own, "pressure.time", attributes, total.map(|microseconds| microseconds / 1e6));
            }
        }
    }
}
