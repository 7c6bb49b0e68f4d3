use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
use prost::Message as _;

use super::*;

mod model;

static SUM: Metric = Metric {
    name: "system.cpu.time",
    description: "d",
    unit: "s",
    kind: Kind::Sum { monotonic: true },
    value_type: ValueType::Double,
    default_on: true,
};

const SCOPE: Scope = Scope { name: "tare.test", version: "1" };

fn decode(segment: &Segment) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest::decode(&*segment.encoded()).expect("valid protobuf")
}

/// (start, time, value) of every point of the only metric.
fn sums(segment: &Segment) -> Vec<(u64, u64, f64)> {
    let request = decode(segment);
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    let Some(Data::Sum(sum)) = &metric.data else { panic!("not a sum") };
    assert!(sum.is_monotonic);
    sum.data_points
        .iter()
        .map(|point| match point.value {
            Some(Value::AsDouble(value)) => (point.start_time_unix_nano, point.time_unix_nano, value),
            _ => panic!("not a double"),
        })
        .collect()
}

#[test]
fn a_patched_scrape_decodes_to_the_new_values_and_times() {
    let mut segment = Segment::new(&[Attribute::str("host.name", "a")], SCOPE, Timestamp(5));
    let zero = segment.series(&SUM, &[Attribute::str("cpu", "cpu0")]);
    let one = segment.series(&SUM, &[Attribute::str("cpu", "cpu1")]);
    segment.begin(Timestamp(10));
    segment.set_double(zero, 1.0);
    segment.set_double(one, 2.0);
    assert!(segment.finish());
    segment.begin(Timestamp(20));
    segment.set_double(one, 4.0);
    segment.set_double(zero, 3.0);
    assert!(!segment.finish(), "the shape did not change");
    assert_eq!(sums(&segment), [(5, 20, 3.0), (5, 20, 4.0)]);
}

#[test]
fn a_series_that_was_not_read_is_not_reported() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let zero = segment.series(&SUM, &[]);
    let one = segment.series(&SUM, &[Attribute::int("n", -1)]);
    segment.begin(Timestamp(10));
    segment.set_double(zero, 1.0);
    segment.set_double(one, 2.0);
    segment.finish();
    segment.begin(Timestamp(20));
    segment.set_double(one, 3.0);
    segment.set_double(zero, f64::NAN);
    assert!(segment.finish());
    assert_eq!(sums(&segment), [(5, 20, 3.0)]);
    segment.begin(Timestamp(30));
    segment.finish();
    assert!(segment.encoded().is_empty());
}

#[test]
fn a_counter_that_goes_backwards_starts_anew_at_the_previous_scrape() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let id = segment.series(&SUM, &[]);
    for (time, value, start) in [(10, 9.0, 5), (20, 1.0, 10), (30, 2.0, 10)] {
        segment.begin(Timestamp(time));
        segment.set_double(id, value);
        segment.finish();
        assert_eq!(sums(&segment), [(start, time, value)]);
    }
}

#[test]
fn an_ended_series_goes_out_once_with_the_no_recorded_value_flag() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let id = segment.series(&SUM, &[]);
    segment.begin(Timestamp(10));
    segment.set_double(id, 1.0);
    segment.finish();
    segment.begin(Timestamp(20));
    segment.end(id);
    segment.finish();
    let request = decode(&segment);
    let Some(Data::Sum(sum)) = &request.resource_metrics[0].scope_metrics[0].metrics[0].data else {
        panic!()
    };
    assert_eq!((sum.data_points[0].flags, &sum.data_points[0].value), (1, &None));
    segment.begin(Timestamp(30));
    segment.set_double(id, 2.0);
    segment.finish();
    assert_eq!(sums(&segment), [(20, 30, 2.0)], "what comes back is a new counter");
}

/// The flags of every point, in order.
fn flags(segment: &Segment) -> Vec<u32> {
    let request = decode(segment);
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    let Some(Data::Sum(sum)) = &metric.data else { panic!("not a sum") };
    sum.data_points.iter().map(|point| point.flags).collect()
}

