use exporter::model::Attribute;
use exporter::segment::Segment;

use super::*;
use crate::catalog::hostmetrics::cpu::{LOGICAL_COUNT, TIME};

#[derive(Debug)]
struct Two(Segment);

impl Collector for Two {
    fn name(&self) -> &'static str {
        "two"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        let attributes =
            [Attribute::str("state", "user"), Attribute::str("cpu", "cpu0"), Attribute::int("pid", 7)];
        let time = self.0.series(&TIME, &attributes);
        let count = self.0.series(&LOGICAL_COUNT, &[]);
        self.0.begin(scrape.time);
        self.0.set_double(time, 2.5);
        self.0.set_int(count, 4);
        self.0.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.0);
    }
}

#[test]
fn a_scrape_reads_as_sorted_lines_with_typed_values_in_their_order() {
    let (lines, failures) = scrape(&mut Two(setup("/nowhere").node_segment("tare.host.two")), 60);
    assert_eq!(
        lines,
        ["system.cpu.logical.count 4", r#"system.cpu.time{state="user" cpu="cpu0" pid=7} 2.5"#]
    );
    assert_eq!(failures.total(), 0);
}

#[test]
fn another_resource_and_another_start_are_shown_also_where_the_start_is_before_the_boot() {
    let mut setup = setup_all("/nowhere");
    setup.resource.push(("odd".to_owned(), "a\"b".to_owned()));
    for (start_s, shown) in [(BOOT_TIME_S + 5, "+5000ms"), (BOOT_TIME_S - 5, "-5000ms")] {
        setup.boot_time = Timestamp(start_s * 1_000_000_000);
        let (lines, _) = scrape(&mut Two(setup.node_segment("tare.host.two")), 60);
        assert_eq!(lines[0], r#"resource {host.name="fixture" odd="a\"b"}"#);
        assert!(lines[2].ends_with(&format!(" 2.5 since {shown}")), "{lines:?}");
    }
}

#[test]
fn a_written_fixture_is_read_back_from_below_its_root() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "proc/1/stat", "1");
    assert_eq!(std::fs::read(setup(directory.path()).paths.proc("1/stat")).unwrap(), b"1");
    assert!(fixture("parity/metrics.csv").is_file());
}
