//! An API server of a few lines: it records every request and connection, and answers well, badly or not at all.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

/// How requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// As by an API server that is well.
    Well,
    /// Requests are read and never answered.
    Never,
    /// With this status and nothing else.
    Status(u16),
}

/// The three requests that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Size,
    List,
    Watch,
}

/// One request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Everything up to the empty line.
    pub(crate) head: String,
}

impl Seen {
    /// Method, path and parameters.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap().strip_suffix(" HTTP/1.1").unwrap()
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.line() {
            line if line.contains("/daemonsets/") => Kind::Size,
            line if line.contains("watch=true") => Kind::Watch,
            _ => Kind::List,
        }
    }
}

struct Log {
    answers: Answers,
    seen: Vec<Seen>,
    /// Connections so far, and those that are open.
    opened: usize,
    open: usize,
    /// The watches that are open, each by its connection.
    watches: BTreeMap<usize, TcpStream>,
    version: u64,
}

impl Log {
    /// Tells the open watches. Who has gone does not hear it.
    fn tell(&mut self, kind: &str, name: &str) {
        let event = format!("{{\"type\":\"{kind}\",\"object\":{}}}\n", pod(name, self.version));
        for watch in self.watches.values_mut() {
            let _ = watch.write_all(&chunk(&event));
        }
    }
}

/// A server on a port of its own; its threads end with the test's process.
pub(crate) struct Server {
    address: SocketAddr,
    log: Arc<Mutex<Log>>,
    /// Bound, but nobody listens: who connects is refused, and nobody else can take the port.
    dead: Mutex<Option<OwnedFd>>,
}

impl Server {
    /// One that answers so.
    pub(crate) fn start(answers: Answers) -> Self {
        let server = Self::dead(answers);
        server.revive();
        server
    }

    /// One that refuses every connection until it is revived.
    pub(crate) fn dead(answers: Answers) -> Self {
        let bound = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&bound, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = getsockname(&bound).unwrap().try_into().unwrap();
        let log = Log {
            answers,
            seen: Vec::new(),
            opened: 0,
            open: 0,
            watches: BTreeMap::new(),
            version: FIRST_VERSION,
        };
        Self { address, log: Arc::new(Mutex::new(log)), dead: Mutex::new(Some(bound)) }
    }

    /// From now on it listens.
    pub(crate) fn revive(&self) {
        let Some(bound) = self.dead.lock().unwrap().take() else { return };
        listen(&bound, 64).unwrap();
        let bookmarks = Arc::clone(&self.log);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(BOOKMARKS);
                bookmarks.lock().unwrap().tell("BOOKMARK", "bookmark");
            }
        });
        let (listener, log) = (TcpListener::from(bound), Arc::clone(&self.log));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (stream, log) = (stream.unwrap(), Arc::clone(&log));
                {
                    let mut log = log.lock().unwrap();
                    log.opened += 1;
                    log.open += 1;
                }
                std::thread::spawn(move || serve(&stream, connection, &log));
            }
        });
    }

    /// From now on it answers so.
    pub(crate) fn answer(&self, answers: Answers) {
        self.log().answers = answers;
    }

    /// Writes a kubeconfig that leads here.
    pub(crate) fn write_kubeconfig(&self, path: &Path) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: \"http://{}\"}}}}]\n\
             users: [{{name: u, user: {{token: t}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n",
            self.address
        );
        std::fs::write(path, text).unwrap();
    }

    /// Tells the open watches of one more pod; the version that they know then.
    pub(crate) fn add_pod(&self) -> u64 {
        let mut log = self.log();
        log.version += 1;
        let (version, name) = (log.version, format!("pod-{}", log.version));
        log.tell("ADDED", &name);
        version
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log().seen.clone()
    }

    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.log().seen.iter().map(Seen::kind).collect()
    }

    /// Connections so far, those included that asked nothing.
    pub(crate) fn opened(&self) -> usize {
        self.log().opened
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.log().open
    }

    /// Watches that are open.
    pub(crate) fn watches(&self) -> usize {
        self.log().watches.len()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }
}

/// More often than once a minute, as the real one: a machine that stalls shall not make one late.
const BOOKMARKS: Duration = Duration::from_secs(20);
/// The version of the first LIST.
pub(crate) const FIRST_VERSION: u64 = 1_000;

/// Until the client closes the connection, which is seen while nothing else is expected of it.
fn serve(stream: &TcpStream, connection: usize, log: &Mutex<Log>) {
    let mut reader = BufReader::new(stream);
    while let Some(head) = read_head(&mut reader) {
        let mut log = log.lock().unwrap();
        let seen = Seen { head };
        let kind = seen.kind();
        log.seen.push(seen);
        let answer = match log.answers {
            Answers::Never => continue,
            Answers::Status(code) => rejection(code),
            Answers::Well => well(kind, log.version),
        };
        let mut writer = stream.try_clone().unwrap();
        // Who has gone does not hear it.
        let _ = writer.write_all(&answer);
        if kind == Kind::Watch && log.answers == Answers::Well {
            log.watches.insert(connection, writer);
        }
    }
    let mut log = log.lock().unwrap();
    log.watches.remove(&connection);
    log.open -= 1;
}

fn read_head(reader: &mut BufReader<&TcpStream>) -> Option<String> {
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

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

fn well(kind: Kind, version: u64) -> Vec<u8> {
    let body = match kind {
        Kind::Watch => return format!("{OK}transfer-encoding: chunked\r\n\r\n").into_bytes(),
        Kind::Size => {
            r#"{"kind":"DaemonSet","apiVersion":"apps/v1","metadata":{"name":"tare","namespace":"monitoring","generation":1,"creationTimestamp":"2026-11-21T06:57:59Z"},"status":{"desiredNumberScheduled":3,"observedGeneration":1}}"#.to_owned()
        }
        Kind::List => format!(
            r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"{version}"}},"items":[{}]}}"#,
            pod("first", version)
        ),
    };
    format!("{OK}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn rejection(code: u16) -> Vec<u8> {
    let body =
        format!(r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","code":{code}}}"#);
    let head = format!("HTTP/1.1 {code} No\r\ncontent-type: application/json\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn pod(name: &str, version: u64) -> String {
    format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"shop","uid":"uid-{name}","resourceVersion":"{version}"}},"spec":{{"nodeName":"node-1","containers":[{{"name":"c","image":"i"}}]}},"status":{{"phase":"Running"}}}}"#
    )
}

fn chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}
