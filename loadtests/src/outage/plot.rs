//! The story as a picture: the control plane, the operators and the services over time, today's agent and tare in one plot.

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;

use super::timeline::{Replay, Second};

/// Width and height, pixels.
const SIZE: (u32, u32) = (1_280, 1_444);
/// Seconds of one point of the lines.
const STEP: f64 = 10.0;
pub(super) const INK: RGBColor = RGBColor(38, 44, 56);
pub(super) const SOFT: RGBColor = RGBColor(118, 126, 140);
const GRID: RGBColor = RGBColor(228, 231, 236);
const WASH: RGBColor = RGBColor(250, 236, 233);
/// Today's agent, and tare.
pub(super) const COLOURS: [RGBColor; 2] = [RGBColor(200, 58, 44), RGBColor(0, 128, 122)];
pub(super) const FONT: &str = "sans-serif";

/// The chart of one row.
struct Panel {
    title: &'static str,
    unit: &'static str,
    low: f64,
    high: f64,
    /// Where the axis has its labels, and what they say.
    labels: &'static [(f64, &'static str)],
    /// The height of the line at a point.
    of: fn(&Replay, &Second) -> f64,
}

/// On the logarithmic axis: milliseconds as a power of ten.
fn p99(replay: &Replay, second: &Second) -> f64 {
    (replay.operators(second.at, second.at + STEP).p99_s * 1e3).max(0.1).log10()
}

const PERCENT: &[(f64, &str)] = &[(0.0, "0"), (25.0, "25"), (50.0, "50"), (75.0, "75"), (100.0, "100")];

const PANELS: [Panel; 5] = [
    Panel {
        title: "API servers: CPU in use",
        unit: "% of all cores",
        low: 0.0,
        high: 104.0,
        labels: PERCENT,
        of: |_, second| second.cpu * 100.0,
    },
    Panel {
        title: "Operators: p99 of a kubectl request (no answer counts as the 30 s they wait)",
        unit: "ms, log scale",
        low: -1.0,
        high: 4.8,
        labels: &[
            (-1.0, "0.1"),
            (0.0, "1"),
            (1.0, "10"),
            (2.0, "100"),
            (3.0, "1 s"),
            (4.0, "10 s"),
            (4.477, "30 s"),
        ],
        of: p99,
    },
    Panel {
        title: "Operators: commands that are answered",
        unit: "% of a minute's",
        low: 0.0,
        high: 104.0,
        labels: PERCENT,
        of: |replay, second| replay.operators(second.at - 30.0, second.at + 30.0).success * 100.0,
    },
    Panel {
        title: "Nodes that are NotReady: their leases are not renewed",
        unit: "% of nodes",
        low: 0.0,
        high: 104.0,
        labels: PERCENT,
        of: |replay, second| f64::from(second.not_ready) / nodes(replay) * 100.0,
    },
    Panel {
        title: "Services that still find each other (DNS records cached on the nodes)",
        unit: "% of services",
        low: 0.0,
        high: 104.0,
        labels: PERCENT,
        of: |_, second| second.reachable * 100.0,
    },
];

fn nodes(replay: &Replay) -> f64 {
    f64::from(replay.nodes.max(1))
}

/// An axis whose labels stand exactly where they are wanted.
struct Axis {
    low: f64,
    high: f64,
    points: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let part = (value - self.low) / (self.high - self.low);
        #[expect(clippy::cast_possible_truncation, reason = "pixels")]
        let pixel = (f64::from(to - from) * part).round() as i32;
        from + pixel
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.points.clone()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.low..self.high
    }
}

/// What stands above the panels at a moment.
struct Note {
    at: f64,
    text: String,
}

fn notes(today: &Replay) -> Vec<Note> {
    let marks = today.marks;
    let texts = [
        (Some(0.0), "rollout begins"),
        (marks.saturated, "saturated"),
        (marks.first_crash, "out of memory"),
        (marks.locked_out, "operators locked out"),
        (marks.nodes_lost, "nodes NotReady"),
        (marks.names_lost, "DNS caches expire"),
        (marks.rolled_back, "rollback answered"),
        (marks.agents_gone, "agents gone"),
    ];
    let mut notes: Vec<_> = texts
        .into_iter()
        .filter_map(|(at, text)| at.map(|at| Note { at, text: format!("{text}, {}", clock(at)) }))
        .collect();
    notes.sort_by(|a, b| a.at.total_cmp(&b.at));
    notes
}

/// Minutes and seconds.
pub(super) fn clock(at: f64) -> String {
    let (minutes, seconds) = ((at / 60.0).floor(), at % 60.0);
    format!("{minutes:.0}:{seconds:02.0}")
}

/// Draws the replays of today's agent and of tare, in this order, under a title.
///
/// # Errors
/// When a chart cannot be laid out.
pub fn plot(title: &str, replays: [&Replay; 2]) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, rest) = root.split_vertically(200);
        let (body, foot) = rest.split_vertically(SIZE.1 - 200 - 34);
        let range = range(replays);
        heading(&head, title, replays, range)?;
        let areas = body.split_evenly((PANELS.len(), 1));
        for (panel, area) in PANELS.iter().zip(&areas) {
            draw(panel, area, replays, range)?;
        }
        let text = "Simulated: virtual time, a fixed seed. CPU prices: kube-apiserver.json; every other parameter: \
                    outage-2024-12-11.json, with its origin. tare: the shipped informer. Dashed lines: today's agent.";
        foot.draw(&Text::new(text, (24, 8), (FONT, 13).into_font().color(&SOFT)))?;
        root.present()?;
    }
    Ok(svg)
}

