//! Between a header with pods and the bytes of a file. Pure.

use super::frame::Frame;
use super::{ClusterId, Header, MAX_PODS, Remembered, Unusable, VERSION};
use crate::pod::{Pod, limits};

#[cfg(test)]
mod tests;

const FRAME: Frame = Frame { magic: *b"tare-idx", version: VERSION };

/// The bytes of a file.
///
/// # Errors
/// [`Unusable::TooLarge`] if they would be more than `max_bytes`, or the pods more than [`MAX_PODS`]: better no
/// file than one that the next life refuses. [`Unusable::Malformed`] is not to be expected.
pub fn encode<'p>(
    header: &Header,
    pods: impl IntoIterator<Item = &'p Pod>,
    max_bytes: usize,
) -> Result<Vec<u8>, Unusable> {
    let mut file = FRAME.begin();
    line(&mut file, header).map_err(|_| Unusable::Malformed { what: "header" })?;
    for (count, pod) in pods.into_iter().enumerate() {
        line(&mut file, pod).map_err(|_| Unusable::Malformed { what: "pod" })?;
        if count == MAX_PODS || !Frame::fits(&file, max_bytes) {
            return Err(Unusable::TooLarge { limit: max_bytes });
        }
    }
    FRAME.seal(file, max_bytes)
}

fn line(file: &mut Vec<u8>, value: &impl serde::Serialize) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.push(b'\n');
    Ok(())
}

/// The content of a file, if it is whole, ours, and of this cluster.
///
/// # Errors
/// See [`Unusable`]; never [`Unusable::Io`].
pub fn decode(file: &[u8], cluster: ClusterId, max_bytes: usize) -> Result<Remembered, Unusable> {
    let mut lines = FRAME.open(file, max_bytes)?.split_inclusive(|byte| *byte == b'\n');
    let header = lines.next().and_then(|line| serde_json::from_slice::<Header>(line).ok());
    let header = header.ok_or(Unusable::Malformed { what: "header" })?;
    if header.cluster != cluster {
        return Err(Unusable::OtherCluster);
    }
    let version = header.resource_version.len();
    if version == 0 || version > limits::OPAQUE {
        return Err(Unusable::Malformed { what: "header" });
    }
    let mut pods = Vec::new();
    for line in lines {
        let pod: Pod = serde_json::from_slice(line).map_err(|_| Unusable::Malformed { what: "pod" })?;
        if pod.heap_bytes() > limits::KEPT_BYTES || pods.len() == MAX_PODS {
            return Err(Unusable::Malformed { what: "pod" });
        }
        pods.push(pod);
    }
    Ok(Remembered { header, pods })
}
