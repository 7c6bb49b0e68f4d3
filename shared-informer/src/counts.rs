//! What was asked of the API server, under closed sets of names: the value side of `tare.kube_api.requests`.
//!
//! Counts only grow. A request is counted once, when it is known what became of it: with its status, or with
//! `none` when its time is over.

use std::collections::BTreeMap;

macro_rules! closed {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The metric attribute's value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value with this name: its stable text form in files and on the wire.
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }
    };
}
pub(crate) use closed;

closed! {
    /// The Kubernetes verb, as the audit log writes it.
    Verb {
        /// Read one object.
        Get = "get",
        /// Read a collection.
        List = "list",
        /// Follow a collection.
        Watch = "watch",
        /// Reviews are created.
        Create = "create",
    }
}

closed! {
    /// The resource that is asked for.
    Resource {
        /// The agent's own DaemonSet.
        DaemonSets = "daemonsets",
        /// The node's pods.
        Pods = "pods",
        /// Who is it?
        TokenReviews = "tokenreviews",
        /// May they?
        SubjectAccessReviews = "subjectaccessreviews",
    }
}

closed! {
    /// Why a request was sent.
    Reason {
        /// The cluster's size.
        Size = "size",
        /// The first list of this life.
        List = "list",
        /// Opening or renewing the watch.
        Watch = "watch",
        /// A list because the watch could not be continued.
        Relist = "relist",
        /// Hidden: the kubelet's question about a token.
        TokenReview = "token_review",
        /// Hidden: the kubelet's question about an access.
        AccessReview = "access_review",
    }
}

closed! {
    /// What became of a request. The codes that an API server gives, as the audit log writes them.
    Status {
        /// No answer, or none in time.
        None = "none",
        /// 200.
        Ok = "200",
        /// 201.
        Created = "201",
        /// 400.
        BadRequest = "400",
        /// 401.
        Unauthorized = "401",
        /// 403.
        Forbidden = "403",
        /// 404.
        NotFound = "404",
        /// 410.
        Gone = "410",
        /// 429.
        TooManyRequests = "429",
        /// 500.
        Internal = "500",
        /// 502.
        BadGateway = "502",
        /// 503.
        Unavailable = "503",
        /// 504.
        GatewayTimeout = "504",
        /// Any other code.
        Other = "other",
    }
}

impl Status {
    /// The status of a response with this code.
    pub const fn of_code(code: u16) -> Self {
        match code {
            200 => Self::Ok,
            201 => Self::Created,
            400 => Self::BadRequest,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            410 => Self::Gone,
            429 => Self::TooManyRequests,
            500 => Self::Internal,
            502 => Self::BadGateway,
            503 => Self::Unavailable,
            504 => Self::GatewayTimeout,
            _ => Self::Other,
        }
    }

    /// Whether the request did what it was for.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Ok | Self::Created)
    }
}

/// A request before its status is known: the part of the key that is saved before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Asked {
    /// The verb.
    pub verb: Verb,
    /// The resource.
    pub resource: Resource,
    /// The reason.
    pub reason: Reason,
}

impl Asked {
    /// The hidden TokenReview.
    pub const TOKEN_REVIEW: Self =
        Self { verb: Verb::Create, resource: Resource::TokenReviews, reason: Reason::TokenReview };
    /// The hidden SubjectAccessReview.
    pub const ACCESS_REVIEW: Self =
        Self { verb: Verb::Create, resource: Resource::SubjectAccessReviews, reason: Reason::AccessReview };
}

/// One series of the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// What was asked.
    pub asked: Asked,
    /// What became of it.
    pub status: Status,
}

/// The monotonic sums, bounded by the closed sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<Key, u64>);

impl Counts {
    /// No requests.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds `number` requests; zero adds no series.
    pub fn add(&mut self, asked: Asked, status: Status, number: u64) {
        if number > 0 {
            let sum = self.0.entry(Key { asked, status }).or_default();
            *sum = sum.saturating_add(number);
        }
    }

    /// The sum of one series.
    pub fn get(&self, asked: Asked, status: Status) -> u64 {
        self.0.get(&Key { asked, status }).copied().unwrap_or(0)
    }

    /// Every series that is not zero.
    pub fn iter(&self) -> impl Iterator<Item = (Key, u64)> + '_ {
        self.0.iter().map(|(key, sum)| (*key, *sum))
    }

    /// All requests together, hidden ones included.
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, number| sum.saturating_add(*number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_the_value_that_it_is_the_name_of_and_no_other_name_is_read() {
        let same = |names: &[&str], read: fn(&str) -> Option<&'static str>| {
            assert!(names.iter().all(|name| read(name) == Some(name)), "{names:?}");
            assert!(["", "GET", "get ", "20", "2000"].iter().all(|name| read(name).is_none()));
        };
        let verbs: Vec<_> = Verb::ALL.iter().map(|verb| verb.as_str()).collect();
        let statuses: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        same(&verbs, |name| Verb::parse(name).map(Verb::as_str));
        same(&statuses, |name| Status::parse(name).map(Status::as_str));
    }

    #[test]
    fn every_code_has_one_name_and_foreign_codes_share_one() {
        for status in Status::ALL {
            if let Ok(code) = status.as_str().parse() {
                assert_eq!(Status::of_code(code), *status);
            }
        }
        let foreign = (0..=u16::MAX).filter(|code| Status::of_code(*code) == Status::Other).count();
        assert_eq!(foreign, 65_536 - (Status::ALL.len() - 2));
        assert!((0..=u16::MAX).all(|code| Status::of_code(code) != Status::None));
    }
}
