//! The checks, one module each; [`super::registry`] lists them.

pub(super) mod agents;
pub(super) mod cost;
pub(super) mod fixture;
pub(super) mod fuzz;
pub(super) mod ground;
pub(super) mod leaves_nothing;
pub(super) mod parity;
