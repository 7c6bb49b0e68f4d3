//! The status codes of gRPC and what they mean for a request.
//!
//! Source: OTLP specification 1.x, "OTLP/gRPC Response", "Failures" (the table of retryable codes) and
//! "OTLP/gRPC Throttling" (RetryInfo); `google.golang.org/grpc/codes` for the numbers.

use super::Failure;

/// A gRPC status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// 0: success.
    Ok,
    /// 1: the receiver gave the call up.
    Cancelled,
    /// 2: also stands for every number that is none of these.
    Unknown,
    /// 3.
    InvalidArgument,
    /// 4: the receiver found no time.
    DeadlineExceeded,
    /// 5.
    NotFound,
    /// 6.
    AlreadyExists,
    /// 7: known, but not allowed.
    PermissionDenied,
    /// 8: throttled if RetryInfo comes with it, refused otherwise.
    ResourceExhausted,
    /// 9.
    FailedPrecondition,
    /// 10.
    Aborted,
    /// 11.
    OutOfRange,
    /// 12.
    Unimplemented,
    /// 13.
    Internal,
    /// 14.
    Unavailable,
    /// 15.
    DataLoss,
    /// 16: not known.
    Unauthenticated,
}

impl Code {
    /// Every code, by its number.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// Reads the value of `grpc-status`; none if it is no number.
    pub fn parse(value: &str) -> Option<Self> {
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| value.parse::<usize>().unwrap_or(usize::MAX))?;
        Some(Self::ALL.get(number).copied().unwrap_or(Self::Unknown))
    }

    /// The name in the specification.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// The class of an answer with this code; none for a success. `wish` says whether RetryInfo came with
    /// it, `too_large` whether its words are those of a receiver that found the message too large: gRPC
    /// has no code for that, every implementation uses RESOURCE_EXHAUSTED without RetryInfo.
    pub const fn failure(self, wish: bool, too_large: bool) -> Option<Failure> {
        match self {
            Self::Ok => None,
            Self::Cancelled
            | Self::DeadlineExceeded
            | Self::Aborted
            | Self::OutOfRange
            | Self::Unavailable
            | Self::DataLoss => Some(Failure::Unavailable),
            Self::ResourceExhausted if wish => Some(Failure::Throttled),
            Self::ResourceExhausted if too_large => Some(Failure::TooLarge),
            Self::Unauthenticated | Self::PermissionDenied => Some(Failure::Unauthorized),
            Self::Unknown
            | Self::InvalidArgument
            | Self::NotFound
            | Self::AlreadyExists
            | Self::ResourceExhausted
            | Self::FailedPrecondition
            | Self::Unimplemented
            | Self::Internal => Some(Failure::Rejected),
        }
    }
}
