//! JSON for committed reports: a row a line, so that a change of one figure is a change of one line and a table of a thousand
//! rows is a thousand lines. Pure.

use serde_json::Value;

/// Digits that a figure keeps: enough to see a change of a hundredth of a percent, too few to see a rounding of the last bit.
const DIGITS: usize = 6;
/// What is no longer than this is written on one line wherever it stands.
const SHORT: usize = 100;

/// The text of a report: what is short and every row of a list on a line of its own, with a newline at the end.
///
/// # Errors
/// Never for what was read from JSON; writing a number can fail in theory.
pub(crate) fn text(value: &Value) -> serde_json::Result<String> {
    let mut text = String::new();
    write(&mut text, value, 0, false)?;
    text.push('\n');
    Ok(text)
}

/// Numbers with [`DIGITS`] digits: such a text is the same when it was read and is written again.
pub(crate) fn rounded(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(rounded).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, rounded(value))).collect(),
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64().unwrap_or(0.0);
            let short = format!("{exact:.*e}", DIGITS - 1).parse::<f64>().unwrap_or(exact);
            Value::from(short)
        }
        other => other,
    }
}

/// Writes a value; `row`: it stands in a list.
fn write(text: &mut String, value: &Value, depth: usize, row: bool) -> serde_json::Result<()> {
    let line = serde_json::to_string(value)?;
    if line.len() <= SHORT || (row && !has_rows(value)) {
        text.push_str(&line);
        return Ok(());
    }
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                begin(text, index, depth + 1);
                write(text, item, depth + 1, true)?;
            }
            end(text, depth, ']');
        }
        Value::Object(map) => {
            text.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                begin(text, index, depth + 1);
                text.push_str(&serde_json::to_string(key)?);
                text.push_str(": ");
                write(text, item, depth + 1, false)?;
            }
            end(text, depth, '}');
        }
        _ => text.push_str(&line),
    }
    Ok(())
}

/// Whether there is a table in it: a list of objects.
fn has_rows(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| item.is_object() || has_rows(item)),
        Value::Object(map) => map.values().any(has_rows),
        _ => false,
    }
}

fn begin(text: &mut String, index: usize, depth: usize) {
    text.push_str(if index == 0 { "\n" } else { ",\n" });
    text.push_str(&"  ".repeat(depth));
}

fn end(text: &mut String, depth: usize, bracket: char) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(bracket);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_row_and_what_is_read_back_is_what_was_written() {
        let row = json!({"at": 1.5, "operators": {"sent": 3, "text": "x".repeat(SHORT)}, "marks": [1, 2]});
        let value = json!({"schema": "s", "tables": [{"name": "n", "rows": [row, row]}], "how": {"a": "b"}});
        let text = text(&value).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert_eq!(text.lines().filter(|line| line.contains("operators")).count(), 2, "{text}");
        assert_eq!(text.lines().count(), 13, "{text}");
        assert!(text.contains("\n  \"how\": {\"a\":\"b\"},\n") && text.ends_with("}\n"), "{text}");
    }

    #[test]
    fn committed_reports_are_written_like_this() {
        for file in ["outage/outage.json", "scale/certificate.json"] {
            let path =
                std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/certificate").join(file);
            let found = std::fs::read_to_string(&path).unwrap();
            let value: Value = serde_json::from_str(&found).unwrap();
            let expected = text(&rounded(value)).unwrap();
            if std::env::var_os("TARE_BLESS").is_some() {
                std::fs::write(&path, &expected).unwrap();
                continue;
            }
            assert!(found == expected, "{file} is written otherwise (TARE_BLESS=1 rewrites it)");
        }
    }
}
