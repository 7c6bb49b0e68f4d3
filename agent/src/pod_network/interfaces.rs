//! The interfaces that the kubelet would tell of a network namespace, from its `net/dev`. Pure.
//!
//! cAdvisor, from which the kubelet has them, leaves out the interfaces whose names begin as [`IGNORED`] says, and trusts
//! nothing of a text of which one line is malformed. The kubelet takes `eth0` for the default one.

use super::Interface;
use crate::collectors::network::netdev::{self, Stat};

#[cfg(test)]
mod tests;

/// How the names of interfaces begin that are not told, in any case (`isIgnoredDevice` of cAdvisor).
const IGNORED: [&str; 4] = ["lo", "veth", "docker", "nerdctl"];
/// The pod's own interface (`defaultNetworkInterfaceName` of the kubelet).
const DEFAULT: &str = "eth0";

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A part does not have the format.
    Malformed {
        /// What was expected or missing.
        what: &'static str,
        /// Where, in bytes from the beginning.
        at: usize,
    },
    /// There are more interfaces than are followed; those up to the bound were visited.
    TooMany,
}

/// Visits the interfaces of a text, at most `limit`.
///
/// # Errors
/// [`Fault::Malformed`], where none is visited, and [`Fault::TooMany`].
pub fn visit(text: &[u8], limit: usize, visit: &mut dyn FnMut(Interface<'_>)) -> Result<(), Fault> {
    if !matches!(text.last(), None | Some(b'\n')) {
        return Err(Fault::Malformed { what: "no newline at the end", at: text.len() });
    }
    for row in netdev::rows(text) {
        let (name, _) = row.map_err(|fault| Fault::Malformed { what: fault.what, at: fault.at })?;
        if std::str::from_utf8(name).is_err() {
            let at = crate::scan::offset(text, name);
            return Err(Fault::Malformed { what: "a name that is no text", at });
        }
    }
    let rows = netdev::rows(text).filter_map(Result::ok);
    let mut told = rows.filter_map(|(name, stat)| interface(name, &stat));
    told.by_ref().take(limit).for_each(&mut *visit);
    if told.next().is_some() { Err(Fault::TooMany) } else { Ok(()) }
}

/// The interface of a row; `None` where it is not told.
fn interface<'t>(name: &'t [u8], stat: &Stat) -> Option<Interface<'t>> {
    let name = std::str::from_utf8(name).ok()?;
    let is_ignored = IGNORED.iter().any(|start| {
        name.as_bytes().get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
    });
    (!is_ignored).then_some(Interface {
        name,
        is_default: name == DEFAULT,
        rx_bytes: stat.received.bytes,
        rx_errors: stat.received.errors,
        tx_bytes: stat.transmitted.bytes,
        tx_errors: stat.transmitted.errors,
    })
}
