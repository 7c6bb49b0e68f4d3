//! The root `outputs`: where the data goes.

use std::collections::BTreeMap;

use crate::config::schema::{Setting, section};
use crate::config::values::http::{BaseUrl, Secret, SignalUrl, UserHeader};
use crate::config::values::quantity::{Size, Span};
use crate::config::values::{AbsolutePath, Compression, FilePath, Name, Protocol, ServerName};

section! {
    /// One place where data goes: `otlp`, or `stdout`. Each output gets all of the data and has a queue and a
    /// connection of its own, so that one that is slow or dead does not touch the others.
    pub struct Output {
        /// The output's name, in logs and in tare's own metrics. Two outputs have different names.
        name: Name = Name("default".to_owned()),
        /// An OTLP receiver. This is what an output is that names neither.
        otlp: Option<Otlp>,
        /// Standard output, to look at: OTLP/JSON, one request a line, as `tare collect` prints it. At most one output
        /// does that.
        stdout: Option<Stdout>,
    }
}

section! {
    /// An OTLP receiver. An output that names its own address takes nothing from the environment, so that headers
    /// meant for one receiver never reach another; one that names none takes from the environment whatever it does
    /// not set itself. At most one output may do that.
    pub struct Otlp {
        /// The receiver's address. With `http/protobuf` a URL, to which `/v1/metrics` is appended; default:
        /// `http://localhost:4318`. With `grpc` scheme, host and port, or host and port alone, which means `https`;
        /// default: `http://localhost:4317`. Without a port it is 443 for `https` and 80 for `http`.
        endpoint: Option<BaseUrl>,
        /// The same, used as it stands. Give one of the two.
        metrics_endpoint: Option<SignalUrl>,
        /// The protocol.
        protocol: Setting<Protocol> = Setting::default_of(Protocol::HttpProtobuf),
        /// Headers of every request (with `grpc`: metadata), by name. `print-config` hides the values.
        headers: Option<BTreeMap<UserHeader, Secret>>,
        /// Headers whose values are the contents of files, by name. They are read again for each request, so that
        /// tokens may rotate; blanks and line ends around a value are not part of it.
        headers_from_files: BTreeMap<UserHeader, FilePath>,
        /// How requests are compressed.
        compression: Setting<Compression> = Setting::default_of(Compression::Gzip),
        /// How long a request may take until it counts as failed.
        timeout: Setting<Timeout> = Setting::default_of(Timeout::seconds(10)),
        /// Certificates for an `https` address.
        tls: Tls,
        /// How the name in the address is looked up.
        resolve: Resolve,
        /// What waits to be sent. It is bounded by bytes; the oldest requests are dropped first, and counted.
        queue: Queue,
        /// How a request that failed for a passing reason is sent again.
        retry: Retry,
        /// Where requests wait that the receiver does not take and memory should not hold.
        disk_log: Option<DiskLog>,
    }
}

/// How long a request may take.
pub type Timeout = Span<100, 600_000>;

section! {
    /// TLS. There is no way to switch the check of certificates off: give a private authority as `ca_file`.
    pub struct Tls {
        /// A PEM file of certificates that the receiver's certificate is checked with, instead of the system's.
        ca_file: Option<FilePath>,
        /// A PEM file of the certificate that tare shows. It comes with `key_file`.
        cert_file: Option<FilePath>,
        /// A PEM file of that certificate's private key.
        key_file: Option<FilePath>,
        /// The name that the receiver's certificate must bear, where it is not the one in the address.
        server_name: Option<ServerName>,
        /// Whether to do without TLS. Only for `grpc` and an address without `http://` or `https://`, as the
        /// OpenTelemetry specification has it; an address with either says it itself.
        insecure: Option<bool>,
    }
}

section! {
    /// Addresses are looked up in the background and used until there are newer ones, also while the name servers
    /// are away. An address that is no name, and `localhost`, are never looked up.
    pub struct Resolve {
        /// How long the last good addresses are used while no newer ones can be had. `tare.output.dns.staleness` says
        /// how long it has been. Not shorter than `max_refresh`.
        max_stale: Span<60_000, 2_592_000_000> = Span::seconds(604_800),
        /// The shortest time between two look-ups, whatever the name server says.
        min_refresh: Span<1_000, 86_400_000> = Span::seconds(5),
        /// The longest.
        max_refresh: Span<1_000, 86_400_000> = Span::seconds(300),
        /// A file in which the last good addresses are kept, for a start while the name servers are away. Its folder
        /// must exist; two outputs have different files. Without this key they are kept in memory.
        cache_file: Option<AbsolutePath>,
    }
}

section! {
    /// The queue of one output.
    pub struct Queue {
        /// How many bytes of requests may wait.
        max_bytes: Size<{ 2 << 20 }, { 1 << 30 }> = Size::mib(4),
        /// How long a request may wait.
        max_age: Span<1_000, 86_400_000> = Span::seconds(3600),
    }
}

section! {
    /// Retries wait twice as long after each failure, with jitter.
    pub struct Retry {
        /// The wait after the first failure.
        initial_interval: Span<100, 3_600_000> = Span::seconds(1),
        /// The longest wait.
        max_interval: Span<100, 3_600_000> = Span::seconds(30),
    }
}

section! {
    /// A log on disk, off without this key. It takes requests while the receiver is away, or while the queue is more
    /// than half full, and sends them when there is nothing newer to send. A disk that is full or broken leaves
    /// requests in the queue and stops nothing.
    pub struct DiskLog {
        /// The folder. It is made if need be, and holds nothing else; two outputs have different ones.
        directory: Option<AbsolutePath>,
        /// The most that its files may take together. The oldest requests are deleted for newer ones, and counted.
        max_size: Size<{ 4 << 20 }, { 1 << 40 }> = Size::mib(256),
        /// How many bytes a second (compressed) are sent from it on average, so that the return of a receiver does
        /// not become a flood.
        replay_bytes_per_second: Size<{ 1 << 10 }, { 1 << 30 }> = Size::kib(32),
    }
}

section! {
    /// Standard output. A thread of its own writes; while whoever reads is slow, requests wait in the queue.
    pub struct Stdout {
        /// What waits to be written. It is bounded by bytes; the oldest requests are dropped first, and counted.
        queue: Queue,
    }
}
