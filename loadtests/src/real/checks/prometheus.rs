//! A real Prometheus for a check, and what is asked of it over HTTP.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::otlp::PATIENCE;
use super::otlp_collector::listening;
use crate::real::env::Env;
use crate::real::program::Program;

/// The network of a check is its own, so ports are free.
const PORT: u16 = 9090;
/// The base of its OTLP endpoint.
pub(super) const OTLP: &str = "http://127.0.0.1:9090/api/v1/otlp";
/// The bound of an answer, in bytes.
const MAX_ANSWER: u64 = 128 << 20;

/// Starts it with this configuration, its OTLP receiver on, and waits until it is ready.
pub(super) fn start(env: &Env, config: &str) -> anyhow::Result<Program> {
    let config = env.file("prometheus.yaml", config)?;
    let mut command = Command::new(env.program("prometheus")?);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", env.path("tsdb").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{PORT}"))
        .args(["--web.enable-otlp-receiver", "--log.level=warn"]);
    let mut prometheus = env.start("prometheus", command)?;
    listening(&mut prometheus, PORT)?;
    let until = Instant::now() + Duration::from_mins(1);
    while get("/-/ready").is_err() {
        prometheus.alive()?;
        ensure!(Instant::now() < until, "Prometheus does not become ready\n{}", prometheus.log_tail());
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(prometheus)
}

/// The body of an answer 200. HTTP/1.0, so that it ends with the connection.
pub(super) fn get(path: &str) -> anyhow::Result<String> {
    exchange(path, &format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"), &[])
}

/// Hands it an OTLP request.
pub(super) fn push(body: &[u8]) -> anyhow::Result<()> {
    const PATH: &str = "/api/v1/otlp/v1/metrics";
    let head = format!(
        "POST {PATH} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    exchange(PATH, &head, body).map(drop)
}

fn exchange(path: &str, head: &str, body: &[u8]) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, PORT))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without an end of its head")?;
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.contains(" 200 "), "{path}: {status}: {body}");
    Ok(body.to_owned())
}

/// The `data` of what `/api/v1/<what>` answers.
pub(super) fn ask(what: &str, parameters: &[(&str, &str)]) -> anyhow::Result<Value> {
    let mut path = format!("/api/v1/{what}");
    for (index, (key, value)) in parameters.iter().enumerate() {
        path.push(if index == 0 { '?' } else { '&' });
        path.push_str(key);
        path.push('=');
        for byte in value.bytes() {
            // Writing to a String cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    let mut answer: Value = serde_json::from_str(&get(&path)?)?;
    Ok(answer["data"].take())
}

/// Runs a query. `time` is in milliseconds since the epoch.
pub(super) fn query(text: &str, time: i64) -> anyhow::Result<Vec<Value>> {
    result(&ask("query", &[("query", text), ("time", &format!("{}.{:03}", time / 1000, time % 1000))])?)
}

/// Runs a query now.
pub(super) fn query_now(text: &str) -> anyhow::Result<Vec<Value>> {
    result(&ask("query", &[("query", text)])?)
}

/// The series of an answer; a scalar is one without labels.
fn result(data: &Value) -> anyhow::Result<Vec<Value>> {
    if data["resultType"] == "scalar" {
        return Ok(vec![serde_json::json!({"metric": {}, "value": data["result"]})]);
    }
    Ok(data["result"].as_array().context("a result")?.clone())
}

/// The labels of one series of an answer.
pub(super) fn labels(series: &Value) -> BTreeMap<String, String> {
    let pairs = series["metric"].as_object().into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}
