//! The cgroups of the node's pods and containers: what is there, and what their files say.
//!
//! [`Tree`] finds the cgroups below `/sys/fs/cgroup` (v2, v1 and hybrid; cgroupfs and systemd drivers; nested
//! kubelets) and looks again only where something changed; each [`Group`] reads its own files. Names come from
//! pods and runtimes and are untrusted: [`names`] bounds and checks them, `parse` the files' content, and
//! neither does I/O. Nothing outside `sys/fs/cgroup` and `proc/meminfo` is touched, and nothing is written.
//!
//! Invariants: a key stands for one cgroup for ever; no more descriptors are kept than the bound; what could not
//! be read is absent and reported, except what is gone together with its cgroup.

mod descriptors;
mod figures;
mod group;
mod layout;
mod listing;
pub mod names;
mod parse;
mod read;
mod roots;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
mod watch;

pub use descriptors::DescriptorUse;
pub use figures::{Cpu, Figures, Io, Memory, Pids, Pressure, Stall, Throttling, Wanted};
pub use group::{Container, Group, Pod};
pub use tree::Tree;

use crate::error::SourceError;

/// Told of every failed read.
pub type OnError<'a> = &'a mut dyn FnMut(&SourceError);
