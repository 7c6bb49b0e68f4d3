//! From the file to [`Output`]s.

use std::path::{Component, PathBuf};

use http::{HeaderMap, Uri};

use super::{ClientCertificate, Destination, DiskLog, Otlp, Output, Resolve, Tls};
use crate::config::check::Checker;
use crate::config::file;
use crate::config::report::{Path, quote};
use crate::config::values::http::BaseUrl;
use crate::config::values::{AbsolutePath, FilePath, Protocol};

/// Converts `outputs`, in which the environment already is.
pub(super) fn convert(outputs: &[file::Output], checker: &mut Checker<'_>) -> Vec<Output> {
    let path = Path::root().key("outputs");
    if outputs.is_empty() {
        checker.problem(&path, "no output; name at least one, or leave the key out for the default one");
    }
    unique(outputs, &path, checker);
    outputs.iter().enumerate().map(|(index, output)| one(output, &path.index(index), checker)).collect()
}

/// Reports what two outputs may not share.
fn unique(outputs: &[file::Output], path: &Path, checker: &mut Checker<'_>) {
    let folder = |output: &file::Output| {
        let log = output.otlp.as_ref()?.disk_log.as_ref()?;
        log.directory.as_ref().map(plain)
    };
    let file = |output: &file::Output| output.otlp.as_ref()?.resolve.cache_file.as_ref().map(plain);
    for (index, output) in outputs.iter().enumerate() {
        let (here, earlier) = (path.index(index), &outputs[..index]);
        let first = |same: &dyn Fn(&file::Output) -> bool| earlier.iter().position(same);
        if let Some(first) = first(&|other| other.name == output.name) {
            let message = format!("outputs[{first}] has the name {} already", quote(&output.name.0));
            checker.problem(&here.key("name"), message);
        }
        if let Some(first) = first(&|other| output.stdout.is_some() && other.stdout.is_some()) {
            let message = format!("outputs[{first}] writes to standard output already");
            checker.problem(&here.key("stdout"), message);
        }
        if let Some(own) = folder(output)
            && let Some(first) = first(&|other| folder(other).as_ref() == Some(&own))
        {
            let place = path.index(first).key("otlp").key("disk_log").key("directory");
            let message = format!("{place} is the same folder; two outputs need different ones");
            checker.problem(&here.key("otlp").key("disk_log").key("directory"), message);
        }
        if let Some(own) = file(output)
            && let Some(first) = first(&|other| file(other).as_ref() == Some(&own))
        {
            let place = path.index(first).key("otlp").key("resolve").key("cache_file");
            let message = format!("{place} is the same file; two outputs need different ones");
            checker.problem(&here.key("otlp").key("resolve").key("cache_file"), message);
        }
    }
}

/// The path without detours, so that two spellings are one place. Links are not followed: nothing is read here, and
/// the disk log has a lock besides.
fn plain(path: &AbsolutePath) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.get().components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

fn one(output: &file::Output, path: &Path, checker: &mut Checker<'_>) -> Output {
    let both = checker.has(&path.key("otlp")) && checker.has(&path.key("stdout"));
    if both {
        checker.problem(&path.key("stdout"), "is given beside otlp; an output is one of the two");
    }
    let default = file::Otlp::default();
    let (queue, to) = if let Some(stdout) = &output.stdout {
        (&stdout.queue, Destination::Stdout)
    } else {
        let from = output.otlp.as_ref().unwrap_or(&default);
        (&from.queue, Destination::Otlp(Box::new(otlp(from, &path.key("otlp"), checker))))
    };
    Output {
        name: output.name.0.clone(),
        queue_max_bytes: queue.max_bytes.get(),
        queue_max_age: queue.max_age.get(),
        to,
    }
}

