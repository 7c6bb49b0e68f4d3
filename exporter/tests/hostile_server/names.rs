//! A backend that is known by its name: where requests go while its addresses change and DNS is away.

use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::time::Duration;

use exporter::output::{Output, Protocol, Settings};
use exporter::resolve;
use exporter::retry::Failure;
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::Instant;

use crate::client::{self, PATIENCE, item, settings};
use crate::{http2, server};

/// A name server that gives every name these addresses, or says that it cannot.
struct Names {
    socket: UdpSocket,
    addresses: Mutex<Option<Vec<Ipv4Addr>>>,
}

impl Names {
    async fn new(addresses: &[Ipv4Addr]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        Self { socket, addresses: Mutex::new(Some(addresses.to_vec())) }
    }

    fn set(&self, addresses: Option<&[Ipv4Addr]>) {
        *self.addresses.lock().expect("sound") = addresses.map(<[Ipv4Addr]>::to_vec);
    }

    async fn serve(&self) {
        let mut query = [0; 512];
        loop {
            let (_, peer) = self.socket.recv_from(&mut query).await.expect("received");
            let end = 12 + query[12..].iter().position(|byte| *byte == 0).expect("a name") + 1;
            let addresses = self.addresses.lock().expect("sound").clone();
            let code = if addresses.is_some() { 0 } else { 2 };
            let wanted = query[end..end + 2] == [0, 1];
            let addresses = addresses.filter(|_| wanted).unwrap_or_default();
            let count = u8::try_from(addresses.len()).expect("few");
            let mut reply = vec![query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0];
            reply.extend_from_slice(&query[12..end + 4]);
            for address in addresses {
                // The name of the question, A, IN, no time to live, four bytes.
                reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
                reply.extend_from_slice(&address.octets());
            }
            self.socket.send_to(&reply, peer).await.expect("sent");
        }
    }

    fn settings(&self, protocol: Protocol, port: u16) -> Settings {
        let url = match protocol {
            Protocol::Grpc => format!("http://collector.test.:{port}"),
            Protocol::HttpProtobuf | Protocol::Stdout => format!("http://collector.test.:{port}/v1/metrics"),
        };
        let limits = resolve::Limits {
            min_refresh: Duration::from_millis(1),
            max_refresh: Duration::from_millis(2),
            ..resolve::Limits::default()
        };
        let name_servers = vec![self.socket.local_addr().expect("bound")];
        let resolve = resolve::Settings { limits, name_servers, ..resolve::Settings::default() };
        Settings { protocol, resolve, ..settings(&url) }
    }
}

const ONE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Nobody listens there.
const NOBODY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// Two backends at one port of different addresses.
async fn listeners() -> (TcpListener, TcpListener, u16) {
    let one = TcpListener::bind((ONE, 0)).await.expect("a free port");
    let port = one.local_addr().expect("bound").port();
    let two = TcpListener::bind((TWO, port)).await.expect("free at the other address too");
    (one, two, port)
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn requests_follow_the_name_and_survive_the_loss_of_dns_over_both_protocols() {
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let (one, two, port) = listeners().await;
        let names = Names::new(&[NOBODY, ONE]).await;
        let (queue, output) = Output::new(&names.settings(protocol, port)).expect("sound settings");
        let (monitor, view) = (output.monitor(), output.names());
        let sent = |points: u64| {
            let monitor = &monitor;
            until(move || monitor.stats().totals().sent.points == points)
        };
        let (seen_one, seen_two);
        let (serve_one, serve_two): (client::Serving, client::Serving) = match protocol {
            Protocol::HttpProtobuf | Protocol::Stdout => {
                let (one, two) = (server::Server::on(one, []), server::Server::on(two, []));
                (seen_one, seen_two) = (one.seen(), two.seen());
                (Box::pin(one.serve()), Box::pin(two.serve()))
            }
            Protocol::Grpc => {
                let (one, two) = (http2::Server::on(one, []), http2::Server::on(two, []));
                (seen_one, seen_two) = (one.seen(), two.seen());
                (Box::pin(one.serve()), Box::pin(two.serve()))
            }
        };
        let script = async {
            // The first address refuses; the second is tried in turn.
            queue.push(item("a", 1));
            sent(1).await;
            // DNS is away: the kept connection goes on, and the name is stale.
            names.set(None);
            until(|| !view.resolution().stale_for.is_zero() && view.resolution().lookups.failures() > 0)
                .await;
            queue.push(item("b", 1));
            sent(2).await;
            assert_eq!(seen_one.lock().expect("sound").connections, 1, "{protocol:?}");
            // The backend moves: so do requests, though the old one is still there.
            names.set(Some(&[TWO]));
            until(|| view.resolution().addresses == [TWO]).await;
            queue.push(item("c", 1));
            sent(3).await;
            Instant::now() + PATIENCE
        };
        tokio::select! {
            () = output.run(script) => {}
            () = names.serve() => panic!("the name server never ends"),
            () = serve_one => panic!("the server never ends"),
            () = serve_two => panic!("the server never ends"),
        }
        let totals = client::report(&monitor).totals;
        assert_eq!((totals.sent.points, totals.attempts), (3, 3), "{protocol:?}");
        let counts = [seen_one, seen_two].map(|seen| seen.lock().expect("sound").requests.len());
        assert_eq!(counts, [2, 1], "{protocol:?}");
    }
}

#[tokio::test]
async fn a_name_that_never_had_an_address_is_a_failure_until_it_has_one() {
    let (one, _, port) = listeners().await;
    let names = Names::new(&[]).await;
    let (queue, output) = Output::new(&names.settings(Protocol::HttpProtobuf, port)).expect("sound settings");
    let monitor = output.monitor();
    queue.push(item("a", 1));
    let script = async {
        until(|| monitor.stats().totals().failures(Failure::Resolve) > 1).await;
        let says = monitor.status().last_error.expect("it failed").text;
        assert_eq!(says, "cannot resolve collector.test.: the name has no address");
        names.set(Some(&[ONE]));
        Instant::now() + PATIENCE
    };
    tokio::select! {
        () = output.run(script) => {}
        () = names.serve() => panic!("the name server never ends"),
        () = server::Server::on(one, []).serve() => panic!("the server never ends"),
    }
    assert_eq!(client::report(&monitor).totals.sent.points, 1);
}
