use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use proptest::prelude::*;
use prost::Message as _;

use super::*;

fn response(rejected: i64, message: &str) -> Vec<u8> {
    let partial_success =
        ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message: message.to_owned() };
    ExportMetricsServiceResponse { partial_success: Some(partial_success) }.encode_to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_prost_writes_is_read_alike(rejected in any::<i64>(), message in "[a-z]{0,100}") {
        let expected = Partial { rejected: u64::try_from(rejected).unwrap_or(0), message: message.clone() };
        let bytes = response(rejected, &message);
        prop_assert_eq!(export_response(&bytes, true), Some(expected.clone()));
        prop_assert_eq!(export_response(&bytes, false), Some(expected));
    }

    #[test]
    fn bytes_that_prost_refuses_are_refused_and_none_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let ours = export_response(&bytes, true);
        let _ = export_response(&bytes, false);
        if let Ok(theirs) = ExportMetricsServiceResponse::decode(&bytes[..]) {
            let partial = theirs.partial_success.unwrap_or_default();
            // prost alone reads groups, which proto3 does not have.
            if let Some(ours) = ours {
                prop_assert_eq!(ours.rejected, u64::try_from(partial.rejected_data_points).unwrap_or(0));
            }
        }
    }

    #[test]
    fn of_a_message_that_was_cut_everything_before_the_cut_is_read(
        rejected in 1_i64..1_000_000,
        message in "[a-z]{1,300}",
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = response(rejected, &message);
        let cut = cut.index(bytes.len());
        let read = export_response(&bytes[..cut], false).expect("a cut is no fault");
        prop_assert!(read.rejected == 0 || read.rejected == u64::try_from(rejected).expect("positive"));
        prop_assert!(clean_prefix(&message, &read.message));
        if cut > 0 {
            prop_assert_eq!(export_response(&bytes[..cut], true), None, "a whole message that is cut is a fault");
        }
    }
}

/// Whether `read` is the beginning of `message`, as it is shown.
fn clean_prefix(message: &str, read: &str) -> bool {
    message.starts_with(read.trim_end_matches("..."))
}

#[test]
fn unknown_fields_of_every_kind_are_passed_over() {
    // Fields 2 (varint), 3 (fixed64), 4 (fixed32), 5 (bytes), then the partial success.
    let mut bytes = b"\x10\x05\x19........\x25....\x2a\x03abc".to_vec();
    bytes.extend(response(4, "x"));
    assert_eq!(export_response(&bytes, true), Some(Partial { rejected: 4, message: "x".to_owned() }));
    assert_eq!(export_response(b"\x00", true), None, "there is no field zero");
    assert_eq!(export_response(&[0xff; 11], true), None, "a number of eleven bytes");
}

#[tokio::test]
async fn of_a_body_of_any_length_a_short_prefix_is_kept() {
    let deadline = Instant::now() + std::time::Duration::from_mins(1);
    for (sent, kept, end) in [
        (0, 0, End::Whole),
        (16 << 10, 16 << 10, End::Whole),
        (1 << 20, 16 << 10, End::Whole),
        (4 << 20, 16 << 10, End::Whole),
        ((4 << 20) + 1, 0, End::TooLong),
    ] {
        let body = read(http_body_util::Full::new(Bytes::from(vec![7; sent])), deadline).await;
        assert_eq!((body.prefix.len(), body.end, body.complete), (kept, end, sent == kept), "{sent}");
        assert!(body.prefix.capacity() <= 2 * MAX_KEPT);
    }
}
