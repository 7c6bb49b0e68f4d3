//! The demo without a terminal: a line a second, and the summary that ends every demo.

use std::io::Write as _;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use super::End;
use super::agent_process::AgentProcess;
use super::board::{Board, Shared, as_f64};

/// Prints a line a second until `duration` is over, a signal comes or the agent is gone.
pub(super) async fn show(shared: &Shared, agent: &AgentProcess, duration: Duration) -> anyhow::Result<End> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let over = tokio::time::sleep(duration);
    tokio::pin!(over);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                line(&shared.refresh(agent))?;
                if agent.gone() {
                    return Ok(End::AgentGone);
                }
            }
            () = &mut over => return Ok(End::Duration),
            _ = tokio::signal::ctrl_c() => return Ok(End::Asked),
        }
    }
}

fn line(board: &Board) -> std::io::Result<()> {
    writeln!(
        std::io::stdout(),
        "{:>5.1} s  {:>3} metrics  {:>7} points  {:>4} requests  {:>8.1} kB sent  agent: {:.1} MB PSS, {:.2} % CPU",
        board.elapsed.as_secs_f64(),
        board.rows.len(),
        board.points,
        board.requests,
        as_f64(board.wire_bytes) / 1e3,
        as_f64(board.cost.pss) / 1e6,
        board.cpu_percent(),
    )
}

/// Prints what arrived and what it cost, and turns it into the exit code.
pub(super) fn summary(board: &Board, end: End, stopped: &(ExitStatus, String)) -> anyhow::Result<ExitCode> {
    let out = &mut std::io::stdout();
    let (status, log) = stopped;
    writeln!(out, "\n{:<44} {:>6} {:>8}  {:>16} unit", "metric", "series", "points", "a value")?;
    for (name, row) in &board.rows {
        let sample = row.sample.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        writeln!(out, "{name:<44} {:>6} {:>8}  {sample:>16} {}", row.series.len(), row.points, row.unit)?;
    }
    writeln!(
        out,
        "\n{} points of {} metrics in {} requests over {:.1} s, {:.1} kB on the wire ({:.1} B per point)",
        board.points,
        board.rows.len(),
        board.requests,
        board.elapsed.as_secs_f64(),
        as_f64(board.wire_bytes) / 1e3,
        as_f64(board.wire_bytes) / as_f64(board.points.max(1)),
    )?;
    writeln!(
        out,
        "the agent (pid {}): first export after {}, {:.1} us of CPU per point, {:.2} % of one core, {:.1} MB PSS",
        board.pid,
        board.first_after.map_or_else(|| "never".to_owned(), |after| format!("{:.2} s", after.as_secs_f64())),
        board.cpu_per_point_us(),
        board.cpu_percent(),
        as_f64(board.cost.pss) / 1e6,
    )?;
    if end == End::AgentGone || !status.success() {
        writeln!(out, "the agent ended with {status}; its last words:\n{log}")?;
        return Ok(ExitCode::FAILURE);
    }
    if board.points == 0 {
        writeln!(out, "nothing arrived; the agent's last words:\n{log}")?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
