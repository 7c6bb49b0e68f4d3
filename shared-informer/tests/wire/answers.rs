//! What an API server writes, byte by byte.

/// A pod of the API, small.
pub(crate) fn pod(name: &str, version: u64) -> String {
    format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"shop","uid":"uid-{name}","resourceVersion":"{version}"}},"spec":{{"nodeName":"node-1","containers":[{{"name":"c","image":"i"}}]}},"status":{{"phase":"Running"}}}}"#
    )
}

/// The body of a LIST.
pub(crate) fn list(version: u64, pods: &[String]) -> String {
    let items = pods.join(",");
    format!(
        r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"{version}"}},"items":[{items}]}}"#
    )
}

/// The body of a size probe's answer.
pub(crate) fn daemon_set(nodes: u32) -> String {
    format!(
        r#"{{"kind":"DaemonSet","apiVersion":"apps/v1","metadata":{{"name":"tare","namespace":"monitoring","generation":1,"creationTimestamp":"2026-11-21T06:57:59Z"}},"status":{{"desiredNumberScheduled":{nodes},"observedGeneration":1}}}}"#
    )
}

/// The body of an answer that says what went wrong.
pub(crate) fn status(code: u16, message: &str) -> String {
    format!(r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{message}","code":{code}}}"#)
}

/// A line of a WATCH.
pub(crate) fn event(kind: &str, object: &str) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}

/// A bookmark.
pub(crate) fn bookmark(version: u64) -> String {
    let object = format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"resourceVersion":"{version}"}},"spec":{{"containers":null}},"status":{{}}}}"#
    );
    event("BOOKMARK", &object)
}

/// A whole answer with a body.
pub(crate) fn answer(code: u16, headers: &[&str], body: &str) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {code} {}\r\ncontent-length: {}\r\n", reason(code), body.len());
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    format!("{head}\r\n{body}").into_bytes()
}

pub(crate) const JSON: &str = "content-type: application/json";

/// 200 with a JSON body.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    answer(200, &[JSON], body)
}

/// The head of a 200 whose body comes in chunks.
pub(crate) fn chunked() -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{JSON}\r\ntransfer-encoding: chunked\r\n\r\n").into_bytes()
}

/// One chunk of it.
pub(crate) fn chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}

/// The chunk that ends it in good order.
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        302 => "Found",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Whatever",
    }
}
