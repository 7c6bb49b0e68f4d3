//! The way to one backend: who opens connections to it, and the one that is kept between exchanges.
//!
//! Whatever is spoken, a kept connection is used again only while the peer lets it be, the backend's name
//! still leads to it, and the credentials with which it was opened hold. Whoever takes it owns it: dropped in
//! the middle of an exchange, it ends.

use std::future::{Future, pending};
use std::net::IpAddr;

use crate::dial::{Dialer, Stream, Trouble};
use crate::headers::Headers;

/// A connection on which a protocol is spoken, polled by whoever uses it and by nobody else.
pub(crate) trait Channel: Sized {
    /// Speaks the protocol on a fresh connection to this address.
    fn open(stream: Stream, peer: IpAddr) -> impl Future<Output = Result<Self, Trouble>> + Send;

    /// The other side's address.
    fn peer(&self) -> IpAddr;

    /// Waits for the connection's end.
    fn ended(&mut self) -> impl Future<Output = ()> + Send;

    /// Whether another exchange can begin on it.
    fn is_usable(&mut self) -> impl Future<Output = bool> + Send;
}

/// A dialer and the connection it opened last, while that can be used again.
pub(crate) struct Link<C> {
    pub(crate) dialer: Dialer,
    /// Boxed: the state of a connection is large, and it is moved in and out for each exchange.
    kept: Option<Box<C>>,
}

impl<C: Channel + Send> Link<C> {
    pub(crate) const fn new(dialer: Dialer) -> Self {
        Self { dialer, kept: None }
    }

    /// The kept connection if it can carry another exchange, else a new one.
    pub(crate) async fn take(&mut self) -> Result<Box<C>, Trouble> {
        let kept = self.kept.take().filter(|kept| self.dialer.holds(kept.peer()));
        if let Some(mut kept) = kept
            && kept.is_usable().await
        {
            return Ok(kept);
        }
        // Boxed: dialling is rare, and its state is most of this future's size.
        let (stream, peer) = Box::pin(self.dialer.dial()).await?;
        Ok(Box::new(C::open(stream, peer).await?))
    }

    /// Keeps a connection on which an exchange came to its proper end.
    pub(crate) fn keep(&mut self, connection: Box<C>) {
        self.kept = Some(connection);
    }

    /// See [`crate::transport::Transport::renew`].
    pub(crate) fn renew(&mut self, headers: &Headers) -> bool {
        let can_change = headers.can_change() || self.dialer.has_identity();
        if can_change {
            self.kept = None;
            self.dialer.renew();
        }
        can_change
    }

    /// See [`crate::transport::Transport::idle`].
    pub(crate) async fn idle(&mut self) {
        loop {
            let dialer = &mut self.dialer;
            let Some(kept) = &mut self.kept else {
                dialer.beside(pending::<()>()).await;
                continue;
            };
            tokio::select! {
                () = kept.ended() => self.kept = None,
                () = dialer.moved() => {
                    if !dialer.holds(kept.peer()) {
                        self.kept = None;
                    }
                }
            }
        }
    }
}
