use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::{load, replace, replace_in_memory, set_aside};
use crate::remembered::{ClusterId, Header, MAX_BYTES, Unusable, encode};

const OURS: ClusterId = ClusterId([7; 32]);

fn bytes(version: &str) -> Vec<u8> {
    let header = Header {
        cluster: OURS,
        resource_version: version.into(),
        saved_at: Duration::from_secs(1_795_244_279),
        kept: 0,
    };
    encode(&header, [], MAX_BYTES).unwrap()
}

/// Either way to replace a file.
type Replace = fn(&Path, &[u8]) -> std::io::Result<()>;

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_saved_is_loaded_and_nothing_else_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.v1");
    assert!(load(&path, OURS, MAX_BYTES).unwrap().is_none(), "no file is no error");
    for (version, replace) in
        [("1", replace as Replace), ("2", replace), ("3", replace_in_memory), ("4", replace)]
    {
        replace(&path, &bytes(version)).unwrap();
        let loaded = load(&path, OURS, MAX_BYTES).unwrap().unwrap();
        assert_eq!(&*loaded.header.resource_version, version);
    }
    assert_eq!(names(directory.path()), ["index.v1"]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_leftover_of_a_crash_is_neither_read_nor_in_the_way() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.v1");
    replace(&path, &bytes("1")).unwrap();
    fs::write(directory.path().join("index.v1.tmp"), [b'x'; 10_000]).unwrap();
    assert!(load(&path, OURS, MAX_BYTES).unwrap().is_some());
    replace(&path, &bytes("2")).unwrap();
    assert_eq!(&*load(&path, OURS, MAX_BYTES).unwrap().unwrap().header.resource_version, "2");
    assert_eq!(names(directory.path()), ["index.v1"]);
}

#[test]
fn a_failed_replacement_leaves_the_old_content() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.v1");
    replace(&path, &bytes("1")).unwrap();
    fs::create_dir(directory.path().join("index.v1.tmp")).unwrap();
    assert!(replace(&path, &bytes("2")).is_err());
    assert_eq!(&*load(&path, OURS, MAX_BYTES).unwrap().unwrap().header.resource_version, "1");
}

#[test]
fn a_bad_file_is_set_aside_in_place_of_an_earlier_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.v1");
    for content in ["first", "second"] {
        fs::write(&path, content).unwrap();
        let error = load(&path, OURS, MAX_BYTES).unwrap_err();
        assert!(matches!(error, Unusable::Foreign) && error.is_the_files_fault());
        assert_eq!(set_aside(&path).unwrap(), directory.path().join("index.v1.bad"));
    }
    assert_eq!(names(directory.path()), ["index.v1.bad"]);
    assert_eq!(fs::read_to_string(directory.path().join("index.v1.bad")).unwrap(), "second");
    assert!(load(&path, OURS, MAX_BYTES).unwrap().is_none());
}

#[test]
fn a_huge_file_is_not_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.v1");
    // A sparse terabyte: reading it would end this test otherwise.
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(load(&path, OURS, 4096), Err(Unusable::TooLarge { limit: 4096 })));
}

#[test]
fn an_error_of_the_file_system_is_not_the_files_fault() {
    let directory = tempfile::tempdir().unwrap();
    let error = load(directory.path(), OURS, MAX_BYTES).unwrap_err();
    assert_eq!((error.reason(), error.is_the_files_fault()), ("io", false));
}
