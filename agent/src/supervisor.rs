//! `tare run --supervised`: a tiny process 1 that restarts the agent, so that its crashes cost the control plane nothing.
//!
//! A container start costs the API server ten requests of the kubelet's, so a container that ends in a crash loop is a
//! load of its own. This process therefore never ends because the agent did. It is single-threaded and has no runtime:
//! [`mod@core`] decides (pure), [`record`] is what survives it, [`process`] is the loop that acts, [`desk`] answers on
//! the control socket while there is no agent, [`channel`] is what the agent tells it.
//!
//! Invariant: it ends only when it was told to stop and the agent has ended, or was killed for not ending. A
//! configuration that is refused is no reason to end: it runs, is not ready, and says why.

pub mod channel;
pub mod core;
mod desk;
mod process;
pub mod record;
mod signals;

pub use process::{Launch, run};

/// What the agent's C library is told about memory, as a variable of its environment: large blocks (a request, the answer
/// of a kubelet) go back to the kernel when they are done with, instead of raising the size from which on they do, and both
/// threads share one arena. See `docs/decisions/0009-allocator.md`. Another C library does not look at it.
pub const ALLOCATOR: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=131072:glibc.malloc.arena_max=1",
);
