use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::encoding::base64_encode;

fn map(fields: &[(&'static str, &[u8])]) -> HeaderMap {
    let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).expect("a value");
    fields.iter().map(|(name, bytes)| (http::HeaderName::from_static(name), value(bytes))).collect()
}

#[test]
fn a_status_is_a_number_with_a_message_that_is_fit_for_a_log() {
    let status = Status::of(&map(&[
        ("grpc-status", b"13"),
        ("grpc-message", b"caf%C3%A9 50% %zz %0d%0a%1b[31mred%2"),
    ]))
    .expect("a status");
    assert_eq!(status.code, Code::Internal);
    assert_eq!(status.message, "caf\u{e9} 50% %zz [31mred%2");
    assert_eq!(status.retry_info, None);
    for absent in [map(&[]), map(&[("grpc-status", b"x")]), map(&[("grpc-status", b"\xff")])] {
        assert_eq!(Status::of(&absent), None, "{absent:?}");
    }
    let long = Status::of(&map(&[("grpc-status", b"2"), ("grpc-message", &[b'a'; 15_000])]));
    assert!(long.expect("a status").message.len() < 300);
}

#[test]
fn the_words_of_receivers_that_find_a_message_too_large_are_known() {
    for (message, expected) in [
        ("grpc: received message larger than max (4194310 vs. 4194304)", true),
        ("grpc: message after decompression larger than max (5 vs. 4)", true),
        ("gRPC message exceeds maximum size 4194304: 4194310", true),
        ("quota exhausted", false),
        ("", false),
    ] {
        let status = Status { code: Code::ResourceExhausted, message: message.to_owned(), retry_info: None };
        assert_eq!(status.says_too_large(), expected, "{message}");
    }
}

/// A `google.rpc.Status` with details of these types and contents.
fn details(any: &[(&str, &[u8])]) -> Vec<u8> {
    let field = |number: u8, body: &[u8]| {
        let mut out = Vec::new();
        crate::wire::put_len_header(&mut out, number, body.len());
        out.extend_from_slice(body);
        out
    };
    let mut out = vec![0x08, 8];
    out.extend(field(2, b"busy"));
    for (type_url, value) in any {
        out.extend(field(3, &[field(1, type_url.as_bytes()), field(2, value)].concat()));
    }
    out
}

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

#[test]
fn retry_info_is_found_among_the_details_and_its_delay_is_read() {
    let other = ("type.googleapis.com/google.rpc.ErrorInfo", &b"\x0a\x01x"[..]);
    let read = |value: &[u8]| retry_info(&details(&[other, (RETRY_INFO, value)]));
    assert_eq!(read(b"\x0a\x02\x08\x07"), Some(Duration::from_secs(7)));
    assert_eq!(read(b"\x0a\x08\x08\x01\x10\x80\xca\xb5\xee\x01"), Some(Duration::new(1, 500_000_000)));
    assert_eq!(read(b""), Some(Duration::ZERO), "asked, but for no time");
    assert_eq!(
        read(b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        Some(Duration::ZERO),
        "negative"
    );
    assert_eq!(read(b"\x0a\x7f"), Some(Duration::ZERO), "cut off");
    assert_eq!(retry_info(&details(&[other])), None);
    assert_eq!(retry_info(&details(&[])), None);
    assert_eq!(retry_info(b"\xff\xff\xff"), None);
    let bytes = details(&[(RETRY_INFO, b"\x0a\x02\x08\x07")]);
    for padding in ["", "=", "=="] {
        let given = format!("{}{padding}", base64_encode(&bytes).trim_end_matches('='));
        let status =
            Status::of(&map(&[("grpc-status", b"8"), ("grpc-status-details-bin", given.as_bytes())]));
        assert_eq!(status.expect("a status").retry_info, Some(Duration::from_secs(7)), "{given}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>, valid in "[ -~]{0,40}") {
        let _ = (retry_info(&bytes), delay(&bytes));
        let map = map(&[("grpc-status", b"8"), ("grpc-message", valid.as_bytes()),
            ("grpc-status-details-bin", valid.as_bytes())]);
        prop_assert!(Status::of(&map).is_some());
    }
}
