//! `name=value,name=value` with percent-encoded values: the form of `OTEL_EXPORTER_OTLP_HEADERS` and
//! `OTEL_RESOURCE_ATTRIBUTES` (W3C Baggage without its properties).
//!
//! A message names the place in the list and never the value, which may be a secret.

use std::collections::BTreeMap;

use crate::config::schema::Scalar;

/// Reads the list; blanks around names and values and empty entries are passed over. A name that comes twice has
/// its last value.
pub(super) fn parse<K: Scalar + Ord, V: Scalar>(text: &str) -> Result<BTreeMap<K, V>, String> {
    let entries = text.split(',').enumerate().filter(|(_, entry)| !entry.trim().is_empty());
    entries
        .map(|(index, entry)| pair(entry).map_err(|message| format!("entry {}: {message}", index + 1)))
        .collect()
}

fn pair<K: Scalar, V: Scalar>(entry: &str) -> Result<(K, V), String> {
    let (name, value) = entry.split_once('=').ok_or("expected name=value, found no \"=\"")?;
    Ok((K::parse(name.trim())?, V::parse(&decode(value.trim())?)?))
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => match (hex(rest.next()), hex(rest.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => {
                    return Err(
                        "\"%\" is not followed by two hexadecimal digits; write %25 for \"%\"".to_owned()
                    );
                }
            },
            _ => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| "the decoded value is no UTF-8 text".to_owned())
}

fn hex(byte: Option<u8>) -> Option<u8> {
    let digit = char::from(byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::config::values::Text;
    use crate::config::values::http::{Secret, UserHeader};

    fn texts(text: &str) -> Result<Vec<(String, String)>, String> {
        let name = |text: Text| text.0;
        let pairs = parse::<super::super::AttributeName, Text>(text)?;
        Ok(pairs.into_iter().map(|(key, value)| (key.0, name(value))).collect())
    }

    #[test]
    fn blanks_and_empty_entries_are_passed_over_and_a_value_may_hold_an_equals_sign() {
        let pairs = texts(" a = 1 ,, b=x=y,").unwrap();
        assert_eq!(pairs, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "x=y".to_owned())]);
    }

    #[test]
    fn an_entry_that_is_no_pair_is_named_by_its_place_and_never_quoted() {
        for (text, message) in [
            ("a=1,s3cret", "entry 2: expected name=value, found no \"=\""),
            ("a=s3cret%2", "entry 1: \"%\" is not followed by two hexadecimal digits; write %25 for \"%\""),
            ("a=s3cret%zz", "entry 1: \"%\" is not followed by two hexadecimal digits; write %25 for \"%\""),
            ("a=s3cret%ff", "entry 1: the decoded value is no UTF-8 text"),
            ("a=s3cret%0a", "entry 1: the value has a character that a header cannot carry"),
        ] {
            assert_eq!(parse::<UserHeader, Secret>(text).unwrap_err(), message);
        }
    }

    proptest! {
        #[test]
        fn any_value_survives_percent_encoding(value in "\\PC{1,40}") {
            let mut encoded = String::from("k=");
            for byte in value.bytes() {
                write!(encoded, "%{byte:02x}").unwrap();
            }
            prop_assert_eq!(texts(&encoded).unwrap(), [("k".to_owned(), value)]);
        }
    }
}
