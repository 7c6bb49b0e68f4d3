//! The one image that every pod of the real tier runs: an archive that containerd imports, so that no registry is needed.

use super::{Need, Recipe};

/// What containers that do something are told to run.
pub(in crate::real) const WORK: &str = "registry.example/team/work:2.1.0";

/// The same image under the name that the runtime takes for a pod's sandbox.
pub(in crate::real) const PAUSE: &str = "registry.example/pause:1";

/// An archive with one static program in one layer, under both names.
pub(in crate::real) const IMAGE: Need = Need::Recipe(&Recipe {
    name: "work-image",
    tool: "cc",
    files: &[
        ("work.c", include_str!("../../../real/tools/work/work.c")),
        ("manifest.json", MANIFEST),
        ("pack", PACK),
    ],
    env: &[],
    steps: &[
        &["cc", "-static", "-O2", "-Wall", "-Wextra", "-Werror", "-s", "-o", "work", "work.c"],
        &["sh", "-eu", "pack"],
    ],
    built: "image.tar",
    output: "work-image.tar",
});

const MANIFEST: &str = r#"[{
  "Config": "config.json", "Layers": ["layer.tar"],
  "RepoTags": ["registry.example/team/work:2.1.0", "registry.example/pause:1"]
}]
"#;

/// The layer's digest is part of the configuration, so that is written here.
const PACK: &str = r#"pack() { tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$@"; }
pack layer.tar work
layer=$(sha256sum layer.tar | cut -d ' ' -f 1)
case $(uname -m) in x86_64) machine=amd64 ;; aarch64) machine=arm64 ;; *) machine=$(uname -m) ;; esac
printf '{"architecture": "%s", "os": "linux", "config": {"Entrypoint": ["/work"]},
  "rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}' "$machine" "$layer" >config.json
pack image.tar manifest.json config.json layer.tar
"#;
