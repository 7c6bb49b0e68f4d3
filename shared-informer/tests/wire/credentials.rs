//! Tokens that rotate, authorities that do not fit, and what is sent without them: nothing.

use std::fs;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use shared_informer::counts::{Reason, Status};
use tokio_rustls::TlsAcceptor;

use crate::answers::{JSON, answer, status};
use crate::requests::healthy;
use crate::server::{Answer, Server};
use crate::world::{Setup, World};

#[tokio::test]
async fn a_rotated_token_is_used_from_the_next_request_on_and_without_one_nothing_is_sent() {
    let world = World::start(Setup { user: "tokenFile: token".to_owned(), ..Setup::default() }).await;
    let token = world.folder.path().join("token");
    world.server.answers(|_| Answer::Whole(answer(401, &[JSON], &status(401, "Unauthorized"))));
    world.turn().await;
    world.counted(1).await;
    assert_eq!(world.server.opened(), 0, "there is no token yet");
    assert_eq!(world.status_count(Reason::List, Status::None).await, 1);
    assert!(world.report().await.trouble.unwrap().what.contains("token"));
    fs::write(&token, "first\n").unwrap();
    world.end_turn().await;
    world.turn().await;
    world.counted(2).await;
    assert_eq!(world.server.seen().last().unwrap().header("authorization"), Some("Bearer first"));
    assert_eq!(world.status_count(Reason::List, Status::Unauthorized).await, 1);
    fs::write(&token, "second\n").unwrap();
    world.server.answers(healthy);
    world.end_turn().await;
    world.turn().await;
    world.counted(4).await;
    assert_eq!(world.server.seen().last().unwrap().header("authorization"), Some("Bearer second"));
}

/// An authority of its own for a server on loopback: what the server shows, and what a client must trust.
fn tls() -> (TlsAcceptor, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), certificate.pem())
}

/// Somebody to trust.
pub(crate) fn authority() -> String {
    tls().1
}

#[tokio::test]
async fn a_server_that_cannot_be_verified_hears_nothing_until_its_authority_is_there() {
    let (acceptor, authority) = tls();
    let (_, foreign) = tls();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, foreign).unwrap();
    let server = Server::start(Some(acceptor)).await;
    let setup = Setup {
        cluster: "certificate-authority: ca.pem".to_owned(),
        user: "token: secret".to_owned(),
        ..Setup::default()
    };
    let world = World::with_server(server, "https", folder, &setup);
    world.server.answers(healthy);
    world.turn().await;
    world.counted(1).await;
    assert!(world.server.seen().is_empty(), "not even the token was sent");
    assert!(world.report().await.trouble.unwrap().what.contains("TLS"));
    fs::write(&file, authority).unwrap();
    world.end_turn().await;
    world.turn().await;
    world.counted(3).await;
    assert_eq!(world.server.seen().len(), 2);
    assert_eq!(world.status_count(Reason::Watch, Status::Ok).await, 1);
}

#[tokio::test]
async fn an_authority_that_is_missing_is_told_and_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup { cluster: "certificate-authority: ca.pem".to_owned(), ..Setup::default() };
    let world = World::with_server(Server::start(None).await, "https", folder, &setup);
    world.turn().await;
    world.counted(1).await;
    assert_eq!((world.server.opened(), world.kept.lock().unwrap().troubles.len()), (0, 1));
    assert!(world.kept.lock().unwrap().troubles[0].contains("ca.pem"));
}
