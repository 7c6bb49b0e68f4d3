use super::*;
use crate::collectors::testing::{assert_golden, collect, fixture, lines, setup_all};
use crate::error::ErrorClass;

/// A host of its own with these two files, where given.
fn host(client: Option<&[u8]>, server: Option<&[u8]>) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("proc/net/rpc");
    std::fs::create_dir_all(&directory).unwrap();
    for (name, text) in [("nfs", client), ("nfsd", server)] {
        if let Some(text) = text {
            std::fs::write(directory.join(name), text).unwrap();
        }
    }
    root
}

#[test]
fn every_row_of_a_client_and_server_is_reported_with_the_collectors_names() {
    let mut collector = Nfs::new(&setup_all(fixture("nfs")));
    assert_eq!(collect(&mut collector, 10).total(), 0);
    assert_golden("nfs/expected.txt", &lines(&collector));
    assert_eq!(collect(&mut collector, 20).total(), 0);
    assert_golden("nfs/expected.txt", &lines(&collector));
}

#[test]
fn a_host_that_is_no_server_loses_only_the_servers_rows_and_counts_one_missing_file() {
    let root = host(Some(b"rpc 1 2 3\n"), None);
    let mut collector = Nfs::new(&setup_all(root.path()));
    let failures = collect(&mut collector, 10);
    assert_eq!((failures.count(ErrorClass::NotFound), failures.total()), (1, 1));
    let expected =
        ["nfs.client.rpc.authrefresh.count 3", "nfs.client.rpc.count 1", "nfs.client.rpc.retransmit.count 2"];
    assert_eq!(lines(&collector), expected);
}

#[test]
fn a_malformed_line_spoils_its_file_and_only_that() {
    for broken in [
        &b"net 1 2\n"[..],
        b"rpc 1 2 3\nproc3 3 1 2\n",
        b"rpc\n",
        b"rpc 1 x 3\n",
        b"rpc 1 2 3\n\nnet 1 2 3 4\n",
    ] {
        let root = host(Some(broken), Some(b"fh 9\n"));
        let mut collector = Nfs::new(&setup_all(root.path()));
        let failures = collect(&mut collector, 10);
        assert_eq!((failures.count(ErrorClass::Parse), failures.total()), (1, 1), "{broken:?}");
        assert_eq!(lines(&collector), ["nfs.server.fh.stale.count 9"]);
    }
}

#[test]
fn operations_that_are_newer_than_the_known_names_are_left_out() {
    let counts: Vec<_> = (0..72).map(|count| count.to_string()).collect();
    let root = host(Some(format!("proc4 72 {}\n", counts.join(" ")).as_bytes()), Some(b"th 8 0\n"));
    let mut collector = Nfs::new(&setup_all(root.path()));
    assert_eq!(collect(&mut collector, 10).total(), 0);
    let lines = lines(&collector);
    assert_eq!(lines.len(), CLIENT_V4_OPERATIONS.len() + 1);
    assert!(lines.contains(
        &"nfs.client.operation.count{onc_rpc.version=4 nfs.operation.name=\"READ_PLUS\"} 68".to_owned()
    ));
}

#[test]
fn a_source_whose_rows_are_all_off_is_not_read() {
    let mut setup = setup_all("/nonexistent");
    setup.enabled = Enabled::new(crate::catalog::metrics().map(|metric| (metric.name, false)));
    let mut collector = Nfs::new(&setup);
    assert_eq!(collect(&mut collector, 10).total(), 0);
}
