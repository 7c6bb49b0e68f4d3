//! What the operator declares: the ceiling for the whole cluster and what is known about its size.
//!
//! Both types can only be made checked. An error names the value that was given and the one that is allowed.

use serde::Serialize;

/// The largest cluster that any calculation accepts.
pub const MAX_NODES: u32 = 1_000_000;
/// The largest ceiling, requests per second: a bound against slips, not a recommendation.
pub const MAX_REQUESTS_PER_SECOND: f64 = 1e6;
/// The largest ceiling for LIST bytes per second: 1 TiB.
pub const MAX_LIST_BYTES_PER_SECOND: u64 = 1 << 40;

/// `slo.control_plane`: the ceiling and this release's share of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Declaration {
    requests_per_second: f64,
    list_bytes_per_second: u64,
    share: f64,
}

impl Default for Declaration {
    /// 50 requests and 16 MiB of LISTs per second, all of it for this release.
    fn default() -> Self {
        Self { requests_per_second: 50.0, list_bytes_per_second: 16 << 20, share: 1.0 }
    }
}

/// Why a declaration is refused before anything is derived from it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DeclarationError {
    /// The request ceiling is no positive number, or an absurd one.
    #[error("requests_per_second is {declared}, allowed is more than 0 and at most {allowed}")]
    Requests {
        /// What was declared.
        declared: f64,
        /// The largest value allowed.
        allowed: f64,
    },
    /// The byte ceiling is zero or absurd.
    #[error("list_bytes_per_second is {declared}, allowed is 1 to {allowed}")]
    ListBytes {
        /// What was declared.
        declared: u64,
        /// The largest value allowed.
        allowed: u64,
    },
    /// The share is not a part of the whole.
    #[error("share is {declared}, allowed is more than 0 and at most {allowed}")]
    Share {
        /// What was declared.
        declared: f64,
        /// The largest value allowed.
        allowed: f64,
    },
    /// A number of nodes is out of range.
    #[error("{field} is {declared}, allowed is {least} to {most}")]
    Nodes {
        /// The field's name below `cluster`.
        field: &'static str,
        /// What was declared.
        declared: u32,
        /// The smallest value allowed.
        least: u32,
        /// The largest value allowed.
        most: u32,
    },
}

impl Declaration {
    /// A checked declaration: `requests_per_second` of the whole cluster in any 10 s window, hidden requests
    /// included; `list_bytes_per_second` of the whole cluster in any 60 s window; `share` in `(0, 1]`.
    ///
    /// # Errors
    /// A value out of its range.
    pub fn new(
        requests_per_second: f64,
        list_bytes_per_second: u64,
        share: f64,
    ) -> Result<Self, DeclarationError> {
        let within = |value: f64, most: f64| value > 0.0 && value <= most;
        if !within(requests_per_second, MAX_REQUESTS_PER_SECOND) {
            let (declared, allowed) = (requests_per_second, MAX_REQUESTS_PER_SECOND);
            return Err(DeclarationError::Requests { declared, allowed });
        }
        if !(1..=MAX_LIST_BYTES_PER_SECOND).contains(&list_bytes_per_second) {
            let (declared, allowed) = (list_bytes_per_second, MAX_LIST_BYTES_PER_SECOND);
            return Err(DeclarationError::ListBytes { declared, allowed });
        }
        if !within(share, 1.0) {
            return Err(DeclarationError::Share { declared: share, allowed: 1.0 });
        }
        Ok(Self { requests_per_second, list_bytes_per_second, share })
    }

    /// The declared ceiling, requests per second of the whole cluster.
    pub const fn requests_per_second(&self) -> f64 {
        self.requests_per_second
    }

    /// The declared ceiling, LIST bytes per second of the whole cluster.
    pub const fn list_bytes_per_second(&self) -> u64 {
        self.list_bytes_per_second
    }

    /// This release's part of both ceilings.
    pub const fn share(&self) -> f64 {
        self.share
    }

    /// What this release may spend, requests per second: B in the design.
    pub fn requests(&self) -> f64 {
        self.requests_per_second * self.share
    }

