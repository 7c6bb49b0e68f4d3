use proptest::prelude::*;

use super::*;
use crate::collectors::testing::{assert_golden, fixture, mangled, scrape, setup, write};
use crate::error::ErrorClass;

#[test]
fn the_recorded_hosts_give_the_reviewed_points() {
    for host in ["small", "big"] {
        let (lines, failures) = scrape(&mut System::new(&setup(fixture(format!("host/{host}")))), 1);
        assert_golden(&format!("host/{host}/expected/system.txt"), &lines);
        assert_eq!(failures.total(), 0);
    }
}

#[test]
fn an_uptime_that_is_missing_or_no_number_gives_nothing_and_is_counted() {
    let host = tempfile::tempdir().unwrap();
    let mut system = System::new(&setup(host.path()));
    let (none, failures) = scrape(&mut system, 1);
    assert_eq!((none.len(), failures.count(ErrorClass::NotFound)), (0, 1));
    for text in ["", "\n", "-5 1\n", "soon 1\n", "1e9 1\n"] {
        write(host.path(), "proc/uptime", text);
        let (none, failures) = scrape(&mut system, 2);
        assert_eq!((none.len(), failures.count(ErrorClass::Parse)), (0, 1), "{text:?}");
    }
}

proptest! {
    #[test]
    fn seconds_are_rounded_up_as_sysinfo_does(seconds in 0..4_000_000_000_u64, hundredths in 0..100_u64) {
        let text = format!("{seconds}.{hundredths:02} 1.00\n");
        prop_assert_eq!(uptime(text.as_bytes()), Ok(crate::collectors::points::float(seconds + u64::from(hundredths > 0))));
    }

    #[test]
    fn no_content_of_uptime_breaks_the_parser(text in mangled(b"86400.01 300000.00\n".to_vec())) {
        prop_assert!(uptime(&text).is_ok_and(|seconds| seconds >= 0.0) || uptime(&text).is_err());
    }
}
