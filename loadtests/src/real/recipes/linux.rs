//! A kernel that an emulator boots, from Debian's own package.

use super::{Need, Recipe};

/// The folder `linux`: `vmlinuz`, and in `modules` the drivers of its disks. The cloud flavour is the same kernel with
/// fewer drivers. A name of one version is not pinned: Debian removes a version when the next one is out.
pub(in crate::real) const LINUX: Need = Need::Recipe(&Recipe {
    name: "linux",
    tool: "apt-get and dpkg-deb (Debian)",
    files: &[("fetch", FETCH)],
    env: &[],
    steps: &[&["sh", "-eu", "fetch"]],
    built: "out",
    output: "linux",
});

const FETCH: &str = "\
newest() { apt-cache depends --important linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -n 1; }
name=$(newest)
[ -n \"$name\" ] && apt-get download -q \"$name\" || { apt-get update -q; name=$(newest); apt-get download -q \"$name\"; }
dpkg-deb -x linux-image-*.deb root
mkdir -p out/modules
mv root/boot/vmlinuz-* out/vmlinuz
find root/lib/modules -name 'virtio*.ko' -exec mv -t out/modules {} +
";
