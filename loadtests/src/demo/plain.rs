//! The demo without a terminal: what happens, a line every other second, and the summary that ends every demo.

use std::io::Write as _;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use super::End;
use super::board::{Board, as_f64};
use super::story::Chapter;
use super::verdict::Seen;
use super::view::{self, World};

/// How often a line is printed.
const PACE: Duration = Duration::from_secs(2);

/// Lines instead of a screen.
#[derive(Debug, Default)]
pub(super) struct Lines {
    chapter: Option<Chapter>,
    next: Duration,
}

impl Lines {
    /// Prints what is new; to be called as often as anything may have changed.
    pub(super) fn print(&mut self, world: &World, board: &Board) -> anyhow::Result<()> {
        let out = &mut std::io::stdout();
        if self.chapter != Some(world.chapter) {
            self.chapter = Some(world.chapter);
            writeln!(out, "{}  -- {}", view::clock(board.elapsed), world.chapter.title())?;
        }
        if board.elapsed < self.next {
            return Ok(());
        }
        self.next = board.elapsed + PACE;
        let server = if world.is_up { "up" } else { "KILLED" };
        let state = world.agent.as_ref().and_then(|status| status.budget.as_ref());
        writeln!(
            out,
            "{}  API server {server}, bill {:>3} of {} in 10 s, {:>3} watches | agent: {:<10} {:>6} points, {}",
            view::clock(board.elapsed),
            world.bill.now(),
            world.bill.ceiling,
            world.watches,
            state.map_or("starting", |budget| budget.state.as_str()),
            board.points,
            world.rungs_line(),
        )?;
        Ok(())
    }
}

/// Prints what arrived, what it cost and which claims held, and turns it into the exit code.
pub(super) fn summary(
    world: &World,
    board: &Board,
    seen: &Seen,
    end: End,
    stopped: &(ExitStatus, String),
) -> anyhow::Result<ExitCode> {
    let out = &mut std::io::stdout();
    let (status, log) = stopped;
    writeln!(out, "\n{:<44} {:>6} {:>8}  {:>16} unit", "metric", "series", "points", "a value")?;
    for (name, row) in &board.rows {
        let sample = row.sample.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        writeln!(out, "{name:<44} {:>6} {:>8}  {sample:>16} {}", row.series.len(), row.points, row.unit)?;
    }
    writeln!(
        out,
        "\narrived in {:.1} s: {} ({:.1} B per point)",
        board.elapsed.as_secs_f64(),
        view::arrived_line(board),
        as_f64(board.wire_bytes) / as_f64(board.points.max(1)),
    )?;
    let first = board.first_after.map_or_else(|| "never".to_owned(), view::clock);
    writeln!(
        out,
        "the agent (pid {}): first export after {}, {}",
        board.pid,
        first.trim(),
        view::cost_line(board)
    )?;
    writeln!(out, "freshness: {}", view::freshness_line(board))?;
    writeln!(out, "the bill (simulated API server, its own count): {}", world.bill_line())?;
    for (kind, count) in &world.kinds {
        writeln!(out, "  {count:>5} {kind}")?;
    }
    let claims = seen.claims();
    for (claim, held) in &claims {
        writeln!(out, "{}  {claim}", if *held { "ok" } else { "NO" })?;
    }
    if end == End::AgentGone || !status.success() {
        writeln!(out, "the agent ended with {status}; its last words:\n{log}")?;
        return Ok(ExitCode::FAILURE);
    }
    if board.points == 0 {
        writeln!(out, "nothing arrived; the agent's last words:\n{log}")?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(if claims.iter().all(|(_, held)| *held) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
