//! The embedded receiver, the demo and the real-cluster tier.
//!
//! [`demo`] is `cargo demo`, [`certify`] is `cargo certify`; [`receiver`] takes OTLP on loopback; [`parity`] compares two recorded streams and does no I/O; [`real`] is
//! the runner of every check against real software; [`fleet`] runs thousands of agents in virtual time; [`prices`] is what
//! a request costs a real server; [`outage`] replays 11 December 2024; [`others`] is what people run today; [`simulated`] is a control plane over real sockets.

mod agents;
pub mod certify;
mod command_line;
pub mod demo;
pub mod fleet;
pub mod others;
pub mod outage;
pub mod parity;
pub mod prices;
pub mod real;
pub mod receiver;
mod rows;
pub mod simulated;