/// From and to, minutes.
fn range(replays: [&Replay; 2]) -> (f64, f64) {
    let seconds = || replays.into_iter().flat_map(|replay| &replay.timeline).map(|second| second.at / 60.0);
    let last =
        replays.into_iter().filter_map(|replay| replay.commands.last()).map(|command| command.at / 60.0);
    (seconds().fold(0.0, f64::min).floor(), last.fold(0.0, f64::max).floor())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Where the panels' left and right edges are, pixels.
const EDGES: (i32, i32) = (96, 1_256);

fn heading(
    area: &Area<'_>,
    title: &str,
    replays: [&Replay; 2],
    (from, to): (f64, f64),
) -> anyhow::Result<()> {
    area.draw(&Text::new(title, (24, 18), (FONT, 26).into_font().style(FontStyle::Bold).color(&INK)))?;
    let mut left = 26;
    for (replay, colour) in replays.into_iter().zip(COLOURS) {
        area.draw(&Rectangle::new([(left, 62), (left + 26, 68)], colour.filled()))?;
        area.draw(&Text::new(replay.name.clone(), (left + 34, 56), (FONT, 17).into_font().color(&INK)))?;
        left += 60 + 9 * i32::try_from(replay.name.len()).unwrap_or(0);
    }
    // Labels in four lines, so that neighbours do not overlap.
    let mut ends = [f64::MIN; 6];
    for note in notes(replays[0]) {
        let x = f64::from(EDGES.0) + (note.at / 60.0 - from) / (to - from) * f64::from(EDGES.1 - EDGES.0);
        let width = 7.4 * f64::from(super::timeline::count(note.text.len())) + 16.0;
        let line = ends.iter().position(|end| *end < x).unwrap_or(ends.len() - 1);
        ends[line] = x + width;
        #[expect(clippy::cast_possible_truncation, reason = "pixels")]
        let x = x as i32;
        let y = 190 - 18 * i32::try_from(line).unwrap_or(0);
        area.draw(&PathElement::new(vec![(x, y - 6), (x, 200)], SOFT.stroke_width(1)))?;
        area.draw(&Text::new(note.text, (x + 4, y - 12), (FONT, 14).into_font().color(&INK)))?;
    }
    Ok(())
}

fn draw(panel: &Panel, area: &Area<'_>, replays: [&Replay; 2], (from, to): (f64, f64)) -> anyhow::Result<()> {
    let minutes = Axis {
        low: from,
        high: to,
        points: (0..20).map(|ten| f64::from(ten) * 10.0).filter(|minute| *minute <= to).collect(),
    };
    let height =
        Axis { low: panel.low, high: panel.high, points: panel.labels.iter().map(|(at, _)| *at).collect() };
    let mut chart = ChartBuilder::on(area)
        .margin_left(10)
        .margin_right(24)
        .margin_top(34)
        .x_label_area_size(28)
        .y_label_area_size(86)
        .build_cartesian_2d(minutes, height)?;
    let labels = panel.labels;
    let say = |value: &f64| {
        labels
            .iter()
            .find(|(at, _)| (at - value).abs() < 1e-9)
            .map_or_else(String::new, |(_, text)| (*text).to_owned())
    };
    let last = replays[0].marks.agents_gone.map_or(to, |gone| gone / 60.0);
    if let Some(locked) = replays[0].marks.locked_out {
        let corners = [(locked / 60.0, panel.low), (last, panel.high)];
        chart.draw_series([Rectangle::new(corners, WASH.filled())])?;
    }
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(SOFT)
        .label_style((FONT, 14).into_font().color(&INK))
        .x_label_formatter(&|minute| format!("{minute:.0} min"))
        .y_label_formatter(&say)
        .y_desc(panel.unit)
        .axis_desc_style((FONT, 14).into_font().color(&SOFT))
        .draw()?;
    for note in notes(replays[0]) {
        let line = [(note.at / 60.0, panel.low), (note.at / 60.0, panel.high)];
        chart.draw_series(DashedLineSeries::new(line, 3, 4, SOFT.stroke_width(1)))?;
    }
    for (replay, colour) in replays.into_iter().zip(COLOURS) {
        let points = replay.timeline.iter().filter(|second| (second.at + 0.5).rem_euclid(STEP) < 1.0);
        let points =
            points.map(|second| (second.at / 60.0, (panel.of)(replay, second).clamp(panel.low, panel.high)));
        let points = points.filter(|(at, _)| *at >= from && *at <= to);
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
    }
    area.draw(&Text::new(
        panel.title,
        (EDGES.0, 10),
        (FONT, 16).into_font().style(FontStyle::Bold).color(&INK),
    ))?;
    Ok(())
}
