//! `${env:NAME}` and its relatives in the values of a collector's configuration.
//!
//! As the collector has it: `${env:NAME}` and `${NAME}` are the variable, `${env:NAME:-text}` is `text` where the
//! variable is not set, and `$$` is a dollar sign. A reference that cannot be followed is an error here, where the
//! collector would take it for empty text or fail to start.

use super::Lookup;
use crate::config::report::quote;

/// `text` with every reference replaced. The error is the reason why the value is left out.
pub(super) fn substitute(text: &str, lookup: Lookup<'_>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, from) = rest.split_at(dollar);
        out.push_str(before);
        if let Some(after) = from.strip_prefix("$$") {
            out.push('$');
            rest = after;
        } else if let Some(after) = from.strip_prefix("${") {
            let Some((reference, after)) = after.split_once('}') else {
                return Err(format!("{} has a reference without an end", quote(text)));
            };
            out.push_str(&follow(reference, lookup)?);
            rest = after;
        } else {
            out.push('$');
            rest = from.strip_prefix('$').unwrap_or_default();
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn follow(reference: &str, lookup: Lookup<'_>) -> Result<String, String> {
    if reference.contains("${") {
        return Err("a reference inside a reference; write the value out".to_owned());
    }
    let (scheme, rest) = reference.split_once(':').unwrap_or(("", reference));
    let variable = match scheme {
        "env" => rest,
        // `${NAME:-text}` has no scheme: the colon belongs to the default.
        _ if scheme.is_empty() || rest.starts_with('-') => reference,
        _ => {
            return Err(format!(
                "references of the kind {} have no counterpart; write the value out",
                quote(scheme)
            ));
        }
    };
    let (name, default) = match variable.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (variable, None),
    };
    lookup(name).or_else(|| default.map(str::to_owned)).ok_or_else(|| {
        format!("the environment variable {} is not set; set it for `tare migrate`", quote(name))
    })
}

/// The only variable that `text` names, when it is nothing but a reference to it and perhaps a port: what the chart
/// of the collector writes for the node it runs on.
pub(super) fn sole_variable(text: &str) -> Option<(&str, Option<&str>)> {
    let (reference, after) = text.strip_prefix("${")?.split_once('}')?;
    let name = reference.strip_prefix("env:").unwrap_or(reference);
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match after.strip_prefix(':') {
        Some(port) if plain && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((name, Some(port)))
        }
        None if plain && after.is_empty() => Some((name, None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(name: &str) -> Option<String> {
        (name == "HOST").then(|| "gateway".to_owned())
    }

    #[test]
    fn references_are_followed_and_double_dollars_are_dollars() {
        for (text, expected) in [
            ("http://${env:HOST}:4318", "http://gateway:4318"),
            ("${HOST}", "gateway"),
            ("${env:HOST:-other}", "gateway"),
            ("${env:NONE:-other}", "other"),
            ("${NONE:-other}", "other"),
            ("$$1 and $$${HOST}", "$1 and $gateway"),
            ("^/dev($|/)", "^/dev($|/)"),
            ("ends with $", "ends with $"),
        ] {
            assert_eq!(substitute(text, &look).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_a_reason_and_never_empty_text() {
        for text in ["${env:NONE}", "${NONE}", "${file:/etc/secret}", "${env:${HOST}}", "${env:HOST"] {
            assert!(substitute(text, &look).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_that_is_only_a_variable_is_recognised_with_its_port() {
        assert_eq!(sole_variable("${env:K8S_NODE_IP}:10250"), Some(("K8S_NODE_IP", Some("10250"))));
        assert_eq!(sole_variable("${K8S_NODE_NAME}"), Some(("K8S_NODE_NAME", None)));
        for text in ["https://${env:K8S_NODE_IP}:10250", "${env:A}${env:B}", "${env:A}:x", "10.0.0.1:10250"] {
            assert_eq!(sole_variable(text), None, "{text}");
        }
    }
}
