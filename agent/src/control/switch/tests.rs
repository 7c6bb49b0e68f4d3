use std::fs;

use super::*;

const NOW: Wall = Wall::new(Duration::from_secs(1_795_244_279));
const HOUR: Duration = Duration::from_hours(1);

fn file_pause(until: Option<Wall>) -> Pause {
    Pause::Paused { until, cause: Cause::File }
}

#[test]
fn a_pause_outlives_the_process_and_ends_by_itself_or_by_resume() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pause");
    let first = Switch::new(path.clone(), NOW);
    assert_eq!(first.current(), Pause::Running);
    let pressed = first.pause(Some(HOUR), NOW);
    assert_eq!(pressed, Pressed { pause: file_pause(Some(NOW.plus(HOUR))), not_kept: None });
    drop(first);
    let next = Switch::new(path.clone(), NOW);
    assert_eq!(next.current(), file_pause(Some(NOW.plus(HOUR))));
    assert_eq!(next.look(NOW.plus(HOUR)), Pause::Running);
    assert!(next.pause(None, NOW).pause.is_paused());
    assert_eq!(next.resume(NOW), Pressed { pause: Pause::Running, not_kept: None });
    assert!(!path.exists());
    assert_eq!(next.resume(NOW).not_kept, None, "resuming twice is no error");
}

#[test]
fn whoever_makes_or_removes_the_file_is_heard_at_the_next_look() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pause");
    let switch = Switch::new(path.clone(), NOW);
    let mut listener = switch.subscribe();
    assert!(!listener.has_changed().unwrap());
    fs::write(&path, "").unwrap();
    switch.look(NOW);
    assert!(listener.has_changed().unwrap());
    assert_eq!(*listener.borrow_and_update(), file_pause(None));
    switch.look(NOW);
    assert!(!listener.has_changed().unwrap(), "no news is not told");
    fs::remove_file(&path).unwrap();
    assert_eq!(switch.look(NOW), Pause::Running);
    assert!(listener.has_changed().unwrap());
}

#[test]
fn a_directory_a_pipe_and_a_huge_file_pause_and_none_of_them_makes_the_agent_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pause");
    fs::create_dir(&path).unwrap();
    let switch = Switch::new(path.clone(), NOW);
    assert_eq!(switch.current(), Pause::Paused { until: None, cause: Cause::Unreadable });
    fs::remove_dir(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    assert_eq!(switch.look(NOW), file_pause(None));
    fs::remove_file(&path).unwrap();
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(switch.look(NOW), file_pause(None));
}

#[test]
fn where_the_file_cannot_be_written_the_pause_holds_in_memory_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let nowhere = Switch::new(folder.path().join("file/pause"), NOW);
    assert_eq!(nowhere.current(), Pause::Running, "what cannot be there does not pause");
    let switch = Switch::new(folder.path().join("missing/pause"), NOW);
    let pressed = switch.pause(Some(HOUR), NOW);
    let until = Some(NOW.plus(HOUR));
    assert_eq!(pressed.pause, Pause::Paused { until, cause: Cause::Memory });
    assert!(pressed.not_kept.unwrap().contains("missing/pause"));
    assert!(switch.look(NOW.plus(HOUR).minus(Duration::from_secs(1))).is_paused());
    assert_eq!(switch.look(NOW.plus(HOUR)), Pause::Running);
    switch.pause(None, NOW);
    assert_eq!(switch.resume(NOW), Pressed { pause: Pause::Running, not_kept: None });
}

#[test]
fn a_pause_that_cannot_be_removed_stays_in_force_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pause");
    fs::create_dir(&path).unwrap();
    let switch = Switch::new(path, NOW);
    let pressed = switch.resume(NOW);
    assert!(pressed.pause.is_paused() && pressed.not_kept.is_some(), "{pressed:?}");
}

#[test]
fn a_very_long_pause_is_cut_to_the_longest() {
    let folder = tempfile::tempdir().unwrap();
    let switch = Switch::new(folder.path().join("pause"), NOW);
    let pressed = switch.pause(Some(Duration::MAX), NOW);
    assert_eq!(pressed.pause, file_pause(Some(NOW.plus(LONGEST))));
}

#[tokio::test(start_paused = true)]
async fn the_file_is_looked_at_often_enough_for_a_pause_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let switch = Arc::new(Switch::new(folder.path().join("pause"), clock::wall()));
    let mut listener = switch.subscribe();
    let looking = Arc::clone(&switch).keep_looking();
    let told = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        fs::write(switch.file(), "").unwrap();
        let written = tokio::time::Instant::now();
        listener.changed().await.unwrap();
        written.elapsed()
    };
    tokio::select! {
        () = looking => unreachable!("it never ends by itself"),
        after = told => assert!(after < Duration::from_secs(1), "{after:?}"),
    }
}
