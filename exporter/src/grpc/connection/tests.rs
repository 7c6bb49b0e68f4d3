use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};
use tokio::time::timeout;

use super::*;
use crate::last_words::tests::refused;

/// The clock is paused: this passes at once where nothing is left to happen.
const LONG: Duration = Duration::from_mins(1);

/// Empty SETTINGS: how a peer begins.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A link on which nothing is received but the peer's beginning, and which can be written to so many times.
struct Deaf {
    beginning: &'static [u8],
    writes: usize,
}

impl AsyncRead for Deaf {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.beginning.is_empty() {
            return Poll::Pending;
        }
        let (now, later) = self.beginning.split_at(self.beginning.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.beginning = later;
        Poll::Ready(Ok(()))
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
    Connection::open(stream, Ipv4Addr::LOCALHOST.into()).await
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_when_the_connection_breaks_under_a_write_and_no_read_says_so() {
    let mut calls = 0;
    for writes in 0..4 {
        // The preface may be what cannot be written.
        let Ok(mut connection) = on(Box::new(Deaf { beginning: &SETTINGS, writes })).await else { continue };
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

#[tokio::test]
async fn a_server_that_refuses_us_once_tls_stands_is_heard_whatever_we_do_first() {
    for arrived in [false, true] {
        let trouble = match on(Box::new(refused(arrived).await)).await {
            Err(trouble) => trouble,
            Ok(mut connection) => {
                if connection.is_usable().await {
                    connection.call(request(), parts()).await.expect_err("refused")
                } else {
                    connection.why_unusable()
                }
            }
        };
        assert_eq!(trouble.failure, Failure::Tls, "{arrived}: {}", trouble.detail);
        assert!(trouble.detail.contains("CertificateRequired"), "{arrived}: {}", trouble.detail);
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_is_written_before_the_peer_has_spoken() {
    let (near, mut far) = duplex(1 << 10);
    let mut connection = on(Box::new(near)).await.expect("a connection");
    let call = timeout(LONG, connection.call(request(), parts())).await;
    assert!(call.is_err(), "it waits");
    drop(connection);
    let mut written = Vec::new();
    far.read_to_end(&mut written).await.expect("read");
    // The preface and SETTINGS, a WINDOW_UPDATE at most, and no HEADERS (type 1).
    let mut frames = written.strip_prefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("HTTP/2");
    while let [_, high, low, kind, ..] = frames {
        assert_ne!(*kind, 1, "{written:?}");
        frames = &frames[9 + usize::from(u16::from_be_bytes([*high, *low]))..];
    }
}

/// Says something and nothing more, and neither reads nor closes.
async fn peer_that_says(frames: &[u8]) -> (Connection, DuplexStream) {
    let (near, mut far) = duplex(1 << 10);
    let connection = on(Box::new(near)).await.expect("a connection");
    far.write_all(&SETTINGS).await.expect("written");
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

/// Answers one call with so many bytes, as fast as the client takes them, and then serves nothing.
async fn answering(far: DuplexStream, length: usize) {
    let mut server = h2::server::handshake(far).await.expect("HTTP/2");
    let (_, mut respond) = server.accept().await.expect("a call").expect("a sound one");
    let mut stream = respond.send_response(Response::new(()), false).expect("sent");
    let mut sending = pin!(async {
        let mut rest = length;
        while rest > 0 {
            stream.reserve_capacity(rest.min(MAX_KEPT));
            // None or an error: the client has heard enough.
            let Some(Ok(room)) = poll_fn(|context| stream.poll_capacity(context)).await else { return };
            rest -= room;
            if stream.send_data(vec![0; room].into(), rest == 0).is_err() {
                return;
            }
        }
    });
    let mut sent = false;
    poll_fn(|context| {
        sent = sent || sending.as_mut().poll(context).is_ready();
        server.poll_closed(context).map(drop)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_read_up_to_four_mebibytes_and_only_its_beginning_is_kept() {
    for (length, whole) in [(4 << 20, true), ((4 << 20) + 1, false), (64 << 20, false)] {
        let (near, far) = duplex(1 << 16);
        let call = async {
            let mut connection = on(Box::new(near)).await.expect("a connection");
            assert!(connection.is_usable().await);
            connection.call(request(), parts()).await.expect("an answer")
        };
        let (answer, ()) = tokio::join!(call, answering(far, length));
        assert_eq!(answer.trouble.is_none(), whole, "{length}: {:?}", answer.trouble);
        assert!(answer.prefix.len() == MAX_KEPT && answer.prefix.capacity() <= 2 * MAX_KEPT);
        let bound = MAX_READ + u64::from(u16::MAX);
        assert!(answer.received <= bound && answer.received >= MAX_READ, "{}", answer.received);
        if let Some(trouble) = answer.trouble {
            assert_eq!(trouble.failure, Failure::Protocol);
            assert_eq!(trouble.detail, "an answer longer than 4194304 bytes");
        }
    }
}