fn otlp(otlp: &file::Otlp, path: &Path, checker: &mut Checker<'_>) -> Otlp {
    let endpoint = endpoint(otlp, path, checker);
    let tls = tls(&otlp.tls, &path.key("tls"), checker);
    if let Some(endpoint) = &endpoint {
        tls_has_an_effect(otlp, endpoint, path, checker);
    }
    let (initial, max) = (otlp.retry.initial_interval, otlp.retry.max_interval);
    if initial.get() > max.get() {
        let message = "is longer than max_interval";
        checker.problem(&path.key("retry").key("initial_interval"), message);
    }
    let from_files = path.key("headers_from_files");
    for name in otlp.headers_from_files.keys() {
        if otlp.headers.as_ref().is_some_and(|headers| headers.contains_key(name)) {
            let written =
                checker.keys(&from_files).into_iter().find(|key| name.0.as_str().eq_ignore_ascii_case(key));
            let place = written.map_or_else(|| from_files.clone(), |key| from_files.key(&key));
            checker.problem(&place, "is given in headers too; keep one of the two");
        }
    }
    let headers: HeaderMap =
        otlp.headers.iter().flatten().map(|(name, value)| (name.0.clone(), value.get().clone())).collect();
    let files = otlp.headers_from_files.iter().map(|(name, file)| (name.0.clone(), file.0.clone()));
    Otlp {
        protocol: *otlp.protocol.get(),
        endpoint: endpoint.unwrap_or_else(|| Uri::from_static("http://localhost")),
        headers,
        headers_from_files: files.collect(),
        compression: *otlp.compression.get(),
        timeout: otlp.timeout.get().get(),
        tls,
        resolve: resolve(&otlp.resolve, &path.key("resolve"), checker),
        retry_initial_interval: initial.get(),
        retry_max_interval: max.get(),
        disk_log: disk_log(otlp.disk_log.as_ref(), &path.key("disk_log"), checker),
    }
}

/// The address; none where there is an error of it.
fn endpoint(otlp: &file::Otlp, path: &Path, checker: &mut Checker<'_>) -> Option<Uri> {
    let (base, signal) = (path.key("endpoint"), path.key("metrics_endpoint"));
    if checker.has(&signal) && checker.has(&base) {
        checker.problem(&signal, "is given beside endpoint; keep one of the two");
    }
    let protocol = *otlp.protocol.get();
    let insecure = otlp.tls.insecure == Some(true);
    let (place, target) = match (&otlp.metrics_endpoint, &otlp.endpoint) {
        (Some(url), _) => (signal, url.target(protocol, insecure)),
        (None, Some(url)) => (base, url.target(protocol, insecure)),
        (None, None) => (base, BaseUrl::localhost(protocol).target(protocol, false)),
    };
    // The environment's addresses were checked where they were read.
    target.map_err(|message| checker.problem(&place, message)).ok()
}

/// Reports settings of TLS that nothing would come of: whoever writes them believes to be safe.
fn tls_has_an_effect(otlp: &file::Otlp, endpoint: &Uri, path: &Path, checker: &mut Checker<'_>) {
    let tls = path.key("tls");
    let insecure = tls.key("insecure");
    let has_scheme = match (&otlp.metrics_endpoint, &otlp.endpoint) {
        (Some(url), _) => url.has_scheme(),
        (None, Some(url)) => url.has_scheme(),
        // An address that could not be read is an error already; this one is not the user's then.
        (None, None) => return,
    };
    let open = *otlp.protocol.get() == Protocol::Grpc && !has_scheme;
    if checker.has(&insecure) && !open {
        let message = "has no effect: only a grpc address without http:// or https:// leaves it open";
        checker.problem(&insecure, message);
    }
    let others = checker.len(&tls) - usize::from(checker.has(&insecure));
    if others > 0 && endpoint.scheme_str() != Some("https") {
        checker.problem(&tls, format!("has no effect: the address is {endpoint}, without TLS"));
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
    let server_name = tls.server_name.as_ref().map(|name| name.0.clone());
    Tls { ca_file: path_of(&tls.ca_file), client, server_name }
}

fn resolve(resolve: &file::Resolve, path: &Path, checker: &mut Checker<'_>) -> Resolve {
    let (min_refresh, max_refresh) = (resolve.min_refresh.get(), resolve.max_refresh.get());
    let max_stale = resolve.max_stale.get();
    if min_refresh > max_refresh {
        checker.problem(&path.key("min_refresh"), "is longer than max_refresh");
    }
    if max_stale < max_refresh {
        checker.problem(&path.key("max_stale"), "is shorter than max_refresh");
    }
    let cache_file = resolve.cache_file.as_ref().map(|file| file.get().to_owned());
    Resolve { max_stale, min_refresh, max_refresh, cache_file }
}

fn disk_log(log: Option<&file::DiskLog>, path: &Path, checker: &mut Checker<'_>) -> Option<DiskLog> {
    let log = log?;
    let Some(directory) = &log.directory else {
        if !checker.has(&path.key("directory")) {
            checker.problem(path, "needs a directory");
        }
        return None;
    };
    Some(DiskLog {
        directory: directory.get().to_owned(),
        max_size: log.max_size.get(),
        replay_bytes_per_second: log.replay_bytes_per_second.get(),
    })
}
