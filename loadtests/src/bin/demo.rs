//! `cargo demo`: tare's main job on this machine, with nothing else installed.

fn main() -> std::process::ExitCode {
    loadtests::demo::main()
}
