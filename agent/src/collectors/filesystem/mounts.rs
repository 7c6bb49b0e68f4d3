//! Parsers of `/proc/<pid>/mountinfo`, `/proc/<pid>/mounts` and `/proc/filesystems`: pure functions over bytes.
//!
//! Which mounts are reported and under which device follows the collector (gopsutil): without virtual
//! filesystems, only mounts whose source is an absolute path and that are no bind mounts of a part of a
//! filesystem; a block device seen before keeps its first name. One malformed line spoils the file.

use std::collections::HashMap;

use crate::scan::{Words, lines};

#[cfg(test)]
mod tests;

/// A malformed file: what was expected, and the offset of the line in bytes.
pub(super) type Malformed = (&'static str, usize);

/// A mount, as the host sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Mount {
    /// The source: a device node, a remote path, or what the filesystem calls itself. Not unescaped, as in the
    /// collector.
    pub(super) device: String,
    /// The mount point's bytes, unescaped.
    pub(super) point: Vec<u8>,
    /// The filesystem's type, for example `ext4`.
    pub(super) fs_type: String,
    /// `rw`, `ro`, or `unknown`: the mount's own option, not the filesystem's.
    pub(super) mode: &'static str,
    /// `major:minor` of the device, where the file tells it.
    pub(super) device_id: Option<String>,
}

/// Parses `mountinfo`.
///
/// # Errors
/// [`Malformed`] for the first line without the separator ` - `, five fields before or two after it.
pub(super) fn mountinfo(text: &[u8], include_virtual: bool) -> Result<Vec<Mount>, Malformed> {
    let mut mounts = Vec::new();
    let mut first_names: HashMap<&[u8], &[u8]> = HashMap::new();
    let mut at = 0;
    for line in lines(text) {
        let fields = Fields::of(line).map_err(|what| (what, at))?;
        at += line.len() + 1;
        let has_path = fields.source.starts_with(b"/");
        if !include_virtual && !has_path {
            continue;
        }
        let own = if has_path || fields.root == b"/" { fields.source } else { fields.root };
        let device = *first_names.entry(fields.device_id).or_insert(own);
        let is_bind = has_path && fields.root != b"/";
        if is_bind && !include_virtual {
            continue;
        }
        mounts.push(Mount {
            device: text_of(device),
            point: unescape(fields.point),
            fs_type: text_of(fields.fs_type),
            mode: mode(fields.options),
            device_id: Some(text_of(fields.device_id)),
        });
    }
    Ok(mounts)
}

/// The fields of a mountinfo line; see proc_pid_mountinfo(5).
struct Fields<'a> {
    device_id: &'a [u8],
    root: &'a [u8],
    point: &'a [u8],
    options: &'a [u8],
    fs_type: &'a [u8],
    source: &'a [u8],
}

impl<'a> Fields<'a> {
    fn of(line: &'a [u8]) -> Result<Self, &'static str> {
        let split = line.windows(3).position(|window| window == b" - ").ok_or("the separator ' - '")?;
        let mut words = Words::new(&line[..split]).skip(2);
        let (Some(device_id), Some(root), Some(point)) = (words.next(), words.next(), words.next()) else {
            return Err("five fields before the separator");
        };
        let options = words.next().unwrap_or_default();
        let mut words = Words::new(&line[split + 3..]);
        let (Some(fs_type), Some(source)) = (words.next(), words.next()) else {
            return Err("two fields after the separator");
        };
        Ok(Self { device_id, root, point, options, fs_type, source })
    }
}

/// Parses `mounts`, of kernels without `mountinfo`. `physical` are the types that have a device.
///
/// # Errors
/// [`Malformed`] for the first line with fewer than four fields.
pub(super) fn mounts(
    text: &[u8],
    include_virtual: bool,
    physical: &[Vec<u8>],
) -> Result<Vec<Mount>, Malformed> {
    let mut mounts = Vec::new();
    let mut at = 0;
    for line in lines(text) {
        let mut words = Words::new(line);
        let (Some(device), Some(point), Some(fs_type), Some(options)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(("four fields", at));
        };
        at += line.len() + 1;
        if include_virtual || (device != b"none" && physical.iter().any(|known| known == fs_type)) {
            mounts.push(Mount {
                device: text_of(device),
                point: unescape(point),
                fs_type: text_of(fs_type),
                mode: mode(options),
                device_id: None,
            });
        }
    }
    Ok(mounts)
}

/// The types of `/proc/filesystems` that have a device, and zfs, which has but does not say so.
pub(super) fn physical_types(text: &[u8]) -> Vec<Vec<u8>> {
    lines(text)
        .filter_map(|line| {
            let mut words = Words::new(line);
            match (words.next()?, words.next()) {
                (b"nodev", Some(b"zfs")) => Some(b"zfs".to_vec()),
                (b"nodev", _) => None,
                (name, _) => Some(name.to_vec()),
            }
        })
        .collect()
}

fn mode(options: &[u8]) -> &'static str {
    let has = |wanted: &[u8]| options.split(|byte| *byte == b',').any(|option| option == wanted);
    if has(b"rw") {
        "rw"
    } else if has(b"ro") {
        "ro"
    } else {
        "unknown"
    }
}

/// Undoes the kernel's escapes: a backslash and three octal digits stand for one byte.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        if let (b'\\', Some(([high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7'], tail))) =
            (byte, after.split_first_chunk::<3>())
        {
            plain.push((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'));
            rest = tail;
        } else {
            plain.push(*byte);
            rest = after;
        }
    }
    plain
}

fn text_of(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}
