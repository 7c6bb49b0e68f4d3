//! The reader of the kubelet against a kubelet on loopback that records every byte and answers as the test says.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod certificates;
mod failures;
mod requests;
mod server;
mod trust;
mod world;
