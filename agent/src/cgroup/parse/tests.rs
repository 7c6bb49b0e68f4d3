use proptest::prelude::*;

use super::*;

const CPU_STAT: &str = "usage_usec 35331\nuser_usec 30099\nsystem_usec 5231\nnr_periods 9\nnr_throttled 2\n\
                        throttled_usec 70\nnr_bursts 0\nburst_usec 0\n";
const MEMORY_STAT: &str =
    "anon 11\nfile 12\nkernel 13\ninactive_file 14\nactive_file 15\npgfault 16\npgmajfault 17\n";
const MEMORY_STAT_V1: &str = "cache 1\nrss 2\npgfault 3\npgmajfault 4\ninactive_file 5\n\
                              hierarchical_memory_limit 9223372036854771712\ntotal_cache 6\ntotal_rss 7\ntotal_swap 8\n\
                              total_pgfault 9\ntotal_pgmajfault 10\ntotal_inactive_file 11\n";
const PRESSURE: &str =
    "some avg10=0.12 avg60=0.34 avg300=0.56 total=1234\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=56\n";
const IO_STAT: &str = "8:16 rbytes=100 wbytes=200 rios=3 wios=4 dbytes=0 dios=0\n253:0 \n8:0 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n";
const BLKIO: &str = "8:0 Read 100\n8:0 Write 200\n8:0 Sync 300\n8:0 Async 0\n8:0 Discard 0\n8:0 Total 300\n\
                     8:16 Read 1\n8:16 Write 2\n8:16 Total 3\nTotal 303\n";
const MEMINFO: &str = "MemTotal:  2048 kB\nMemFree:  7 kB\nSwapTotal:  30 kB\nSwapFree:  10 kB\n";

fn why<T: std::fmt::Debug>(parsed: Parsed<T>) -> (&'static str, usize) {
    let bad = parsed.unwrap_err();
    (bad.what, bad.at)
}

#[test]
fn a_limit_is_none_for_max_and_for_the_number_that_v1_shows_instead() {
    assert_eq!(limit(b"67108864\n"), Ok(Some(67_108_864)));
    assert_eq!(limit(b"0\n"), Ok(Some(0)));
    for text in ["max\n", "9223372036854771712\n", "18446744073709551615\n"] {
        assert_eq!(limit(text.as_bytes()), Ok(None), "{text}");
    }
    for text in ["", "\n", "-1\n", "maximum\n", "1e9\n", "18446744073709551616\n"] {
        assert_eq!(why(limit(text.as_bytes())).0, NO_NUMBER, "{text}");
    }
}

#[test]
fn cpu_time_is_in_nanoseconds_and_throttling_is_told_only_after_a_period_of_a_quota() {
    let throttling = Throttling { periods: 9, throttled_periods: 2, throttled_ns: 70_000 };
    assert_eq!(cpu_stat(CPU_STAT.as_bytes()), Ok((35_331_000, Some(throttling))));
    assert_eq!(
        cpu_stat(b"usage_usec 1\nuser_usec 1\nsystem_usec 0\n"),
        Ok((1000, None)),
        "without the controller"
    );
    let idle = "usage_usec 1\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n";
    assert_eq!(cpu_stat(idle.as_bytes()), Ok((1000, None)), "without a quota");
    assert_eq!(why(cpu_stat(b"user_usec 1\n")), ("no usage_usec", 0));
    assert_eq!(why(cpu_stat(b"usage_usec 18446744073709552\n")), (TOO_LARGE, 0));
    let v1 = "nr_periods 5\nnr_throttled 4\nthrottled_time 333\nnr_bursts 0\nburst_time 0\n";
    let throttling = Throttling { periods: 5, throttled_periods: 4, throttled_ns: 333 };
    assert_eq!(cpu_stat_v1(v1.as_bytes()), Ok(Some(throttling)));
}

#[test]
fn memory_is_the_kubelets_keys_of_each_version() {
    let expected = MemoryStat {
        anonymous: 11,
        file: 12,
        inactive_file: 14,
        page_faults: 16,
        major_page_faults: 17,
        swap: None,
    };
    assert_eq!(memory_stat(MEMORY_STAT.as_bytes()), Ok(expected));
    let expected = MemoryStat {
        anonymous: 7,
        file: 6,
        inactive_file: 11,
        page_faults: 3,
        major_page_faults: 4,
        swap: Some(8),
    };
    assert_eq!(memory_stat_v1(MEMORY_STAT_V1.as_bytes()), Ok(expected));
    for (text, parse) in [
        (MEMORY_STAT, memory_stat as fn(&[u8]) -> Parsed<MemoryStat>),
        (MEMORY_STAT_V1, memory_stat_v1 as fn(&[u8]) -> Parsed<MemoryStat>),
    ] {
        let cut = text.rfind("pgmajfault").unwrap();
        assert!(parse(text.as_bytes()).is_ok());
        assert!(parse(&text.as_bytes()[..cut.min(60)]).is_err(), "cut between two lines");
    }
    assert_eq!(why(memory_stat(b"anon 1\nfile x\n")), (NO_NUMBER, 7));
}

