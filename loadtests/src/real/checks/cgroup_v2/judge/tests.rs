use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

const SECOND: u64 = 1_000_000_000;

/// Files of a cgroup at `second`: what counts has counted that far.
fn files(pod: &Pod, second: u64) -> BTreeMap<String, String> {
    let limited = pod.load == "burn";
    [
        ("cpu.stat", format!("usage_usec {second}000000\nnr_periods {second}0\nnr_throttled {second}\nthrottled_usec {second}\n")),
        ("cpu.max", if limited { "20000 100000\n".to_owned() } else { "max 100000\n".to_owned() }),
        ("memory.current", "50000000\n".to_owned()),
        ("memory.stat", format!("anon 45000000\ninactive_file 1000000\npgfault {second}00\npgmajfault {second}\n")),
        ("memory.max", "max\n".to_owned()),
        ("memory.events", format!("oom {second}\noom_kill {second}\n")),
        ("pids.current", "16\n".to_owned()),
        ("io.stat", format!("254:0 rbytes={second}00000 wbytes={second}00000 rios={second} wios={second}\n")),
        ("cpu.pressure", format!("some avg10=0.00 avg60=0.00 avg300=0.00 total={second}\n")),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text))
    .collect()
}

fn reading(subject: &Subject<'_>, phase: Phase, second: u64) -> Reading {
    let time = second * SECOND;
    Reading { phase, group: subject.group(), began: time, ended: time + 1, files: files(subject.pod, second) }
}

fn attributes<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    pairs.map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect()
}

/// A request that says what the files said at `second`, changed by `change`.
fn request(second: u64, change: impl Fn(&Subject<'_>, &mut Figure)) -> Value {
    let mut resources = Vec::new();
    for subject in subjects() {
        let identity = subject.identity();
        let mut metrics = Vec::new();
        for mut figure in figures::of(subject.level, &reading(&subject, Phase::Still, second)) {
            change(&subject, &mut figure);
            metrics.push(json!({"name": figure.metric, "gauge": {"dataPoints": [{
                "timeUnixNano": (second * SECOND + SECOND / 2).to_string(),
                "asDouble": figure.value,
                "attributes": attributes(figure.attributes.iter().copied()),
            }]}}));
        }
        let usage = if subject.level == Level::Pod { "k8s.pod.cpu.usage" } else { "container.cpu.usage" };
        metrics.push(json!({"name": usage, "gauge": {"dataPoints": [{
            "timeUnixNano": (second * SECOND + SECOND / 2).to_string(),
            "asDouble": 1.0,
        }]}}));
        let pairs = identity.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        resources.push(json!({
            "resource": {"attributes": attributes(pairs)},
            "scopeMetrics": [{"metrics": metrics}],
        }));
    }
    json!({ "resourceMetrics": resources })
}

fn subjects() -> impl Iterator<Item = Subject<'static>> {
    PODS.iter().flat_map(|pod| [Level::Pod, Level::Container].map(|level| Subject { pod, level }))
}

/// A report in which tare says the truth at second 11, `moving` a little later, and `still` when everything stands at second 20.
fn report(moving: &Value, still: &Value) -> Vec<Line> {
    let mut lines = Vec::new();
    for subject in subjects() {
        lines.extend((10..15).map(|second| Line::Reading(reading(&subject, Phase::Moving, second))));
        lines.extend([0, 1].map(|_| Line::Reading(reading(&subject, Phase::Still, 20))));
    }
    lines.push(Line::Request { phase: Phase::Moving, text: honest(11).to_string() });
    lines.push(Line::Request { phase: Phase::Moving, text: moving.to_string() });
    lines.push(Line::Request { phase: Phase::Still, text: still.to_string() });
    lines
}

fn failures(moving: &Value, still: &Value) -> Vec<String> {
    judge(&report(moving, still)).unwrap().failures
}

fn honest(second: u64) -> Value {
    request(second, |_, _| {})
}

#[test]
fn a_report_that_says_what_the_files_say_holds() {
    let verdict = judge(&report(&honest(12), &honest(20))).unwrap();
    assert_eq!(verdict.failures, Vec::<String>::new());
    assert!(verdict.equal > 150 && verdict.moved == 0, "{verdict:?}");
}

#[test]
fn a_byte_more_than_a_frozen_file_says_is_found() {
    let wrong = request(20, |subject, figure| {
        if subject.pod.load == "hog" && figure.metric == "container.memory.rss" {
            figure.value += 1.0;
        }
    });
    let found = failures(&honest(12), &wrong);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("still container.memory.rss [] of hog"), "{found:?}");
}

#[test]
fn a_counter_that_runs_ahead_of_its_files_is_found() {
    let found = failures(&honest(14), &honest(20));
    assert_eq!(found, Vec::<String>::new(), "the last reading of the phase bounds what came after it");
    let ahead = request(12, |_, figure| {
        if figure.metric == "k8s.pod.memory.page_faults" {
            figure.value = 1500.0;
        }
    });
    let found = failures(&ahead, &honest(20));
    assert_eq!(found.len(), PODS.len(), "{found:?}");
}

#[test]
fn a_scrape_may_take_until_the_next_one_and_no_longer() {
    // Stamped 11.5, read when the files had gone on; the next scrape begins at 12.5.
    let late = |faults: f64| {
        let first = request(11, |_, figure| {
            if figure.metric == "k8s.pod.memory.page_faults" {
                figure.value += faults;
            }
        });
        let mut lines = report(&honest(12), &honest(20));
        let honest = honest(11).to_string();
        for line in &mut lines {
            if let Line::Request { text, .. } = line
                && *text == honest
            {
                *text = first.to_string();
            }
        }
        judge(&lines).unwrap().failures
    };
    assert_eq!(late(200.0), Vec::<String>::new());
    assert_eq!(late(300.0).len(), PODS.len());
}

#[test]
fn a_counter_that_stays_behind_its_files_is_found() {
    let behind = request(12, |_, figure| {
        if figure.metric == "tare.container.memory.oom_kills" {
            figure.value = 10.0;
        }
    });
    assert_eq!(failures(&behind, &honest(20)).len(), PODS.len());
}

#[test]
fn rows_that_are_missing_and_rows_that_no_file_gives_are_found() {
    let renamed = request(20, |subject, figure| {
        if subject.pod.load == "disk" && figure.metric == "tare.pod.pids.count" {
            figure.metric = "tare.pod.pids.limit".to_owned();
        }
    });
    let found = failures(&honest(12), &renamed);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].ends_with("missing") && found[1].ends_with("no file says this"), "{found:?}");
}

#[test]
fn a_wrong_name_is_found() {
    let mut wrong = honest(20).to_string();
    wrong = wrong.replace("\"postgres\"", "\"postgre\"");
    let found = failures(&honest(12), &serde_json::from_str(&wrong).unwrap());
    assert!(found.iter().any(|failure| failure.contains("a resource that nobody knows")), "{found:?}");
}

#[test]
fn a_load_without_effect_fails_the_check_and_not_tare() {
    let mut lines = report(&honest(12), &honest(20));
    for line in &mut lines {
        if let Line::Reading(reading) = line {
            reading.files.insert("pids.current".to_owned(), "2\n".to_owned());
        }
    }
    let verdict = judge(&lines).unwrap();
    assert!(verdict.failures.iter().any(|failure| failure.starts_with("forks has no effect")), "{verdict:?}");
}