    /// What this release may initiate, LIST bytes per second.
    pub fn list_bytes(&self) -> f64 {
        // At most 2^40, which a double holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "bounded by 2^40")]
        let whole = self.list_bytes_per_second as f64;
        whole * self.share
    }

    /// The lower ceiling of both in each dimension, shares applied: what may be spent while a raise has not
    /// reached this node.
    #[must_use]
    pub fn lower_of(&self, other: &Self) -> Self {
        let bytes = self.list_bytes().min(other.list_bytes()).max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 2^40")]
        let list_bytes_per_second = bytes as u64;
        Self { requests_per_second: self.requests().min(other.requests()), list_bytes_per_second, share: 1.0 }
    }
}

/// `cluster`: what is known about the number of nodes before anybody has asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cluster {
    size: Option<u32>,
    hint: Option<u32>,
    assume: u32,
}

impl Default for Cluster {
    /// Nothing is known: 5,000 nodes are assumed until the agents have asked.
    fn default() -> Self {
        Self { size: None, hint: None, assume: 5_000 }
    }
}

impl Cluster {
    /// A checked description: `size` is none for `auto`; `hint` is 0 for none.
    ///
    /// # Errors
    /// A number of nodes that is 0 where it must not be, or above [`MAX_NODES`].
    pub fn new(size: Option<u32>, hint: u32, assume: u32) -> Result<Self, DeclarationError> {
        let most = MAX_NODES;
        let check = |field, declared: u32, least| {
            if (least..=most).contains(&declared) {
                Ok(declared)
            } else {
                Err(DeclarationError::Nodes { field, declared, least, most })
            }
        };
        let size = size.map(|nodes| check("size", nodes, 1)).transpose()?;
        let hint = check("hint", hint, 0)?;
        let assume = check("assume", assume, 1)?;
        Ok(Self { size, hint: (hint > 0).then_some(hint), assume })
    }

    /// The size that the operator states and vouches for; none where it is to be asked for.
    pub const fn size(&self) -> Option<u32> {
        self.size
    }

    /// What was seen at installation.
    pub const fn hint(&self) -> Option<u32> {
        self.hint
    }

    /// What is used as long as nothing is known.
    pub const fn assume(&self) -> u32 {
        self.assume
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_refusal_names_what_was_given_and_what_is_allowed() {
        let text = |error: DeclarationError| error.to_string();
        let requests = text(Declaration::new(-3.0, 1, 1.0).unwrap_err());
        assert!(requests.contains("-3") && requests.contains("1000000"), "{requests}");
        let bytes = text(Declaration::new(1.0, 0, 1.0).unwrap_err());
        assert!(bytes.contains(" 0,") && bytes.contains("1099511627776"), "{bytes}");
        let share = text(Declaration::new(1.0, 1, 1.5).unwrap_err());
        assert!(share.contains("1.5") && share.contains("at most 1"), "{share}");
        let nodes = text(Cluster::new(None, 0, 0).unwrap_err());
        assert!(nodes.contains("assume is 0") && nodes.contains("1 to 1000000"), "{nodes}");
    }

    #[test]
    fn no_number_that_is_none_passes() {
        for bad in [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.1e6] {
            assert!(Declaration::new(bad, 1, 1.0).is_err(), "{bad}");
            assert!(Declaration::new(1.0, 1, bad).is_err(), "{bad}");
        }
        assert!(Cluster::new(Some(0), 0, 1).is_err());
        assert!(Cluster::new(None, MAX_NODES + 1, 1).is_err());
        assert_eq!(Cluster::new(None, 0, 5000).map(|cluster| cluster.hint()), Ok(None));
    }

    proptest! {
        #[test]
        fn the_lower_of_two_declarations_is_above_neither(
            one in (0.01_f64..1e6, 1_u64..1 << 40, 0.001_f64..1.0), two in (0.01_f64..1e6, 1_u64..1 << 40, 0.001_f64..1.0),
        ) {
            let one = Declaration::new(one.0, one.1, one.2).unwrap();
            let two = Declaration::new(two.0, two.1, two.2).unwrap();
            let lower = one.lower_of(&two);
            for other in [one, two] {
                prop_assert!(lower.requests() <= other.requests());
                prop_assert!(lower.list_bytes() <= other.list_bytes().max(1.0));
            }
        }
    }
}
