//! Who is spoken to.

use shared_informer::reviews::Answer as Reviewed;
use tare::kubelet::settings::Trust;

use crate::certificates::Certificate;
use crate::server::well;
use crate::world::{Setup, World};

/// A kubelet that is not trusted: it sees no request, and nothing was asked.
async fn is_refused(setup: Setup) {
    let mut world = World::start(setup).await;
    world.server.answers(well);
    assert_eq!(world.ask().await, Reviewed::Refused);
    assert!(world.error().contains("TLS") && world.error().contains("pinned_cert_file"), "{}", world.error());
    assert_eq!(
        (world.server.seen().len(), world.server.opened(), world.outcomes()),
        (0, 1, vec![("unsent", 1)])
    );
}

async fn is_read(setup: Setup) -> World {
    let mut world = World::start(setup).await;
    world.server.answers(well);
    world.ask().await;
    assert_eq!(world.sequence(), Some(1), "{}", world.error());
    world
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_for_another_address_is_refused() {
    is_refused(Setup { trusted: Some(Certificate::of("127.0.0.1").pem()), ..Setup::default() }).await;
    is_refused(Setup { name: "127.0.0.2", ..Setup::default() }).await;
    is_refused(Setup { name: "localhost", ..Setup::default() }).await;
}

#[tokio::test]
async fn a_pinned_certificate_is_trusted_whatever_its_name_and_no_other_is() {
    let world = is_read(Setup { name: "node-0", trust: Trust::Pinned, ..Setup::default() }).await;
    assert_eq!(world.desk.insecure(), Some(false));
    let other = Some(Certificate::of("node-0").pem());
    is_refused(Setup { name: "node-0", trusted: other, trust: Trust::Pinned, ..Setup::default() }).await;
}

#[tokio::test]
async fn a_pin_that_changes_is_taken_up_and_one_of_several_is_enough() {
    let mut world = is_read(Setup { name: "node-0", trust: Trust::Pinned, ..Setup::default() }).await;
    let next = Certificate::of("node-0");
    world.server.restart(next.acceptor(None));
    world.write("trusted.pem", &format!("{}{}", next.pem(), world.certificate.pem()));
    world.scrape().await;
    assert_eq!(world.sequence(), Some(2), "{}", world.error());
    world.write("trusted.pem", &world.certificate.pem());
    world.scrape().await;
    assert_eq!(world.sequence(), Some(2), "the new one is not pinned any more");
}

#[tokio::test]
async fn only_who_says_so_trusts_anyone_and_it_is_told() {
    let world = is_read(Setup { name: "elsewhere", trust: |_| Trust::Anyone, ..Setup::default() }).await;
    assert_eq!(world.desk.insecure(), Some(true));
    assert!(world.desk.status().unwrap().trust.unwrap().contains("insecure_skip_verify"));
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_one_that_cannot_be_used_is_told_by_its_file() {
    let mut world = is_read(Setup { client: Some(Certificate::of("tare")), ..Setup::default() }).await;
    assert_eq!(world.server.seen()[0].header("authorization"), None);
    world.write("client.key", "nothing");
    assert_eq!(world.scrape().await, []);
    assert!(world.error().contains("client.key"), "{}", world.error());
    // Another one, which the kubelet does not know: the handshake or the request fails, nothing is given.
    let stranger = Certificate::of("stranger");
    world.write("client.pem", &stranger.pem());
    world.write("client.key", &stranger.key_pem());
    world.scrape().await;
    assert_eq!((world.sequence(), world.server.seen().len()), (Some(1), 1));
}

#[tokio::test]
async fn what_is_no_certificate_is_no_way_to_trust() {
    for trust in [Trust::Authorities as fn(_) -> _, Trust::Pinned] {
        let setup = Setup { trusted: Some("not a certificate".to_owned()), trust, ..Setup::default() };
        let mut world = World::start(setup).await;
        assert_eq!(world.scrape().await, []);
        assert!(world.error().contains("trusted.pem: holds no certificate"), "{}", world.error());
        assert_eq!(world.server.opened(), 0);
    }
}