#[test]
fn a_segment_ends_as_a_whole_once() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let [zero, one, _never] =
        ["cpu0", "cpu1", "cpu2"].map(|cpu| segment.series(&SUM, &[Attribute::str("cpu", cpu)]));
    segment.begin(Timestamp(10));
    segment.set_double(zero, 1.0);
    segment.set_double(one, 1.0);
    segment.finish();
    segment.begin(Timestamp(20));
    segment.end_all();
    segment.finish();
    assert_eq!(flags(&segment), [1, 1]);
    segment.begin(Timestamp(30));
    segment.end_all();
    segment.finish();
    assert!(segment.encoded().is_empty());
}

#[test]
fn what_another_segment_reports_goes_on_there_and_does_not_end_here() {
    let series = |segment: &mut Segment| {
        ["cpu0", "cpu1"].map(|cpu| segment.series(&SUM, &[Attribute::str("cpu", cpu)]))
    };
    let (mut old, mut heir) =
        (Segment::new(&[], SCOPE, Timestamp(5)), Segment::new(&[], SCOPE, Timestamp(10)));
    let (of_old, of_heir) = (series(&mut old), series(&mut heir));
    old.begin(Timestamp(10));
    for id in of_old {
        old.set_double(id, 1.0);
    }
    old.finish();
    heir.begin(Timestamp(20));
    heir.set_double(of_heir[1], 1.0);
    heir.finish();
    old.begin(Timestamp(20));
    old.end_all_but(&heir);
    old.finish();
    assert_eq!((flags(&old), old.points()), (vec![1], 1));
}

#[test]
fn a_counter_that_restarts_while_it_was_not_read_starts_at_its_last_observation() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let id = segment.series(&SUM, &[]);
    segment.begin(Timestamp(10));
    segment.set_double(id, 9.0);
    segment.finish();
    // The restart may lie before these two scrapes: time 30 would hide what was counted until then.
    for time in [20, 30] {
        segment.begin(Timestamp(time));
        segment.finish();
    }
    segment.begin(Timestamp(40));
    segment.set_double(id, 1.0);
    segment.finish();
    assert_eq!(sums(&segment), [(10, 40, 1.0)]);
}

#[test]
fn no_point_starts_after_its_own_time_when_the_clock_is_set_back() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(1000));
    let id = segment.series(&SUM, &[]);
    for (time, value, start) in [(1010, 1.0, 1000), (500, 2.0, 500), (510, 3.0, 500), (505, 0.0, 505)] {
        segment.begin(Timestamp(time));
        segment.set_double(id, value);
        segment.finish();
        assert_eq!(sums(&segment), [(start, time, value)]);
    }
}

#[test]
fn the_id_of_a_forgotten_series_never_reaches_the_series_that_got_its_slot() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let old = segment.series(&SUM, &[Attribute::str("cpu", "cpu0")]);
    segment.forget(old);
    segment.forget(old);
    segment.begin(Timestamp(10));
    segment.finish();
    let new = segment.series(&SUM, &[Attribute::str("cpu", "cpu1")]);
    let other = segment.series(&SUM, &[Attribute::str("cpu", "cpu2")]);
    assert_eq!(segment.shape.series.len(), 2, "the slot was reused, and only once");
    segment.begin(Timestamp(20));
    segment.set_double(other, 3.0);
    segment.set_double(new, 2.0);
    segment.set_double(old, 1.0);
    segment.end(old);
    segment.forget(old);
    segment.finish();
    assert_eq!(sums(&segment), [(5, 20, 2.0), (5, 20, 3.0)]);
    assert_eq!(segment.refused(), 1);
}

#[test]
fn a_slot_whose_generations_are_used_up_is_not_given_out_again() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let mut id = segment.series(&SUM, &[]);
    id.mark = Mark::last_but_one(id.mark);
    segment.states[0].mark = id.mark.unplaced();
    segment.forget(id);
    segment.begin(Timestamp(10));
    segment.finish();
    assert_eq!(segment.series(&SUM, &[]).place(), 1);
}

