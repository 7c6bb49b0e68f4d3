use procfs_core::{FromRead as _, LoadAverage};
use proptest::prelude::*;

use super::*;
use crate::collectors::testing::{assert_golden, fixture, mangled, scrape, setup, write};
use crate::error::ErrorClass;

#[test]
fn the_recorded_hosts_give_the_reviewed_points() {
    for host in ["small", "big"] {
        let setup = setup(fixture(format!("host/{host}")));
        let (mut all, failures) = scrape(&mut Load::new(&setup, Settings::default()), 1);
        assert_eq!(failures.total(), 0);
        let (averaged, failures) = scrape(&mut Load::new(&setup, Settings { cpu_average: true }), 1);
        assert_eq!(failures.total(), 0);
        all.extend(averaged.into_iter().map(|line| format!("cpu_average: {line}")));
        assert_golden(&format!("host/{host}/expected/load.txt"), &all);
    }
}

#[test]
fn a_load_that_is_missing_or_malformed_gives_nothing_and_is_counted() {
    let host = tempfile::tempdir().unwrap();
    let mut load = Load::new(&setup(host.path()), Settings::default());
    let (none, failures) = scrape(&mut load, 1);
    assert_eq!((none.len(), failures.count(ErrorClass::NotFound)), (0, 1));
    for (text, at) in
        [("", 0), ("1.00 2.00", 9), ("1.00 -2.00 3.00 1/2 3\n", 5), ("1.00 2.00 nan 1/2 3\n", 10)]
    {
        write(host.path(), "proc/loadavg", text);
        let (none, failures) = scrape(&mut load, 2);
        assert_eq!((none.len(), failures.count(ErrorClass::Parse)), (0, 1), "{text:?}");
        assert!(failures.first().unwrap().ends_with(&format!("at byte {at}")), "{:?}", failures.first());
    }
}

#[test]
fn without_the_number_of_cpus_there_is_no_average_per_cpu() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/loadavg", "1.00 2.00 3.00 1/2 3\n");
    let mut load = Load::new(&setup(host.path()), Settings { cpu_average: true });
    assert_eq!(scrape(&mut load, 1).0, Vec::<String>::new());
    write(host.path(), "sys/devices/system/cpu/online", "0-3\n");
    assert_eq!(scrape(&mut load, 2).0[2], "system.cpu.load_average.5m 0.5");
}

#[test]
fn a_list_of_cpus_is_counted() {
    for (list, count) in [("0\n", 1), ("0-1\n", 2), ("0-3,8,10-11\n", 7)] {
        assert_eq!(cpu_count(list.as_bytes()), Ok(count));
    }
    for list in ["", "\n", "3-1", "0-", "0,", "a", "0-18446744073709551615"] {
        assert!(cpu_count(list.as_bytes()).is_err(), "{list:?}");
    }
}

proptest! {
    #[test]
    fn procfs_reads_the_same_from_any_well_formed_loadavg(hundredths in prop::array::uniform3(0..100_000_u32)) {
        let [one, five, fifteen] = hundredths.map(|load| format!("{}.{:02}", load / 100, load % 100));
        let text = format!("{one} {five} {fifteen} 3/111 22478\n");
        let theirs = LoadAverage::from_read(text.as_bytes()).unwrap();
        let theirs = [theirs.one, theirs.five, theirs.fifteen].map(f64::from);
        for (ours, theirs) in averages(text.as_bytes()).unwrap().into_iter().zip(theirs) {
            prop_assert!((ours - theirs).abs() <= ours * f64::from(f32::EPSILON), "{} {}", ours, theirs);
        }
    }

    #[test]
    fn no_content_breaks_the_parsers(
        loadavg in mangled(b"3.00 1.50 0.75 5/1234 98765\n".to_vec()),
        online in mangled(b"0-3,8,10-11\n".to_vec()),
    ) {
        prop_assert!(averages(&loadavg).is_ok() || averages(&loadavg).is_err_and(|fault| fault.at <= loadavg.len()));
        prop_assert!(cpu_count(&online).is_ok_and(|cpus| cpus > 0) || cpu_count(&online).is_err());
    }
}
