//! The pure parts: what the server's bytes mean, however they are cut.

use super::*;

mod answer;
mod daemon_set;
mod list;
mod request;
mod watch;

const RECORDED: &[&str] = &[
    include_str!("../../tests/fixtures/pods/recorded-deployment.json"),
    include_str!("../../tests/fixtures/pods/recorded-statefulset.json"),
    include_str!("../../tests/fixtures/pods/init-and-ephemeral.json"),
    include_str!("../../tests/fixtures/pods/cron-job.json"),
];

fn keep() -> Kept {
    Kept::new((|_: &str| true, |_: &str| false))
}

/// A recorded pod on one line, as the API server writes it.
fn compact(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json).unwrap().to_string()
}

/// Cuts `bytes` at these places.
fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.push(bytes.len());
    at.sort_unstable();
    let mut from = 0;
    at.into_iter().map(|to| &bytes[std::mem::replace(&mut from, to)..to]).collect()
}

use proptest::prelude::prop;