#[test]
fn pressure_is_the_stall_time_and_full_may_be_absent() {
    assert_eq!(pressure(PRESSURE.as_bytes()), Ok(Stall { some_ns: 1_234_000, full_ns: Some(56_000) }));
    let some = PRESSURE.split_inclusive('\n').next().unwrap();
    assert_eq!(pressure(some.as_bytes()), Ok(Stall { some_ns: 1_234_000, full_ns: None }));
    assert_eq!(why(pressure(b"")), ("no some", 0));
    assert_eq!(why(pressure(b"full avg10=0.00 total=1\nsome avg10=0.00\n")), ("no total", 24));
}

#[test]
fn io_is_the_sum_of_all_devices() {
    let io = Io { read_bytes: 101, write_bytes: 202, reads: 4, writes: 5 };
    assert_eq!(io_stat(IO_STAT.as_bytes()), Ok(io));
    assert_eq!(io_stat(b""), Ok(Io::default()), "nothing was read or written yet");
    assert_eq!(blkio(BLKIO.as_bytes()), Ok((101, 202)));
    assert_eq!(blkio(b"Total 0\n"), Ok((0, 0)));
    let large = format!("8:0 rbytes={0}\n8:1 rbytes={0}\n", u64::MAX);
    assert_eq!(why(io_stat(large.as_bytes())).0, TOO_LARGE);
    let large = format!("8:0 Read {0}\n8:1 Read {0}\n", u64::MAX);
    assert_eq!(why(blkio(large.as_bytes())).0, TOO_LARGE);
}

#[test]
fn oom_kills_are_absent_on_kernels_that_do_not_count_them() {
    assert_eq!(oom_kills(b"low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n"), Ok(Some(1)));
    assert_eq!(oom_kills(b"oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"), Ok(Some(4)));
    assert_eq!(oom_kills(b"oom_kill_disable 0\nunder_oom 0\n"), Ok(None));
}

#[test]
fn the_machines_memory_and_swap_are_in_bytes() {
    assert_eq!(meminfo(MEMINFO.as_bytes()), Ok((2 << 20, 20 << 10)));
    assert_eq!(why(meminfo(b"MemFree: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")).0, "no MemTotal");
}

/// One of the files, with a part replaced by other bytes.
fn mangled() -> impl Strategy<Value = Vec<u8>> {
    let texts = [CPU_STAT, MEMORY_STAT, MEMORY_STAT_V1, PRESSURE, IO_STAT, BLKIO, MEMINFO, "max\n"];
    let junk = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[0-9]{17,25}".prop_map(String::into_bytes),
        "[ \t\n=:a-z]{0,8}".prop_map(String::into_bytes),
    ];
    let text = prop::sample::select(texts.to_vec());
    (text, any::<prop::sample::Index>(), 0..20_usize, junk).prop_map(|(text, at, removed, junk)| {
        let mut text = text.as_bytes().to_vec();
        let at = at.index(text.len() + 1);
        let end = (at + removed).min(text.len());
        text.splice(at..end, junk);
        text
    })
}

proptest! {
    #[test]
    fn whatever_a_file_holds_it_is_parsed_or_its_fault_is_within_it(text in mangled()) {
        fn within<T>(parsed: Parsed<T>, text: &[u8]) -> bool {
            parsed.map_or_else(|bad| bad.at <= text.len(), |_| true)
        }
        prop_assert!(within(number(&text), &text));
        prop_assert!(within(cpu_stat(&text), &text));
        prop_assert!(within(cpu_stat_v1(&text), &text));
        prop_assert!(within(memory_stat(&text), &text));
        prop_assert!(within(memory_stat_v1(&text), &text));
        prop_assert!(within(pressure(&text), &text));
        prop_assert!(within(io_stat(&text), &text));
        prop_assert!(within(blkio(&text), &text));
        prop_assert!(within(oom_kills(&text), &text));
        prop_assert!(within(meminfo(&text), &text));
        prop_assert!(limit(&text).is_ok_and(|limit| limit.is_none_or(|limit| limit <= UNLIMITED_ABOVE)) || limit(&text).is_err());
    }
}
