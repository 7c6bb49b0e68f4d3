use std::fs;
use std::io::Write;

use super::*;

fn event(id: &str, stage: &str, verb: &str, second: &str) -> String {
    format!(
        "{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"auditID\":\"{id}\",\
         \"stage\":\"{stage}\",\"requestURI\":\"/api/v1/pods\",\"verb\":\"{verb}\",\
         \"user\":{{\"username\":\"someone\"}},\"userAgent\":\"tare/1\",\
         \"objectRef\":{{\"resource\":\"pods\",\"apiVersion\":\"v1\"}},\"responseStatus\":{{\"metadata\":{{}},\"code\":200}},\
         \"requestReceivedTimestamp\":\"2026-11-21T12:00:{second}Z\"}}"
    )
}

fn read(text: &str) -> Counts {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    fs::write(&path, text).unwrap();
    let mut reader = Reader::new(&path);
    reader.read().unwrap();
    reader.counts
}

fn all(_: &Kind) -> bool {
    true
}

#[test]
fn a_watch_counts_once_whether_or_not_it_has_ended() {
    let started = event("a", "ResponseStarted", "watch", "00.000000");
    let ended = event("a", "ResponseComplete", "watch", "00.000000");
    let other = event("b", "ResponseComplete", "list", "01.000000");
    assert_eq!(read(&format!("{started}\n")).total(all), 1);
    assert_eq!(read(&format!("{started}\n{ended}\n{other}\n")).total(all), 2);
    let counts = read(&format!("{started}\n{other}\n"));
    let kinds: Vec<_> = counts.of(|kind| kind.verb == "watch").collect();
    assert_eq!(kinds.len(), 1);
    assert_eq!(kinds[0].0.resource, "pods");
    assert_eq!(kinds[0].0.code, 200);
    assert_eq!(kinds[0].0.user_agent, "tare/1");
    assert_eq!(kinds[0].0.user, "someone");
}

#[test]
fn a_line_without_its_end_is_counted_once_its_end_has_been_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let line = event("a", "ResponseComplete", "get", "00.500000");
    let (early, late) = line.split_at(40);
    let mut file = File::create(&path).unwrap();
    let mut reader = Reader::new(&path);
    file.write_all(early.as_bytes()).unwrap();
    assert_eq!(reader.read().unwrap().total(all), 0);
    file.write_all(late.as_bytes()).unwrap();
    assert_eq!(reader.read().unwrap().total(all), 0);
    file.write_all(b"\n").unwrap();
    assert_eq!(reader.read().unwrap().total(all), 1);
    assert_eq!(reader.read().unwrap().broken(), 0);
}

#[test]
fn an_event_behind_one_that_a_killed_server_left_unfinished_is_not_lost() {
    let line = event("a", "ResponseComplete", "get", "00.500000");
    let unfinished = event("b", "ResponseComplete", "get", "00.100000");
    let (cut, _) = unfinished.split_at(90);
    let counts = read(&format!("{cut}{line}\nnonsense\n"));
    assert_eq!(counts.total(all), 1);
    assert_eq!(counts.broken(), 2);
}

#[test]
fn windows_begin_at_multiples_of_ten_seconds_and_the_busiest_one_anywhere() {
    let text: String = ["09.000000", "09.900000", "10.100000", "18.900000", "19.000000"]
        .iter()
        .enumerate()
        .map(|(number, second)| event(&number.to_string(), "ResponseComplete", "get", second) + "\n")
        .collect();
    let counts = read(&text);
    assert_eq!(counts.windows(all).into_values().collect::<Vec<_>>(), [2, 3]);
    // From 09.0 up to and not including 19.0, and from 09.9.
    assert_eq!(counts.busiest(all), 4);
    assert_eq!(counts.busiest(|kind| kind.code == 500), 0);
}
