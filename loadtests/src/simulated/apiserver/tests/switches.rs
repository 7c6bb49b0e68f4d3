//! The switches, seen from outside.

use super::*;

/// Waits until a client of the server sees this.
fn until(seen: impl Fn() -> bool) {
    let begin = Instant::now();
    while !seen() {
        assert!(begin.elapsed() < PATIENCE, "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn open(ground: &Ground) -> Lines {
    let client = ground.client();
    let list = client.get(LIST).unwrap().json().unwrap();
    client.watch(&watch(&list["metadata"]["resourceVersion"])).unwrap()
}

fn refused(ground: &Ground) -> bool {
    std::net::TcpStream::connect(ground.server.address()).is_err()
}

#[test]
fn a_server_that_refuses_takes_no_connection_and_keeps_those_that_stand() {
    let ground = Ground::new(Options::default());
    let mut lines = open(&ground);
    ground.server.set_health(Health::Refusing);
    until(|| refused(&ground));
    ground.server.store().remove_pod("team", "a").unwrap();
    assert_eq!(event(&mut lines)["type"], "DELETED");
    ground.server.set_health(Health::Good);
    until(|| !refused(&ground));
    assert_eq!(ground.client().get(LIST).unwrap().status, 200);
}

#[test]
fn a_server_that_is_down_cuts_everyone_off_and_comes_back_on_its_port_without_a_memory() {
    let ground = Ground::new(Options::default());
    let before = ground.client().get(LIST).unwrap().json().unwrap();
    ground.server.store().remove_pod("team", "a").unwrap();
    let mut lines = open(&ground);
    ground.server.set_health(Health::Down);
    assert_eq!(lines.next(Instant::now() + PATIENCE), Next::End);
    until(|| refused(&ground));
    ground.server.set_health(Health::Good);
    until(|| !refused(&ground));
    let mut lines = ground.client().watch(&watch(&before["metadata"]["resourceVersion"])).unwrap();
    let error = event(&mut lines);
    assert_eq!((&error["type"], &error["object"]["code"]), (&"ERROR".into(), &410.into()));
    assert_eq!(lines.next(Instant::now() + PATIENCE), Next::End);
}

#[test]
fn a_server_that_fails_or_throttles_says_so_to_everyone_and_ends_watches_in_order() {
    let ground = Ground::new(Options::default());
    let mut lines = open(&ground);
    ground.server.set_health(Health::Failing(503));
    assert_eq!(lines.next(Instant::now() + PATIENCE), Next::End);
    let failed = ground.client().get(LIST).unwrap();
    assert_eq!((failed.status, &failed.json().unwrap()["reason"]), (503, &"ServiceUnavailable".into()));
    ground.server.set_health(Health::Throttling { retry_after: Duration::from_secs(7) });
    let throttled = ground.client().get(LIST).unwrap();
    assert_eq!(
        (throttled.status, throttled.headers.get("retry-after").unwrap().to_str().unwrap()),
        (429, "7")
    );
    let answers = ground.server.counts().by_answer();
    let listed = |status| answers.get(&("list".to_owned(), "pods".to_owned(), Some(status)));
    assert_eq!((listed(200), listed(503), listed(429)), (Some(&1), Some(&1), Some(&1)));
}

#[test]
fn a_server_that_hangs_counts_what_arrives_and_answers_who_is_still_there_when_it_is_over() {
    let ground = Ground::new(Options::default());
    let mut lines = open(&ground);
    ground.server.set_health(Health::Stalled);
    ground.server.store().remove_pod("team", "a").unwrap();
    assert_eq!(lines.next(Instant::now() + QUIET), Next::Silence);
    assert!(ground.client().patient_for(QUIET).get(LIST).is_err());
    let client = ground.client();
    let patient = std::thread::spawn(move || client.get(LIST).unwrap().status);
    until(|| ground.server.counts().total() == 4);
    let unanswered = ground.server.counts().only(|arrival| arrival.status.is_none());
    assert_eq!(unanswered.total(), 2);
    ground.server.set_health(Health::Good);
    assert_eq!(patient.join().unwrap(), 200);
    assert_eq!(event(&mut lines)["type"], "DELETED");
    assert_eq!(ground.server.counts().only(|arrival| arrival.status.is_none()).total(), 1);
}

#[test]
fn lists_that_stall_begin_and_do_not_end_while_everything_else_is_well() {
    let ground = Ground::new(Options::default());
    for number in 0..10 {
        ground.server.store().add_pod(crate::simulated::pods::running(number, "n", 6_500)).unwrap();
    }
    ground.server.set_health(Health::ListsStall);
    let mut connection = ground.client().patient_for(QUIET).connect().unwrap();
    assert!(connection.get(LIST).unwrap_err().to_string().contains("no end of the answer"));
    let own = "/apis/apps/v1/namespaces/tare/daemonsets/tare?resourceVersion=0";
    assert_eq!(ground.client().get(own).unwrap().status, 200);
    let counts = ground.server.counts();
    assert!(counts.arrivals()[0].status == Some(200) && counts.arrivals()[0].bytes > 0);
}
