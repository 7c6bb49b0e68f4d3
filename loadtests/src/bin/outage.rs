//! 11 December 2024, replayed: the plots, the figures and the page that explains them.

fn main() -> std::process::ExitCode {
    loadtests::outage::main()
}
