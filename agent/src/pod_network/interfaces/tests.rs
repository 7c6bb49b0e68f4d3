use proptest::prelude::*;

use super::*;

const HEADER: &str = "Inter-|   Receive                                                |  Transmit\n \
face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";

fn told(text: &str, limit: usize) -> (Vec<String>, Result<(), Fault>) {
    let mut told = Vec::new();
    let result = visit(text.as_bytes(), limit, &mut |interface| told.push(interface.name.to_owned()));
    (told, result)
}

fn with_rows(names: &[&str]) -> String {
    let rows = names.iter().map(|name| format!("{name:>6}: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"));
    HEADER.to_owned() + &rows.collect::<String>()
}

#[test]
fn bytes_and_errors_of_both_directions_are_told_and_eth0_is_the_default() {
    let mut seen = 0;
    let text = with_rows(&["lo", "eth0", "net1"]);
    visit(text.as_bytes(), 9, &mut |interface| {
        seen += 1;
        let expected = Interface {
            name: if seen == 1 { "eth0" } else { "net1" },
            is_default: seen == 1,
            rx_bytes: 1,
            rx_errors: 3,
            tx_bytes: 9,
            tx_errors: 11,
        };
        assert_eq!(interface, expected);
    })
    .unwrap();
    assert_eq!(seen, 2);
}

#[test]
fn the_interfaces_that_cadvisor_ignores_are_left_out() {
    let names = ["lo", "lo0", "LO", "veth12ab", "VETH1", "docker0", "Docker_gwbridge", "nerdctl0"];
    assert_eq!(told(&with_rows(&names), 9), (Vec::new(), Ok(())));
    let names = ["l", "eth0", "cali12", "cni0", "ifb0", "br-docker0", "vet", "tap0_kata"];
    assert_eq!(told(&with_rows(&names), 9).0, names);
}

#[test]
fn nothing_is_told_of_a_text_of_which_a_line_is_malformed() {
    let whole = with_rows(&["eth0", "net1"]);
    for (wrong, at) in [
        (whole.replace("net1:", "net1"), whole.rfind("  net1").unwrap()),
        (whole.replace("15 16\n", "15\n"), whole.find("  eth0").unwrap()),
        (whole.replace('9', "x"), whole.find("  eth0").unwrap()),
        (whole.trim_end().to_owned(), whole.len() - 1),
        (String::from("\n"), 0),
        (String::new(), 0),
    ] {
        let (told, result) = told(&wrong, 9);
        assert!(told.is_empty(), "{wrong}");
        assert!(
            matches!(result, Err(Fault::Malformed { at: found, .. }) if found == at),
            "{result:?} for {at}"
        );
    }
    let mut wrong = with_rows(&["eth0"]).into_bytes();
    wrong[HEADER.len() + 2] = 0xff;
    assert!(matches!(visit(&wrong, 9, &mut |_| panic!("told")), Err(Fault::Malformed { .. })));
}

#[test]
fn interfaces_beyond_the_bound_are_refused_and_ignored_ones_do_not_count() {
    let text = with_rows(&["eth0", "veth1", "veth2", "net1", "net2"]);
    assert_eq!(told(&text, 3), (vec!["eth0".into(), "net1".into(), "net2".into()], Ok(())));
    assert_eq!(told(&text, 2), (vec!["eth0".into(), "net1".into()], Err(Fault::TooMany)));
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_a_fault_tells_none(
        rows in prop::collection::vec(any::<u8>(), 0..200), numbers in "[a-z0-9:]{1,9}:( [0-9]{1,21}){15,17}\n",
    ) {
        for rows in [&rows[..], numbers.as_bytes()] {
            let text = [HEADER.as_bytes(), rows].concat();
            let mut count = 0;
            let result = visit(&text, 2, &mut |interface| {
                count += 1;
                assert!(!interface.name.is_empty());
            });
            match result {
                Ok(()) => prop_assert!(count <= 2),
                Err(Fault::TooMany) => prop_assert_eq!(count, 2),
                Err(Fault::Malformed { at, .. }) => prop_assert!(count == 0 && at <= text.len()),
            }
        }
    }
}
