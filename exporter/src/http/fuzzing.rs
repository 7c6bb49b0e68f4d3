//! The doorway of the fuzz target `otlp_answer` to the parsers of an answer. Compiled only with `--cfg fuzzing`,
//! which cargo-fuzz sets: it is no part of the crate's interface.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::body::{Body as HttpBody, Frame};
use tokio::time::Instant;

use super::{Http, answer};
use crate::output::Settings;
use crate::retry::Outcome;

/// An answer as it comes from the connection.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status; 200 stands for one that HTTP does not have.
    pub status: u16,
    /// The headers; those that HTTP does not allow are left out.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// The body, frame by frame.
    pub frames: Vec<Vec<u8>>,
    /// The connection broke before the body's end.
    pub broken: bool,
}

/// What was made of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What decides about the retry.
    pub outcome: Outcome,
    /// What people are told.
    pub remark: Option<String>,
    /// Acknowledged, but not understood.
    pub unreadable: bool,
}

/// Reads the body and judges the answer, as after an exchange. Needs a runtime with time.
pub async fn judge(answer: Answer) -> Judged {
    let timeout = Duration::from_secs(10);
    let http = Http::new(&Settings::new("fuzz", "http://localhost:4318/v1/metrics"));
    let Ok(http) = http else { unreachable!("a valid endpoint") };
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let frames = answer.frames.into_iter().map(Bytes::from).collect();
    let body = answer::read(Frames { frames, broken: answer.broken }, Instant::now() + timeout).await;
    let reply = http.judge(status, &headers, &body);
    Judged { outcome: reply.outcome, remark: reply.remark, unreadable: reply.unreadable }
}

/// A body of these frames.
struct Frames {
    frames: VecDeque<Bytes>,
    broken: bool,
}

impl HttpBody for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match self.frames.pop_front() {
            Some(data) => Some(Ok(Frame::data(data))),
            None if std::mem::take(&mut self.broken) => Some(Err(io::ErrorKind::ConnectionReset.into())),
            None => None,
        })
    }
}
