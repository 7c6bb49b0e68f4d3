//! `cargo certify`: what a fleet costs the control plane, against the number of nodes. See [`loadtests::certify`].

fn main() -> std::process::ExitCode {
    loadtests::certify::main()
}
