//! Between a header with pods and the bytes of a file. Pure.

use super::{ClusterId, Header, MAX_PODS, Remembered, Unusable, VERSION};
use crate::pod::{Pod, limits};

#[cfg(test)]
mod tests;

const MAGIC: &[u8; 8] = b"tare-idx";
/// Magic, version, length of the body.
const FRONT: usize = 8 + 4 + 8;
const CHECKSUM: usize = 4;

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
    let too_large = Unusable::TooLarge { limit: max_bytes };
    let mut file = Vec::from(*MAGIC);
    file.extend(VERSION.to_le_bytes());
    file.extend(0u64.to_le_bytes());
    line(&mut file, header).map_err(|_| Unusable::Malformed { what: "header" })?;
    for (count, pod) in pods.into_iter().enumerate() {
        line(&mut file, pod).map_err(|_| Unusable::Malformed { what: "pod" })?;
        if count == MAX_PODS || file.len() + CHECKSUM > max_bytes {
            return Err(too_large);
        }
    }
    let body = u64::try_from(file.len() - FRONT).unwrap_or(u64::MAX);
    if let Some(length) = file.get_mut(12..FRONT) {
        length.copy_from_slice(&body.to_le_bytes());
    }
    file.extend(crc32c::crc32c(&file).to_le_bytes());
    if file.len() > max_bytes { Err(too_large) } else { Ok(file) }
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
    if file.len() > max_bytes {
        return Err(Unusable::TooLarge { limit: max_bytes });
    }
    let mut lines = open(file)?.split_inclusive(|byte| *byte == b'\n');
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

/// The body, after everything around it was checked.
fn open(file: &[u8]) -> Result<&[u8], Unusable> {
    let shown = file.get(..MAGIC.len()).unwrap_or(file);
    if !MAGIC.starts_with(shown) {
        return Err(Unusable::Foreign);
    }
    let short = Unusable::Corrupt { what: "too short" };
    let Some((content, checksum)) = file.split_last_chunk::<CHECKSUM>() else { return Err(short) };
    let Some((front, body)) = content.split_first_chunk::<FRONT>() else { return Err(short) };
    if crc32c::crc32c(content) != u32::from_le_bytes(*checksum) {
        return Err(Unusable::Corrupt { what: "wrong checksum" });
    }
    let [_, _, _, _, _, _, _, _, v1, v2, v3, v4, length @ ..] = *front;
    if u64::try_from(body.len()).ok() != Some(u64::from_le_bytes(length)) {
        return Err(Unusable::Corrupt { what: "wrong length" });
    }
    match u32::from_le_bytes([v1, v2, v3, v4]) {
        VERSION => Ok(body),
        found => Err(Unusable::Version { found }),
    }
}
