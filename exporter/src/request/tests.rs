use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::fixtures::{METRICS, SCOPE, decode, segment, single_points};
use crate::model::{Attribute, Timestamp};

/// The size of a request with nothing else in it.
fn alone(single: &ResourceMetrics) -> usize {
    ExportMetricsServiceRequest { resource_metrics: vec![single.clone()] }.encoded_len()
}

fn build(max_bytes: usize, segments: &[Segment]) -> (Vec<Request>, u64) {
    let mut builder = RequestBuilder::new(max_bytes);
    for segment in segments {
        builder.push(segment);
    }
    (builder.drain().collect(), builder.take_too_large())
}

proptest! {
    #[test]
    fn the_union_of_the_requests_is_the_input_but_for_points_too_large_alone(
        segments in proptest::collection::vec(segment(), 0..6),
        max_bytes in prop_oneof![60..600_usize, 600..6000_usize],
    ) {
        let input: Vec<_> = segments.iter().flat_map(|segment| single_points(&segment.encoded())).collect();
        let total = input.len() as u64;
        let fitting: Vec<_> = input.into_iter().filter(|single| alone(single) <= max_bytes).collect();
        let (requests, too_large) = build(max_bytes, &segments);
        let output: Vec<_> = requests.iter().flat_map(|request| single_points(&request.body)).collect();
        prop_assert_eq!(too_large, total - fitting.len() as u64);
        prop_assert_eq!(output, fitting);
    }

    #[test]
    fn no_request_is_empty_or_above_the_bound_or_would_have_had_room_for_the_next_unit(
        segments in proptest::collection::vec(segment(), 0..6),
        max_bytes in 60..6000_usize,
    ) {
        let (requests, _) = build(max_bytes, &segments);
        for request in &requests {
            prop_assert!(request.body.len() <= max_bytes);
            prop_assert!(request.points > 0);
            prop_assert_eq!(request.points, single_points(&request.body).len() as u64);
        }
        for pair in requests.windows(2) {
            let next = alone(&decode(&pair[1].body).resource_metrics[0]);
            prop_assert!(pair[0].body.len() + next > max_bytes);
        }
    }
}

/// A segment of `points` points with `text` in an attribute of each.
fn uniform(points: i64, text: &str) -> Segment {
    let mut segment = Segment::new(&[Attribute::str("host.name", "a")], SCOPE, Timestamp(1));
    let ids: Vec<_> = (0..points)
        .map(|index| segment.series(&METRICS[1], &[Attribute::int("n", index), Attribute::str("text", text)]))
        .collect();
    segment.begin(Timestamp(2));
    for id in ids {
        segment.set_int(id, 3);
    }
    segment.finish();
    segment
}

#[test]
fn segments_are_cut_only_where_one_alone_is_above_the_bound() {
    let segment = uniform(10, "x");
    let size = segment.encoded_len();
    let mut builder = RequestBuilder::new(size * 2 + size / 2);
    for _ in 0..5 {
        builder.push(&segment);
    }
    let requests: Vec<_> = builder.drain().collect();
    let resources: Vec<_> =
        requests.iter().map(|request| decode(&request.body).resource_metrics.len()).collect();
    assert_eq!(resources, [2, 2, 1]);
    assert_eq!(requests.iter().map(|request| request.points).collect::<Vec<_>>(), [20, 20, 10]);
    assert_eq!(requests[0].body, [segment.encoded(), segment.encoded()].concat());
}

#[test]
fn a_request_is_filled_to_the_last_byte_of_its_bound() {
    let segment = uniform(10, "x");
    let size = segment.encoded_len();
    let pair = [uniform(10, "x"), segment];
    assert_eq!(build(2 * size, &pair).0.len(), 1);
    assert_eq!(build(2 * size - 1, &pair).0.len(), 2);
}

#[test]
fn a_segment_cut_into_pieces_fills_them_up_to_the_last_point_that_fits() {
    let segment = uniform(1000, "x");
    let (requests, too_large) = build(4096, std::slice::from_ref(&segment));
    assert_eq!(too_large, 0);
    let point = segment.encoded_len() / 1000;
    for request in &requests[..requests.len() - 1] {
        assert!(request.body.len() > 4096 - 2 * point, "{}", request.body.len());
    }
}

#[test]
fn a_point_that_is_too_large_alone_is_counted_once_and_the_rest_goes_out() {
    let large = uniform(3, &"x".repeat(5000));
    let small = uniform(2, "x");
    let mut builder = RequestBuilder::new(4096);
    builder.push(&large);
    builder.push(&small);
    assert_eq!(builder.drain().map(|request| request.points).collect::<Vec<_>>(), [2]);
    assert_eq!(builder.take_too_large(), 3);
    assert_eq!(builder.take_too_large(), 0, "taken");
}

#[test]
fn a_drained_builder_starts_anew_and_an_unfinished_segment_adds_nothing() {
    let mut segment = uniform(2, "x");
    let mut builder = RequestBuilder::default();
    builder.push(&segment);
    assert_eq!(builder.drain().count(), 1);
    assert_eq!(builder.drain().count(), 0);
    segment.begin(Timestamp(9));
    builder.push(&segment);
    assert_eq!(builder.drain().count(), 0);
}