#[test]
fn a_scrape_that_was_begun_and_not_finished_shows_nothing_and_does_not_mix_with_the_next() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let ids = [0, 1].map(|cpu| segment.series(&SUM, &[Attribute::int("cpu", cpu)]));
    segment.begin(Timestamp(10));
    for id in ids {
        segment.set_double(id, 1.0);
    }
    segment.finish();
    segment.begin(Timestamp(20));
    segment.set_double(ids[0], 2.0);
    assert!(segment.encoded().is_empty());
    segment.begin(Timestamp(30));
    segment.set_double(ids[1], 3.0);
    segment.finish();
    assert_eq!(sums(&segment), [(5, 30, 3.0)]);
}

#[test]
fn what_cannot_be_reported_truthfully_is_refused_and_counted() {
    static COUNT: Metric = Metric { value_type: ValueType::Int, ..SUM };
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let [double, int] = [&SUM, &COUNT].map(|metric| segment.series(metric, &[]));
    segment.set_int(int, 1);
    assert_eq!(segment.refused(), 1, "before the first scrape");
    segment.begin(Timestamp(10));
    segment.set_u64(int, u64::MAX);
    segment.set_int(double, 1);
    segment.set_double(int, 1.0);
    segment.set_double(double, f64::INFINITY);
    assert_eq!(segment.refused(), 4);
    segment.set_double(double, 2.0);
    segment.set_double(double, 1.0);
    segment.finish();
    assert_eq!(segment.refused(), 5);
    assert_eq!(sums(&segment), [(5, 10, 2.0)], "the first value of a scrape counts");
}

#[test]
fn forgetting_a_series_that_was_set_takes_it_out_of_the_scrape() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let ids = [0, 1].map(|cpu| segment.series(&SUM, &[Attribute::int("cpu", cpu)]));
    segment.begin(Timestamp(10));
    for id in ids {
        segment.set_double(id, 1.0);
    }
    segment.forget(ids[0]);
    segment.finish();
    assert_eq!((segment.points(), sums(&segment).len()), (1, 1));
    segment.begin(Timestamp(20));
    segment.set_double(ids[1], 2.0);
    assert!(!segment.finish(), "the layout was right");
    segment.begin(Timestamp(30));
    segment.set_double(ids[1], 2.0);
    segment.forget(ids[1]);
    segment.finish();
    assert!(segment.encoded().is_empty());
}

#[test]
fn equal_metrics_at_two_addresses_are_one_metric() {
    static COPY: Metric = Metric { ..SUM };
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let ids = [segment.series(&SUM, &[]), segment.series(&COPY, &[Attribute::int("n", 1)])];
    segment.begin(Timestamp(10));
    for id in ids {
        segment.set_double(id, 1.0);
    }
    segment.finish();
    assert_eq!(sums(&segment).len(), 2);
}

#[test]
fn a_segment_that_is_too_large_for_protobuf_is_refused_as_a_whole_and_counted() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let small = segment.series(&SUM, &[]);
    let large = segment.series(&SUM, &[Attribute::str("cpu", &"x".repeat(16 << 20))]);
    for time in [10, 20] {
        scrape(&mut segment, &[small, large], time, 1.0);
        assert_eq!((segment.points(), segment.encoded_len(), segment.refused()), (0, 0, 2));
    }
    segment.forget(large);
    scrape(&mut segment, &[small], 30, 1.0);
    assert_eq!((sums(&segment), segment.refused()), (vec![(5, 30, 1.0)], 0));
}

#[test]
fn a_clock_that_is_set_back_within_a_steady_scrape_lays_it_out_anew_once() {
    let (mut segment, ids) = of_kind("a", 2, 1.0);
    for (time, anew) in [(20, false), (15, true), (15, false), (16, false)] {
        segment.begin(Timestamp(time));
        for id in &ids {
            segment.set_double(*id, 1.0);
        }
        assert_eq!(segment.finish(), anew, "{time}");
        assert_eq!(sums(&segment), [(5, time, 1.0); 2]);
    }
}

