//! The demo on a terminal: the bill against the budget, turns, rungs, freshness, and what arrives. q or Ctrl-C ends it.

use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Cell, Gauge, Paragraph, Row as TableRow, Sparkline, Table};
use ratatui::{DefaultTerminal, Frame};

use super::board::Board;
use super::view::{self, World};

/// A terminal that draws the demo; the screen is given back when it is dropped.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: DefaultTerminal,
    offset: usize,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self { terminal: ratatui::try_init()?, offset: 0 })
    }

    /// Draws one frame.
    pub(super) fn draw(&mut self, world: &World, board: &Board) -> anyhow::Result<()> {
        self.offset = self.offset.min(board.rows.len().saturating_sub(1));
        let offset = self.offset;
        self.terminal.draw(|frame| draw(frame, world, board, offset))?;
        Ok(())
    }

    /// Handles the keys that wait; answers whether the person asked for the end.
    pub(super) fn asked_to_end(&mut self) -> anyhow::Result<bool> {
        while event::poll(std::time::Duration::ZERO)? {
            let Event::Key(key) = event::read()? else { continue };
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => return Ok(true),
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(true),
                KeyCode::Down | KeyCode::Char('j') => self.offset = self.offset.saturating_add(1),
                KeyCode::Up | KeyCode::Char('k') => self.offset = self.offset.saturating_sub(1),
                _ => {}
            }
        }
        Ok(false)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nobody left to tell.
        drop(ratatui::try_restore());
    }
}

fn draw(frame: &mut Frame<'_>, world: &World, board: &Board, offset: usize) {
    let parts = [
        Constraint::Length(3),
        Constraint::Length(5),
        Constraint::Length(9),
        Constraint::Length(4),
        Constraint::Min(4),
    ];
    let [story, bill, parties, ladder, arriving] = Layout::vertical(parts).areas(frame.area());
    let title = format!(" tare, {} ", view::clock(board.elapsed).trim_start());
    let text = Line::from(world.chapter.title()).bold();
    frame.render_widget(Paragraph::new(text).block(Block::bordered().title(title)), story);
    draw_bill(frame, world, bill);
    let thirds = [Constraint::Ratio(1, 3); 3];
    let [server, agent, fleet] = Layout::horizontal(thirds).areas(parties);
    let colour = if world.is_up { Color::Reset } else { Color::Red };
    text_box(frame, server, " API server and kubelet: SIMULATED ", world.server_lines(), colour);
    let mut lines = world.agent_lines();
    lines.extend([format!("pid {}", board.pid), view::cost_line(board)]);
    text_box(frame, agent, " the agent on this machine: REAL ", lines, Color::Reset);
    text_box(frame, fleet, " other nodes: SIMULATED ", world.fleet_lines(), Color::Reset);
    draw_ladder(frame, world, board, ladder);
    draw_table(frame, board, offset, arriving);
}

fn draw_bill(frame: &mut Frame<'_>, world: &World, area: Rect) {
    let block = Block::bordered().title(" the bill: what the API server was asked, by its own count ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let rows = [Constraint::Length(1), Constraint::Length(1), Constraint::Length(1)];
    let [words, gauge, history] = Layout::vertical(rows).areas(inner);
    frame.render_widget(Line::from(world.bill_line()), words);
    let ceiling = world.bill.ceiling.max(1);
    let percent = u16::try_from(world.bill.now().saturating_mul(100) / ceiling).unwrap_or(100).min(100);
    let colour = if world.bill.worst > ceiling { Color::Red } else { Color::Green };
    frame.render_widget(
        Gauge::default().percent(percent).gauge_style(Style::new().fg(colour).bg(Color::DarkGray)),
        gauge,
    );
    frame.render_widget(Sparkline::default().data(world.bill.seconds()), history);
}

fn text_box(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<String>, colour: Color) {
    let lines: Vec<_> = lines.into_iter().map(Line::from).collect();
    let text = Paragraph::new(lines).style(Style::new().fg(colour));
    frame.render_widget(text.block(Block::bordered().title(title.to_owned())), area);
}

fn draw_ladder(frame: &mut Frame<'_>, world: &World, board: &Board, area: Rect) {
    let rungs = world.rungs().into_iter().flat_map(|(rung, up)| {
        let mark = if up { Span::from("● ").green() } else { Span::from("○ ").red() };
        [mark, Span::from(format!("{rung}   "))]
    });
    let lines = vec![rungs.collect::<Line<'_>>(), Line::from(view::freshness_line(board))];
    let block = Block::bordered().title(" sources of telemetry, and freshness ");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn draw_table(frame: &mut Frame<'_>, board: &Board, offset: usize, area: Rect) {
    let rows = board.rows.iter().skip(offset).map(|(name, row)| {
        let sample = row.sample.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        TableRow::new([
            Cell::from(name.as_str()),
            Cell::from(Text::from(row.series.len().to_string()).right_aligned()),
            Cell::from(Text::from(row.points.to_string()).right_aligned()),
            Cell::from(Text::from(sample).right_aligned()),
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
    let title = format!(" arriving over OTLP: {} (up, down; q ends) ", view::arrived_line(board));
    let head = TableRow::new(["metric", "series", "points", "a value", "unit"]).style(Style::new().bold());
    let table = Table::new(rows, widths).header(head).block(Block::bordered().title(title));
    frame.render_widget(table, area);
}
