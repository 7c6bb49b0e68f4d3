//! A thread with a runtime of its own for simulated servers, where their user has none or blocks its own.

use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The thread. Dropping it ends everything that runs there.
#[derive(Debug)]
pub struct Host {
    runtime: Handle,
    thread: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Host {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there can be no thread or runtime.
    pub fn start(name: &str) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Sent or dropped: both are the end.
            drop(runtime.block_on(stopped));
        })?;
        Ok(Self { runtime: handle, thread: Some((stop, thread)) })
    }

    /// Waits for what happens there. Not to be called on a runtime's own thread.
    pub fn wait_for<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    /// The runtime, to start more there.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            // The runtime ends with its thread, and every task with the runtime.
            drop(thread.join());
        }
    }
}
