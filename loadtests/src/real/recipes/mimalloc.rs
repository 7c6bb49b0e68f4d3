//! The other allocator, as libraries that a program is started with.

use super::{Need, Recipe};

/// The folder `mimalloc`: `v2.so` and `v3.so`, from the sources that the crate `libmimalloc-sys` brings.
pub(in crate::real) const MIMALLOC: Need = Need::Recipe(&Recipe {
    name: "mimalloc",
    tool: "cargo and a C compiler",
    files: &[("Cargo.toml", MODULE), ("build", BUILD)],
    env: &[],
    steps: &[&["sh", "-eu", "build"]],
    built: "out",
    output: "mimalloc",
});

/// 0.1.49 holds mimalloc 2.3.2 and 3.3.2.
const MODULE: &str = "\
[package]
name = \"mimalloc-source\"
version = \"0.0.0\"
edition = \"2024\"

[lib]
path = \"lib.rs\"

[dependencies]
libmimalloc-sys = \"=0.1.49\"

[workspace]
";

/// With the options of its own release build.
const BUILD: &str = "\
touch lib.rs
cargo vendor --quiet >vendored
mkdir out
for version in v2 v3; do
    from=vendor/libmimalloc-sys/c_src/mimalloc/$version
    cc -O3 -DNDEBUG -DMI_MALLOC_OVERRIDE -fno-builtin-malloc -fPIC -shared -ftls-model=initial-exec \\
        -fvisibility=hidden -I\"$from/include\" -I\"$from/src\" \"$from/src/static.c\" -o \"out/$version.so\" -lpthread
done
";
