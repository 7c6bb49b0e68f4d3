//! From the file to [`Output`]s.

use std::path::PathBuf;

use http::{HeaderMap, Uri};

use super::{ClientCertificate, Output, Tls};
use crate::config::check::Checker;
use crate::config::file;
use crate::config::report::{Path, quote};
use crate::config::values::FilePath;
use crate::config::values::http::BaseUrl;

/// Converts `outputs`, in which the environment already is.
pub(super) fn convert(outputs: &[file::Output], checker: &mut Checker<'_>) -> Vec<Output> {
    let path = Path::root().key("outputs");
    if outputs.is_empty() {
        checker.problem(&path, "no output; name at least one, or leave the key out for the default one");
    }
    for (index, output) in outputs.iter().enumerate() {
        if let Some(first) = outputs.iter().take(index).position(|other| other.name == output.name) {
            let message = format!("outputs[{first}] has the name {} already", quote(&output.name.0));
            checker.problem(&path.index(index).key("name"), message);
        }
    }
    outputs
        .iter()
        .enumerate()
        .map(|(index, output)| one(output, &path.index(index).key("otlp"), checker))
        .collect()
}

fn one(output: &file::Output, path: &Path, checker: &mut Checker<'_>) -> Output {
    let otlp = &output.otlp;
    let endpoint = endpoint(otlp, path, checker);
    let tls = tls(&otlp.tls, &path.key("tls"), checker);
    // An address that could not be read is an error already; this one is not the user's then.
    let readable = otlp.endpoint.is_some() || otlp.metrics_endpoint.is_some();
    let named = checker.len(&path.key("tls")) > 0;
    if named && readable && endpoint.scheme_str() != Some("https") {
        checker.problem(&path.key("tls"), format!("has no effect: the address is {endpoint}, without TLS"));
    }
    let (initial, max) = (otlp.retry.initial_interval, otlp.retry.max_interval);
    if initial.get() > max.get() {
        let message = "is longer than max_interval";
        checker.problem(&path.key("retry").key("initial_interval"), message);
    }
    let headers: HeaderMap =
        otlp.headers.iter().flatten().map(|(name, value)| (name.0.clone(), value.get().clone())).collect();
    Output {
        name: output.name.0.clone(),
        endpoint,
        headers,
        compression: *otlp.compression.get(),
        timeout: otlp.timeout.get().get(),
        tls,
        queue_max_bytes: otlp.queue.max_bytes.get(),
        queue_max_age: otlp.queue.max_age.get(),
        retry_initial_interval: initial.get(),
        retry_max_interval: max.get(),
    }
}

fn endpoint(otlp: &file::Otlp, path: &Path, checker: &mut Checker<'_>) -> Uri {
    let both = path.key("metrics_endpoint");
    if checker.has(&both) && checker.has(&path.key("endpoint")) {
        checker.problem(&both, "is given beside endpoint; keep one of the two");
    }
    match (&otlp.metrics_endpoint, &otlp.endpoint) {
        (Some(signal), _) => signal.0.clone(),
        (None, Some(base)) => base.metrics(),
        (None, None) => BaseUrl::localhost().metrics(),
    }
}

fn tls(tls: &file::Tls, path: &Path, checker: &mut Checker<'_>) -> Tls {
    for (key, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        if checker.has(&path.key(key)) && !checker.has(&path.key(other)) {
            checker.problem(&path.key(key), format!("needs {other} too"));
        }
    }
    let path_of = |file: &Option<FilePath>| -> Option<PathBuf> { file.as_ref().map(|file| file.0.clone()) };
    let pair = path_of(&tls.cert_file).zip(path_of(&tls.key_file));
    let client = pair.map(|(cert_file, key_file)| ClientCertificate { cert_file, key_file });
    Tls { ca_file: path_of(&tls.ca_file), client }
}
