//! A simulated API server on a loopback socket: the requests that tare sends, and those of a kubelet's reviews, answered
//! as the real one answers them.
//!
//! It may bind one socket and run tasks on the runtime that starts it; all of them end when the [`Server`] is dropped.
//! Invariant: a request is counted when it has been read, before anything decides what becomes of it, and its status
//! is what the client was sent. `apiserver-conformance` compares it with a real server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinSet;

mod access;
mod answer;
mod body;
mod counts;
mod fairness;
mod health;
mod listener;
mod question;
mod reviews;
mod status;
mod store;
#[cfg(test)]
mod tests;
mod watching;

use self::access::{Accounts, User};
use self::counts::Counter;
use self::fairness::Fairness;
use self::listener::Listening;
use self::store::DaemonSet;
use super::authority::Authority;
use crate::prices::Prices;

pub use self::access::Rights;
pub use self::counts::{Arrival, Counts, Kind};
pub use self::fairness::Capacity;
pub use self::health::Health;
pub use self::store::Store;

/// What a server is like.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 lets the system choose.
    pub address: SocketAddr,
    /// What a request takes; none: nothing.
    pub prices: Option<Prices>,
    /// How large it is, where there are prices.
    pub capacity: Capacity,
    /// How long it remembers what has changed. The real one promises 75 s.
    pub history: Duration,
    /// How often a watch has a bookmark. The real one: once a minute.
    pub bookmarks: Duration,
    /// How long a LIST from a version from the future waits before it is refused. The real one: 3 s.
    pub future_wait: Duration,
    /// The size of the cluster that the DaemonSet tells of.
    pub nodes: u32,
    /// Namespace and name of the DaemonSet.
    pub daemon_set: (String, String),
    /// How long ago the DaemonSet was created.
    pub daemon_set_age: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            prices: None,
            capacity: Capacity::default(),
            history: Duration::from_secs(75),
            bookmarks: Duration::from_mins(1),
            future_wait: Duration::from_secs(3),
            nodes: 1,
            daemon_set: ("tare".to_owned(), "tare".to_owned()),
            daemon_set_age: Duration::from_hours(24),
        }
    }
}

/// What every request needs.
struct Shared {
    options: Options,
    daemon_set: (String, String),
    accounts: Accounts,
    store: Store,
    fairness: Arc<Fairness>,
    counter: Counter,
    health: watch::Sender<Health>,
}

/// A running server. Dropping it closes its socket and cuts every connection.
pub struct Server {
    address: SocketAddr,
    authority: Arc<Authority>,
    shared: Arc<Shared>,
    // Its tasks end when it is dropped.
    _tasks: JoinSet<()>,
}

impl Server {
    /// Listens, on the runtime that this is called on.
    ///
    /// # Errors
    /// When the address cannot be bound or TLS cannot be set up.
    #[expect(clippy::unused_async, reason = "it needs a runtime, which only an async caller surely has")]
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let authority = Arc::new(Authority::new("simulated-kubernetes")?);
        let tls = authority.server(&["127.0.0.1", "localhost", "kubernetes.default.svc"], None)?;
        let (namespace, name) = options.daemon_set.clone();
        let instance =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let daemon_set = DaemonSet::new(&namespace, &name, options.daemon_set_age, options.nodes);
        let shared = Arc::new(Shared {
            daemon_set: (namespace, name),
            accounts: Accounts::new(instance),
            store: Store::new(options.history, daemon_set),
            fairness: Arc::new(Fairness::new(options.prices.clone(), options.capacity)),
            counter: Counter::default(),
            health: watch::Sender::new(Health::Good),
            options,
        });
        let listening = Listening::new(shared.options.address, tls, Arc::clone(&shared))?;
        let address = listening.address();
        let mut tasks = JoinSet::new();
        tasks.spawn(listening.run());
        Ok(Self { address, authority, shared, _tasks: tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority that signed the server's, as PEM.
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// The authority: for TLS clients in this process, and for clients' certificates.
    pub fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// What it holds.
    pub fn store(&self) -> Store {
        self.shared.store.clone()
    }

    /// What it was asked so far.
    pub fn counts(&self) -> Counts {
        self.shared.counter.snapshot()
    }

    /// How it is from now on. After [`Health::Down`] it has forgotten what was before, as a process that starts again.
    pub fn set_health(&self, health: Health) {
        if health == Health::Down {
            self.shared.store.forget();
        }
        self.shared.health.send_replace(health);
    }

    /// The token of an account. What it may follows from its name: `system:node:*` has [`Rights::Kubelet`],
    /// `admin` has [`Rights::Everything`], everyone else [`Rights::Agent`].
    pub fn token(&self, user: &str) -> String {
        let rights = match user {
            "admin" => Rights::Everything,
            _ if user.starts_with("system:node:") => Rights::Kubelet,
            _ => Rights::Agent,
        };
        self.token_with(user, rights)
    }

    /// The token of an account that may do this; the first call for a name decides.
    pub fn token_with(&self, user: &str, rights: Rights) -> String {
        self.shared.accounts.token(user, rights)
    }
}

impl Shared {
    /// Who shows this header; none if nobody knows the token.
    fn user(&self, authorization: Option<&str>) -> Option<User> {
        let Some(authorization) = authorization else { return Some(User::anonymous()) };
        self.accounts.identify(authorization.strip_prefix("Bearer ")?.trim())
    }

    /// Waits while the server hangs.
    async fn until_it_answers(&self) -> Health {
        let mut health = self.health.subscribe();
        let found = health.wait_for(|health| *health != Health::Stalled).await.map(|health| *health);
        found.unwrap_or_default()
    }

    /// Waits while LISTs that have begun do not end.
    async fn until_lists_go_on(&self) {
        let mut health = self.health.subscribe();
        // The sender lives as long as this does.
        drop(health.wait_for(|health| !matches!(health, Health::ListsStall | Health::Stalled)).await);
    }

    /// Something below `span`, never twice the same in a row: watches do not end together.
    fn spread(&self, span: Duration) -> Duration {
        let seed = self.counter.total() as u64;
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        span.mul_f64(f64::from(u32::try_from(mixed).unwrap_or(0)) / f64::from(u32::MAX))
    }
}
