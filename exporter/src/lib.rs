//! From samples to an acknowledged OTLP request.
//!
//! A collector records values in a [`segment::Segment`] (one resource and one scope, already in OTLP's wire
//! form and patched in place); segments are concatenated into requests; requests wait in a byte-bounded
//! queue and are sent with the OTLP specification's retry rules. Whatever does not arrive is counted under
//! a closed set of reasons. This crate knows nothing of Kubernetes.

pub mod compress;
pub(crate) mod dial;
pub mod disk;
pub(crate) mod encoding;
pub(crate) mod endpoint;
pub(crate) mod grpc;
pub(crate) mod headers;
pub(crate) mod http;
pub mod json;
pub(crate) mod last_words;
pub(crate) mod link;
pub mod model;
pub mod output;
pub mod proxy;
pub mod queue;
pub mod request;
pub mod resolve;
pub mod retry;
pub mod segment;
pub mod stats;
pub(crate) mod text;
pub mod tls;
pub(crate) mod transport;
pub(crate) mod wire;

#[cfg(fuzzing)]
pub use self::http::fuzzing;

#[cfg(test)]
pub(crate) mod fixtures;
