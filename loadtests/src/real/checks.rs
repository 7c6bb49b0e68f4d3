//! The checks, one module each; [`super::registry`] lists them.

pub(super) mod agents;
pub(super) mod apiserver_ground;
pub(super) mod apiserver_mishaps;
pub(super) mod apiserver_quiet;
pub(super) mod binary_size;
pub(super) mod budget_audit;
mod certificates;
pub(super) mod cost;
pub(super) mod crash_oracle;
pub(super) mod exporter_cost;
mod facts;
pub(super) mod fixture;
pub(super) mod fleet;
pub(super) mod fuzz;
pub(super) mod ground;
pub(super) mod leaves_nothing;
mod otlp;
pub(super) mod otlp_collector;
pub(super) mod otlp_prometheus;
pub(super) mod parity;
