//! Bodies and headers of answers.

use std::convert::Infallible;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, VARY,
};
use hyper::{Response, StatusCode};
use serde_json::Value;

use super::status::Refusal;

type Frames = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>;

/// Whole, or as it comes.
pub(super) type Body = Either<Full<Bytes>, StreamBody<Frames>>;

const JSON: &str = "application/json";

/// What the real server adds to every answer that passed Priority & Fairness; clients only log it.
const LEVELS: [(&str, &str); 2] = [
    ("x-kubernetes-pf-flowschema-uid", "00000000-0000-4000-8000-0000000000f5"),
    ("x-kubernetes-pf-prioritylevel-uid", "00000000-0000-4000-8000-0000000000b1"),
];

/// The length of a body that is sent in chunks although it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length(pub(super) usize);

/// What is longer is sent in chunks: Go's own rule.
pub(super) const AT_ONCE: usize = 2_048;

/// An answer that is known whole.
pub(super) fn whole(code: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    let length = body.len();
    if length <= AT_ONCE {
        return response(code, content_type, Either::Left(Full::new(body)));
    }
    let frames: Frames = Box::pin(stream::iter([Ok(Frame::data(body))]));
    let mut response = response(code, content_type, Either::Right(StreamBody::new(frames)));
    response.extensions_mut().insert(Length(length));
    response
}

/// An object and a newline.
pub(super) fn json_response(code: StatusCode, object: &Value) -> Response<Body> {
    whole(code, JSON, format!("{object}\n").into())
}

/// An answer in chunks.
pub(super) fn streamed(gzip: bool, chunks: impl Stream<Item = Bytes> + Send + 'static) -> Response<Body> {
    let frames: Frames = Box::pin(chunks.map(|chunk| Ok(Frame::data(chunk))));
    let mut response = response(StatusCode::OK, JSON, Either::Right(StreamBody::new(frames)));
    if gzip {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    response
}

/// A refusal.
pub(super) fn refuse(refusal: &Refusal) -> Response<Body> {
    let mut response = match &refusal.body {
        Ok(status) => json_response(refusal.code, status),
        Err(text) => whole(refusal.code, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes())),
    };
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    if refusal.code == StatusCode::FORBIDDEN {
        let name = HeaderName::from_static("x-content-type-options");
        response.headers_mut().insert(name, HeaderValue::from_static("nosniff"));
    }
    response
}

fn response(code: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    if content_type != JSON {
        let name = HeaderName::from_static("x-content-type-options");
        headers.insert(name, HeaderValue::from_static("nosniff"));
    }
    if code != StatusCode::UNAUTHORIZED {
        for (name, value) in LEVELS {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    response
}
