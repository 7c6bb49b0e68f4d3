use procfs_core::process as oracle;
use procfs_core::{FromBufRead as _, FromRead as _};
use proptest::prelude::*;

use super::*;

const STAT: &[u8] =
    b"77 (a) R (b c) S 1 77 77 0 -1 4194560 100 11 3 1 250 125 5 6 20 0 2 0 123456 171000000 3000 \
18446744073709551615 94100 94199 14073 0 0 0 0 4096 1260 1 0 0 17 0 0 0 37 0 0 0 0 0 0 0 0 0 0\n";

#[test]
fn a_name_with_blanks_and_parentheses_ends_at_the_last_one() {
    let found = stat(STAT).unwrap();
    assert_eq!((found.comm, found.state), (&b"a) R (b c"[..], b'S'));
    assert_eq!((found.parent, found.threads, found.start, found.block_io), (1, 2, 123_456, 37));
    assert_eq!(state(&STAT[..40]), Some(b'S'));
}

#[test]
fn a_cut_or_foreign_stat_is_none() {
    for text in [&b""[..], b"1", b"1 (a", b"1 a) S 1", b"1 )a( S 1", b"1 (a)", &STAT[..60], b"1 (a) S x"] {
        assert_eq!(stat(&[text, b"\n"].concat()), None, "{text:?}");
    }
    assert_eq!(state(b"1 (a)"), None);
}

#[test]
fn a_line_without_its_newline_was_cut_off_perhaps_within_a_number() {
    assert_eq!(stat(&STAT[..STAT.len() - 1]), None);
    assert_eq!(statm(b"41748 3000"), None);
    assert_eq!(io(b"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4"), None);
    assert_eq!(status(b"Uid:\t5\t5\t5\t5\nvoluntary_ctxt_switches:\t12").voluntary, None);
}

#[test]
fn an_old_kernels_stat_without_block_io_counts_none() {
    let cut = STAT.windows(7).position(|window| window == b" 0 37 0").unwrap();
    assert_eq!(stat(&[&STAT[..cut], b"\n"].concat()).unwrap().block_io, 0);
}

#[test]
fn kernel_threads_are_told_by_their_flag() {
    assert!(!stat(STAT).unwrap().is_kernel_thread());
    let thread = String::from_utf8_lossy(STAT).replace(" 4194560 ", " 2129984 ");
    assert!(stat(thread.as_bytes()).unwrap().is_kernel_thread());
}

#[test]
fn statm_needs_two_numbers_and_io_all_four() {
    assert_eq!(statm(b"41748 3000 2100 12 0 5000 0\n"), Some((41748, 3000)));
    assert_eq!(statm(b"41748\n"), None);
    assert_eq!(statm(b""), None);
    assert_eq!(io(b"rchar: 1\nwchar: 2\nsyscr: 3\n"), None);
    assert_eq!(io(b"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: x\n"), None);
    let all = io(b"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\n").unwrap();
    assert_eq!((all.bytes, all.calls), ([1, 2], [3, 4]));
}

#[test]
fn a_status_without_a_line_leaves_only_that_figure_out() {
    let found =
        status(b"Name:\tUid: 7\nUid:\t5\t6\t7\t8\nShdPnd:\t8000000000004002\nvoluntary_ctxt_switches:\tx\n");
    let expected =
        Status { uid: Some(5), pending: Some(0x8000_0000_0000_4002), voluntary: None, involuntary: None };
    assert_eq!(found, expected);
}

#[test]
fn arguments_are_joined_by_blanks_and_foreign_bytes_are_replaced() {
    assert_eq!(
        cmdline(b"caf\xe9\0two words\0\0"),
        ("caf\u{fffd}".into(), "caf\u{fffd} two words".to_owned())
    );
    assert_eq!(cmdline(b"a\0\0b\0"), ("a".into(), "a  b".to_owned()));
    assert_eq!(cmdline(b"\0\0"), ("".into(), String::new()));
    assert_eq!(cmdline(b""), ("".into(), String::new()));
}

#[test]
fn a_name_that_may_be_cut_is_completed_from_the_first_argument_that_begins_like_it() {
    assert_eq!(full_name(b"short", "/bin/shorter"), "short");
    assert_eq!(full_name(b"very-long-progr", "/opt/very-long-program-name"), "very-long-program-name");
    assert_eq!(full_name(b"very-long-progr", "/opt/other"), "very-long-progr");
    assert_eq!(full_name(b"kworker/0:1-events", ""), "kworker/0:1-events");
    assert_eq!(full_name(b"back\\slash\nlonger", ""), "back\\\\slash\\nlonger");
    assert_eq!(full_name(b"", "/bin/x"), "");
    assert_eq!(full_name(b"\xff\xfe", ""), "\u{fffd}\u{fffd}");
}

