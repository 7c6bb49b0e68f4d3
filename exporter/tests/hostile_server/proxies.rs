//! Backends that are reached through a proxy, by a name that only the proxy knows.

use std::sync::{Arc, Mutex};

use exporter::output::{Output, Settings};
use exporter::proxy;
use exporter::queue::DropReason;
use exporter::retry::Failure;
use exporter::tls::Settings as Tls;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::client::{self, PATIENCE, Report, deliver, grpc, item, settings};
use crate::http2;
use crate::server::{Act, Peer, Server, answer};
use crate::tls::{Authority, VERSIONS, tls};

/// What the proxy answers to CONNECT.
#[derive(Clone, Copy)]
enum Answer {
    /// A way to the backend.
    Open,
    /// These bytes and the end.
    Refuse(&'static [u8]),
    /// A way the second time.
    RefuseOnce,
}

/// A proxy that leads every name to one backend.
struct Proxy {
    listener: TcpListener,
    backend: u16,
    answer: Answer,
    tls: Option<TlsAcceptor>,
    /// The heads of the requests to CONNECT.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn new(backend: u16, answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self { listener, backend, answer, tls: None, asked: Arc::default() }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().expect("bound").port()
    }

    /// Serves one connection after the other, for ever.
    async fn serve(self) {
        loop {
            let (stream, _) = self.listener.accept().await.expect("accepts");
            match self.tls.clone() {
                None => self.connection(stream).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        self.connection(stream).await;
                    }
                }
            }
        }
    }

    async fn connection(&self, mut stream: impl Peer) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).expect("an ASCII head");
        assert!(head.starts_with("CONNECT "), "{head}");
        let first = {
            let mut asked = self.asked.lock().expect("sound");
            asked.push(head);
            asked.len() == 1
        };
        match self.answer {
            Answer::Refuse(bytes) => drop(stream.write_all(bytes).await),
            Answer::RefuseOnce if first => {
                drop(stream.write_all(b"HTTP/1.1 503 Not yet\r\n\r\n").await);
            }
            _ => {
                let mut backend = TcpStream::connect(("127.0.0.1", self.backend)).await.expect("connects");
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("written");
                stream.flush().await.expect("written");
                drop(copy_bidirectional(&mut stream, &mut backend).await);
            }
        }
        drop(stream.shutdown().await);
    }
}

/// An environment in which everything goes through a proxy.
fn through(url: &str) -> Option<proxy::Proxy> {
    proxy::from_environment(|name| (name == "ALL_PROXY").then(|| url.to_owned())).expect("a proxy")
}

const NAME: &str = "collector.test";

/// Two requests over TLS with a backend that is known to the proxy alone.
async fn tunnelled(over_grpc: bool, secure_proxy: bool, answer: Answer) -> (Report, Vec<String>) {
    let ca = Authority::new("one");
    let backend = ca.acceptor(NAME, None, VERSIONS[0]);
    let (port, serve): (u16, client::Serving) = if over_grpc {
        let server = http2::Server::bind([]).await.with_tls(backend);
        (server.listener().local_addr().expect("bound").port(), Box::pin(server.serve()))
    } else {
        let server = Server::bind([]).await.with_tls(backend);
        (server.address().port(), Box::pin(server.serve()))
    };
    let mut proxy = Proxy::new(port, answer).await;
    let mut url = format!("http://me:p%40ss@127.0.0.1:{}", proxy.port());
    if secure_proxy {
        proxy.tls = Some(ca.acceptor("127.0.0.1", None, VERSIONS[0]));
        url = url.replace("http://", "https://");
    }
    let asked = Arc::clone(&proxy.asked);
    let base = if over_grpc { grpc(NAME) } else { settings(&format!("https://{NAME}/v1/metrics")) };
    let settings = Settings { proxy: through(&url), tls: tls(&ca), ..base };
    let both = Box::pin(async {
        tokio::join!(serve, proxy.serve());
    });
    let got = deliver(&settings, vec![item("a", 1), item("b", 1)], PATIENCE, both).await;
    assert!(got.status.proxy.as_ref().is_some_and(|shown| !shown.contains("me")), "{:?}", got.status.proxy);
    let asked = asked.lock().expect("sound").clone();
    (got, asked)
}

#[tokio::test]
async fn https_and_grpc_go_through_a_tunnel_with_tls_to_the_backend_itself() {
    for over_grpc in [false, true] {
        for secure_proxy in [false, true] {
            let (got, asked) = tunnelled(over_grpc, secure_proxy, Answer::Open).await;
            assert_eq!((got.totals.sent.points, got.totals.attempts), (2, 2), "{}", got.says());
            let [head] = &asked[..] else { panic!("one way for both, not {}", asked.len()) };
            assert!(head.starts_with("CONNECT collector.test:443 HTTP/1.1\r\n"), "{head}");
            // me:p@ss
            assert!(head.contains("\r\nproxy-authorization: Basic bWU6cEBzcw==\r\n"), "{head}");
        }
    }
}

#[tokio::test]
async fn grpc_without_tls_goes_through_a_tunnel_too() {
    let server = http2::Server::bind([]).await;
    let seen = server.seen();
    let proxy = Proxy::new(server.listener().local_addr().expect("bound").port(), Answer::Open).await;
    let url = format!("127.0.0.1:{}", proxy.port());
    let settings = Settings { proxy: through(&url), ..grpc("http://collector.test:4317") };
    let both = Box::pin(async {
        tokio::join!(server.serve(), proxy.serve());
    });
    let got = deliver(&settings, vec![item("a", 1), item("b", 1)], PATIENCE, both).await;
    assert_eq!((got.totals.sent.points, got.totals.attempts), (2, 2), "{}", got.says());
    assert_eq!(seen.lock().expect("sound").connections, 1);
}

