//! The owner of every task of the runtime.
//!
//! Nothing else may call `tokio::spawn` (`clippy.toml`). A task that ends before shutdown was asked for is a
//! fault of the whole agent: better a restart by whoever supervises it than an agent that is half alive.

use std::future::Future;

use tokio::task::JoinSet;

/// The tasks of one agent, by name.
#[derive(Debug, Default)]
pub struct Tasks {
    running: JoinSet<&'static str>,
}

/// A task ended that should not have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the task `{name}` ended early{}", if *.panicked { " by a panic" } else { "" })]
pub struct EarlyExit {
    /// The name given to [`Tasks::own`]; `?` for a task that panicked.
    pub name: &'static str,
    /// Whether it panicked.
    pub panicked: bool,
}

impl Tasks {
    /// Runs `future` until it ends or the set is dropped.
    pub fn own(&mut self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(async move {
            future.await;
            name
        });
    }

    /// Waits for the first task to end. Pending for ever while there is none.
    pub async fn first_exit(&mut self) -> EarlyExit {
        match self.running.join_next().await {
            Some(Ok(name)) => EarlyExit { name, panicked: false },
            Some(Err(error)) => EarlyExit { name: "?", panicked: error.is_panic() },
            None => std::future::pending().await,
        }
    }

    /// Whether a task is still running; those that have ended are let go.
    pub fn any_running(&mut self) -> bool {
        while self.running.try_join_next().is_some() {}
        !self.running.is_empty()
    }

    /// Waits until all tasks have ended; the caller bounds it.
    pub async fn all_ended(&mut self) {
        while self.running.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_early_end_of_any_task_is_told_with_its_name() {
        let mut tasks = Tasks::default();
        tasks.own("stays", std::future::pending());
        tasks.own("leaves", async {});
        assert_eq!(tasks.first_exit().await, EarlyExit { name: "leaves", panicked: false });
    }

    #[tokio::test]
    async fn a_panic_in_a_task_is_told_and_does_not_spread() {
        let mut tasks = Tasks::default();
        tasks.own("panics", async { panic!("on purpose") });
        let exit = tasks.first_exit().await;
        assert!(exit.panicked, "{exit}");
    }
}
