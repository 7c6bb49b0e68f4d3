//! Many clients at once, on one thread and one runtime.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Full};
use hyper::Method;
use hyper::client::conn::http1::SendRequest;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::real::cluster::http::Client;

/// What a refused client waits before it asks again: what the server says with each 429.
const RETRY: Duration = Duration::from_secs(1);

/// How often each status was answered.
pub(super) type Statuses = BTreeMap<u16, usize>;

/// Clients that ask again as soon as they are answered, until they are told to end.
pub(super) struct Storm {
    stop: Arc<AtomicBool>,
    statuses: Arc<Mutex<Statuses>>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Storm {
    /// Begins it with so many connections.
    pub(super) fn begin(client: &Client, path: &'static str, connections: usize) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let statuses = Arc::new(Mutex::new(Statuses::new()));
        let (told, counted, client) = (Arc::clone(&stop), Arc::clone(&statuses), client.clone());
        let thread = std::thread::Builder::new().name("storm".into()).spawn(move || {
            runtime()?.block_on(async {
                let mut all = JoinSet::new();
                for _ in 0..connections {
                    all.spawn(spend(client.clone(), path, Arc::clone(&told), Arc::clone(&counted)));
                }
                while !told.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                all.shutdown().await;
            });
            Ok(())
        })?;
        Ok(Self { stop, statuses, thread })
    }

    /// Waits until all of it is there: the queue is full and refuses.
    ///
    /// # Errors
    /// When that does not happen within a minute.
    pub(super) fn wait_refused(&self) -> anyhow::Result<()> {
        let refused = || self.statuses.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&429);
        let begin = Instant::now();
        while !refused() {
            ensure!(begin.elapsed() < Duration::from_mins(1), "nobody is refused");
            std::thread::sleep(Duration::from_millis(100));
        }
        // The last of them connect.
        std::thread::sleep(Duration::from_secs(5));
        Ok(())
    }

    /// Ends it; what is in flight is cut off.
    pub(super) fn end(self) -> anyhow::Result<Statuses> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the storm panicked"))??;
        Ok(self.statuses.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

async fn spend(client: Client, path: &'static str, stop: Arc<AtomicBool>, statuses: Arc<Mutex<Statuses>>) {
    while !stop.load(Ordering::Relaxed) {
        let Ok((mut sender, connection)) = client.open().await else {
            tokio::time::sleep(RETRY).await;
            continue;
        };
        let asking = async {
            while let Ok(status) = ask(&client, &mut sender, path).await {
                *statuses.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
                if status == 429 {
                    tokio::time::sleep(RETRY).await;
                }
            }
        };
        // Whichever ends first: a connection that the server closed is opened anew.
        tokio::select! {
            _ = connection => {}
            () = asking => {}
        }
    }
}

/// Asks and reads the whole answer.
async fn ask(client: &Client, sender: &mut SendRequest<Full<Bytes>>, path: &str) -> anyhow::Result<u16> {
    let request = client.request(&Method::GET, path, "application/json", Bytes::new())?;
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    response.into_body().collect().await.context("the answer broke off")?;
    Ok(status)
}

/// Opens a connection for each path, then asks for all of them at one instant: the status of each and how long its
/// answer's beginning took.
pub(super) fn at_once(client: &Client, paths: &[String]) -> anyhow::Result<Vec<(u16, Duration)>> {
    runtime()?.block_on(async {
        let mut driven = JoinSet::new();
        let mut senders = Vec::new();
        for _ in paths {
            let (sender, connection) = client.open().await?;
            driven.spawn(connection);
            senders.push(sender);
        }
        let begin = Instant::now();
        let asked = senders.iter_mut().zip(paths).map(|(sender, path)| async move {
            let request = client.request(&Method::GET, path, "application/json", Bytes::new())?;
            let response = sender.send_request(request).await?;
            let answered = (response.status().as_u16(), begin.elapsed());
            response.into_body().collect().await.context("the answer broke off")?;
            anyhow::Ok(answered)
        });
        join_all(asked).await.into_iter().collect()
    })
}
