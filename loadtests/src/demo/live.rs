//! The demo on a terminal: a live table, q or Ctrl-C to end.

use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Style, Stylize as _};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Cell, Paragraph, Row as TableRow, Table};
use ratatui::{DefaultTerminal, Frame};

use super::End;
use super::agent_process::AgentProcess;
use super::board::{Board, Shared, as_f64};

/// How often the screen is drawn.
const FRAME: Duration = Duration::from_millis(250);

/// Draws until the person asks for the end, `duration` is over or the agent is gone.
pub(super) async fn show(
    shared: &Shared,
    agent: &AgentProcess,
    duration: Option<Duration>,
) -> anyhow::Result<End> {
    let mut terminal = ratatui::try_init()?;
    let end = draw_until_end(&mut terminal, shared, agent, duration).await;
    ratatui::try_restore()?;
    end
}

async fn draw_until_end(
    terminal: &mut DefaultTerminal,
    shared: &Shared,
    agent: &AgentProcess,
    duration: Option<Duration>,
) -> anyhow::Result<End> {
    let mut ticks = tokio::time::interval(FRAME);
    let mut offset = 0;
    loop {
        ticks.tick().await;
        let rows = {
            let board = shared.refresh(agent);
            terminal.draw(|frame| draw(frame, &board, offset))?;
            board.rows.len()
        };
        if agent.gone() {
            return Ok(End::AgentGone);
        }
        if duration.is_some_and(|limit| shared.start.elapsed() >= limit) {
            return Ok(End::Duration);
        }
        if asked_to_end(&mut offset, rows)? {
            return Ok(End::Asked);
        }
    }
}

/// Handles the keys that wait; answers whether the person asked for the end.
fn asked_to_end(offset: &mut usize, rows: usize) -> anyhow::Result<bool> {
    while event::poll(Duration::ZERO)? {
        let Event::Key(key) = event::read()? else { continue };
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Ok(true),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(true),
            KeyCode::Down | KeyCode::Char('j') => *offset = (*offset + 1).min(rows.saturating_sub(1)),
            KeyCode::Up | KeyCode::Char('k') => *offset = offset.saturating_sub(1),
            _ => {}
        }
    }
    Ok(false)
}

fn draw(frame: &mut Frame<'_>, board: &Board, offset: usize) {
    let [head, body] = Layout::vertical([Constraint::Length(6), Constraint::Min(3)]).areas(frame.area());
    frame.render_widget(
        Paragraph::new(header(board)).block(Block::bordered().title(" tare on this machine ")),
        head,
    );
    let rows = board.rows.iter().skip(offset).map(|(name, row)| {
        TableRow::new([
            Cell::from(name.as_str()),
            Cell::from(Text::from(row.series.len().to_string()).right_aligned()),
            Cell::from(Text::from(row.points.to_string()).right_aligned()),
            Cell::from(
                Text::from(row.sample.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}")))
                    .right_aligned(),
            ),
            Cell::from(row.unit.as_str()),
        ])
    });
    let widths = [
        Constraint::Min(36),
        Constraint::Length(7),
        Constraint::Length(9),
        Constraint::Length(18),
        Constraint::Length(14),
    ];
    let table = Table::new(rows, widths)
        .header(TableRow::new(["metric", "series", "points", "a value", "unit"]).style(Style::new().bold()))
        .block(Block::bordered().title(" arriving over OTLP (up, down; q ends) "));
    frame.render_widget(table, body);
}

fn header(board: &Board) -> Vec<Line<'static>> {
    let first = board.first_after.map_or_else(
        || "waiting for the first export".to_owned(),
        |after| format!("first export after {:.2} s", after.as_secs_f64()),
    );
    vec![
        Line::from(format!("agent pid {}, {:.0} s, {first}", board.pid, board.elapsed.as_secs_f64())),
        Line::from(format!(
            "{} metrics, {} points ({:.0}/s), {} requests, {:.1} kB on the wire",
            board.rows.len(),
            board.points,
            board.rate(),
            board.requests,
            as_f64(board.wire_bytes) / 1e3,
        )),
        Line::from(format!(
            "its own cost: {:.1} MB PSS, {:.2} % of one core, {:.1} us of CPU per point",
            as_f64(board.cost.pss) / 1e6,
            board.cpu_percent(),
            board.cpu_per_point_us(),
        ))
        .bold(),
        Line::from("control plane: no request is made in this release".to_owned()).dim(),
    ]
}
