//! Whether tare said what the files said.
//!
//! Two rules. While the loads run, a counter lies between the last reading before its scrape and the first one after the
//! next had begun, and a gauge between the least and the most of the phase. When every pod is frozen, whatever the files said alike
//! before and after has to be equal. Rows that are missing, rows that nobody asked for, and wrong names are failures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;

use super::effects::{self, Effect};
use super::figures::{self, Figure, Level};
use super::pods::{PODS, Pod};
use super::report::{Line, Phase, Reading};
use super::samples::{self, Sample};
use super::usage;

/// The least part of the rows that has to have stood still for the strict rule to mean something.
const STILL_SHARE: f64 = 0.9;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) failures: Vec<String>,
    /// Rows that were equal to files that stood still.
    pub(super) equal: usize,
    /// Values that lay between readings.
    pub(super) between: usize,
    /// Rows that the strict rule could not judge, because the files moved.
    pub(super) moved: usize,
    /// Metric names that were judged.
    pub(super) metrics: BTreeSet<String>,
}

/// One cgroup that tare has to report.
struct Subject<'a> {
    pod: &'a Pod,
    level: Level,
}

impl Subject<'_> {
    fn group(&self) -> String {
        self.level.group(self.pod)
    }

    /// The attributes of its resource.
    fn identity(&self) -> BTreeMap<String, String> {
        let Pod { name, namespace, container, uid, .. } = self.pod;
        let mut all = vec![
            ("k8s.namespace.name", (*namespace).to_owned()),
            ("k8s.node.name", super::NODE.to_owned()),
            ("k8s.pod.name", (*name).to_owned()),
            ("k8s.pod.uid", (*uid).to_owned()),
        ];
        if self.level == Level::Container {
            all.push(("container.id", self.pod.id()));
            all.push(("k8s.container.name", (*container).to_owned()));
        }
        all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// Judges a report.
pub(super) fn judge(lines: &[Line]) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut rounds: BTreeMap<&'static str, Vec<ExportMetricsServiceRequest>> = BTreeMap::new();
    for line in lines {
        match line {
            Line::Request { phase, text } => {
                rounds.entry(name(*phase)).or_default().push(serde_json::from_str(text)?);
            }
            Line::Agent { phase, status, complaints } if status != "exit status: 0" => {
                verdict.failures.push(format!("tare ended with {status} ({}): {complaints}", name(*phase)));
            }
            Line::End { error: Some(error) } => verdict.failures.push(format!("in the guest: {error}")),
            _ => {}
        }
    }
    loads_took_effect(lines, &mut verdict);
    for phase in [Phase::Moving, Phase::Still] {
        let samples = samples::of(rounds.get(name(phase)).into_iter().flatten());
        strangers(&samples, phase, &mut verdict);
        for pod in &PODS {
            for level in [Level::Pod, Level::Container] {
                one(&Subject { pod, level }, phase, lines, &samples, &mut verdict);
            }
        }
    }
    let judged = verdict.equal + verdict.moved;
    if share(verdict.equal, judged) < STILL_SHARE {
        verdict.failures.push(format!("only {} of {judged} rows could be held to equality", verdict.equal));
    }
    Ok(verdict)
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Moving => "moving",
        Phase::Still => "still",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand rows")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn readings<'a>(lines: &'a [Line], phase: Phase, group: &str) -> Vec<&'a Reading> {
    let all = lines.iter().filter_map(|line| match line {
        Line::Reading(reading) if reading.phase == phase && reading.group == group => Some(reading),
        _ => None,
    });
    all.collect()
}

/// The files themselves show what each pod is there for: otherwise nothing was tested.
fn loads_took_effect(lines: &[Line], verdict: &mut Verdict) {
    for effect in effects::ALL {
        let Some(group) = effect.group() else { continue };
        let found = readings(lines, Phase::Still, &group).pop().map_or(f64::NAN, |last| effect.of(last));
        // Also where there is none.
        if found.is_nan() || found < effect.least {
            let Effect { load, metric, least, .. } = effect;
            verdict
                .failures
                .push(format!("{load} has no effect: {metric} is {found}, at least {least} expected"));
        }
    }
}

/// Series of pods and containers that are not ours: sandboxes, slices, doubles.
fn strangers(samples: &[Sample], phase: Phase, verdict: &mut Verdict) {
    let mut known: BTreeSet<BTreeMap<String, String>> = BTreeSet::new();
    for pod in &PODS {
        for level in [Level::Pod, Level::Container] {
            known.insert(Subject { pod, level }.identity());
        }
    }
    let found: BTreeSet<_> = samples.iter().map(Sample::identity).collect();
    for stranger in found.difference(&known).filter(|identity| !identity.is_empty()) {
        verdict.failures.push(format!("{}: a resource that nobody knows: {stranger:?}", name(phase)));
    }
    if found.intersection(&known).next().is_none() {
        verdict.failures.push(format!("{}: not one pod was named", name(phase)));
    }
}