#[tokio::test]
async fn a_proxy_that_opens_no_way_is_a_failure_of_its_own_and_asked_again() {
    for over_grpc in [false, true] {
        let (got, asked) = tunnelled(over_grpc, false, Answer::RefuseOnce).await;
        assert_eq!((got.totals.sent.points, got.totals.failures(Failure::Proxy)), (2, 1), "{}", got.says());
        assert_eq!((asked.len(), got.totals.retries), (2, 1));
        let says = got.says();
        assert!(says.starts_with("no way to https://collector.test"), "{says}");
        assert!(says.contains("through the proxy http://127.0.0.1:"), "{says}");
        assert!(says.ends_with("it answered CONNECT with 503 Not yet"), "{says}");
    }
}

#[tokio::test]
async fn credentials_that_a_proxy_refuses_lose_nothing_and_are_not_told() {
    let refusal = Answer::Refuse(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    let proxy = Proxy::new(1, refusal).await;
    let url = format!("http://me:s3cret@127.0.0.1:{}", proxy.port());
    let ca = Authority::new("one");
    let settings = Settings { proxy: through(&url), tls: tls(&ca), ..grpc(NAME) };
    let got = client::fail(&settings, vec![item("a", 1)], Failure::Proxy, proxy.serve()).await;
    assert_eq!(got.totals.dropped.of(DropReason::Shutdown).points, 1, "kept until the shutdown");
    assert_eq!(got.totals.wire_bytes, 0);
    assert!(got.says().contains("407 Proxy Authentication Required (are its credentials right?)"));
    assert!(!got.says().contains("s3cret"), "{}", got.says());
}

#[tokio::test]
async fn http_is_sent_to_the_proxy_with_the_whole_url_and_its_refusal_is_the_proxys() {
    let refusal = answer("407 Proxy Authentication Required", "text/plain", "", b"who?");
    let server = Server::bind([Act::Answer(refusal)]).await;
    let seen = server.seen();
    let url = format!("http://me:pass@{}", server.address());
    let endpoint = "http://collector.test:4318/v1/metrics?tenant=a";
    let settings = Settings { proxy: through(&url), ..settings(endpoint) };
    let got = deliver(&settings, vec![item("a", 1), item("b", 1)], PATIENCE, server.serve()).await;
    assert_eq!((got.totals.sent.points, got.totals.failures(Failure::Proxy)), (2, 1), "{}", got.says());
    assert!(
        got.says().starts_with("no way to http://collector.test:4318/v1/metrics through"),
        "{}",
        got.says()
    );
    let seen = seen.lock().expect("sound");
    assert_eq!((seen.connections, seen.requests.len()), (1, 3));
    let request = &seen.requests[2];
    assert!(request.head.starts_with(&format!("POST {endpoint} HTTP/1.1\r\n")), "{}", request.head);
    assert_eq!(request.header("host"), Some("collector.test:4318"));
    assert_eq!(request.header("proxy-authorization"), Some("Basic bWU6cGFzcw=="));
}

#[tokio::test]
async fn what_no_proxy_excepts_and_what_is_on_this_machine_is_reached_directly() {
    let server = Server::bind([]).await;
    let seen = server.seen();
    let settings = Settings { proxy: through("http://127.0.0.1:1"), ..settings(&server.url()) };
    let got = deliver(&settings, vec![item("a", 1)], PATIENCE, server.serve()).await;
    assert_eq!((got.totals.sent.points, got.totals.attempts, got.status.proxy), (1, 1, None));
    assert_eq!(seen.lock().expect("sound").requests[0].header("proxy-authorization"), None);
}

#[tokio::test]
async fn a_proxy_that_is_away_or_has_a_foreign_certificate_is_told_from_the_backend() {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let url = format!("http://{}", socket.local_addr().expect("bound"));
    let away = Settings { proxy: through(&url), ..settings("http://collector.test/") };
    let got = client::fail(&away, vec![item("a", 1)], Failure::Connect, std::future::pending()).await;
    assert!(got.says().contains(&format!("collector.test/ through the proxy {url}: Connection refused")));

    let (ca, other) = (Authority::new("one"), Authority::new("two"));
    let mut proxy = Proxy::new(1, Answer::Open).await;
    proxy.tls = Some(other.acceptor("127.0.0.1", None, VERSIONS[0]));
    let url = format!("https://127.0.0.1:{}", proxy.port());
    let trust = Tls { identity: Some(ca.identity()), ..tls(&ca) };
    let foreign = Settings { proxy: through(&url), tls: trust, ..settings("https://collector.test/") };
    let got = client::fail(&foreign, vec![item("a", 1)], Failure::Tls, proxy.serve()).await;
    assert!(got.says().contains("failed: by the proxy: "), "{}", got.says());
}

#[tokio::test]
async fn a_proxy_that_never_answers_ends_with_the_time_limit_of_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let ca = Authority::new("one");
    let timeout = std::time::Duration::from_millis(200);
    let settings = Settings { proxy: through(&url), tls: tls(&ca), timeout, ..grpc(NAME) };
    let (queue, output) = Output::new(&settings).expect("sound settings");
    let monitor = output.monitor();
    queue.push(item("a", 1));
    let failed = async {
        while monitor.stats().totals().failures(Failure::Timeout) == 0 {
            tokio::task::yield_now().await;
        }
        Instant::now()
    };
    output.run(failed).await;
    let got = client::report(&monitor);
    assert!(got.says().contains("did not answer through the proxy http://127.0.0.1:"), "{}", got.says());
}
