//! `cargo certify`: the scale certificate. Virtual fleets ([`crate::fleet`]) of 10 to 100,000 shipped informers, what they cost
//! the simulated API server, and whether that is what was declared.
//!
//! The simulation gives rows, and everything else follows from them: [`certificate`] is data, [`judge`] says what breaks the
//! declaration, [`markdown`] and [`plots`] are for people, [`compare`] holds one certificate against another. All of these are
//! pure; [`cli`] is the shell. A certificate holds no date and no duration of its own making: the same seed gives the same file.

mod binding;
mod certificate;
mod cli;
mod compare;
#[cfg(test)]
mod figures;
mod fit;
mod judge;
mod markdown;
mod peers;
mod plan;
mod plots;
mod progress;
#[cfg(test)]
mod tests;
mod today;

use std::process::ExitCode;

/// The entry point of the binary `certify`.
pub fn main() -> ExitCode {
    cli::main()
}
