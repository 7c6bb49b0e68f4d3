use super::*;

fn kind(verb: &str, user_agent: &str) -> Kind {
    Kind {
        verb: verb.to_owned(),
        resource: "pods".to_owned(),
        user_agent: user_agent.to_owned(),
        user: String::new(),
    }
}

#[test]
fn a_request_counts_from_its_arrival_with_its_answer_and_its_bytes_as_they_come() {
    let counter = Counter::default();
    let at = SystemTime::UNIX_EPOCH;
    let list = counter.arrived(at, kind("list", "a"));
    counter.arrived(at, kind("watch", "a"));
    list.answered(200);
    list.sent(30);
    list.sent(12);
    let counts = counter.snapshot();
    assert_eq!((counts.total(), counts.bytes()), (2, 42));
    let answers = counts.by_answer();
    let key = |verb: &str, status| (verb.to_owned(), "pods".to_owned(), status);
    assert_eq!(answers.get(&key("list", Some(200))), Some(&1));
    assert_eq!(answers.get(&key("watch", None)), Some(&1));
}

#[test]
fn the_busiest_window_is_found_wherever_it_begins_and_its_end_is_outside() {
    let counter = Counter::default();
    for second in [0, 4, 9, 10, 13, 30] {
        counter.arrived(SystemTime::UNIX_EPOCH + Duration::from_secs(second), kind("get", "a"));
    }
    let counts = counter.snapshot();
    assert_eq!(counts.busiest(Duration::from_secs(10)), 4);
    assert_eq!(counts.busiest(Duration::from_secs(1)), 1);
    assert_eq!(counts.only(|arrival| arrival.status.is_some()).busiest(Duration::from_secs(10)), 0);
}

#[test]
fn a_clients_name_is_bounded() {
    let counter = Counter::default();
    counter.arrived(SystemTime::UNIX_EPOCH, kind("get", &"ä".repeat(100_000)));
    assert_eq!(counter.snapshot().arrivals()[0].kind.user_agent.chars().count(), NAME);
}
