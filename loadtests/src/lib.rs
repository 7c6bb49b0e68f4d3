//! The embedded receiver, the demo and the real-cluster tier.
//!
//! [`demo`] is `cargo demo`; [`receiver`] takes OTLP on loopback; [`parity`] compares two recorded streams and does no I/O; [`real`] is
//! the runner of every check against real software; [`fleet`] runs thousands of agents in virtual time.

pub mod demo;
pub mod fleet;
pub mod parity;
pub mod real;
pub mod receiver;
