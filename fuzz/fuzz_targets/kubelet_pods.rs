//! Any bytes as a kubelet's answer to `/pods`: the same however they are cut, an index of no more than what stands there,
//! and a pod that is in it is found by each of its keys.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use shared_informer::index::Snapshot;
use shared_informer::wire::Kept;
use tare::kubelet::client::Sink as _;
use tare::kubelet::pods::Pods;
use tare::kubelet::summary::Refused;

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<(Arc<Snapshot>, Refused), String> {
    let mut pods = Pods::new(Kept::new((|_: &str| true, |key: &str| key.len() < 8)));
    for piece in pieces {
        pods.feed(piece)?;
    }
    pods.finish()
}

fuzz_target!(|input: &[u8]| {
    let Some((step, body)) = input.split_first() else { return };
    let whole = read(std::iter::once(body));
    let cut = read(body.chunks(usize::from(*step).max(1)));
    match (&whole, &cut) {
        (Ok((whole, refused)), Ok((cut, refused_too))) => {
            assert_eq!(refused, refused_too);
            let names = |snapshot: &Snapshot| -> Vec<String> {
                snapshot.pods().map(|found| format!("{:?}", found.pod)).collect()
            };
            assert_eq!(names(whole), names(cut));
            for found in whole.pods() {
                assert!(whole.by_uid(&found.pod.uid).is_some());
                assert!(whole.by_name(&found.pod.namespace, &found.pod.name).is_some());
                if let Some(hash) = &found.pod.config_hash {
                    assert!(whole.by_config_hash(hash).is_some());
                }
            }
            if let Ok(value) = serde_json::from_slice::<Value>(body) {
                let items = value["items"].as_array().map_or(0, Vec::len) as u64;
                let refused: u64 = refused.iter().map(|(_, _, count)| u64::from(count)).sum();
                assert!(whole.len() as u64 + refused <= items, "{} and {refused} of {items}", whole.len());
            }
        }
        (Err(whole), Err(cut)) => assert_eq!(whole, cut),
        _ => panic!("cut into {step}: {whole:?}, {cut:?}"),
    }
});
