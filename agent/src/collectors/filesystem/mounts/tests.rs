use procfs_core::process::MountInfos;
use procfs_core::{FromBufRead as _, process::MountInfo};
use proptest::prelude::*;

use super::*;
use crate::collectors::testing::fixture;

#[test]
fn escapes_are_decoded_in_mount_points_and_nothing_else_is_touched() {
    assert_eq!(unescape(br"/a\040b\011\134\012"), b"/a b\t\\\n");
    assert_eq!(unescape(br"/a\04"), br"/a\04");
    assert_eq!(unescape(br"/a\999\400\x"), br"/a\999\400\x");
    assert_eq!(unescape(br"\303\244"), "ä".as_bytes());
}

#[test]
fn one_malformed_line_spoils_the_file_and_is_located() {
    let good = b"27 1 254:1 / / rw shared:1 - ext4 /dev/vda rw\n";
    for bad in [
        &b"27 1 254:1 / / rw ext4 /dev/vda rw\n"[..],
        b"27 1 254:1 / - ext4 /dev/vda\n",
        b"27 1 254:1 / / rw - ext4\n",
        b"\n",
    ] {
        let text = [good, bad].concat();
        assert_eq!(mountinfo(&text, false).unwrap_err().1, good.len(), "{bad:?}");
    }
    assert_eq!(mounts(b"/dev/vda / ext4 rw 0 0\n/dev/vdb /b\n", true, &[]).unwrap_err().1, 23);
}

#[test]
fn a_mount_that_is_neither_rw_nor_ro_has_an_unknown_mode() {
    let modes: Vec<_> = [&b"relatime,rw"[..], b"ro", b"rwx,row", b""].into_iter().map(mode).collect();
    assert_eq!(modes, ["rw", "ro", "unknown", "unknown"]);
}

#[test]
fn without_mountinfo_the_types_with_a_device_and_zfs_are_reported() {
    let physical = physical_types(b"nodev\tsysfs\nnodev\tzfs\n\text4\n");
    let text =
        b"/dev/vda / ext4 rw 0 0\nnone /x ext4 rw 0 0\nsysfs /sys sysfs rw 0 0\npool/a /a\\040b zfs ro 0 0\n";
    let found = mounts(text, false, &physical).unwrap();
    let points: Vec<_> =
        found.iter().map(|mount| (mount.device.as_str(), &*mount.point, mount.mode)).collect();
    assert_eq!(points, [("/dev/vda", &b"/"[..], "rw"), ("pool/a", b"/a b", "ro")]);
    assert_eq!(mounts(text, true, &[]).unwrap().len(), 4);
}

/// What `procfs-core` makes of each line, in the terms of [`Mount`], for mounts with a device or a whole root.
fn oracle(info: &MountInfo) -> (Vec<u8>, String, bool) {
    (
        info.mount_point.to_str().unwrap().as_bytes().to_vec(),
        info.fs_type.clone(),
        info.mount_options.contains_key("rw"),
    )
}

#[test]
fn mountinfo_agrees_with_procfs_core_on_the_fixture() {
    let text = std::fs::read(fixture("filesystem/proc/1/mountinfo")).unwrap();
    let theirs = MountInfos::from_buf_read(&text[..]).unwrap();
    let ours = mountinfo(&text, true).unwrap();
    assert_eq!(ours.len(), theirs.0.len());
    for (ours, theirs) in ours.iter().zip(&theirs.0) {
        let (point, fs_type, rw) = oracle(theirs);
        // procfs-core leaves the escapes in.
        assert_eq!(ours.point, unescape(&point));
        assert_eq!((&ours.fs_type, ours.mode == "rw"), (&fs_type, rw));
        assert_eq!(ours.device_id.as_ref(), Some(&theirs.majmin));
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(text in prop::collection::vec(any::<u8>(), 0..300), all: bool) {
        let _ = mountinfo(&text, all);
        let _ = mounts(&text, all, &[b"ext4".to_vec()]);
        let _ = physical_types(&text);
        let _ = unescape(&text);
    }

    #[test]
    fn random_lines_of_mountinfo_agree_with_procfs_core(
        id in 1..9999_i32, minor in 0..99_u8, root in "/[a-z]{0,4}", point in "/[a-z/]{0,12}",
        mode in "rw|ro", shared in "( shared:[1-9])?", kind in "[a-z0-9]{1,8}", source in "/?[a-z:]{1,12}",
    ) {
        let line = format!("{id} 1 8:{minor} {root} {point} {mode},relatime{shared} - {kind} {source} rw\n");
        let theirs = MountInfos::from_buf_read(line.as_bytes()).unwrap();
        let ours = mountinfo(line.as_bytes(), true).unwrap();
        let (point, fs_type, rw) = oracle(&theirs.0[0]);
        prop_assert_eq!(&ours[0].point, &point);
        prop_assert_eq!(&ours[0].fs_type, &fs_type);
        prop_assert_eq!(ours[0].mode == "rw", rw);
        let device = if source.starts_with('/') || root == "/" { source.clone() } else { root.clone() };
        prop_assert_eq!(&ours[0].device, &device);
        let is_bind = root != "/";
        let shown = mountinfo(line.as_bytes(), false).unwrap().len() == 1;
        prop_assert_eq!(shown, source.starts_with('/') && !is_bind);
    }
}
