//! Any answer of a receiver, lying or broken: read within bounds, judged by the rules, told in a clean line.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use exporter::fuzzing::{Answer, judge};
use exporter::model::Timestamp;
use exporter::retry::{Decision, Limits, Outcome, decide};
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message as _;
use tokio::runtime::{Builder, Runtime};

/// The longest remark: foreign text of 200 characters and our words around it.
const LONGEST: usize = 600;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    status: Status,
    content_type: ContentType<'a>,
    retry_after: Option<&'a [u8]>,
    location: Option<&'a [u8]>,
    /// Where the body is cut into frames.
    cut: u8,
    broken: bool,
    failures: u8,
    body: &'a [u8],
}

#[derive(Debug, Arbitrary)]
enum Status {
    Ok,
    Throttled,
    Unavailable,
    Any(u16),
}

#[derive(Debug, Arbitrary)]
enum ContentType<'a> {
    Protobuf,
    Text,
    Json,
    Any(&'a [u8]),
    None,
}

impl ContentType<'_> {
    fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Protobuf => Some(b"application/x-protobuf"),
            Self::Text => Some(b"text/plain; charset=utf-8"),
            Self::Json => Some(b"application/json"),
            Self::Any(value) => Some(value),
            Self::None => None,
        }
    }
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

fuzz_target!(|input: Input<'_>| {
    let status = match input.status {
        Status::Ok => 200,
        Status::Throttled => 429,
        Status::Unavailable => 503,
        Status::Any(status) => status,
    };
    let headers = [
        ("content-type", input.content_type.value()),
        ("retry-after", input.retry_after),
        ("location", input.location),
    ];
    let (first, second) = input.body.split_at(usize::from(input.cut).min(input.body.len()));
    let judged = RUNTIME.block_on(judge(Answer {
        status,
        headers: headers.into_iter().filter_map(|(name, value)| Some((name, value?.to_vec()))).collect(),
        frames: vec![first.to_vec(), second.to_vec()],
        broken: input.broken,
    }));
    let remark = judged.remark.as_deref().unwrap_or_default();
    assert!(remark.chars().count() <= LONGEST, "{remark}");
    assert!(!remark.chars().any(char::is_control), "{remark:?}");
    let Outcome::Answered { status, rejected, .. } = judged.outcome else { panic!("there was an answer") };
    let success = (200..300).contains(&status);
    assert!(success || judged.remark.is_some(), "a failure is told");
    assert!(success || (rejected == 0 && !judged.unreadable), "only a success has a partial success");
    assert!(!judged.unreadable || judged.remark.is_some(), "what was not understood is told");
    // The reference reads groups and refuses text that is not UTF-8: where it would have written the same
    // bytes, there is only one reading.
    let protobuf = matches!(input.content_type, ContentType::Protobuf | ContentType::None);
    if success
        && protobuf
        && !input.broken
        && let Ok(response) = ExportMetricsServiceResponse::decode(input.body)
        && response.encode_to_vec() == input.body
    {
        let partial = response.partial_success.unwrap_or_default();
        assert!(!judged.unreadable, "{remark}");
        assert_eq!(rejected, u64::try_from(partial.rejected_data_points).unwrap_or(0));
    }
    let limits = Limits::default();
    let now = Timestamp(1_700_000_000_000_000_000);
    let decision = decide(judged.outcome.verdict(now), u32::from(input.failures), 0.5, &limits);
    match decision {
        Decision::RetryAfter { wait, asked } => {
            assert!(asked <= limits.max_asked && wait <= limits.max_asked + limits.max, "{decision:?}");
            assert!(!success, "what was accepted is never sent again");
        }
        Decision::Delivered => assert!(success && rejected == 0),
        Decision::DeliveredPartly { rejected: told } => assert!(success && told == rejected && told > 0),
        Decision::Drop(_) => assert!(!success),
    }
});
