//! TLS against a backend whose authority the test makes itself.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use exporter::output::{Protocol, Settings};
use exporter::queue::DropReason;
use exporter::retry::Failure;
use exporter::tls::{Identity, Settings as Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use crate::client::{PATIENCE, Report, Serving, deliver, fail, item, settings};
use crate::http2;
use crate::server::{Act, Server, answer};

/// An authority with a folder for its files.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
        Self { issuer, folder: TempDir::new().expect("a folder") }
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("written");
        path
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.write("ca.pem", &self.issuer.pem())
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        (params.signed_by(&key, &self.issuer).expect("signed"), key)
    }

    pub(crate) fn identity(&self) -> Identity {
        let (certificate, key) = self.issue("agent");
        Identity {
            certificate: self.write("client.pem", &certificate.pem()),
            key: self.write("client.key", &key.serialize_pem()),
        }
    }

    /// A server certificate for `name`; clients must prove themselves to `clients` where it is given.
    pub(crate) fn acceptor(
        &self,
        name: &str,
        clients: Option<&Self>,
        version: &'static SupportedProtocolVersion,
    ) -> TlsAcceptor {
        let (certificate, key) = self.issue(name);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])
            .expect("a version");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.issuer.der().clone()).expect("a root");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).expect("a pair");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

pub(crate) fn tls(ca: &Authority) -> Tls {
    Tls { ca: Some(ca.ca()), ..Tls::default() }
}

/// Three requests over TLS.
async fn run(acceptor: TlsAcceptor, tls: Tls) -> (Report, usize) {
    let server = Server::bind([]).await.with_tls(acceptor);
    let seen = server.seen();
    let url = server.url().replace("http://", "https://");
    let settings = Settings { tls, ..settings(&url) };
    let items = vec![item("a", 1), item("b", 1), item("c", 1)];
    let got = deliver(&settings, items, PATIENCE, server.serve()).await;
    let connections = seen.lock().expect("sound").connections;
    (got, connections)
}

/// Fails with the class of TLS until the deadline; what it says.
async fn refused(acceptor: TlsAcceptor, tls: Tls) -> String {
    let server = Server::bind([]).await.with_tls(acceptor);
    let seen = server.seen();
    let url = server.url().replace("http://", "https://");
    let settings = Settings { tls, ..settings(&url) };
    let got = fail(&settings, vec![item("secret", 1)], Failure::Tls, server.serve()).await;
    assert_eq!(got.totals.sent.points, 0);
    assert_eq!(got.totals.dropped.of(DropReason::Shutdown).points, 1);
    assert_eq!(Failure::ALL.iter().filter(|class| got.totals.failures(**class) > 0).count(), 1, "only TLS");
    assert!(seen.lock().expect("sound").requests.is_empty(), "nothing reached the other side");
    got.says().to_owned()
}

pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS13, &rustls::version::TLS12];

#[tokio::test]
async fn a_given_authority_is_trusted_and_the_connection_is_kept() {
    let ca = Authority::new("one");
    for version in VERSIONS {
        let (got, connections) = run(ca.acceptor("127.0.0.1", None, version), tls(&ca)).await;
        assert_eq!((got.totals.sent.points, got.totals.attempts, connections), (3, 3, 1), "{}", got.says());
    }
}

#[tokio::test]
async fn a_client_certificate_is_presented_where_the_backend_asks_for_it() {
    let (ca, clients) = (Authority::new("one"), Authority::new("two"));
    for version in VERSIONS {
        let with = Tls { identity: Some(clients.identity()), ..tls(&ca) };
        let (got, _) = run(ca.acceptor("127.0.0.1", Some(&clients), version), with).await;
        assert_eq!((got.totals.sent.points, got.totals.attempts), (3, 3), "{}", got.says());
    }
}

