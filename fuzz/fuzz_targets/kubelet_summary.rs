//! Any bytes as a kubelet's answer to `/stats/summary`: read within bounds, the same however they are cut, and nothing
//! that a parser of the whole does not read in them.
#![no_main]

use exporter::model::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tare::kubelet::Pod;
use tare::kubelet::summary::{Bounds, Part, Read, Reader, Unusable};

/// Small bounds, so that short inputs meet them.
const BOUNDS: Bounds = Bounds { answer_bytes: 12 << 10, part_bytes: 4 << 10, pods: 6, kept_bytes: 8 << 10 };

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Read, Unusable> {
    let mut reader = Reader::new(BOUNDS, Timestamp(7));
    for piece in pieces {
        reader.feed(piece)?;
        assert!(reader.held_bytes() <= 2 * BOUNDS.part_bytes, "{} bytes held", reader.held_bytes());
    }
    reader.finish()
}

/// What is published of an answer is what stands in it.
fn agrees(read: &Read, body: &[u8]) {
    // Text that is skipped need not be UTF-8; to the parser of the whole that is no JSON.
    let Ok(whole) = serde_json::from_slice::<Value>(body) else { return };
    assert_eq!(whole["node"]["nodeName"], *read.node.name);
    let pods = whole["pods"].as_array().map_or(&[][..], Vec::as_slice);
    let refused: u32 =
        read.refused.iter().filter(|(part, _, _)| *part == Part::Pod).map(|(_, _, count)| count).sum();
    assert_eq!(pods.len(), read.pods.len() + refused as usize);
    let mut rest = pods.iter();
    for pod in &read.pods {
        // In their order, and each one of those that stand there.
        assert!(rest.any(|value| stands(pod, value)), "{pod:?} is not there");
    }
}

/// Whether that can be this pod.
fn stands(pod: &Pod, value: &Value) -> bool {
    let names = &value["podRef"];
    let cpu = pod.cpu.and_then(|cpu| cpu.usage_nano_cores);
    let containers = value["containers"].as_array().map_or(0, Vec::len);
    names["uid"] == *pod.uid
        && names["name"] == *pod.name
        && names["namespace"] == *pod.namespace
        && value["cpu"]["usageNanoCores"].as_u64() == cpu
        && pod.containers.len() <= containers
        && pod.volumes.iter().all(|volume| !volume.name.is_empty() && volume.name.len() <= 253)
}

fuzz_target!(|input: &[u8]| {
    let Some((step, body)) = input.split_first() else { return };
    let whole = read(std::iter::once(body));
    let cut = read(body.chunks(usize::from(*step).max(1)));
    assert_eq!(whole, cut, "cut into {step}");
    if let Ok(read) = whole {
        assert!(read.pods.len() <= BOUNDS.pods && body.len() <= BOUNDS.answer_bytes);
        agrees(&read, body);
    }
});
