//! The backend: keeps what it acknowledges, and is away when it is told to be.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Default)]
pub(crate) struct Seen {
    /// How often each request arrived.
    pub(crate) arrived: BTreeMap<u64, u64>,
    /// Bodies that nobody pushed.
    pub(crate) foreign: u64,
}

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Seen>>,
    pub(crate) away: Arc<AtomicBool>,
}

impl Receiver {
    /// Serves until the program ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let receiver = Self { address, seen: Arc::default(), away: Arc::default() };
        let server = receiver.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let server = server.clone();
                // A child that is killed ends its connection: an error like any other.
                thread::spawn(move || stream.and_then(|stream| server.serve(stream)));
            }
        });
        receiver
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::new(stream);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                let line = line.trim().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().map_err(io::Error::other)?;
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let status = if self.away.load(Ordering::Relaxed) {
                "503 Service Unavailable"
            } else {
                self.judge(&body);
                "200 OK"
            };
            // In one piece: small ones would wait for the peer's delayed acknowledgement.
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            writer.write_all(answer.as_bytes())?;
        }
    }

    /// A number says what the whole body must be.
    fn judge(&self, body: &[u8]) {
        let number = body.first_chunk().map(|number| u64::from_le_bytes(*number));
        let mut seen = self.seen.lock().expect("sound");
        match number.filter(|number| super::body(*number) == body) {
            Some(number) => *seen.arrived.entry(number).or_default() += 1,
            None => seen.foreign += 1,
        }
    }
}