#[tokio::test]
async fn the_configured_server_name_is_what_the_certificate_must_bear() {
    let ca = Authority::new("one");
    let acceptor = || ca.acceptor("collector.internal", None, &rustls::version::TLS13);
    let named = Tls { server_name: Some("collector.internal".to_owned()), ..tls(&ca) };
    let (got, _) = run(acceptor(), named).await;
    assert_eq!(got.totals.sent.points, 3, "{}", got.says());
    let says = refused(acceptor(), tls(&ca)).await;
    assert!(says.contains("not valid for name"), "{says}");
}

#[tokio::test]
async fn an_authority_that_is_not_the_given_one_is_refused_in_plain_words() {
    let (ca, other) = (Authority::new("one"), Authority::new("two"));
    for version in VERSIONS {
        let says = refused(ca.acceptor("127.0.0.1", None, version), tls(&other)).await;
        assert!(says.contains("TLS with https://127.0.0.1") && says.contains("UnknownIssuer"), "{says}");
    }
    let namesake = Authority::new("one");
    let says = refused(ca.acceptor("127.0.0.1", None, &rustls::version::TLS13), tls(&namesake)).await;
    assert!(says.contains("BadSignature"), "{says}");
}

#[tokio::test]
async fn a_missing_or_foreign_client_certificate_is_a_failure_of_tls() {
    let (ca, clients) = (Authority::new("one"), Authority::new("two"));
    for version in VERSIONS {
        for identity in [None, Some(ca.identity())] {
            let with = Tls { identity, ..tls(&ca) };
            let says = refused(ca.acceptor("127.0.0.1", Some(&clients), version), with).await;
            assert!(says.contains("received fatal alert"), "{says}");
        }
    }
}

/// Three calls over TLS.
async fn call(acceptor: TlsAcceptor, tls: Tls) -> (Report, usize) {
    let server = http2::Server::bind([]).await.with_tls(acceptor);
    let seen = server.seen();
    // Without a scheme: TLS is what that means.
    let endpoint = server.url().replace("http://", "");
    let settings = Settings { tls, protocol: Protocol::Grpc, ..settings(&endpoint) };
    let items = vec![item("a", 1), item("b", 1), item("c", 1)];
    let got = deliver(&settings, items, PATIENCE, server.serve()).await;
    let connections = seen.lock().expect("sound").connections;
    (got, connections)
}

#[tokio::test]
async fn calls_go_over_tls_with_a_client_certificate_and_another_name() {
    let (ca, clients) = (Authority::new("one"), Authority::new("two"));
    for version in VERSIONS {
        let identity = Some(clients.identity());
        let server_name = Some("collector.internal".to_owned());
        let with = Tls { identity, server_name, ..tls(&ca) };
        let (got, connections) = call(ca.acceptor("collector.internal", Some(&clients), version), with).await;
        assert_eq!((got.totals.sent.points, got.totals.attempts, connections), (3, 3, 1), "{}", got.says());
    }
}

#[tokio::test]
async fn a_grpc_server_that_refuses_our_certificate_or_has_a_foreign_one_is_a_failure_of_tls() {
    let (ca, other) = (Authority::new("one"), Authority::new("two"));
    for version in VERSIONS {
        for (clients, with) in [(None, tls(&other)), (Some(&other), tls(&ca))] {
            let server = http2::Server::bind([]).await.with_tls(ca.acceptor("127.0.0.1", clients, version));
            let endpoint = server.url().replace("http://", "https://");
            let settings = Settings { tls: with, protocol: Protocol::Grpc, ..settings(&endpoint) };
            let got = fail(&settings, vec![item("secret", 1)], Failure::Tls, server.serve()).await;
            let other = Failure::ALL.iter().filter(|class| got.totals.failures(**class) > 0).count();
            assert_eq!((got.totals.sent.points, other), (0, 1), "only TLS: {}", got.says());
        }
    }
}

