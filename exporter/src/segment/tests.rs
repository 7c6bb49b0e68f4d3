use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
use prost::Message as _;

use super::*;

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
    ExportMetricsServiceRequest::decode(segment.encoded()).expect("valid protobuf")
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
    assert_eq!(sums(&segment), [(5, 30, 2.0)]);
}
