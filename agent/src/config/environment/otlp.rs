//! The variables `OTEL_EXPORTER_OTLP_*`: what the output takes that names no address of its own.
//!
//! A variable for metrics wins over the general one and, for headers too, replaces it. What the file says wins over
//! both.

use super::pairs;
use super::{
    CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY, COMPRESSION, ENDPOINT, Environment, HEADERS, HISTOGRAM,
    INSECURE, METRICS_CERTIFICATE, METRICS_CLIENT_CERTIFICATE, METRICS_CLIENT_KEY, METRICS_COMPRESSION,
    METRICS_ENDPOINT, METRICS_HEADERS, METRICS_INSECURE, METRICS_PROTOCOL, METRICS_TIMEOUT, PROTOCOL,
    TEMPORALITY, TIMEOUT,
};
use crate::config::check::Checker;
use crate::config::file::{Otlp, Timeout, Tls};
use crate::config::report::quote;
use crate::config::schema::Scalar;
use crate::config::values::http::{BaseUrl, Secret, SignalUrl, UserHeader};

/// Puts into `otlp` what the environment says and the file does not.
pub(super) fn fill(otlp: &mut Otlp, environment: &Environment, checker: &mut Checker<'_>) {
    if !otlp.protocol.is_given() {
        otlp.protocol.fill(environment.first([&METRICS_PROTOCOL, &PROTOCOL], checker, Scalar::parse));
    }
    endpoint(otlp, environment, checker);
    if !otlp.compression.is_given() {
        let variables = [&METRICS_COMPRESSION, &COMPRESSION];
        otlp.compression.fill(environment.first(variables, checker, Scalar::parse));
    }
    if !otlp.timeout.is_given() {
        let variables = [&METRICS_TIMEOUT, &TIMEOUT];
        otlp.timeout.fill(environment.first(variables, checker, Timeout::parse_millis));
    }
    if otlp.headers.is_none() {
        let parse = pairs::parse::<UserHeader, Secret>;
        otlp.headers = environment.first([&METRICS_HEADERS, &HEADERS], checker, parse);
        if let Some(headers) = &mut otlp.headers {
            headers.retain(|name, _| !otlp.headers_from_files.contains_key(name));
        }
    }
    let mut tls = otlp.tls.clone();
    certificates(&mut tls, environment, checker);
    // Without TLS they have no effect, and the file may not have what has none.
    if is_https(otlp) {
        otlp.tls = tls;
    }
    // There is nothing to set: tare sends what it sends, or says that it cannot send what is wished for.
    let _ = environment.first([&TEMPORALITY; 2], checker, temporality);
    if let Some(message) = environment.first([&HISTOGRAM; 2], checker, histogram).flatten() {
        checker.warn(&HISTOGRAM, message);
    }
}

fn endpoint(otlp: &mut Otlp, environment: &Environment, checker: &mut Checker<'_>) {
    let protocol = *otlp.protocol.get();
    let has_scheme = if environment.is_set(&METRICS_ENDPOINT) {
        otlp.metrics_endpoint = environment.first([&METRICS_ENDPOINT; 2], checker, |text| {
            let url = SignalUrl::parse(text)?;
            url.target(protocol, false).map(|_| url)
        });
        otlp.metrics_endpoint.as_ref().is_none_or(SignalUrl::has_scheme)
    } else {
        let given = environment.first([&ENDPOINT; 2], checker, |text| {
            let url = BaseUrl::parse(text)?;
            url.target(protocol, false).map(|_| url)
        });
        otlp.endpoint.insert(given.unwrap_or_else(|| BaseUrl::localhost(protocol))).has_scheme()
    };
    if !has_scheme && otlp.tls.insecure.is_none() {
        otlp.tls.insecure = environment.first([&METRICS_INSECURE, &INSECURE], checker, flag);
    }
}

fn is_https(otlp: &Otlp) -> bool {
    let (protocol, insecure) = (*otlp.protocol.get(), otlp.tls.insecure == Some(true));
    let target = match (&otlp.metrics_endpoint, &otlp.endpoint) {
        (Some(url), _) => url.target(protocol, insecure),
        (None, Some(url)) => url.target(protocol, insecure),
        (None, None) => return false,
    };
    target.is_ok_and(|target| target.scheme_str() == Some("https"))
}

fn certificates(tls: &mut Tls, environment: &Environment, checker: &mut Checker<'_>) {
    if tls.ca_file.is_none() {
        tls.ca_file = environment.first([&METRICS_CERTIFICATE, &CERTIFICATE], checker, Scalar::parse);
    }
    if tls.cert_file.is_none() && tls.key_file.is_none() {
        let certificate = [&METRICS_CLIENT_CERTIFICATE, &CLIENT_CERTIFICATE];
        let key = [&METRICS_CLIENT_KEY, &CLIENT_KEY];
        tls.cert_file = environment.first(certificate, checker, Scalar::parse);
        tls.key_file = environment.first(key, checker, Scalar::parse);
        let ([signal, general], missing) = match (&tls.cert_file, &tls.key_file) {
            (Some(_), None) => (certificate, &CLIENT_KEY),
            (None, Some(_)) => (key, &CLIENT_CERTIFICATE),
            _ => return,
        };
        let alone = if environment.is_set(signal) { signal } else { general };
        checker.variable(alone, format!("needs {} too", missing.name));
    }
}

/// The specification's booleans, in any case.
fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("expected true or false, found {}", quote(text))),
    }
}

fn temporality(text: &str) -> Result<(), String> {
    let word = text.to_ascii_lowercase();
    match word.as_str() {
        "cumulative" => Ok(()),
        "delta" | "lowmemory" => Err(format!(
            "{word} is not supported; tare sends cumulative sums, from which a receiver can make deltas"
        )),
        _ => Err(format!("expected cumulative, found {}", quote(text))),
    }
}

/// A warning, where another histogram is wished for than the one there is.
fn histogram(text: &str) -> Result<Option<&'static str>, String> {
    match text.to_ascii_lowercase().as_str() {
        "explicit_bucket_histogram" => Ok(None),
        "base2_exponential_bucket_histogram" => {
            Ok(Some("is ignored: tare's one histogram, tare.collector.duration, has explicit buckets"))
        }
        _ => Err(format!(
            "expected explicit_bucket_histogram or base2_exponential_bucket_histogram, found {}",
            quote(text)
        )),
    }
}