#[tokio::test]
async fn a_certificate_that_rotated_is_read_again_when_the_backend_refuses_the_old_one() {
    let (ca, old, new) = (Authority::new("one"), Authority::new("old"), Authority::new("new"));
    let identity = old.identity();
    let server = Server::bind([]).await.with_tls(ca.acceptor("127.0.0.1", Some(&new), VERSIONS[0]));
    let url = server.url().replace("http://", "https://");
    let settings = Settings { tls: Tls { identity: Some(identity.clone()), ..tls(&ca) }, ..settings(&url) };
    let (queue, output) = exporter::output::Output::new(&settings).expect("sound settings");
    let monitor = output.monitor();
    queue.push(item("a", 1));
    let script = async {
        while monitor.stats().totals().failures(Failure::Tls) == 0 {
            tokio::task::yield_now().await;
        }
        let rotated = new.identity();
        fs::copy(rotated.certificate, identity.certificate).expect("copied");
        fs::copy(rotated.key, identity.key).expect("copied");
        tokio::time::Instant::now() + PATIENCE
    };
    tokio::select! {
        () = output.run(script) => {}
        () = server.serve() => panic!("the server never ends"),
    }
    assert_eq!(crate::client::report(&monitor).totals.sent.points, 1);
}

#[tokio::test]
async fn with_a_token_from_a_file_a_refusal_of_credentials_is_repeated_once() {
    let folder = TempDir::new().expect("a folder");
    let token = folder.path().join("token");
    for (line, renewed) in [("401 Unauthorized", true), ("403 Forbidden", true), ("400 Bad Request", false)] {
        fs::write(&token, "old").expect("written");
        let server = Server::bind([Act::Answer(answer(line, "text/plain", "", b""))]).await;
        let seen = server.seen();
        let headers_from_files = vec![("authorization".to_owned(), token.clone())];
        let settings = Settings { headers_from_files, ..settings(&server.url()) };
        let got = deliver(&settings, vec![item("a", 1), item("b", 1)], PATIENCE, server.serve()).await;
        assert_eq!(seen.lock().expect("sound").requests[0].header("authorization"), Some("old"));
        let sent = if renewed { 2 } else { 1 };
        assert_eq!((got.totals.sent.points, got.totals.retries), (sent, u64::from(renewed)), "{line}");
    }
}

#[tokio::test]
async fn over_both_protocols_the_certificate_must_bear_the_name_and_ours_comes_with_it() {
    let (ca, clients) = (Authority::new("one"), Authority::new("two"));
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        for version in VERSIONS {
            for (name, identity, sound) in [
                (Some("collector.internal"), true, true),
                (None, true, false),
                (Some("collector.external"), true, false),
                (Some("collector.internal"), false, false),
            ] {
                let acceptor = ca.acceptor("collector.internal", Some(&clients), version);
                let (url, serve): (String, Serving) = match protocol {
                    Protocol::Stdout => unreachable!("it has no server"),
                    Protocol::HttpProtobuf => {
                        let server = Server::bind([]).await.with_tls(acceptor);
                        (server.url(), Box::pin(server.serve()))
                    }
                    Protocol::Grpc => {
                        let server = http2::Server::bind([]).await.with_tls(acceptor);
                        (server.url(), Box::pin(server.serve()))
                    }
                };
                let with = Tls {
                    identity: identity.then(|| clients.identity()),
                    server_name: name.map(str::to_owned),
                    ..tls(&ca)
                };
                let url = url.replace("http://", "https://");
                let settings = Settings { tls: with, protocol, ..settings(&url) };
                let got = if sound {
                    deliver(&settings, vec![item("a", 1)], PATIENCE, serve).await
                } else {
                    fail(&settings, vec![item("a", 1)], Failure::Tls, serve).await
                };
                let sent = u64::from(sound);
                assert_eq!(got.totals.sent.points, sent, "{protocol:?} {name:?} {identity}: {}", got.says());
                assert_eq!(got.totals.dropped.of(DropReason::Shutdown).points, 1 - sent);
            }
        }
    }
}
