//! The agent: collectors, configuration, lifecycle and command line.
//!
//! See `docs/architecture.md` for the map. [`paths`] is the only place where host paths are made;
//! [`catalog`] holds every metric's name and unit; each module of [`collectors`] turns one group of the
//! node's own files into a segment of the exporter.

pub mod app;
pub mod assemble;
pub mod catalog;
pub mod cgroup;
pub mod cli;
pub mod clock;
pub mod collector_thread;
pub mod collectors;
pub mod config;
pub mod control;
pub mod enrich;
pub mod error;
pub mod feeds;
pub mod filter;
pub mod kubelet;
pub mod lifecycle;
pub mod log_names;
pub mod logging;
pub mod migrate;
pub mod paths;
pub mod pipeline;
pub mod pod_network;
pub mod rungs;
pub mod scan;
pub mod schedule;
pub mod self_telemetry;
pub mod shared_watch;
pub mod signals;
pub mod source;
pub mod state_dir;
pub mod stats;
pub mod supervisor;
