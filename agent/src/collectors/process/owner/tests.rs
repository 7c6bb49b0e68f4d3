use super::*;

#[test]
fn the_first_name_of_an_id_is_its_name_and_an_unknown_id_has_none() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("passwd");
    std::fs::write(&path, "user:x:1000:1000:::\nsecond:x:1000:1000:::\nbroken\n").unwrap();
    let mut owners = Owners::new(path);
    owners.refresh(&mut Vec::new()).unwrap();
    assert_eq!((owners.name(1000), owners.name(1)), (Some("user"), None));
}

#[test]
fn a_changed_file_is_read_again_and_an_unchanged_one_is_not() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("passwd");
    std::fs::write(&path, "a:x:1:1:::\n").unwrap();
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let mut owners = Owners::new(path.clone());
    owners.refresh(&mut Vec::new()).unwrap();
    // Same size and time: by its stamp the file is unchanged.
    std::fs::write(&path, "b:x:1:1:::\n").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    owners.refresh(&mut Vec::new()).unwrap();
    assert_eq!(owners.name(1), Some("a"));
    std::fs::write(&path, "longer:x:1:1:::\n").unwrap();
    owners.refresh(&mut Vec::new()).unwrap();
    assert_eq!(owners.name(1), Some("longer"));
    std::fs::remove_file(&path).unwrap();
    assert!(owners.refresh(&mut Vec::new()).is_err());
    assert_eq!(owners.name(1), None);
}
