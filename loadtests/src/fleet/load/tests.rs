//! Prices, waits and refusals of the simulated server.

use super::*;

fn load(capacity: Option<Capacity>) -> Load {
    let of = Kind::ALL.map(|kind| if kind == Kind::ListNode { (2_000_000, 7) } else { (1_000_000, 1) });
    Load::new(Tariff { of }, capacity, Span::new(10_000, 60_000))
}

#[test]
fn the_committed_prices_are_those_of_the_tariff_for_every_kind() {
    let prices = Prices::committed().unwrap();
    let tariff = Tariff::new(&prices, 20_000);
    for kind in Kind::ALL {
        let (cpu, seats) = tariff.price(kind);
        assert_eq!(u128::from(cpu), prices.cpu(kind, 20_000).as_nanos(), "{kind:?}");
        assert_eq!(seats, prices.of(kind).seats, "{kind:?}");
    }
}

#[test]
fn every_request_is_booked_at_its_price_and_the_dearest_ten_seconds_are_found() {
    let mut load = load(None);
    for at in [0, 9_999, 10_000, 59_999] {
        assert_eq!(load.book(at, Kind::ListNode, 0), Admission::After(0));
    }
    load.expect(5_000, Kind::GetDaemonSet);
    load.carry(9_000, 700);
    load.carry(10_000, 500);
    let bill = load.bill();
    assert_eq!(bill.by_kind, BTreeMap::from([(Kind::GetDaemonSet, 1), (Kind::ListNode, 4)]));
    let close = |one: f64, other: f64| assert!((one - other).abs() < 1e-9, "{one} {other}");
    close(bill.cpu_s, 0.009);
    close(bill.cpu_s_within, 0.004);
    close(bill.worst_10s_cpu_s, 0.005);
    close(bill.seat_s, 0.057);
    close(bill.carried_cpu_s, 0.001);
    assert_eq!((bill.carried_bytes, bill.refused), (500, 0));
}

#[test]
fn a_server_with_more_work_than_processors_makes_wait_and_then_refuses_and_recovers() {
    let mut load = load(Some(Capacity { cores: 2, seats: 1_000 }));
    let answers: Vec<_> = (0..40_000).map(|_| load.book(0, Kind::GetDaemonSet, 0)).collect();
    assert_eq!(answers[0], Admission::After(0));
    assert_eq!(answers[2_000], Admission::After(1_000), "2,000 ms of work on two processors");
    assert_eq!(answers[39_999], Admission::Refused);
    assert_eq!(load.book(20_000, Kind::GetDaemonSet, 0), Admission::After(0));
    let bill = load.bill();
    assert!(bill.refused > 9_000 && bill.longest_wait_s > 15.0, "{bill:?}");
}

#[test]
fn what_will_arrive_makes_nobody_wait_who_comes_before_it() {
    let mut load = load(Some(Capacity { cores: 1, seats: 1_000 }));
    (0..2_000).for_each(|_| load.expect(5_000, Kind::GetDaemonSet));
    assert_eq!(load.book(4_999, Kind::GetDaemonSet, 0), Admission::After(0));
    assert_eq!(load.book(5_000, Kind::GetDaemonSet, 0), Admission::After(2_000));
    assert_eq!(load.book(6_500, Kind::GetDaemonSet, 0), Admission::After(1_001));
    assert_eq!(load.book(9_000, Kind::GetDaemonSet, 0), Admission::After(0));
}

#[test]
fn seats_run_out_before_processors_where_requests_hold_many() {
    let mut load = load(Some(Capacity { cores: 64, seats: 7 }));
    let waits: Vec<_> = (0..100).map(|_| load.book(0, Kind::ListNode, 0)).collect();
    assert_eq!(waits[99], Admission::After(198));
}

#[test]
fn open_watches_leave_less_to_requests() {
    let capacity = Capacity { cores: 1, seats: 1_000 };
    // 60,000 bookmarks a minute at 1 ms each are one processor; half of them are half a processor.
    assert_eq!(load(Some(capacity)).left(capacity, 30_000), 500);
    assert_eq!(load(Some(capacity)).left(capacity, 60_000), 1);
}
