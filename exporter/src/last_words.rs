//! What the peer of a TLS connection said last, where writing to it fails.
//!
//! With TLS 1.3 a server refuses our certificate, or that we have none, once the handshake is over on our side: it sends an
//! alert and closes. Whatever is written after that fails with a broken pipe or a reset, and who gives up there never
//! reads the alert, which tells why. It is there to be read: a reset takes nothing from what had arrived.
//!
//! Invariant: a failed write tells of TLS's own error where the peer left one, and takes nothing from what can be read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use crate::dial::is_tls;

#[cfg(test)]
pub(crate) mod tests;

/// A TLS connection whose writes fail with what the peer said.
pub(crate) struct LastWords<T> {
    stream: T,
    /// Why a write failed, while it is not known yet what the peer said.
    failed: Option<io::Error>,
}

impl<T: AsyncBufRead + AsyncWrite + Unpin> LastWords<T> {
    pub(crate) const fn new(stream: T) -> Self {
        Self { stream, failed: None }
    }

    /// Writes by `write`, and listens where that fails because the peer is gone.
    fn poll_heard<R>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let failed = match self.failed.take() {
            Some(failed) => failed,
            None => match ready!(write(Pin::new(&mut self.stream), context)) {
                Err(error) if is_gone(&error) => error,
                other => return Poll::Ready(other),
            },
        };
        // Nothing else can come than what is underway already: this never waits long.
        Poll::Ready(Err(match Pin::new(&mut self.stream).poll_fill_buf(context) {
            Poll::Pending => {
                self.failed = Some(failed);
                return Poll::Pending;
            }
            Poll::Ready(Err(heard)) if is_tls(&heard) => heard,
            Poll::Ready(_) => failed,
        }))
    }
}

/// Whether there is nobody to write to any more.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

impl<T: AsyncRead + Unpin> AsyncRead for LastWords<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<T: AsyncBufRead + AsyncWrite + Unpin> AsyncWrite for LastWords<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_heard(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_heard(context, |stream, context| stream.poll_write_vectored(context, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_heard(context, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
