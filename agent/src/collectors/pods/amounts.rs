//! Requests and limits as the collector compares usage with them.
//!
//! A container's are its own. A pod's limit is the sum over its app containers and exists only where each of them has one
//! that is not zero, and likewise its request; init and ephemeral containers do not count.

use shared_informer::pod::{Amounts, ContainerKind, Pod};

use super::readings::Whole;
use crate::collectors::points::float;

/// Nanocores in a core.
const NANO: f64 = 1e9;

/// Adds `requests` and `limits` to the node's CPUs and memory.
pub(super) fn with(wholes: (Whole, Whole), (requests, limits): (Amounts, Amounts)) -> (Whole, Whole) {
    let cores = |amounts: Amounts| amounts.cpu.map(|nanocores| float(nanocores) / NANO);
    let bytes = |amounts: Amounts| amounts.memory.map(float);
    (
        Whole { limit: cores(limits), request: cores(requests), ..wholes.0 },
        Whole { limit: bytes(limits), request: bytes(requests), ..wholes.1 },
    )
}

/// The requests and limits of a pod.
pub(super) fn of_pod(pod: &Pod) -> (Amounts, Amounts) {
    let sum = |amount: fn(&shared_informer::pod::Container) -> Option<u64>| {
        let mut containers = pod.containers.iter().filter(|container| container.kind == ContainerKind::App);
        containers.try_fold(0_u64, |sum, container| {
            amount(container).filter(|amount| *amount > 0).map(|amount| sum.saturating_add(amount))
        })
    };
    (
        Amounts { cpu: sum(|it| it.requests.cpu), memory: sum(|it| it.requests.memory) },
        Amounts { cpu: sum(|it| it.limits.cpu), memory: sum(|it| it.limits.memory) },
    )
}
