use std::io::{BufRead as _, BufReader, Write as _};
use std::time::Duration;

use shared_informer::clock::Mono;

use super::*;
use crate::control::protocol::Probe;
use crate::supervisor::core::{End, Event, Limits};

const NOW: Now =
    Now { wall: Wall::new(Duration::from_secs(1_795_244_279)), mono: Mono::new(Duration::from_secs(7)) };

/// A supervisor whose agent refused its configuration.
fn refused() -> Core {
    let mut core = Core::new(Limits::default(), None, NOW);
    core.decide(Event::Due, NOW);
    let words = Some("tare.yaml:1:7: unknown key `intervall`".to_owned());
    core.decide(Event::Ended(End { code: Some(64), signal: None, words }), NOW);
    core
}

fn with_desk<T>(core: &Core, test: impl FnOnce(&Desk<'_>) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let switch = Switch::new(folder.path().join("pause"), NOW.wall);
    test(&Desk { core, switch: &switch, config: "tare.yaml", started: NOW.wall, now: NOW })
}

#[test]
fn a_refused_configuration_is_alive_and_not_ready_with_the_reason() {
    with_desk(&refused(), |desk| {
        let ask = |probe| desk.respond(Request::Health { probe });
        assert_eq!(ask(Probe::Live), Answer::Health { ok: true, reason: None });
        let Answer::Health { ok: false, reason: Some(reason) } = ask(Probe::Ready) else { panic!() };
        assert!(reason.contains("configuration") && reason.contains("intervall"), "{reason}");
        let Answer::Status(status) = desk.respond(Request::Status) else { panic!() };
        assert_eq!(
            (status.process.role.as_str(), status.config.source.as_str()),
            ("supervisor", "tare.yaml")
        );
        let supervisor = status.supervisor.unwrap();
        assert_eq!((supervisor.restarts, supervisor.next_start_s), (0, Some(1)));
        assert!(supervisor.last_end.unwrap().contains("exit code 64"));
    });
}

#[test]
fn a_crash_is_told_as_what_it_was() {
    let mut core = Core::new(Limits::default(), None, NOW);
    core.decide(Event::Due, NOW);
    core.decide(Event::Ended(End { code: None, signal: Some(9), words: None }), NOW);
    with_desk(&core, |desk| {
        let reason = desk.health().reason.unwrap();
        assert!(reason.contains("signal 9") && !reason.contains("configuration"), "{reason}");
    });
}

#[test]
fn a_pause_is_taken_without_an_agent() {
    with_desk(&refused(), |desk| {
        let paused = desk.respond(Request::Pause { for_s: Some(60) });
        assert!(matches!(paused, Answer::Pause { paused: true, until: Some(_), not_kept: None }));
        assert!(desk.switch.file().exists());
        assert!(matches!(desk.respond(Request::Resume), Answer::Pause { paused: false, .. }));
        assert!(!desk.switch.file().exists());
    });
}

#[test]
fn a_client_gets_one_line_for_its_line_and_one_that_says_too_much_is_refused() {
    with_desk(&refused(), |desk| {
        for said in [&b"{\"ask\":\"status\"}\n"[..], &[b'x'; MAX_REQUEST]] {
            let (mut client, server) = UnixStream::pair().unwrap();
            client.write_all(said).unwrap();
            desk.serve(&server).unwrap();
            drop(server);
            let mut line = String::new();
            BufReader::new(client).read_line(&mut line).unwrap();
            let refused = line.starts_with("{\"answer\":\"refused\"");
            assert_eq!(refused, said.len() == MAX_REQUEST, "{line}");
        }
    });
}

#[test]
fn a_client_that_says_nothing_is_left() {
    with_desk(&refused(), |desk| {
        let (client, server) = UnixStream::pair().unwrap();
        assert!(desk.serve(&server).is_err());
        drop(client);
    });
}
