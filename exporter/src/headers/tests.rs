use std::fs;

use tempfile::TempDir;

use super::*;

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn headers_are_checked_marked_as_secret_and_completed() {
    let mut built = Headers::new(&[pair("X-A", "1"), pair("x-a", "2")], &[]).expect("sound");
    assert!(!built.can_change());
    let map = built.current();
    let values: Vec<_> = map.get_all("x-a").iter().collect();
    assert_eq!(values, ["1", "2"]);
    assert!(values.iter().all(|value| value.is_sensitive()) && !format!("{map:?}").contains("\"1\""));
    assert_eq!(
        map.get("user-agent").map(HeaderValue::as_bytes),
        Some(concat!("tare/", env!("CARGO_PKG_VERSION")).as_bytes())
    );
    let mut own = Headers::new(&[pair("User-Agent", "me/1")], &[]).expect("sound");
    assert_eq!(own.current().get_all("user-agent").iter().collect::<Vec<_>>(), ["me/1"]);
    for (name, value) in [
        ("a b", "1"),
        ("", "1"),
        ("x", "a\r\nb: c"),
        ("Content-Type", "x"),
        ("HOST", "x"),
        ("grpc-timeout", "1S"),
    ] {
        let error = Headers::new(&[pair(name, value)], &[]).expect_err(name).to_string();
        assert!(error.starts_with(&format!("header {name:?}: ")), "{error}");
    }
}

#[test]
fn a_header_from_a_file_follows_the_file_and_survives_its_absence() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("token");
    fs::write(&path, "Bearer one\n").expect("written");
    let files = [("Authorization".to_owned(), path.clone())];
    let mut headers = Headers::new(&[], &files).expect("sound");
    assert!(headers.can_change());
    assert_eq!(headers.current()["authorization"], "Bearer one");
    assert!(headers.current()["authorization"].is_sensitive());
    fs::write(&path, "Bearer two").expect("written");
    assert_eq!(headers.current()["authorization"], "Bearer two");
    for broken in [&b""[..], b" \n", b"a\nb", b"\xff\xfe", &vec![b'x'; 20_000]] {
        fs::write(&path, broken).expect("written");
        assert_eq!(headers.current()["authorization"], "Bearer two", "{}", broken.len());
    }
    fs::remove_file(&path).expect("removed");
    assert_eq!(headers.current()["authorization"], "Bearer two");
    fs::write(&path, "Bearer three").expect("written");
    assert_eq!(headers.current()["authorization"], "Bearer three");
}

#[test]
fn a_file_that_cannot_be_used_at_the_start_is_refused_by_name_without_its_content() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("token");
    let files = [("x-key".to_owned(), path.clone())];
    let error = Headers::new(&[], &files).expect_err("missing").to_string();
    assert!(error.contains("token: No such file"), "{error}");
    fs::write(&path, "s3\ncret").expect("written");
    let error = Headers::new(&[], &files).expect_err("unusable").to_string();
    assert!(error.contains("cannot be sent") && !error.contains("cret"), "{error}");
    fs::write(&path, "s").expect("written");
    let error = Headers::new(&[pair("X-Key", "a")], &files).expect_err("twice").to_string();
    assert!(error.contains("given twice"), "{error}");
}
