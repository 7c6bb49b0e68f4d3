use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Histogram, HistogramDataPoint, Metric, ResourceMetrics, ScopeMetrics, Summary, SummaryDataPoint,
};
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::fixtures::{decode, segment, single_points};

proptest! {
    #[test]
    fn the_halves_hold_the_points_of_the_whole_in_order_and_count_them(
        segments in proptest::collection::vec(segment(), 0..5),
    ) {
        let body: Vec<u8> = segments.iter().flat_map(crate::segment::Segment::encoded).collect();
        let whole = single_points(&body);
        prop_assert_eq!(points(&body), Some(whole.len() as u64));
        let Some(both) = halves(&body) else {
            prop_assert!(whole.len() < 2, "{} points were not cut", whole.len());
            return Ok(());
        };
        let mut joined = Vec::new();
        for half in &both {
            let part = single_points(&half.body);
            prop_assert_eq!(part.len() as u64, half.points);
            prop_assert!(!part.is_empty());
            prop_assert!(half.body.len() < body.len());
            joined.extend(part);
        }
        prop_assert_eq!(joined, whole);
    }

    #[test]
    fn resources_are_never_cut_while_there_is_more_than_one(
        segments in proptest::collection::vec(segment(), 2..6),
    ) {
        let with_points: Vec<_> = segments.iter().filter(|segment| segment.points() > 0).collect();
        prop_assume!(with_points.len() > 1);
        let body: Vec<u8> = with_points.iter().flat_map(|segment| segment.encoded()).collect();
        let [first, second] = halves(&body).expect("more than one");
        prop_assert_eq!([&first.body[..], &second.body[..]].concat(), body);
    }

    #[test]
    fn any_bytes_are_cut_into_countable_halves_or_not_at_all(bytes: Vec<u8>) {
        if let Some([first, second]) = halves(&bytes) {
            prop_assert_eq!(points(&bytes), Some(first.points + second.points));
        }
    }
}

fn request(scopes: Vec<ScopeMetrics>) -> Vec<u8> {
    let resource =
        ResourceMetrics { scope_metrics: scopes, schema_url: "s".to_owned(), ..Default::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }.encode_to_vec()
}

fn histogram(points: u64) -> Metric {
    let data_points = (0..points).map(|count| HistogramDataPoint { count, ..Default::default() }).collect();
    let data = Data::Histogram(Histogram { data_points, aggregation_temporality: 2 });
    Metric { name: "h".to_owned(), data: Some(data), ..Default::default() }
}

#[test]
fn what_others_encoded_is_cut_at_the_first_level_with_two_of_a_kind() {
    let scope = |metrics| ScopeMetrics { metrics, schema_url: "t".to_owned(), ..Default::default() };
    let summary = Summary { data_points: vec![SummaryDataPoint::default(); 3] };
    let summary = Metric { data: Some(Data::Summary(summary)), ..Default::default() };
    for (body, expected) in [
        (request(vec![scope(vec![histogram(2)]), scope(vec![histogram(3)])]), [2, 3]),
        (request(vec![scope(vec![histogram(2), summary])]), [2, 3]),
        (request(vec![scope(vec![histogram(8)])]), [4, 4]),
    ] {
        let both = halves(&body).expect("cut");
        assert_eq!([both[0].points, both[1].points], expected);
        for half in &both {
            let decoded = decode(&half.body);
            let resource = &decoded.resource_metrics[0];
            assert_eq!((&*resource.schema_url, &*resource.scope_metrics[0].schema_url), ("s", "t"));
        }
    }
    let both = halves(&request(vec![scope(vec![histogram(8)])])).expect("cut");
    let decoded = decode(&both[1].body);
    let metric = &decoded.resource_metrics[0].scope_metrics[0].metrics[0];
    let Some(Data::Histogram(half)) = &metric.data else { panic!("a histogram") };
    assert_eq!((&*metric.name, half.aggregation_temporality, half.data_points[0].count), ("h", 2, 4));
}

#[test]
fn what_has_less_than_two_points_or_is_no_request_is_not_cut() {
    let scope = |metrics| ScopeMetrics { metrics, ..Default::default() };
    assert!(halves(&request(vec![scope(vec![histogram(1), histogram(0)]), scope(vec![])])).is_none());
    assert!(halves(b"").is_none());
    assert!(halves(b"telemetry").is_none());
}
