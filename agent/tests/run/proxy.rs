//! The usual variables lead every output through a proxy, except where they say otherwise.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use crate::grpc;
use crate::process::Agent;
use crate::receiver::{Receiver, listen};

/// A forward proxy on loopback. Whatever name it is asked for, it goes to that port of loopback.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let shared = Arc::clone(&heads);
        // A peer that leaves in the middle is no concern of the test's.
        let address = listen(move |client| drop(pass_on(client, &shared)));
        Self { address, heads }
    }

    /// The heads of the requests so far.
    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn pass_on(client: TcpStream, heads: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut answers = client.try_clone()?;
    let mut requests = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if requests.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let target = head.split(' ').nth(1).unwrap_or_default();
    let authority = target.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let port = authority.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    if head.starts_with("CONNECT ") {
        answers.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    } else {
        server.write_all(head.as_bytes())?;
    }
    heads.lock().unwrap().push(head);
    let mut back = server.try_clone()?;
    let answering = std::thread::spawn(move || io::copy(&mut back, &mut answers));
    io::copy(&mut requests, &mut server)?;
    server.shutdown(Shutdown::Write)?;
    let _ = answering.join();
    Ok(())
}

fn agent(endpoint: &str, protocol: &str, variables: &[(&str, &str)]) -> Agent {
    let config = format!(
        "host: {{interval: 1s, scrapers: {{memory: }}}}\n\
         outputs: [{{name: t, otlp: {{endpoint: \"{endpoint}\", protocol: {protocol}}}}}]\n"
    );
    Agent::start_in(&config, &[], variables, Stdio::null())
}

#[test]
fn metrics_reach_a_receiver_through_the_proxy_and_the_status_names_it_without_its_credentials() {
    let (receiver, proxy) = (Receiver::start(), Proxy::start());
    let endpoint = format!("http://collector.test:{}", receiver.port());
    let url = format!("http://user:s3cret@{}", proxy.address);
    let agent = agent(&endpoint, "http/protobuf", &[("HTTP_PROXY", &url)]);
    receiver.wait_for("system.memory.usage");
    let head = proxy.heads().remove(0);
    assert!(head.starts_with(&format!("POST {endpoint}/v1/metrics HTTP/1.1\r\n")), "{head}");
    assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic dxnlcjpzm2nyzxq="), "{head}");
    let status =
        agent.wait_for_status("a success", |status| status["outputs"][0]["last_success"].is_string());
    assert_eq!(status["outputs"][0]["proxy"], format!("http://{}", proxy.address));
    let table = agent.tare(&["status"]).out;
    assert!(table.contains(&format!("through http://{}", proxy.address)), "{table}");
    for text in [status.to_string(), table, agent.log()] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn grpc_goes_through_a_tunnel() {
    let (receiver, proxy) = (grpc::receiver(), Proxy::start());
    let place = format!("collector.test:{}", receiver.port());
    let url = proxy.address.to_string();
    let _agent = agent(&format!("http://{place}"), "grpc", &[("https_proxy", &url)]);
    receiver.wait_for("system.memory.usage");
    assert!(proxy.heads()[0].starts_with(&format!("CONNECT {place} HTTP/1.1\r\n")), "{:?}", proxy.heads());
}

#[test]
fn what_no_proxy_names_is_reached_without_the_proxy() {
    let (receiver, proxy) = (Receiver::start(), Proxy::start());
    // This address leads to loopback and is none: without an exception it would be the proxy's.
    let endpoint = format!("http://0.0.0.0:{}", receiver.port());
    let url = format!("http://{}", proxy.address);
    let through = agent(&endpoint, "http/protobuf", &[("HTTP_PROXY", &url)]);
    receiver.wait_for("system.memory.usage");
    assert_eq!(proxy.heads().len(), 1);
    drop(through);
    let before = receiver.requests();
    let variables = [("HTTP_PROXY", &*url), ("NO_PROXY", "example.com,0.0.0.0")];
    let around = agent(&endpoint, "http/protobuf", &variables);
    receiver.wait_for_requests(before + 2);
    let status = around.wait_for_status("an answer", |_| true);
    assert_eq!(status["outputs"][0]["proxy"], serde_json::Value::Null);
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn a_proxy_that_cannot_be_spoken_to_stops_the_start_and_not_the_credentials_secrecy() {
    let url = "socks5://user:s3cret@127.0.0.1:1080";
    let mut agent = agent("http://collector.test:4318", "http/protobuf", &[("ALL_PROXY", url)]);
    assert_eq!(agent.wait(), Some(64), "{}", agent.log());
    let log = agent.log();
    assert!(log.contains("ALL_PROXY: only http:// and https:// proxies") && !log.contains("s3cret"), "{log}");
}
