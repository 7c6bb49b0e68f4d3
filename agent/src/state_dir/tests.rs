use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use shared_informer::clock::Wall;
use shared_informer::counts::{Asked, Counts, Status};
use shared_informer::declaration::Declaration;

use super::*;

const OURS: ClusterId = ClusterId([7; 32]);
const OTHER: ClusterId = ClusterId([8; 32]);

fn size() -> KnownSize {
    KnownSize {
        nodes: Some(40),
        created: None,
        joined: true,
        list_bytes: Some(9),
        in_force: Declaration::new(50.0, 16 << 20, 1.0).unwrap(),
        raised: None,
    }
}

fn spend() -> Spend {
    let mut counts = Counts::new();
    counts.add(Asked::TOKEN_REVIEW, Status::Created, 3);
    let since = Wall::new(Duration::from_secs(1_795_000_000));
    Spend { since, last_turn: None, counts, outstanding: Vec::new() }
}

fn header() -> Header {
    Header { cluster: OURS, resource_version: "5".into(), saved_at: Duration::from_secs(1), kept: 7 }
}

fn counts(state: &StateDir) -> BTreeMap<(&'static str, &'static str), u64> {
    state.entries().into_iter().map(|entry| ((entry.kept.as_str(), entry.reason), entry.count)).collect()
}

#[test]
fn one_life_leaves_everything_to_the_next_and_nothing_to_another_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/below");
    let state = StateDir::open(&path).unwrap();
    assert!(state.is_locked() && state.load_size(OURS).is_none() && state.load_spend(OURS).is_none());
    assert!(state.save_size(OURS, &size()) && state.save_spend(OURS, &spend()));
    assert!(state.save_index(&header(), []));
    assert!(state.entries().is_empty(), "{:?}", state.entries());
    drop(state);
    let next = StateDir::open(&path).unwrap();
    assert_eq!((next.load_size(OURS), next.load_spend(OURS)), (Some(size()), Some(spend())));
    assert_eq!(next.load_index(OURS).unwrap().header, header());
    assert!(next.load_size(OTHER).is_none() && next.load_index(OTHER).is_none());
    assert_eq!(
        counts(&next),
        BTreeMap::from([(("size.v1", "other_cluster"), 1), (("index.v1", "other_cluster"), 1)])
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_second_agent_is_refused_with_the_directory_and_the_holder_and_may_start_when_the_first_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = StateDir::open(folder.path()).unwrap();
    let error = StateDir::open(folder.path()).unwrap_err();
    assert_eq!((error.directory.as_path(), error.pid), (folder.path(), Some(std::process::id())));
    let text = error.to_string();
    assert!(text.contains(&folder.path().display().to_string()) && text.contains("process"), "{text}");
    drop(first);
    assert!(StateDir::open(folder.path()).unwrap().is_locked());
}

#[test]
fn a_damaged_file_is_set_aside_and_counted_and_the_agent_starts_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    state.save_spend(OURS, &spend());
    let path = state.file(Kept::Spend);
    let whole = fs::read(&path).unwrap();
    let huge = vec![b't'; 300_000];
    for (damage, reason) in [
        (&whole[..whole.len() - 1], "corrupt"),
        (&[][..], "corrupt"),
        (b"not ours", "foreign"),
        (&huge, "too_large"),
    ] {
        fs::write(&path, damage).unwrap();
        assert!(state.load_spend(OURS).is_none());
        assert!(counts(&state).contains_key(&("spend.v1", reason)), "{reason}");
        assert!(!path.exists() && folder.path().join("spend.v1.bad").exists());
    }
    assert_eq!(counts(&state)[&("spend.v1", "corrupt")], 2);
    assert!(state.save_spend(OURS, &spend()));
    assert_eq!(state.load_spend(OURS), Some(spend()));
}

#[test]
fn a_directory_that_cannot_be_made_means_a_life_from_memory_with_a_counted_reason() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let state = StateDir::open(&folder.path().join("file/state")).unwrap();
    assert!(!state.is_locked());
    assert_eq!(state.trouble(), Some(Trouble::Missing));
    assert!(!state.save_size(OURS, &size()) && !state.save_spend(OURS, &spend()));
    assert!(state.load_size(OURS).is_none());
    let counts = counts(&state);
    assert_eq!(counts[&("lock", "missing")], 1);
    assert_eq!(counts[&("size.v1", "missing")], 1);
}

#[test]
fn trouble_ends_with_the_next_save_that_works() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    // A directory in the place of the temporary file: an error for root as well.
    let block = folder.path().join("size.v1.tmp");
    fs::create_dir(&block).unwrap();
    assert!(!state.save_size(OURS, &size()));
    assert!(state.trouble().is_some());
    fs::remove_dir(&block).unwrap();
    assert!(state.save_size(OURS, &size()) && state.trouble().is_none());
    assert_eq!(state.load_size(OURS), Some(size()));
}

#[test]
fn a_file_that_cannot_be_read_is_not_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    fs::create_dir(state.file(Kept::Index)).unwrap();
    assert!(state.load_index(OURS).is_none());
    assert!(state.file(Kept::Index).exists());
    assert_eq!(counts(&state)[&("index.v1", "io")], 1);
}

#[test]
fn each_error_of_the_file_system_has_its_reason() {
    use io::ErrorKind;
    use std::io;
    for (kind, reason) in [
        (ErrorKind::NotFound, "missing"),
        (ErrorKind::PermissionDenied, "permission"),
        (ErrorKind::ReadOnlyFilesystem, "read_only"),
        (ErrorKind::StorageFull, "full"),
        (ErrorKind::QuotaExceeded, "full"),
        (ErrorKind::InvalidInput, "io"),
    ] {
        assert_eq!(Trouble::of(&kind.into()).as_str(), reason);
    }
}
