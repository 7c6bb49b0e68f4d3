//! A kubelet of a few lines: it records every request and answers well, or with one status.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::receiver::listen;

#[derive(Default)]
struct Log {
    /// Path and `Authorization` of each request.
    seen: Vec<(String, Option<String>)>,
    status: Option<u16>,
}

/// Its threads end with the test's process.
pub(super) struct Kubelet {
    pub(super) address: SocketAddr,
    /// The certificate that it has signed itself, as most kubelets have.
    pub(super) certificate: String,
    log: Arc<Mutex<Log>>,
}

impl Kubelet {
    /// One with TLS.
    pub(super) fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(["node-1".to_owned()]).unwrap().self_signed(&key).unwrap();
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], secret)
            .unwrap();
        let (config, log) = (Arc::new(config), Arc::new(Mutex::new(Log::default())));
        let shared = Arc::clone(&log);
        let address = listen(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(StreamOwned::new(connection, stream), &shared);
        });
        Self { address, certificate: own.pem(), log }
    }

    /// One without.
    pub(super) fn read_only() -> Self {
        let log = Arc::new(Mutex::new(Log::default()));
        let shared = Arc::clone(&log);
        let address = listen(move |stream: TcpStream| serve(stream, &shared));
        Self { address, certificate: String::new(), log }
    }

    /// From now on it answers with this, or well.
    pub(super) fn answer(&self, status: Option<u16>) {
        self.log.lock().unwrap().status = status;
    }

    /// The requests so far: path and credential.
    pub(super) fn seen(&self) -> Vec<(String, Option<String>)> {
        self.log.lock().unwrap().seen.clone()
    }

    /// How often this was asked for.
    pub(super) fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|(seen, _)| seen == path).count()
    }
}

const SUMMARY: &str = include_str!("../../fixtures/kubelet/summary-1.36.json");
const PODS: &str = include_str!("../../fixtures/kubelet/pods-1.36.json");

/// Until the client closes the connection.
fn serve(stream: impl Read + Write, log: &Mutex<Log>) {
    let mut stream = BufReader::new(stream);
    while let Some(head) = read_head(&mut stream) {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let credential = head.lines().find_map(|line| Some(line.strip_prefix("authorization: ")?.to_owned()));
        let status = {
            let mut log = log.lock().unwrap();
            log.seen.push((path.clone(), credential));
            log.status
        };
        let body = if path == "/pods" { PODS } else { SUMMARY };
        let (code, body) = status.map_or((200, body), |code| (code, "no"));
        let head = format!(
            "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        // Who has gone does not hear it.
        if stream.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat()).is_err() {
            return;
        }
        let _ = stream.get_mut().flush();
    }
}

fn read_head(reader: &mut impl BufRead) -> Option<String> {
    let (mut head, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        head.push_str(&line);
        if line.trim_end().is_empty() {
            return Some(head);
        }
    }
}