#[test]
fn what_is_kept_for_a_series_is_half_a_cache_line() {
    assert_eq!(size_of::<State>(), 32);
}

/// A segment of this resource with as many series, each with the same value in a scrape.
fn of_kind(resource: &str, series: i64, value: f64) -> (Segment, Vec<SeriesId>) {
    let mut segment = Segment::new(&[Attribute::str("host.name", resource)], SCOPE, Timestamp(5));
    let ids: Vec<_> = (0..series).map(|cpu| segment.series(&SUM, &[Attribute::int("cpu", cpu)])).collect();
    scrape(&mut segment, &ids, 10, value);
    (segment, ids)
}

fn scrape(segment: &mut Segment, ids: &[SeriesId], time: u64, value: f64) {
    segment.begin(Timestamp(time));
    for id in ids {
        segment.set_double(*id, value);
    }
    segment.finish();
}

#[test]
fn segments_that_share_their_shape_hold_it_once_and_say_what_each_would_say_alone() {
    let mut shapes = Shapes::default();
    let ((mut one, ids), (mut other, others)) = (of_kind("a", 3, 1.0), of_kind("b", 3, 2.0));
    let alone = [one.encoded(), other.encoded()];
    for segment in [&mut one, &mut other] {
        shapes.share(segment);
    }
    assert!(Arc::ptr_eq(&one.shape, &other.shape) && Arc::ptr_eq(&one.layout, &other.layout));
    assert_eq!([one.encoded(), other.encoded()], alone);

    // What one of them goes through is nothing to the other.
    scrape(&mut one, &ids[1..], 20, 3.0);
    one.forget(ids[0]);
    one.series(&SUM, &[Attribute::str("cpu", "new")]);
    scrape(&mut other, &others, 20, 4.0);
    assert_eq!((sums(&one), sums(&other)), (vec![(5, 20, 3.0); 2], vec![(5, 20, 4.0); 3]));
    scrape(&mut one, &ids, 30, 5.0);
    assert_eq!((sums(&one), one.refused()), (vec![(5, 30, 5.0); 2], 1));
}

#[test]
fn however_many_kinds_there_are_a_bounded_number_is_kept_and_none_that_nobody_has() {
    let mut shapes = Shapes::default();
    let mut kept = Vec::new();
    for series in 0..200 {
        let (mut segment, _) = of_kind("a", series, 1.0);
        shapes.share(&mut segment);
        if series % 4 == 0 {
            kept.push((segment.encoded(), segment));
        }
    }
    assert!(shapes.shapes.len() <= shapes::MOST && shapes.layouts.len() <= shapes::MOST);
    assert!(kept.iter().all(|(bytes, segment)| segment.encoded() == *bytes));
    drop(kept);
    let (mut segment, _) = of_kind("a", 300, 1.0);
    shapes.share(&mut segment);
    assert_eq!(Arc::strong_count(&segment.shape), 2, "there is room again");
}

#[test]
fn an_only_item_is_a_list_of_one_text() {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, any_value::Value};

    let text = |text: &str| AnyValue { value: Some(Value::StringValue(text.to_owned())) };
    for item in ["", "repo@sha256:0", &"x".repeat(300)] {
        let mut segment = Segment::new(&[Attribute::only_item("digests", item)], SCOPE, Timestamp(1));
        let id = segment.series(&SUM, &[]);
        segment.begin(Timestamp(2));
        segment.set_double(id, 3.0);
        segment.finish();
        let resource = decode(&segment).resource_metrics.remove(0).resource.unwrap();
        let list = Value::ArrayValue(ArrayValue { values: vec![text(item)] });
        assert_eq!(resource.attributes[0].value, Some(AnyValue { value: Some(list) }));
    }
}
