//! OTLP/JSON of an encoded request, for `tare collect` and other places where people read.
//!
//! A table describes the messages that the encoder writes; the writer walks the protobuf bytes by it, without
//! building the request in memory. The mapping is OTLP's own (`docs/specification.md#json-protobuf-encoding`
//! in `opentelemetry-proto`): lowerCamelCase names, 64-bit integers as strings, enums as integers, NaN and
//! infinities as strings. Invariant: what the table does not know is an error, never left out silently.
//! Nesting is bounded by the table, which is not recursive.

use std::io::{self, Write};

use crate::wire::reader::{Fields, Malformed, Payload};

mod schema;
#[cfg(test)]
mod tests;

use schema::{Message, REQUEST, Row, Shape};

/// Why a request was not written, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The output refused the bytes.
    #[error("cannot write JSON: {0}")]
    Io(#[from] io::Error),
    /// The input is not a request: cut off, a field of a foreign type, text that is not UTF-8.
    #[error("cannot write JSON: not an OTLP metrics request")]
    Malformed,
    /// The input has a field that OTLP may know and this writer does not.
    #[error("cannot write JSON: no rule for field {number} of {message}")]
    Unknown {
        /// The protobuf message's name.
        message: &'static str,
        /// The field's number.
        number: u64,
    },
}

impl From<Malformed> for JsonError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self::Io(error.into())
    }
}

/// Writes one encoded `ExportMetricsServiceRequest` as one line of OTLP/JSON, without the newline.
///
/// # Errors
/// [`JsonError`]; the output then has the beginning of the line. Write to a buffer where that would do harm.
pub fn write_request(out: &mut impl Write, request: &[u8]) -> Result<(), JsonError> {
    write_message(out, request, &REQUEST)
}

/// Writes `bytes` as an object, its members in the order of the table.
fn write_message(out: &mut impl Write, bytes: &[u8], message: &Message) -> Result<(), JsonError> {
    for field in Fields::new(bytes) {
        let number = field?.number;
        if !message.rows.iter().any(|row| row.number == number) {
            return Err(JsonError::Unknown { message: message.name, number });
        }
    }
    out.write_all(b"{")?;
    let mut separator = "";
    for row in message.rows {
        let mut found = Fields::new(bytes)
            .filter_map(Result::ok)
            .filter(|field| field.number == row.number)
            .map(|field| field.payload)
            .peekable();
        if found.peek().is_none() {
            continue;
        }
        write!(out, "{separator}\"{}\":", row.name)?;
        separator = ",";
        write_row(out, row, found)?;
    }
    out.write_all(b"}")?;
    Ok(())
}

/// Writes all occurrences of one field: an array, or of a singular field its only value.
fn write_row<'a>(
    out: &mut impl Write,
    row: &Row,
    mut found: impl Iterator<Item = Payload<'a>>,
) -> Result<(), JsonError> {
    if let Shape::Repeated(message) = row.shape {
        let mut separator = "[";
        for payload in found {
            let Payload::Bytes(bytes) = payload else { return Err(JsonError::Malformed) };
            out.write_all(separator.as_bytes())?;
            separator = ",";
            write_message(out, bytes, message)?;
        }
        out.write_all(b"]")?;
        return Ok(());
    }
    match (found.next(), found.next()) {
        (Some(payload), None) => write_value(out, &row.shape, payload),
        _ => Err(JsonError::Malformed),
    }
}

fn write_value(out: &mut impl Write, shape: &Shape, payload: Payload<'_>) -> Result<(), JsonError> {
    match (shape, payload) {
        (Shape::Text, Payload::Bytes(bytes)) => {
            let text = std::str::from_utf8(bytes).map_err(|_| JsonError::Malformed)?;
            serde_json::to_writer(out, text)?;
        }
        (Shape::One(message), Payload::Bytes(bytes)) => write_message(out, bytes, message)?,
        (Shape::Flag, Payload::Varint(value)) => write!(out, "{}", value != 0)?,
        (Shape::Small, Payload::Varint(value)) => write!(out, "{value}")?,
        (Shape::Signed, Payload::Varint(value) | Payload::Fixed64(value)) => {
            write!(out, "\"{}\"", value.cast_signed())?;
        }
        (Shape::Unsigned, Payload::Fixed64(value)) => write!(out, "\"{value}\"")?,
        (Shape::Double, Payload::Fixed64(bits)) => write_double(out, f64::from_bits(bits))?,
        (Shape::UnsignedList, Payload::Bytes(bytes)) => {
            write_list(out, bytes, |out, value| Ok(write!(out, "\"{value}\"")?))?;
        }
        (Shape::DoubleList, Payload::Bytes(bytes)) => {
            write_list(out, bytes, |out, bits| write_double(out, f64::from_bits(bits)))?;
        }
        _ => return Err(JsonError::Malformed),
    }
    Ok(())
}

/// Writes packed values of eight bytes each as an array.
fn write_list<W: Write>(
    out: &mut W,
    bytes: &[u8],
    write: impl Fn(&mut W, u64) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    let (values, []) = bytes.as_chunks::<8>() else { return Err(JsonError::Malformed) };
    out.write_all(b"[")?;
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        write(out, u64::from_le_bytes(*value))?;
    }
    out.write_all(b"]")?;
    Ok(())
}

fn write_double(out: &mut impl Write, value: f64) -> Result<(), JsonError> {
    if value.is_finite() {
        serde_json::to_writer(out, &value)?;
    } else if value.is_nan() {
        out.write_all(b"\"NaN\"")?;
    } else {
        out.write_all(if value > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" })?;
    }
    Ok(())
}
