use std::collections::VecDeque;
use std::fs;

use tempfile::TempDir;
use tokio::net::UdpSocket;

use super::*;

/// What the name server does with a question.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Answers with this address.
    Answer([u8; 4]),
    /// The name does not exist.
    NoName,
    /// It cannot say.
    Fails,
    /// Says nothing.
    Silent,
    /// Answers with a wrong id, then about another name.
    Lies,
    /// Sends bytes that are no answer.
    Garbage,
}

/// A name server on loopback: answers each question for an A record as the script says, the last act for
/// ever; has no AAAA records. It runs inside the test's own task.
struct Server {
    socket: UdpSocket,
    script: Mutex<VecDeque<Act>>,
    asked: Mutex<Vec<String>>,
}

impl Server {
    async fn new(script: &[Act]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        Self { socket, script: Mutex::new(script.iter().copied().collect()), asked: Mutex::default() }
    }

    fn set(&self, act: Act) {
        *self.script.lock().expect("sound") = [act].into();
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("sound").clone()
    }

    async fn serve(&self) {
        let mut buffer = [0; 512];
        loop {
            let (length, peer) = self.socket.recv_from(&mut buffer).await.expect("received");
            let query = &buffer[..length];
            let (name, end) = name(query);
            let wants_a = query[end..end + 2] == [0, 1];
            if wants_a {
                self.asked.lock().expect("sound").push(name);
            }
            let question = &query[12..end + 4];
            let act = {
                let mut script = self.script.lock().expect("sound");
                if wants_a && script.len() > 1 { script.pop_front() } else { script.front().copied() }
            };
            let id = [query[0], query[1]];
            let answers = match act.expect("a script") {
                Act::Silent => continue,
                Act::Garbage => vec![vec![0xff; 30]],
                Act::NoName => vec![reply(id, 3, question, &[])],
                Act::Fails => vec![reply(id, 2, question, &[])],
                Act::Lies => vec![
                    reply([!id[0], id[1]], 0, question, &[[9, 9, 9, 9]]),
                    reply(id, 0, b"\x05other\x04test\0\0\x01\0\x01", &[[9, 9, 9, 9]]),
                ],
                Act::Answer(address) if wants_a => vec![reply(id, 0, question, &[address])],
                Act::Answer(_) => vec![reply(id, 0, question, &[])],
            };
            for answer in answers {
                self.socket.send_to(&answer, peer).await.expect("sent");
            }
        }
    }

    fn settings(&self, folder: &TempDir, resolv_conf: &str) -> Settings {
        let write = |name: &str, content: &str| {
            let path = folder.path().join(name);
            fs::write(&path, content).expect("written");
            path
        };
        Settings {
            limits: Limits {
                min_refresh: Duration::from_millis(1),
                max_refresh: Duration::from_millis(2),
                max_age: Duration::from_hours(1),
            },
            resolv_conf: write("resolv.conf", resolv_conf),
            hosts: write("hosts", "10.1.1.1 known.test\n"),
            name_servers: vec![self.socket.local_addr().expect("bound")],
            file: None,
        }
    }
}

/// The name of the first question, in lower case, and where it ends.
fn name(query: &[u8]) -> (String, usize) {
    let (mut at, mut name) = (12, String::new());
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        name.push_str(&String::from_utf8_lossy(&query[at + 1..end]).to_ascii_lowercase());
        name.push('.');
        at = end;
    }
    (name, at + 1)
}

fn reply(id: [u8; 2], code: u8, question: &[u8], addresses: &[[u8; 4]]) -> Vec<u8> {
    let count = u8::try_from(addresses.len()).expect("few");
    let mut out = vec![id[0], id[1], 0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0];
    out.extend_from_slice(question);
    for address in addresses {
        // The name of the question, A, IN, a minute, four bytes.
        out.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        out.extend_from_slice(address);
    }
    out
}

const ONE: [u8; 4] = [10, 0, 0, 1];
const TWO: [u8; 4] = [10, 0, 0, 2];
/// One try of one second.
const QUICK: &str = "options timeout:1 attempts:1\n";

/// Does `work` beside the server.
async fn with<T>(server: &Server, work: impl Future<Output = T>) -> T {
    tokio::select! {
        done = work => done,
        () = server.serve() => panic!("the server never ends"),
    }
}

