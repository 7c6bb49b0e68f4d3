//! Name resolution that survives DNS: the last good addresses are used until there are newer ones.
//!
//! A name is asked about in the background, in time for the next connection, and whoever has to connect
//! waits only if no address is known at all. The decisions are in `cache`, the question itself in `lookup`;
//! this file polls the question beside whatever its owner does, and spawns nothing. Literal addresses and
//! `localhost` never ask anybody.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::model::Timestamp;

mod cache;
mod file;
mod lookup;
mod lookups;
#[cfg(test)]
mod tests;

pub use self::cache::Limits;
use self::cache::{Answer, Cache};
pub(crate) use self::file::Keeper;
use self::lookups::Failed;
pub use self::lookups::{Lookups, Outcome};

/// The least time between two log lines about one name.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// How names are resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// When to ask, and how long to live on an old answer.
    pub limits: Limits,
    /// Name servers, search domains and options. Read for each question.
    pub resolv_conf: PathBuf,
    /// Names that need no name server. Read for each question.
    pub hosts: PathBuf,
    /// Name servers to ask instead of those in `resolv_conf`; none for those.
    pub name_servers: Vec<SocketAddr>,
    /// Where the last good answer is kept, so that a restart while DNS is away finds the backend; none to
    /// keep it in memory only. One output's own file; its folder must exist.
    pub file: Option<PathBuf>,
}

impl Default for Settings {
    /// The system's files, and the default limits.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
            hosts: PathBuf::from("/etc/hosts"),
            name_servers: Vec::new(),
            file: None,
        }
    }
}

/// What is known about the name of the backend, or of the proxy before it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolution {
    /// The name; none for an address or `localhost`, about which nobody is asked.
    pub host: Option<String>,
    /// The addresses in use, in the order in which they are tried.
    pub addresses: Vec<IpAddr>,
    /// For how long they have been past their time to live without a newer answer; zero while fresh.
    pub stale_for: Duration,
    /// Questions, by how they ended.
    pub lookups: Lookups,
    /// What the last question came to, if it failed; fit for a log.
    pub last_error: Option<String>,
}

/// A view of a name that can be kept and cloned; it asks nobody anything.
#[derive(Debug, Clone)]
pub struct View(Arc<Shared>);

struct Shared {
    /// The name; none for an address or `localhost`.
    host: Option<String>,
    limits: Limits,
    origin: Instant,
    state: Mutex<State>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("host", &self.host).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    cache: Cache,
    lookups: Lookups,
    last_error: Option<String>,
    logged: Option<Instant>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn usable(&self) -> Vec<IpAddr> {
        self.lock().cache.usable(self.now(), &self.limits).to_vec()
    }
}

impl View {
    /// The name; none for an address or `localhost`, about which nobody is asked.
    pub fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// How long an answer is used while no newer one can be had.
    pub(crate) fn max_age(&self) -> Duration {
        self.0.limits.max_age
    }

    /// What is known now. Empty for an address or `localhost`, which need not be known.
    pub fn resolution(&self) -> Resolution {
        let now = self.0.now();
        let state = self.0.lock();
        Resolution {
            host: self.0.host.clone(),
            addresses: state.cache.usable(now, &self.0.limits).to_vec(),
            stale_for: state.cache.stale_for(now),
            lookups: state.lookups,
            last_error: state.last_error.clone(),
        }
    }

    /// The last good answer as a few hundred bytes for a file, so that a restart while DNS is away finds
    /// the backend; none if there is none. `wall` is the time now.
    pub fn encode(&self, wall: Timestamp) -> Option<Vec<u8>> {
        let host = self.0.host.as_deref()?;
        self.0.lock().cache.encode(host, self.0.now(), wall)
    }

    /// Takes over what [`View::encode`] wrote, unless something is known already. Whether it was that,
    /// undamaged, and about this name. `wall` is the time now.
    pub fn restore(&self, bytes: &[u8], wall: Timestamp) -> bool {
        let Some(host) = self.0.host.as_deref() else { return false };
        let now = self.0.now();
        let mut state = self.0.lock();
        let read = Cache::decode(bytes, host, now, wall).filter(|_| state.cache == Cache::default());
        let taken = read.is_some();
        if let Some(cache) = read {
            state.cache = cache;
        }
        taken
    }
}

type Question = Pin<Box<dyn Future<Output = Result<Answer, Failed>> + Send>>;

