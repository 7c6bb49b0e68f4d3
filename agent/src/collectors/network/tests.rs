use std::io::BufReader;

use procfs_core::FromBufRead as _;
use procfs_core::net::InterfaceDeviceStatus;
use proptest::prelude::*;

use super::*;
use crate::collectors::testing::{assert_golden, fixture, mangled, scrape, setup, setup_all, write};
use crate::error::ErrorClass;
use crate::filter::{MatchType, Matcher};

const HEADER: &str = "Inter-|   Receive  |  Transmit\n face |bytes packets |bytes packets\n";
const SOCKETS: &str = "  sl  local_address rem_address   st\n";

fn interface(name: &str) -> String {
    format!("{name:>6}: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n")
}

#[test]
fn the_recorded_hosts_give_the_reviewed_points() {
    for host in ["small", "big"] {
        let mut network = Network::new(&setup_all(fixture(format!("host/{host}"))), Settings::default());
        let (lines, failures) = scrape(&mut network, 1);
        assert_golden(&format!("host/{host}/expected/network.txt"), &lines);
        assert_eq!(failures.total(), 0, "{:?}", failures.first());
    }
}

#[test]
fn the_network_of_process_one_is_preferred_to_the_agents_own_below_a_mounted_proc() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/net/dev", format!("{HEADER}{}", interface("pod0")));
    let devices = || {
        let (lines, _) = scrape(&mut Network::new(&setup(host.path()), Settings::default()), 1);
        lines.into_iter().filter(|line| line.contains("device=")).collect::<Vec<_>>()
    };
    assert!(devices().iter().all(|line| line.contains("device=\"pod0\"")));
    write(host.path(), "proc/1/net/dev", format!("{HEADER}{}", interface("eth0")));
    assert_eq!(devices().len(), 8);
    assert!(devices().iter().all(|line| line.contains("device=\"eth0\"")));
    assert_eq!(net_directory(&HostPaths::default()), Path::new("net"), "a local /proc is the agent's own");
}

#[test]
fn an_interface_outside_the_include_list_is_not_reported() {
    let include = Matcher::new(MatchType::Strict, &["eth0".to_owned()]).unwrap();
    let settings = Settings { interfaces: Filter { include: Some(include), exclude: None } };
    let (lines, _) = scrape(&mut Network::new(&setup(fixture("host/big")), settings), 1);
    let devices: Vec<_> = lines.iter().filter(|line| line.contains("device=")).collect();
    assert_eq!(devices.len(), 8);
    assert!(devices.iter().all(|line| line.contains("device=\"eth0\"")), "{devices:?}");
}

#[test]
fn each_source_that_fails_is_counted_and_costs_only_its_own_points() {
    let host = tempfile::tempdir().unwrap();
    let mut network = Network::new(&setup_all(host.path()), Settings::default());
    let (none, failures) = scrape(&mut network, 1);
    // net/dev, net/tcp and both files of the tracking table; a missing tcp6 is no failure.
    assert_eq!((none.len(), failures.count(ErrorClass::NotFound)), (0, 4));
    write(host.path(), "proc/net/tcp", SOCKETS);
    write(host.path(), "proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
    write(host.path(), "proc/sys/net/netfilter/nf_conntrack_count", "many\n");
    let (points, failures) = scrape(&mut network, 2);
    assert_eq!(points.len(), 13, "twelve states and the limit: {points:?}");
    assert_eq!((failures.count(ErrorClass::NotFound), failures.count(ErrorClass::Parse)), (1, 1));
}

#[test]
fn a_malformed_row_is_counted_with_its_place_and_the_others_stand() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/net/tcp", SOCKETS);
    for bad in [
        "eth0 1 2 3",
        "eth0: 1 2 3",
        ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "eth0: 99999999999999999999",
    ] {
        let text = format!("{HEADER}{bad}\n{}", interface("eth1"));
        write(host.path(), "proc/net/dev", text);
        let (lines, failures) = scrape(&mut Network::new(&setup(host.path()), Settings::default()), 1);
        assert_eq!((lines.len(), failures.count(ErrorClass::Parse)), (20, 1), "{bad:?}");
        let place = format!("no row of an interface at byte {}", HEADER.len());
        assert!(failures.first().unwrap().ends_with(&place), "{:?}", failures.first());
    }
}

#[test]
fn without_the_header_nothing_is_taken_for_an_interface() {
    for text in ["", "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", "a|b\n"] {
        let rows: Vec<_> = netdev::rows(text.as_bytes()).collect();
        assert!(matches!(rows[..], [Err(_)]), "{text:?}: {rows:?}");
    }
}

fn assert_agrees_with_procfs(text: &[u8]) {
    let mut theirs = InterfaceDeviceStatus::from_buf_read(BufReader::new(text)).unwrap().0;
    for row in netdev::rows(text) {
        let (name, ours) = row.unwrap();
        let theirs = theirs.remove(std::str::from_utf8(name).unwrap()).unwrap();
        assert_eq!(ours.received.bytes, theirs.recv_bytes);
        assert_eq!(ours.received.packets, theirs.recv_packets);
        assert_eq!(ours.received.errors, theirs.recv_errs);
        assert_eq!(ours.received.dropped, theirs.recv_drop);
        assert_eq!(ours.transmitted.bytes, theirs.sent_bytes);
        assert_eq!(ours.transmitted.packets, theirs.sent_packets);
        assert_eq!(ours.transmitted.errors, theirs.sent_errs);
        assert_eq!(ours.transmitted.dropped, theirs.sent_drop);
    }
    assert!(theirs.is_empty());
}

#[test]
fn procfs_reads_the_same_from_the_recorded_host() {
    assert_agrees_with_procfs(&std::fs::read(fixture("host/small/proc/net/dev")).unwrap());
}

proptest! {
    #[test]
    fn procfs_reads_the_same_whatever_the_numbers(
        interfaces in prop::collection::btree_map("[a-z0-9]{1,12}", prop::collection::vec(any::<u64>(), 16), 0..6),
    ) {
        let line = |(name, counters): (&String, &Vec<u64>)| {
            let counters: Vec<_> = counters.iter().map(u64::to_string).collect();
            format!("{name:>6}: {}\n", counters.join("   "))
        };
        let text: String = interfaces.iter().map(line).collect();
        assert_agrees_with_procfs(format!("{HEADER}{text}").as_bytes());
    }

    #[test]
    fn no_content_breaks_the_parsers(
        dev in mangled(std::fs::read(fixture("host/big/proc/1/net/dev")).unwrap()),
        entries in mangled(b"262144\n".to_vec()),
    ) {
        for row in netdev::rows(&dev) {
            prop_assert!(row.is_ok() || row.is_err_and(|fault| fault.at <= dev.len()));
        }
        if let Ok(number) = conntrack::entries(&entries) {
            let first = String::from_utf8_lossy(&entries).split('\n').next().map(str::to_owned);
            prop_assert_eq!(first.and_then(|line| line.parse().ok()), Some(number));
        }
    }
}
