use std::io::BufReader;

use procfs_core::net::{TcpNetEntries, TcpState};
use procfs_core::{ExplicitSystemInfo, FromBufReadSI as _};
use proptest::prelude::*;

use super::count::{Counter, Family, State};
use super::lines::{LINE_LIMIT, Lines};
use super::*;
use crate::collectors::testing::{fixture, mangled};

const HEADER: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n";

fn socket(local: &str, state: &str) -> String {
    format!("   0: {local} 0100007F:0016 {state} 00000000:00000000 00:00000000 00000000 0 0 4711 1 0\n")
}

/// The counts of one file in chunks of at most `chunk` bytes, and whether anything was malformed.
fn count(family: Family, text: &[u8], chunk: usize) -> (Counts, Option<String>) {
    let mut counter = Counter::new();
    counter.begin(family);
    text.chunks(chunk).for_each(|chunk| counter.feed(chunk));
    let faults = counter.finish();
    (counter.counts().clone(), (!faults.is_empty()).then(|| format!("{faults:?}")))
}

#[test]
fn sockets_that_listen_on_the_same_address_count_once_per_family() {
    let mut counter = Counter::new();
    for _ in 0..2 {
        counter.clear();
        counter.begin(Family::V4);
        let v4 =
            [socket("0100007F:0050", "0A"), socket("0100007F:0050", "0A"), socket("0100007F:0051", "0A")];
        counter.feed(format!("{HEADER}{}", v4.concat()).as_bytes());
        assert!(counter.finish().is_empty());
        counter.begin(Family::V6);
        let mapped = socket("0000000000000000FFFF00000100007F:0050", "0A");
        let any = socket("00000000000000000000000000000000:0050", "0A");
        counter.feed(format!("{HEADER}{mapped}{any}").as_bytes());
        assert!(counter.finish().is_empty());
        assert_eq!(counter.counts()[State::Listen], 4);
    }
}

#[test]
fn a_malformed_line_is_counted_with_its_place_and_the_others_stand() {
    let good = socket("0100007F:0050", "01");
    for bad in [
        socket("0100007F:0050", "0C"),
        socket("0100007F:0050", "1"),
        socket("0100007F0050", "01"),
        "   0: 0100007F:0050 0100007F:0016 01 0:0 0:0 0 0 0\n".to_owned(),
        "\n".to_owned(),
        format!("{}\n", "x".repeat(LINE_LIMIT + 1)),
    ] {
        let text = format!("{HEADER}{bad}{good}");
        for chunk in [1, 7, 64, text.len()] {
            let (counts, fault) = count(Family::V4, text.as_bytes(), chunk);
            assert_eq!(counts[State::Established], 1);
            let place = format!(
                "count: 1, first: Some(Malformed {{ what: \"no row of a socket\", at: {} }}",
                HEADER.len()
            );
            assert!(fault.as_ref().unwrap().contains(&place), "{bad:?}: {fault:?}");
        }
    }
}

#[test]
fn an_empty_file_is_malformed_and_a_last_line_without_newline_counts() {
    assert!(count(Family::V4, b"", 1).1.is_some());
    let text = format!("{HEADER}{}", socket("0100007F:0050", "06"));
    let (counts, fault) = count(Family::V4, text.trim_end().as_bytes(), 16);
    assert_eq!((counts[State::TimeWait], fault), (1, None));
}

#[test]
fn a_line_left_over_from_a_file_that_failed_does_not_reach_the_next() {
    let mut counter = Counter::new();
    counter.begin(Family::V4);
    counter.feed(format!("{HEADER}   0: 0100007F:").as_bytes());
    counter.begin(Family::V4);
    counter.feed(format!("{HEADER}{}", socket("0100007F:0050", "08")).as_bytes());
    assert!(counter.finish().is_empty());
    assert_eq!(counter.counts()[State::CloseWait], 1);
}

const SYSTEM: ExplicitSystemInfo =
    ExplicitSystemInfo { boot_time_secs: 0, ticks_per_second: 100, page_size: 4096, is_little_endian: true };

#[test]
fn procfs_finds_the_same_states_in_the_recorded_hosts() {
    for file in ["small/proc/net/tcp", "big/proc/1/net/tcp"] {
        let text = std::fs::read(fixture(format!("host/{file}"))).unwrap();
        let theirs = TcpNetEntries::from_buf_read(BufReader::new(&text[..]), &SYSTEM).unwrap().0;
        let (ours, fault) = count(Family::V4, &text, 100);
        assert_eq!(fault, None);
        for (state, expected) in [
            (State::Established, TcpState::Established),
            (State::SynSent, TcpState::SynSent),
            (State::SynRecv, TcpState::SynRecv),
            (State::FinWait1, TcpState::FinWait1),
            (State::FinWait2, TcpState::FinWait2),
            (State::TimeWait, TcpState::TimeWait),
            (State::Close, TcpState::Close),
            (State::CloseWait, TcpState::CloseWait),
            (State::LastAck, TcpState::LastAck),
            (State::Closing, TcpState::Closing),
        ] {
            let theirs = theirs.iter().filter(|entry| entry.state == expected).count();
            assert_eq!(ours[state], theirs as u64, "{state:?}");
        }
        let mut listeners: Vec<_> = theirs.iter().filter(|entry| entry.state == TcpState::Listen).collect();
        listeners.sort_by_key(|entry| entry.local_address);
        listeners.dedup_by_key(|entry| entry.local_address);
        assert_eq!(ours[State::Listen], listeners.len() as u64);
    }
}

proptest! {
    #[test]
    fn it_does_not_matter_where_the_chunks_end(
        text in mangled(std::fs::read(fixture("host/big/proc/1/net/tcp6")).unwrap()),
        chunk in 1..600_usize,
    ) {
        prop_assert_eq!(count(Family::V6, &text, chunk), count(Family::V6, &text, text.len().max(1)));
    }

    #[test]
    fn lines_out_of_chunks_are_the_lines_of_the_whole(
        text in "[ab\n]{0,60}", chunk in 1..10_usize,
    ) {
        let (mut lines, mut ours) = (Lines::new(), Vec::new());
        let mut visit = |at, line: Option<&[u8]>| ours.push((at, String::from_utf8(line.unwrap().to_vec()).unwrap()));
        for chunk in text.as_bytes().chunks(chunk) {
            lines.feed(chunk, &mut visit);
        }
        lines.finish(&mut visit);
        let mut at = 0;
        let mut theirs = Vec::new();
        for line in text.lines() {
            theirs.push((at, line.to_owned()));
            at += line.len() + 1;
        }
        prop_assert_eq!(ours, theirs);
    }
}
