//! Who asks: the `User-Agent` and the token, put on every request.
//!
//! A token's file is read at each request, of which there are two a turn at most: a rotated token is used from the next
//! request on, and nobody has to watch the file. A request whose token cannot be read is not sent.

use std::future::{Ready, ready};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request};
use tower::{BoxError, Layer, Service};

use super::pem;

/// How the API server knows us, beside a certificate.
#[derive(Debug, Clone)]
pub(super) enum Credential {
    None,
    /// A header that does not change.
    Fixed(HeaderValue),
    /// A file with a bearer token.
    File(Arc<Path>),
}

/// A token that cannot be used; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// Its file cannot be read.
    #[error("cannot read the token {path}: {error}")]
    Read {
        /// The file.
        path: Box<str>,
        /// What the system said.
        error: io::Error,
    },
    /// It is empty, or holds what cannot stand in a header.
    #[error("not a token: {0}")]
    Content(Box<str>),
}

impl Credential {
    fn header(&self) -> Result<Option<HeaderValue>, CredentialError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(header) => Ok(Some(header.clone())),
            Self::File(path) => {
                let shown = || path.display().to_string().into_boxed_str();
                let token =
                    pem::read(path).map_err(|error| CredentialError::Read { path: shown(), error })?;
                bearer(&token).map(Some).ok_or_else(|| CredentialError::Content(shown()))
            }
        }
    }
}

/// The header of a bearer token; none if it is no token.
pub(super) fn bearer(token: &[u8]) -> Option<HeaderValue> {
    let token = token.trim_ascii();
    if token.is_empty() {
        return None;
    }
    let mut header = HeaderValue::from_bytes(&[b"Bearer ", token].concat()).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Puts both headers on.
#[derive(Clone)]
pub(super) struct IdentifyLayer {
    agent: HeaderValue,
    credential: Credential,
}

impl IdentifyLayer {
    pub(super) const fn new(agent: HeaderValue, credential: Credential) -> Self {
        Self { agent, credential }
    }
}

impl<S> Layer<S> for IdentifyLayer {
    type Service = Identify<S>;

    fn layer(&self, inner: S) -> Identify<S> {
        Identify { inner, who: self.clone() }
    }
}

/// See [`IdentifyLayer`].
#[derive(Clone)]
pub(super) struct Identify<S> {
    inner: S,
    who: IdentifyLayer,
}

impl<S, B> Service<Request<B>> for Identify<S>
where
    S: Service<Request<B>, Error = BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Either<S::Future, Ready<Result<S::Response, BoxError>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let credential = match self.who.credential.header() {
            Ok(credential) => credential,
            Err(error) => return Either::Right(ready(Err(error.into()))),
        };
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, self.who.agent.clone());
        if let Some(credential) = credential {
            headers.insert(AUTHORIZATION, credential);
        }
        Either::Left(self.inner.call(request))
    }
}
