use super::*;

#[test]
fn every_drop_reason_and_failure_has_a_place_and_a_name_of_its_own() {
    for (index, reason) in DropReason::ALL.into_iter().enumerate() {
        assert_eq!(reason.index(), index, "{reason:?}");
    }
    for (index, failure) in Failure::ALL.into_iter().enumerate() {
        assert_eq!(failure.index(), index, "{failure:?}");
    }
    for names in
        [DropReason::ALL.map(DropReason::as_str).to_vec(), Failure::ALL.map(Failure::as_str).to_vec()]
    {
        let mut distinct = names.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }
}

#[test]
fn totals_report_what_was_counted_and_nothing_else() {
    let stats = Stats::default();
    stats.produced(Count { requests: 3, points: 30 });
    stats.sent(Count { requests: 1, points: 8 });
    stats.recovered(Count { requests: 4, points: 41 });
    stats.stored(Count { requests: 2, points: 19 });
    let mut losses = Losses::default();
    losses.add(DropReason::TooOld, Count { requests: 2, points: 20 });
    losses.add(DropReason::PartialSuccess, Count { requests: 0, points: 2 });
    stats.dropped(&losses);
    stats.encoded(100);
    stats.attempt(false);
    stats.handed_over(40);
    stats.attempt(true);
    stats.handed_over(40);
    stats.failed(Failure::Timeout);
    stats.unreadable_answer();
    let mut failures = [0; Failure::ALL.len()];
    failures[Failure::Timeout.index()] = 1;
    let expected = Totals {
        produced: Count { requests: 3, points: 30 },
        sent: Count { requests: 1, points: 8 },
        recovered: Count { requests: 4, points: 41 },
        stored: Count { requests: 2, points: 19 },
        dropped: losses,
        attempts: 2,
        retries: 1,
        wire_bytes: 80,
        encoded_bytes: 100,
        failures,
        unreadable_answers: 1,
    };
    assert_eq!(stats.totals(), expected);
    assert_eq!(losses.total(), Count { requests: 2, points: 22 });
}
