//! Fleets in virtual time, as a table: scenario by number of nodes.

fn main() -> std::process::ExitCode {
    loadtests::fleet::main()
}
