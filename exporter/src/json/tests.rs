use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use proptest::prelude::*;

use super::*;
use crate::fixtures::{METRICS, SCOPE, decode, segment};
use crate::model::{Attribute, Timestamp};
use crate::request::RequestBuilder;
use crate::segment::Segment;
use crate::wire::{VARINT, put_len_header, tag};

fn json(body: &[u8]) -> Result<String, JsonError> {
    let mut out = Vec::new();
    write_request(&mut out, body)?;
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}

proptest! {
    #[test]
    fn our_json_read_by_the_reference_types_is_the_request_read_from_protobuf(
        segments in proptest::collection::vec(segment(), 0..5),
    ) {
        let mut builder = RequestBuilder::default();
        for segment in &segments {
            builder.push(segment);
        }
        for request in builder.drain() {
            let line = json(&request.body).unwrap();
            prop_assert!(!line.contains('\n'), "one request is one line");
            let parsed: ExportMetricsServiceRequest = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(parsed, decode(&request.body));
        }
    }

    #[test]
    fn any_bytes_are_written_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(line) = json(&bytes) {
            serde_json::from_str::<serde_json::Value>(&line).unwrap();
        }
    }

    #[test]
    fn a_request_that_was_cut_off_is_refused(segment in segment(), cut in any::<prop::sample::Index>()) {
        let body = &*segment.encoded();
        prop_assume!(body.len() > 1);
        let cut = 1 + cut.index(body.len() - 1);
        prop_assert!(matches!(json(&body[..cut]), Err(JsonError::Malformed)));
    }
}

#[test]
fn integers_are_strings_enums_are_numbers_and_names_are_lower_camel_case() {
    let mut segment = Segment::new(&[Attribute::str("host.name", "a\"\n")], SCOPE, Timestamp(5));
    let sum = segment.series(&METRICS[1], &[Attribute::int("n", -7), Attribute::bool("b", false)]);
    let gauge = segment.series(&METRICS[4], &[Attribute::str("e", "")]);
    let ended = segment.series(&METRICS[5], &[]);
    segment.begin(Timestamp(10));
    segment.set_int(sum, i64::MAX);
    segment.set_double(gauge, 0.5);
    segment.set_int(ended, 1);
    segment.end(ended);
    segment.finish();
    let expected = concat!(
        r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"a\"\n"}}]},"#,
        r#""scopeMetrics":[{"scope":{"name":"tare.test","version":"1.2.3"},"metrics":["#,
        r#"{"name":"network.io","description":"What it measures.","unit":"By","#,
        r#""sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"attributes":["#,
        r#"{"key":"n","value":{"intValue":"-7"}},{"key":"b","value":{"boolValue":false}}],"#,
        r#""startTimeUnixNano":"5","timeUnixNano":"10","asInt":"9223372036854775807"}]}},"#,
        r#"{"name":"cpu.utilization","description":"What it measures.","gauge":{"dataPoints":["#,
        r#"{"attributes":[{"key":"e","value":{"stringValue":""}}],"timeUnixNano":"10","asDouble":0.5}]}},"#,
        r#"{"name":"threads","description":"What it measures.","unit":"{threads}","#,
        r#""gauge":{"dataPoints":[{"timeUnixNano":"10","flags":1}]}}]}]}]}"#,
    );
    assert_eq!(json(&segment.encoded()).unwrap(), expected);
}

#[test]
fn a_histogram_of_the_sdk_reads_back_as_the_same_request() {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    use opentelemetry_proto::tonic::metrics::v1::{
        Histogram, HistogramDataPoint, Metric, ResourceMetrics, ScopeMetrics,
    };
    use prost::Message as _;

    let point = HistogramDataPoint {
        start_time_unix_nano: 5,
        time_unix_nano: 10,
        count: 3,
        sum: Some(0.75),
        min: Some(0.0),
        max: Some(0.5),
        explicit_bounds: vec![1e-5, 0.5],
        bucket_counts: vec![1, 0, u64::MAX],
        ..HistogramDataPoint::default()
    };
    let histogram = Histogram { data_points: vec![point], aggregation_temporality: 2 };
    let metric = Metric { name: "h".to_owned(), data: Some(Data::Histogram(histogram)), ..Metric::default() };
    let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
    let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
    let request = ExportMetricsServiceRequest { resource_metrics: vec![resource] };
    let line = json(&request.encode_to_vec()).unwrap();
    assert_eq!(serde_json::from_str::<ExportMetricsServiceRequest>(&line).unwrap(), request, "{line}");
    let lists = r#""explicitBounds":[0.00001,0.5],"bucketCounts":["1","0","18446744073709551615"]"#;
    assert!(line.contains(lists), "{line}");
}

#[test]
fn doubles_that_json_has_no_number_for_are_strings() {
    for (value, text) in
        [(f64::NAN, "\"NaN\""), (f64::INFINITY, "\"Infinity\""), (f64::NEG_INFINITY, "\"-Infinity\"")]
    {
        let mut out = Vec::new();
        write_double(&mut out, value).unwrap();
        assert_eq!(out, text.as_bytes());
    }
}

#[test]
fn a_field_without_a_rule_is_named_in_the_error_and_not_left_out() {
    // `ResourceMetrics.schema_url`, which the encoder never writes.
    let mut body = Vec::new();
    put_len_header(&mut body, 1, 3);
    put_len_header(&mut body, 3, 1);
    body.push(b'u');
    let error = json(&body).unwrap_err();
    assert_eq!(error.to_string(), "cannot write JSON: no rule for field 3 of ResourceMetrics");
    // A field of a foreign wire type.
    assert!(matches!(json(&[tag(1, VARINT), 1]), Err(JsonError::Malformed)));
}

#[test]
fn an_output_that_fails_is_reported_as_such() {
    let mut segment = Segment::new(&[], SCOPE, Timestamp(5));
    let id = segment.series(&METRICS[5], &[]);
    segment.begin(Timestamp(10));
    segment.set_int(id, 1);
    segment.finish();
    let mut full = [0_u8; 30];
    let error = write_request(&mut &mut full[..], &segment.encoded()).unwrap_err();
    assert!(matches!(error, JsonError::Io(error) if error.kind() == io::ErrorKind::WriteZero));
}
