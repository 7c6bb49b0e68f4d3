//! The few protobuf primitives that OTLP metrics need.
//!
//! Field numbers come from `opentelemetry/proto/metrics/v1/metrics.proto` and `common/v1/common.proto`;
//! the types of `opentelemetry-proto` are the oracle in the tests.

use crate::model::{Attribute, AttributeValue};

pub(crate) mod reader;

/// Wire type 0: a base-128 varint.
pub(crate) const VARINT: u8 = 0;
/// Wire type 1: eight bytes, little endian.
pub(crate) const FIXED64: u8 = 1;
/// Wire type 2: a length and that many bytes.
pub(crate) const LEN: u8 = 2;
/// Wire type 5: four bytes, little endian.
pub(crate) const FIXED32: u8 = 5;

/// The tag byte of a field whose number is below 16.
pub(crate) const fn tag(field: u8, wire_type: u8) -> u8 {
    field << 3 | wire_type
}

/// Appends `value` as a base-128 varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// How many bytes `value` takes as a varint.
pub(crate) const fn varint_len(value: u64) -> usize {
    // Each byte holds seven bits; zero takes one byte.
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// The size of a length-delimited field: tag, length and body.
pub(crate) const fn len_field(body: usize) -> usize {
    1 + varint_len(body as u64) + body
}

/// Appends tag and length of a length-delimited field; the caller appends the body.
pub(crate) fn put_len_header(out: &mut Vec<u8>, field: u8, body: usize) {
    out.push(tag(field, LEN));
    put_varint(out, body as u64);
}

/// Appends a string field; an empty string takes no bytes, as proto3 has it.
pub(crate) fn put_str(out: &mut Vec<u8>, field: u8, text: &str) {
    if !text.is_empty() {
        put_len_header(out, field, text.len());
        out.extend_from_slice(text.as_bytes());
    }
}

/// The size that [`put_str`] will take.
pub(crate) const fn str_field(text: &str) -> usize {
    if text.is_empty() { 0 } else { len_field(text.len()) }
}

const fn any_value_len(value: AttributeValue<'_>) -> usize {
    match value {
        // An empty string is still written: in a oneof, presence is the value.
        AttributeValue::Str(text) => len_field(text.len()),
        AttributeValue::Int(number) => 1 + varint_len(number.cast_unsigned()),
        AttributeValue::Bool(_) => 2,
        // `AnyValue.array_value`, `ArrayValue.values`, `AnyValue.string_value`.
        AttributeValue::OnlyItem(text) => len_field(len_field(len_field(text.len()))),
    }
}

/// Appends one `KeyValue` as field number `field` of the message being written.
pub(crate) fn put_attribute(out: &mut Vec<u8>, field: u8, attribute: &Attribute<'_>) {
    let value_len = any_value_len(attribute.value);
    let body = str_field(attribute.key) + len_field(value_len);
    put_len_header(out, field, body);
    put_str(out, 1, attribute.key);
    put_len_header(out, 2, value_len);
    match attribute.value {
        AttributeValue::Str(text) => {
            put_len_header(out, 1, text.len());
            out.extend_from_slice(text.as_bytes());
        }
        AttributeValue::Bool(flag) => {
            out.push(tag(2, VARINT));
            out.push(u8::from(flag));
        }
        AttributeValue::Int(number) => {
            out.push(tag(3, VARINT));
            put_varint(out, number.cast_unsigned());
        }
        AttributeValue::OnlyItem(text) => {
            put_len_header(out, 5, len_field(len_field(text.len())));
            put_len_header(out, 1, len_field(text.len()));
            put_len_header(out, 1, text.len());
            out.extend_from_slice(text.as_bytes());
        }
    }
}
