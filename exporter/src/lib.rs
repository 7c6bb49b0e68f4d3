//! From samples to an acknowledged OTLP request.
//!
//! A collector records values in a [`segment::Segment`] (one resource and one scope, already in OTLP's wire
//! form and patched in place); segments are concatenated into requests; requests wait in a byte-bounded
//! queue and are sent with the OTLP specification's retry rules. Whatever does not arrive is counted under
//! a closed set of reasons. This crate knows nothing of Kubernetes.

pub mod model;
pub mod segment;
pub(crate) mod wire;
