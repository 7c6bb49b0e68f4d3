//! Writes a configuration as YAML that [`super::load`] reads as the same one, except for the values of headers,
//! which are hidden.

use std::fmt::Write as _;

use super::file::Config;
use super::schema::{Field as _, Yaml};

/// The text of `config`.
pub fn print(config: &Config) -> String {
    let mut text = String::new();
    if let Some(yaml) = config.write() {
        block(&yaml, 0, &mut text);
    }
    text
}

/// One value on one line, as YAML's flow style.
pub(crate) fn inline(yaml: &Yaml) -> String {
    match yaml {
        Yaml::Scalar(text) => scalar(text),
        Yaml::Number(text) => text.clone(),
        Yaml::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Yaml::Map(entries) => {
            let entry = |(key, value): &(String, Yaml)| format!("{}: {}", scalar(key), inline(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Whether `yaml` goes behind its key on the same line.
fn is_short(yaml: &Yaml) -> bool {
    match yaml {
        Yaml::Scalar(_) | Yaml::Number(_) => true,
        Yaml::List(items) => items.iter().all(|item| matches!(item, Yaml::Scalar(_) | Yaml::Number(_))),
        Yaml::Map(_) => false,
    }
}

fn block(yaml: &Yaml, indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    match yaml {
        Yaml::Map(entries) => {
            for (key, value) in entries.iter().filter(|(_, value)| *value != Yaml::Map(Vec::new())) {
                let key = scalar(key);
                if is_short(value) {
                    let _ = writeln!(text, "{margin}{key}: {}", inline(value));
                } else {
                    let _ = writeln!(text, "{margin}{key}:");
                    block(value, indent + 2, text);
                }
            }
        }
        Yaml::List(items) => {
            for item in items {
                let mut below = String::new();
                block(item, indent + 2, &mut below);
                let _ = write!(text, "{margin}- {}", below.trim_start_matches(' '));
            }
        }
        Yaml::Scalar(_) | Yaml::Number(_) => {
            let _ = writeln!(text, "{margin}{}", inline(yaml));
        }
    }
}

/// Plain where every YAML reader takes it for the same text, otherwise in double quotes.
fn scalar(text: &str) -> String {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'.' | b'-' | b':');
    let first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'/';
    let plain = text.bytes().all(word) && text.bytes().next().is_some_and(first) && !text.ends_with(':');
    if plain && !means_something_else(text) { text.to_owned() } else { quoted(text) }
}

/// Text that YAML 1.1 or 1.2 takes for a number, a date or nothing. Truth values are meant as such where the
/// configuration has them, and quoting them would only be odd.
fn means_something_else(text: &str) -> bool {
    let number = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':' | b'_'));
    let exponent = text.parse::<f64>().is_ok();
    let hexadecimal = text.starts_with("0x") || text.starts_with("0o");
    number || exponent || hexadecimal || text.eq_ignore_ascii_case("null")
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~' => quoted.push(character),
            _ if character.is_alphanumeric() => quoted.push(character),
            _ => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
        }
    }
    quoted.push('"');
    quoted
}
