use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex};
use tokio::time::timeout;

use super::*;

/// The clock is paused: this passes at once where nothing is left to happen.
const LONG: Duration = Duration::from_mins(1);

/// A link on which nothing is ever received and which can be written to so many times.
struct Deaf {
    writes: usize,
}

impl AsyncRead for Deaf {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Deaf {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(match self.writes.checked_sub(1) {
            None => Err(io::ErrorKind::BrokenPipe.into()),
            Some(left) => {
                self.writes = left;
                Ok(bytes.len())
            }
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn request() -> Request<()> {
    Request::post("http://backend/method").version(http::Version::HTTP_2).body(()).expect("a request")
}

fn parts() -> [Bytes; 2] {
    [Bytes::from_static(b"\0\0\0\0\x04"), Bytes::from_static(b"body")]
}

async fn on(stream: Stream) -> Result<Connection, Trouble> {
    Connection::new((stream, Ipv4Addr::LOCALHOST.into())).await
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_when_the_connection_breaks_under_a_write_and_no_read_says_so() {
    let mut calls = 0;
    for writes in 0..4 {
        // The preface may be what cannot be written.
        let Ok(mut connection) = on(Box::new(Deaf { writes })).await else { continue };
        if !connection.is_usable().await {
            continue;
        }
        let call = timeout(LONG, connection.call(request(), parts())).await;
        if writes < 3 {
            let trouble = call.expect("it ends").expect_err("there is no answer");
            assert_eq!(trouble.failure, Failure::Disconnected, "{writes}: {}", trouble.detail);
            assert!(!timeout(LONG, connection.is_usable()).await.expect("nothing to wait for"));
            calls += 1;
        }
    }
    assert!(calls > 0, "no call was cut");
}

/// Says something and nothing more, and neither reads nor closes.
async fn peer_that_says(frames: &[u8]) -> (Connection, DuplexStream) {
    let (near, mut far) = duplex(1 << 10);
    let connection = on(Box::new(near)).await.expect("a connection");
    // Empty SETTINGS come first.
    far.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.expect("written");
    far.write_all(frames).await.expect("written");
    (connection, far)
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_received_goaway_is_neither_used_again_nor_waited_for() {
    let (mut sound, _far) = peer_that_says(&[]).await;
    assert!(timeout(LONG, sound.is_usable()).await.expect("nothing to wait for"));
    for last in [[0, 0, 0, 0], [0, 0, 0, 1], [0x7f, 0xff, 0xff, 0xff]] {
        let goaway = [&[0, 0, 8, 7, 0, 0, 0, 0, 0][..], &last, &[0; 4]].concat();
        let (mut connection, _far) = peer_that_says(&goaway).await;
        assert!(!timeout(LONG, connection.is_usable()).await.expect("nothing to wait for"), "{last:?}");
    }
}
