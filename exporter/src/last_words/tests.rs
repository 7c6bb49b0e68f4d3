use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

/// A server that wants a certificate of its clients, and a client that trusts it and has none.
fn mutual() -> (TlsAcceptor, TlsConnector) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = params.self_signed(&key).expect("signed").der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])
        .expect("a version")
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .expect("a version")
        .with_client_cert_verifier(verifier.build().expect("a verifier"))
        .with_single_cert(vec![certificate], key)
        .expect("a pair");
    (TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client)))
}

/// A connection whose handshake is over on our side, and whose server has refused it since, and closed; if it `arrived`, the
/// runtime knows that there is something to read.
pub(crate) async fn refused(arrived: bool) -> LastWords<TlsStream<TcpStream>> {
    let (acceptor, connector) = mutual();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let address = listener.local_addr().expect("an address");
    let client = async {
        let stream = TcpStream::connect(address).await.expect("connected");
        let name = ServerName::try_from("localhost").expect("a name");
        connector.connect(name, stream).await.expect("TLS 1.3 lets the client be the first to be done")
    };
    let server = async {
        let (stream, _) = listener.accept().await.expect("accepted");
        assert!(acceptor.accept(stream).await.is_err(), "the server refuses");
    };
    let (stream, ()) = tokio::join!(client, server);
    if arrived {
        stream.get_ref().0.readable().await.expect("the alert");
    }
    LastWords::new(stream)
}

#[tokio::test]
async fn a_write_after_the_server_refused_us_fails_with_its_reason() {
    let mut stream = refused(false).await;
    let mut writes = 0;
    let error = loop {
        match stream.write_all(b"a request").await {
            // Answered with a reset, which the next one meets.
            Ok(()) => writes += 1,
            Err(error) => break error,
        }
    };
    assert!(writes > 0, "the connection was closed under a write");
    assert!(is_tls(&error) && error.to_string().contains("CertificateRequired"), "{error}");
}

/// A peer that is gone and of which so much can be read, step by step.
struct Gone(VecDeque<Poll<&'static [u8]>>);

impl AsyncRead for Gone {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.0.pop_front() {
            Some(Poll::Pending) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Poll::Ready(bytes)) => {
                buffer.put_slice(bytes);
                Poll::Ready(Ok(()))
            }
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Gone {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn an_answer_that_came_before_the_end_can_be_read_after_a_failed_write() {
    let arrives = [Poll::Pending, Poll::Pending, Poll::Ready(&b"413"[..])];
    let mut stream = LastWords::new(BufReader::new(Gone(arrives.into())));
    let error = stream.write_all(b"a request").await.expect_err("nobody is there");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "the write's own error");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    assert_eq!(answer, b"413");
    assert_eq!(stream.flush().await.expect_err("nobody is there").kind(), io::ErrorKind::BrokenPipe);
}
