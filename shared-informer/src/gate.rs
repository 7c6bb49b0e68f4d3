//! The gate: the innermost layer of the client's stack. No permit, no request.
//!
//! A permit of the [ledger](crate::ledger) travels in the request's extensions as a [`Pass`] and is taken away here, once.
//! Nothing lies below but the connections, which repeat nothing; so what passes here is what the API server gets.
//!
//! Invariants:
//! - a request without a permit, with one that was used, that is over, or that is for something else, is not sent: it fails
//!   with a [`GateError`] from `call` (never from `poll_ready`, which would end the client for good) and is counted under a
//!   closed set;
//! - what a permit allows is judged by the request itself as it leaves, method, path and every parameter, and not by what
//!   the layers above say that they meant;
//! - every byte of an answer's body that comes from the connection is counted before anybody looks at it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::{BoxError, Layer, Service};

use crate::clocks::Clocks;
use crate::counts::closed;

mod body;
mod fits;
mod pass;
#[cfg(test)]
mod tests;

pub use body::Metered;
pub use pass::Pass;

closed! {
    /// Why the gate let a request not pass: an attribute value.
    Denied {
        /// It carried no permit.
        Missing = "missing",
        /// Its permit was used before.
        Used = "used",
        /// The turn of its permit is over.
        Expired = "expired",
        /// Its permit is one for another request.
        Mismatch = "mismatch",
    }
}

/// A request that was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the gate let a request not pass ({})", .0.as_str())]
pub struct GateError(pub Denied);

/// How many requests the gate denied. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<[AtomicU64; Denied::ALL.len()]>);

impl Tally {
    /// The count of one reason.
    pub fn get(&self, denied: Denied) -> u64 {
        self.0.get(denied as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Every reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Denied, u64)> + '_ {
        Denied::ALL.iter().map(|denied| (*denied, self.get(*denied)))
    }

    fn count(&self, denied: Denied) {
        if let Some(count) = self.0.get(denied as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Puts the gate around the connections.
#[derive(Clone)]
pub struct GateLayer {
    clocks: Arc<dyn Clocks>,
    prefix: Arc<str>,
    tally: Tally,
}

impl GateLayer {
    /// `prefix` is the path of the server's address, in front of every request's own path; normally empty.
    pub fn new(clocks: Arc<dyn Clocks>, prefix: &str, tally: Tally) -> Self {
        Self { clocks, prefix: prefix.trim_end_matches('/').into(), tally }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, rules: self.clone() }
    }
}

/// See the module's documentation.
#[derive(Clone)]
pub struct Gate<S> {
    inner: S,
    rules: GateLayer,
}

impl<S> Gate<S> {
    /// The pass of a request that may be sent now; its permit is taken.
    fn admit<B>(&self, request: &Request<B>) -> Result<Pass, Denied> {
        let pass = request.extensions().get::<Pass>().ok_or(Denied::Missing)?;
        let permit = pass.take().ok_or(Denied::Used)?;
        if self.rules.clocks.now().mono >= permit.deadline() {
            return Err(Denied::Expired);
        }
        let (method, uri) = (request.method(), request.uri());
        let path = uri.path().strip_prefix(&*self.rules.prefix).ok_or(Denied::Mismatch)?;
        if !fits::fits(permit.request(), method, path, uri.query().unwrap_or_default()) {
            return Err(Denied::Mismatch);
        }
        Ok(pass.clone())
    }
}

/// What becomes of a request at the gate.
pub type Passage<R> = Pin<Box<dyn Future<Output = Result<Response<Metered<R>>, BoxError>> + Send>>;

impl<S, B, R> Service<Request<B>> for Gate<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = Response<Metered<R>>;
    type Error = BoxError;
    type Future = Passage<R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.admit(&request) {
            Ok(pass) => {
                let answer = self.inner.call(request);
                Box::pin(async move {
                    let answer = answer.await.map_err(Into::into)?;
                    pass.count(body::head_bytes(&answer));
                    Ok(answer.map(|body| Metered::new(body, pass)))
                })
            }
            Err(denied) => {
                self.rules.tally.count(denied);
                Box::pin(std::future::ready(Err(GateError(denied).into())))
            }
        }
    }
}
