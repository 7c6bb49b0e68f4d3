//! How far a run is, for people: a bar on a terminal, and a line for each row everywhere.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

use crate::fleet::{self, Row};

/// Counts virtual agents, because a row of 100,000 takes ten thousand times as long as one of ten.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// For rows with so many agents in all.
    pub(super) fn new(agents: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(agents);
            let style =
                ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} agents, {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        let progress = Self { bar };
        progress.say(&fleet::head());
        progress
    }

    /// A row is there.
    pub(super) fn row(&self, row: &Row) {
        self.say(&fleet::line(row));
        if let Some(bar) = &self.bar {
            bar.inc(row.nodes.into());
        }
    }

    /// A line of text. Whoever does not want to see it any more still wants the exit code.
    pub(super) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| drop(writeln!(std::io::stdout(), "{text}"))),
            None => drop(writeln!(std::io::stdout(), "{text}")),
        }
    }

    /// Takes the bar away.
    pub(super) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
