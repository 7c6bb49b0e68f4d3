//! The agent: collectors, configuration, lifecycle and command line.
//!
//! See `docs/architecture.md` for the map. [`paths`] is the only place where host paths are made;
//! [`catalog`] holds every metric's name and unit; each module of [`collectors`] turns one group of the
//! node's own files into a segment of the exporter.

pub mod catalog;
pub mod collectors;
pub mod error;
pub mod filter;
pub mod paths;
pub mod scan;
pub mod source;
