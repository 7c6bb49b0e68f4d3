//! Small fleets through the whole of it, and certificates that were damaged on purpose.

use std::path::{Path, PathBuf};

use super::certificate::{Certificate, Origin};
use super::peers::Peer;
use super::plan::{Depth, Planned};
use super::{cli, compare, figures, markdown, plots, today};
use crate::fleet;

const PLAN: [Planned; 5] = [
    Planned { scenario: "steady", nodes: 10, depth: Depth::Quick },
    Planned { scenario: "steady", nodes: 30, depth: Depth::Quick },
    Planned { scenario: "steady", nodes: 100, depth: Depth::Quick },
    Planned { scenario: "steady-churn", nodes: 10, depth: Depth::Quick },
    Planned { scenario: "cold-install", nodes: 30, depth: Depth::Quick },
];

fn certificate(seed: u64, rogue: bool) -> Certificate {
    let lines = cli::simulate(&PLAN, &[], seed, rogue).unwrap();
    Certificate::of(seed, lines, Vec::new()).unwrap()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn committed() -> Certificate {
    let path = repository().join("docs/certificate/scale/certificate.json");
    Certificate::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_file_and_another_seed_another_one() {
    let one = certificate(1, false);
    assert_eq!(one.breaches, Vec::<String>::new());
    assert_eq!(one.text().unwrap(), certificate(1, false).text().unwrap());
    assert_eq!(plots::all(&one).unwrap(), plots::all(&certificate(1, false)).unwrap());
    assert_ne!(one.text().unwrap(), certificate(2, false).text().unwrap());
}

#[test]
fn a_certificate_that_was_read_back_says_the_same() {
    let one = certificate(1, false);
    let read = Certificate::parse(&one.text().unwrap()).unwrap();
    assert_eq!(read.text().unwrap(), one.text().unwrap());
    assert_eq!(markdown::report(&read, None), markdown::report(&one, None));
}

#[test]
fn one_request_past_the_gate_breaks_every_row_of_the_certificate() {
    let breaches = certificate(1, true).breaches;
    for planned in PLAN {
        let name = format!("{} of {} nodes: ", planned.scenario, planned.nodes);
        assert!(
            breaches.iter().any(|breach| breach.starts_with(&name) && breach.contains("were sent")),
            "{name}"
        );
    }
}

#[test]
fn a_direct_request_too_many_and_a_saturated_server_are_breaches_with_their_names() {
    let honest = certificate(1, false);
    let broken = |change: &dyn Fn(&mut fleet::Row)| {
        let mut lines = honest.rows.clone();
        change(&mut lines[0].row);
        Certificate::of(1, lines, Vec::new()).unwrap().breaches
    };
    assert!(broken(&|row| row.rates.own *= 1.2)[0].contains("10 nodes: direct requests are 1.0"));
    assert!(broken(&|row| row.bill.refused = 1)[0].contains("saturated"));
    assert!(broken(&|row| row.bill.longest_wait_s = 1.5)[0].contains("saturated"));
    assert!(broken(&|row| row.bill.carried_bytes *= 2)[0].contains("a watch carries"));
}

#[test]
fn a_fleet_that_asks_less_than_computed_is_a_breach_like_one_that_asks_more() {
    for factor in [0.96, 1.04] {
        let mut lines = certificate(1, false).rows;
        // A hundred nodes: one renewal of one of them is less than a hundredth.
        lines[2].row.rates.own *= factor;
        let breaches = Certificate::of(1, lines, Vec::new()).unwrap().breaches;
        assert_eq!(breaches.len(), 1, "{breaches:?}");
        assert!(breaches[0].contains("direct requests/s of a node, computed"), "{breaches:?}");
    }
}

#[test]
fn what_a_watch_carries_follows_the_changes_of_the_pods_and_nothing_else() {
    let certificate = certificate(1, false);
    let of = |scenario: &str, nodes| {
        let line = |line: &&super::certificate::CarriedLine| line.scenario == scenario && line.nodes == nodes;
        certificate.carried.iter().find(line).unwrap().per_node
    };
    assert!((of("steady", 100) / of("steady", 10) - 1.0).abs() < 0.01, "{:?}", certificate.carried);
    // A bookmark a minute is the same in both.
    let changes = (of("steady-churn", 10) - 3.0) / (of("steady", 10) - 3.0);
    assert!((changes - 4.0).abs() < 0.05, "{changes}");
}

#[test]
fn a_fleet_that_became_dearer_and_a_row_that_vanished_do_not_pass_the_comparison() {
    let old = certificate(1, false);
    assert_eq!(compare::worse(&old, &old, &PLAN).unwrap(), Vec::<String>::new());
    let mut new = old.clone();
    new.rows[0].row.rates.own *= 1.03;
    new.rows[1].row.worst.requests += 100;
    new.rows[2].row.fresh.fresh -= 0.02;
    new.rows.pop();
    let worse = compare::worse(&new, &old, &PLAN).unwrap();
    let expected = ["direct requests/s", "requests in 10 s", "stale share", "vanished"];
    assert_eq!(worse.len(), expected.len(), "{worse:?}");
    for (line, expected) in worse.iter().zip(expected) {
        assert!(line.contains(expected), "{line}");
    }
    assert!(compare::worse(&old, &old, &PLAN[1..]).unwrap()[0].contains("no longer planned"));
    let other = Certificate { seed: 2, ..old.clone() };
    assert!(compare::worse(&other, &old, &PLAN).is_err());
}

#[test]
fn what_others_found_is_joined_with_its_origin() {
    let peer = Peer {
        name: "a watch of all pods on every node".to_owned(),
        nodes: 5_000,
        origin: Origin::Computed,
        steady_rps: 1.5,
        cold_10s_requests: 10_000,
        cold_seats: 100_000,
        cold_cpu_s: 81_000.0,
        bytes: 1 << 40,
        exceeds_at: Some(30),
    };
    let joined = Certificate { peers: vec![peer], ..certificate(1, false) };
    let report = markdown::report(&joined, Some("outage.svg"));
    assert!(report.contains("| a watch of all pods on every node | 5000 | computed | 1.50 |"), "{report}");
    assert!(report.contains("(outage.svg)") && report.contains("from |\n") && report.contains("30 nodes |"));
}

#[test]
fn the_figures_of_the_page_and_the_report_are_those_of_the_committed_certificate() {
    let certificate = committed();
    assert_eq!(certificate.breaches, Vec::<String>::new());
    let pages = [
        ("docs/scale.md", None),
        (
            "docs/certificate/scale/certificate.md",
            Some(markdown::report(&certificate, today::joined().unwrap().outage.as_deref())),
        ),
    ];
    for (file, expected) in pages {
        let path = repository().join(file);
        let found = std::fs::read_to_string(&path).unwrap();
        let expected = expected.or_else(|| figures::replaced(&found, &certificate)).unwrap();
        if std::env::var_os("TARE_BLESS").is_some() {
            std::fs::write(&path, &expected).unwrap();
            continue;
        }
        assert!(found == expected, "{file} is out of date (TARE_BLESS=1 rewrites it)");
    }
}