/// The addresses of one host.
pub(crate) struct Names {
    settings: Settings,
    /// Those that never change; empty for a name.
    fixed: Vec<IpAddr>,
    shared: Arc<Shared>,
    question: Option<Question>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Names {
    /// Asks nothing yet.
    pub(crate) fn new(host: &str, settings: &Settings) -> Self {
        let fixed = fixed(host);
        let shared = Shared {
            host: fixed.is_empty().then(|| host.to_owned()),
            limits: settings.limits,
            origin: Instant::now(),
            state: Mutex::default(),
        };
        Self { settings: settings.clone(), fixed, shared: Arc::new(shared), question: None, timer: None }
    }

    pub(crate) fn view(&self) -> View {
        View(Arc::clone(&self.shared))
    }

    /// The addresses to try in turn. It waits for an answer only if none is known that can be used.
    pub(crate) async fn addresses(&mut self) -> Result<Vec<IpAddr>, String> {
        if !self.fixed.is_empty() {
            return Ok(self.fixed.clone());
        }
        let mut asked = false;
        poll_fn(|context| {
            self.poll(context);
            let known = self.shared.usable();
            if !known.is_empty() {
                return Poll::Ready(Ok(known));
            }
            // Whoever asks has waited as the retry rules say: a failure of the background is no reason to
            // wait longer.
            if self.question.is_none() && !std::mem::replace(&mut asked, true) {
                self.ask();
                self.poll(context);
            }
            asked |= self.question.is_some();
            if self.question.is_some() {
                return Poll::Pending;
            }
            let known = self.shared.usable();
            if !known.is_empty() {
                return Poll::Ready(Ok(known));
            }
            let error = self.shared.lock().last_error.clone();
            Poll::Ready(Err(error.unwrap_or_else(|| "the name has no address".to_owned())))
        })
        .await
    }

    /// Whether a connection to `address` is one to the backend still. If nothing is known any more, what
    /// works is kept.
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        let known = if self.fixed.is_empty() { self.shared.usable() } else { self.fixed.clone() };
        known.is_empty() || known.contains(&address)
    }

    /// No address could be connected to: ask soon whether there are others.
    pub(crate) fn distrust(&mut self) {
        let now = self.shared.now();
        self.shared.lock().cache.distrust(now, &self.shared.limits);
        self.timer = None;
    }

    /// Does `work`, and what is due in the background.
    pub(crate) async fn beside<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.poll(context);
            work.as_mut().poll(context)
        })
        .await
    }

    /// Does what is due in the background until the addresses change. May be dropped and called again.
    pub(crate) async fn changed(&mut self) {
        let before = self.shared.usable();
        if !self.fixed.is_empty() {
            pending::<()>().await;
        }
        poll_fn(|context| {
            self.poll(context);
            if self.shared.usable() == before { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    fn ask(&mut self) {
        if let Some(host) = &self.shared.host {
            self.question = Some(Box::pin(lookup::lookup(host.clone(), self.settings.clone())));
        }
    }

    /// Moves the question under way, or asks one when it is due.
    fn poll(&mut self, context: &mut Context<'_>) {
        if !self.fixed.is_empty() {
            return;
        }
        loop {
            if let Some(question) = &mut self.question {
                let Poll::Ready(result) = question.as_mut().poll(context) else { return };
                self.question = None;
                self.timer = None;
                self.settle(result);
            }
            let due = self.shared.origin + self.shared.lock().cache.due();
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.as_mut().poll(context).is_pending() {
                return;
            }
            self.timer = None;
            self.ask();
        }
    }

    fn settle(&self, result: Result<Answer, Failed>) {
        let Shared { host, limits, .. } = &*self.shared;
        let now = self.shared.now();
        let mut state = self.shared.lock();
        let host = host.as_deref().unwrap_or_default();
        let Failed { outcome, text: error } = match result {
            Ok(answer) => {
                let known = state.cache != Cache::default();
                let changed = state.cache.answered(answer, now, limits);
                state.lookups.count(Outcome::Answered);
                state.last_error = None;
                drop(state);
                if changed && known {
                    tracing::info!(host, "the name has other addresses now");
                }
                return;
            }
            Err(error) => error,
        };
        state.cache.failed(now, limits);
        state.lookups.count(outcome);
        state.last_error = Some(error.clone());
        let known = state.cache.usable(now, limits).len();
        let stale = state.cache.stale_for(now).as_secs();
        let due = state.logged.is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
        if due {
            state.logged = Some(Instant::now());
        }
        drop(state);
        // Without an address there is a failed exchange, which has a log line of its own.
        if due && known > 0 {
            tracing::warn!(host, stale_s = stale, "cannot resolve ({error}): using the last good addresses");
        }
    }
}

/// The addresses of what needs no look-up.
fn fixed(host: &str) -> Vec<IpAddr> {
    if let Ok(address) = host.parse() {
        return vec![address];
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    }
    Vec::new()
}