#[tokio::test]
async fn addresses_and_localhost_ask_nobody() {
    let server = Server::new(&[Act::Answer(ONE)]).await;
    let folder = TempDir::new().expect("a folder");
    let settings = server.settings(&folder, "");
    for (host, first, count) in [
        ("10.0.0.9", "10.0.0.9", 1),
        ("::1", "::1", 1),
        ("localhost", "127.0.0.1", 2),
        ("a.LocalHost.", "127.0.0.1", 2),
    ] {
        let mut names = Names::new(host, &settings);
        let found = with(&server, names.addresses()).await.expect("known");
        assert_eq!((found[0].to_string(), found.len()), (first.to_owned(), count));
        assert!(names.holds(found[0]) && !names.holds(IpAddr::from(TWO)));
        assert_eq!(names.view().resolution(), Resolution::default());
        assert_eq!(names.view().encode(Timestamp(1)), None);
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn search_domains_ndots_and_the_hosts_file_are_obeyed() {
    let server = Server::new(&[Act::NoName, Act::Answer(ONE)]).await;
    let folder = TempDir::new().expect("a folder");
    let conf = format!("search ns.svc.test svc.test\noptions ndots:2\n{QUICK}");
    let settings = server.settings(&folder, &conf);
    let found = with(&server, Names::new("collector.a", &settings).addresses()).await;
    assert_eq!(found, Ok(vec![IpAddr::from(ONE)]));
    assert_eq!(server.asked(), ["collector.a.ns.svc.test.", "collector.a.svc.test."]);
    server.set(Act::Answer(TWO));
    for host in ["a.b.c", "a.b."] {
        assert_eq!(with(&server, Names::new(host, &settings).addresses()).await, Ok(vec![IpAddr::from(TWO)]));
    }
    assert_eq!(server.asked()[2..], ["a.b.c.", "a.b."], "enough dots, or one at the end: as it is");
    let known = with(&server, Names::new("known.test.", &settings).addresses()).await;
    assert_eq!((known, server.asked().len()), (Ok(vec![IpAddr::from([10, 1, 1, 1])]), 4));
}

#[tokio::test]
async fn an_answer_that_changes_is_followed_and_the_last_good_one_outlives_every_failure() {
    let server = Server::new(&[Act::Answer(ONE)]).await;
    let folder = TempDir::new().expect("a folder");
    let mut names = Names::new("collector.test", &server.settings(&folder, QUICK));
    let view = names.view();
    with(&server, async {
        assert_eq!(names.addresses().await, Ok(vec![IpAddr::from(ONE)]));
        server.set(Act::Answer(TWO));
        names.changed().await;
        assert_eq!(names.addresses().await, Ok(vec![IpAddr::from(TWO)]));
        assert!(names.holds(IpAddr::from(TWO)) && !names.holds(IpAddr::from(ONE)));
        for (act, outcome) in [
            (Act::NoName, Outcome::NoAddress),
            (Act::Fails, Outcome::Failed),
            (Act::Garbage, Outcome::Timeout),
            (Act::Lies, Outcome::Timeout),
            (Act::Silent, Outcome::Timeout),
            (Act::Answer([0; 4]), Outcome::NoAddress),
        ] {
            server.set(act);
            let counted = view.resolution().lookups.of(outcome);
            let before = view.resolution().lookups.failures();
            let failed = async {
                while view.resolution().lookups.failures() == before {
                    tokio::task::yield_now().await;
                }
            };
            names.beside(failed).await;
            let now = view.resolution();
            assert_eq!(now.addresses, [IpAddr::from(TWO)], "{act:?}");
            assert!(now.lookups.of(outcome) > counted, "{act:?}: {now:?}");
            assert!(!now.stale_for.is_zero() && now.last_error.is_some(), "{act:?}: {now:?}");
            assert_eq!(names.addresses().await, Ok(vec![IpAddr::from(TWO)]), "{act:?}");
        }
        server.set(Act::Answer(ONE));
        names.changed().await;
        assert_eq!(view.resolution().last_error, None);
        assert!(view.resolution().lookups.of(Outcome::Answered) >= 3);
        assert_eq!(view.resolution().host.as_deref(), Some("collector.test"));
    })
    .await;
}

#[tokio::test]
async fn without_any_good_answer_each_wish_is_a_question_and_the_error_is_told() {
    let server = Server::new(&[Act::NoName]).await;
    let folder = TempDir::new().expect("a folder");
    let mut settings = server.settings(&folder, QUICK);
    settings.limits.min_refresh = Duration::from_hours(1);
    settings.limits.max_refresh = Duration::from_hours(1);
    let mut names = Names::new("collector.test", &settings);
    with(&server, async {
        for _ in 0..2 {
            assert_eq!(names.addresses().await, Err("the name has no address".to_owned()));
        }
        assert_eq!(names.view().resolution().lookups.of(Outcome::NoAddress), 2);
        server.set(Act::Answer(ONE));
        assert_eq!(names.addresses().await, Ok(vec![IpAddr::from(ONE)]));
    })
    .await;
    assert!(Names::new(&"x".repeat(64), &settings).addresses().await.is_err(), "no name at all");
}

#[tokio::test]
async fn what_another_process_knew_is_used_at_once_while_dns_is_away() {
    let server = Server::new(&[Act::Answer(ONE)]).await;
    let folder = TempDir::new().expect("a folder");
    let settings = server.settings(&folder, QUICK);
    let mut names = Names::new("collector.test", &settings);
    with(&server, names.addresses()).await.expect("answered");
    let bytes = names.view().encode(Timestamp(1_000_000_000)).expect("known");
    let mut restarted = Names::new("collector.test", &settings);
    assert!(restarted.view().restore(&bytes, Timestamp(61_000_000_000)));
    server.set(Act::Silent);
    // Nobody serves: it cannot have waited for an answer.
    assert_eq!(restarted.addresses().await, Ok(vec![IpAddr::from(ONE)]));
    assert!(restarted.view().resolution().stale_for >= Duration::from_mins(1));
    assert!(!names.view().restore(&bytes, Timestamp(1)), "what is known is not replaced");
    assert!(!Names::new("other.test", &settings).view().restore(&bytes, Timestamp(1)));
}