fn one(subject: &Subject<'_>, phase: Phase, lines: &[Line], samples: &[Sample], verdict: &mut Verdict) {
    let identity = subject.identity();
    let mine: Vec<_> = samples.iter().filter(|sample| sample.identity() == identity).collect();
    let readings = readings(lines, phase, &subject.group());
    let read: Vec<_> =
        readings.iter().map(|reading| (*reading, figures::of(subject.level, reading))).collect();
    let Some((_, last)) = read.last() else {
        verdict.failures.push(format!("{}: never read", subject.group()));
        return;
    };
    if phase == Phase::Moving {
        match usage::agrees(subject.level, &mine) {
            Ok(agreed) => verdict.between += agreed,
            Err(why) => verdict.failures.push(format!("{}: {why}", subject.pod.name)),
        }
    }
    let mut expected = BTreeSet::new();
    for figure in last {
        verdict.metrics.insert(figure.metric.clone());
        expected.insert((figure.metric.as_str(), samples::owned(&figure.attributes)));
        let row: Vec<_> = mine.iter().filter(|sample| sample.is(figure)).collect();
        let what =
            || format!("{} {} {:?} of {}", name(phase), figure.metric, figure.attributes, subject.pod.name);
        if row.is_empty() {
            verdict.failures.push(format!("{}: missing", what()));
        }
        for (number, sample) in row.iter().enumerate() {
            let next = row.get(number + 1).map(|next| next.time);
            let outcome = match phase {
                Phase::Moving => moving(sample, next, figure, &read),
                Phase::Still => still(sample, figure, &read),
            };
            match outcome {
                Ok(true) if phase == Phase::Still => verdict.equal += 1,
                Ok(true) => verdict.between += 1,
                Ok(false) => verdict.moved += 1,
                Err(why) => verdict.failures.push(format!("{}: {why}", what())),
            }
        }
    }
    for sample in &mine {
        let made_of_files = samples::OF_FILES.iter().any(|of| sample.metric.contains(of));
        if made_of_files && !expected.contains(&(sample.metric.as_str(), sample.attributes.clone())) {
            verdict.failures.push(format!("{} of {}: no file says this", sample, subject.pod.name));
        }
    }
}

/// The same figure in each reading.
fn values<'a>(
    figure: &'a Figure,
    read: &'a [(&Reading, Vec<Figure>)],
) -> impl Iterator<Item = (&'a Reading, f64)> {
    read.iter().filter_map(|(reading, figures)| {
        let same = figures
            .iter()
            .find(|other| other.metric == figure.metric && other.attributes == figure.attributes);
        Some((*reading, same?.value))
    })
}

/// Whether a value lies between readings. A sample bears the moment at which its scrape began, and on an emulated CPU that
/// others share nobody can say how long one takes: it was read before the `next` one began.
fn moving(
    sample: &Sample,
    next: Option<u64>,
    figure: &Figure,
    read: &[(&Reading, Vec<Figure>)],
) -> Result<bool, String> {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    if figure.counter {
        let before = values(figure, read).filter(|(reading, _)| reading.ended <= sample.time).last();
        let after = next.and_then(|next| values(figure, read).find(|(reading, _)| reading.began >= next));
        least = before.map_or(0.0, |(_, value)| value);
        most = after.map_or(most, |(_, value)| value);
        if after.is_none() {
            most = values(figure, read).map(|(_, value)| value).fold(most, f64::max);
        }
    } else {
        for (_, value) in values(figure, read) {
            least = least.min(value);
            most = most.max(value);
        }
        // Between two readings a gauge may go anywhere below its limit; the strict rule is for the others.
        if figure.metric.contains("memory") {
            (least, most) = (least.min(0.0), most * 1.5 + 64e6);
        }
    }
    if sample.value + TINY * sample.value.abs() >= least && sample.value <= most + TINY * most.abs() {
        Ok(true)
    } else {
        Err(format!("{} at {} is not between {least} and {most}", sample.value, sample.time))
    }
}

/// What is lost where a counter of microseconds becomes seconds.
const TINY: f64 = 1e-9;

/// Whether a value is equal to the files; false where these moved.
fn still(sample: &Sample, figure: &Figure, read: &[(&Reading, Vec<Figure>)]) -> Result<bool, String> {
    let around: Vec<_> = values(figure, read).map(|(_, value)| value).collect();
    if around.iter().any(|value| (value - figure.value).abs() > 0.0) {
        return Ok(false);
    }
    if (sample.value - figure.value).abs() <= TINY * figure.value.abs() {
        Ok(true)
    } else {
        Err(format!("{} is not {}, which the files said before and after", sample.value, figure.value))
    }
}

impl Verdict {
    /// A few lines for people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} metrics of {} pods: {} values between the readings around them; frozen, {} values equal to their files, \
             {} of files that moved",
            self.metrics.len(),
            PODS.len(),
            self.between,
            self.equal,
            self.moved
        );
        text
    }
}

#[cfg(test)]
mod tests;
