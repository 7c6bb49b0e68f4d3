//! The bytes of an answer, counted as they come from the connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf as _;
use http::Response;
use http_body::{Body, Frame, SizeHint};

use super::Pass;

/// A body that counts what it gives into its request's [`Pass`].
#[derive(Debug)]
pub struct Metered<B> {
    inner: B,
    pass: Pass,
}

impl<B> Metered<B> {
    pub(super) const fn new(inner: B, pass: Pass) -> Self {
        Self { inner, pass }
    }
}

impl<B: Body + Unpin> Body for Metered<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.pass.count(data.remaining() as u64);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The bytes of an answer's head as HTTP/1.1 writes it: the status line, `name: value` lines, an empty line.
pub(super) fn head_bytes<B>(answer: &Response<B>) -> u64 {
    let reason = answer.status().canonical_reason().map_or(0, str::len);
    let status = "HTTP/1.1 200 \r\n".len() + reason;
    let lines: usize =
        answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    (status + lines + 2) as u64
}