#[test]
fn lines_of_passwd_that_name_no_user_are_passed_over() {
    assert_eq!(passwd_line(b"root:x:0:0:root:/root:/bin/bash"), Some((0, "root")));
    assert_eq!(passwd_line(b"a:x:4294967295:1:::"), Some((u32::MAX, "a")));
    for line in [
        &b""[..],
        b"# root:x:0:0:::",
        b"+nis::::::",
        b"a:x:1",
        b"a:x:y:0:::",
        b"a:x:4294967296:0:::",
        b"\xff:x:1:1:::",
    ] {
        assert_eq!(passwd_line(line), None, "{line:?}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (stat(&text), state(&text), statm(&text), io(&text), status(&text), passwd_line(&text));
        let (first, line) = cmdline(&text);
        let _ = full_name(&text, &first);
        prop_assert!(line.len() <= 3 * text.len());
    }

    #[test]
    fn stat_agrees_with_procfs_core(
        comm in "[a-z() ]{1,15}", state_letter in "[RSDZTtXI]", numbers in prop::collection::vec(0_u32..1_000_000, 49),
    ) {
        let rest: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        let text = format!("77 ({comm}) {state_letter} {}\n", rest.join(" "));
        let theirs = oracle::Stat::from_read(text.as_bytes()).unwrap();
        let ours = stat(text.as_bytes()).unwrap();
        prop_assert_eq!(ours.comm, theirs.comm.as_bytes());
        prop_assert_eq!(char::from(ours.state), theirs.state);
        prop_assert_eq!(state(text.as_bytes()), Some(ours.state));
        prop_assert_eq!(i32::try_from(ours.parent).unwrap(), theirs.ppid);
        prop_assert_eq!(ours.flags, u64::from(theirs.flags));
        prop_assert_eq!((ours.minor_faults, ours.major_faults), (theirs.minflt, theirs.majflt));
        prop_assert_eq!((ours.user, ours.system), (theirs.utime, theirs.stime));
        prop_assert_eq!(i64::try_from(ours.threads).unwrap(), theirs.num_threads);
        prop_assert_eq!(ours.start, theirs.starttime);
        prop_assert_eq!(ours.image, [theirs.startcode, theirs.startstack]);
        prop_assert_eq!(Some(ours.block_io), theirs.delayacct_blkio_ticks);
    }

    #[test]
    fn io_and_statm_agree_with_procfs_core(n in prop::array::uniform7(any::<u64>())) {
        let text = format!(
            "rchar: {}\nwchar: {}\nsyscr: {}\nsyscw: {}\nread_bytes: {}\nwrite_bytes: {}\ncancelled_write_bytes: {}\n",
            n[0], n[1], n[2], n[3], n[4], n[5], n[6],
        );
        let theirs = oracle::Io::from_read(text.as_bytes()).unwrap();
        let ours = io(text.as_bytes()).unwrap();
        prop_assert_eq!((ours.bytes, ours.calls), ([theirs.rchar, theirs.wchar], [theirs.syscr, theirs.syscw]));
        let text = format!("{} {} {} {} {} {} {}\n", n[0], n[1], n[2], n[3], n[4], n[5], n[6]);
        let theirs = oracle::StatM::from_read(text.as_bytes()).unwrap();
        prop_assert_eq!(statm(text.as_bytes()), Some((theirs.size, theirs.resident)));
    }

    #[test]
    fn status_agrees_with_procfs_core(uid: u32, pending: u64, switches in prop::array::uniform2(any::<u64>())) {
        let text = format!(
            "Name:\ta\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t1\nNgid:\t0\nPid:\t1\nPPid:\t0\nTracerPid:\t0\n\
             Uid:\t{uid}\t1\t2\t3\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t \nThreads:\t1\nSigQ:\t0/1\n\
             SigPnd:\t0000000000000000\nShdPnd:\t{pending:016x}\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n\
             SigCgt:\t0000000000000000\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n\
             CapEff:\t0000000000000000\nvoluntary_ctxt_switches:\t{}\nnonvoluntary_ctxt_switches:\t{}\n",
            switches[0], switches[1],
        );
        let theirs = oracle::Status::from_buf_read(text.as_bytes()).unwrap();
        let ours = status(text.as_bytes());
        prop_assert_eq!((ours.uid, ours.pending), (Some(theirs.ruid), Some(theirs.shdpnd)));
        prop_assert_eq!(ours.voluntary, theirs.voluntary_ctxt_switches);
        prop_assert_eq!(ours.involuntary, theirs.nonvoluntary_ctxt_switches);
    }
}
