use tempfile::TempDir;

use super::super::{Answer, Names, Settings};
use super::*;

const ONE: [u8; 4] = [192, 0, 2, 1];
const TWO: [u8; 4] = [192, 0, 2, 2];
const HOUR: Duration = Duration::from_hours(1);

fn names(host: &str) -> Names {
    Names::new(host, &Settings::default())
}

fn answered(names: &Names, addresses: &[[u8; 4]]) {
    let addresses = addresses.iter().copied().map(IpAddr::from).collect();
    names.settle(Ok(Answer { addresses, ttl: HOUR }));
}

/// What a new process finds in the file.
fn found(path: &Path) -> Vec<IpAddr> {
    let names = names("collector.test");
    let mut entry = Entry::new(names.view(), path);
    entry.restore();
    names.view().resolution().addresses
}

#[tokio::test]
async fn what_one_process_learnt_the_next_one_knows() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("dns.v1");
    let names = names("collector.test");
    let mut entry = Entry::new(names.view(), &path);
    entry.restore();
    entry.save(Instant::now());
    assert!(!path.exists(), "nothing is known yet");
    answered(&names, &[ONE]);
    entry.save(Instant::now());
    assert_eq!(found(&path), [IpAddr::from(ONE)]);
    answered(&names, &[TWO]);
    entry.save(Instant::now());
    assert_eq!(found(&path), [IpAddr::from(TWO)]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");
}

#[tokio::test]
async fn the_same_addresses_are_written_again_only_after_an_hour() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("dns.v1");
    let names = names("collector.test");
    let mut entry = Entry::new(names.view(), &path);
    let start = Instant::now();
    answered(&names, &[ONE, TWO]);
    entry.save(start);
    fs::remove_file(&path).unwrap();
    answered(&names, &[TWO, ONE]);
    entry.save(start + HOUR / 2);
    assert!(!path.exists(), "in another order they are the same");
    entry.save(start + HOUR);
    assert!(path.exists());
}

#[tokio::test]
async fn a_file_that_is_damaged_foreign_or_out_of_reach_is_passed_over_and_replaced() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("dns.v1");
    let other = names("other.test");
    answered(&other, &[ONE]);
    let foreign = other.view().encode(Timestamp::now()).unwrap();
    for content in [&b""[..], b"tareDNS\x01", &foreign, &[0xff; 9_000]] {
        fs::write(&path, content).unwrap();
        assert_eq!(found(&path), [] as [IpAddr; 0]);
    }
    let names = names("collector.test");
    answered(&names, &[TWO]);
    let mut lost = Entry::new(names.view(), &folder.path().join("nowhere/dns.v1"));
    lost.restore();
    lost.save(Instant::now());
    assert!(lost.failing);
    let mut entry = Entry::new(names.view(), &path);
    entry.save(Instant::now());
    assert_eq!(found(&path), [IpAddr::from(TWO)]);
}

#[tokio::test]
async fn an_output_finds_its_backend_in_the_file_before_it_asks_anybody() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("dns.v1");
    let names = names("collector.test");
    answered(&names, &[ONE]);
    Entry::new(names.view(), &path).save(Instant::now());
    let mut settings = crate::output::Settings::new("t", "http://collector.test/v1/metrics");
    settings.resolve.file = Some(path);
    let (_, output) = crate::output::Output::new(&settings).unwrap();
    assert_eq!(output.names().resolution().addresses, [IpAddr::from(ONE)]);
}

#[tokio::test]
async fn the_end_of_an_output_saves_what_is_known() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("dns.v1");
    let names = names("collector.test");
    let keeper = Keeper::start(names.view(), &path).unwrap();
    answered(&names, &[ONE]);
    drop(keeper);
    // The thread is on its own; nothing but its end can write before its first look.
    while !path.exists() {
        thread::yield_now();
    }
    assert_eq!(found(&path), [IpAddr::from(ONE)]);
}
