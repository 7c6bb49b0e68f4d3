//! What half and one and a half of each parameter change, as bars: the longer, the more the story hangs on that number.

use plotters::prelude::*;

use super::plot::{COLOURS, FONT, INK, SOFT, clock};
use super::scenario::Scenario;
use super::sensitivity::{Harm, Sensitivity, Turned};

const WIDTH: u32 = 1_280;
/// Height of a row, and of what is above the rows and below, pixels.
const ROW: i32 = 27;
const HEAD: i32 = 138;
const FOOT: u32 = 74;
/// The two charts: left and right edge, pixels.
const SUCCESS: (i32, i32) = (330, 760);
const SATURATED: (i32, i32) = (830, 1_240);
/// The end of the axis of time, seconds.
const LONGEST: f64 = 120.0;
const HALF: RGBColor = RGBColor(233, 150, 122);
const MORE: RGBColor = RGBColor(160, 34, 28);

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws them, the longest bar first.
///
/// # Errors
/// When the picture cannot be made.
pub(super) fn plot(scenario: &Scenario, sensitivity: &Sensitivity) -> anyhow::Result<String> {
    let rows = i32::try_from(sensitivity.turned.len()).unwrap_or(0);
    let height = u32::try_from(HEAD + ROW * rows).unwrap_or(0) + FOOT;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        heading(&area)?;
        let bottom = HEAD + ROW * rows;
        axis(&area, SUCCESS, bottom, &[(0.0, "0"), (0.25, "25"), (0.5, "50"), (0.75, "75"), (1.0, "100 %")])?;
        axis(
            &area,
            SATURATED,
            bottom,
            &[(0.0, "0"), (0.25, "0:30"), (0.5, "1:00"), (0.75, "1:30"), (1.0, "2:00 or never")],
        )?;
        let base = [success(&sensitivity.today), saturated(&sensitivity.today)];
        for (turned, top) in sensitivity.turned.iter().zip((HEAD..).step_by(27)) {
            row(&area, scenario, turned, top, base)?;
        }
        for (edges, base) in [(SUCCESS, base[0]), (SATURATED, base[1])] {
            let x = place(edges, base);
            area.draw(&PathElement::new(vec![(x, HEAD - 6), (x, bottom)], INK.stroke_width(1)))?;
        }
        let text = "Simulated: each run has one parameter changed and the same seed. Vertical line: as the scenario has it. \
                    The operators are judged in the ten minutes after the rollout begins.";
        area.draw(&Text::new(text, (24, bottom + 46), (FONT, 13).into_font().color(&SOFT)))?;
        area.present()?;
    }
    Ok(svg)
}

fn success(harm: &Harm) -> f64 {
    harm.success
}

fn saturated(harm: &Harm) -> f64 {
    harm.saturated_s.map_or(1.0, |seconds| (seconds / LONGEST).min(1.0))
}

fn place((from, to): (i32, i32), part: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "pixels")]
    let x = (f64::from(to - from) * part).round() as i32;
    from + x
}

fn heading(area: &Area<'_>) -> anyhow::Result<()> {
    let title = "What half and one and a half of each parameter change";
    area.draw(&Text::new(title, (24, 18), (FONT, 24).into_font().style(FontStyle::Bold).color(&INK)))?;
    let legend = [
        (24, HALF, "today's agent, parameter x 0.5"),
        (290, MORE, "today's agent, parameter x 1.5"),
        (556, COLOURS[1], "tare, both"),
    ];
    for (left, colour, text) in legend {
        area.draw(&Rectangle::new([(left, 62), (left + 18, 72)], colour.filled()))?;
        area.draw(&Text::new(text, (left + 26, 58), (FONT, 15).into_font().color(&INK)))?;
    }
    for (left, text) in [
        (SUCCESS.0, "Operators' commands that are answered"),
        (SATURATED.0, "Until the API servers are saturated, minutes"),
    ] {
        area.draw(&Text::new(text, (left, 98), (FONT, 16).into_font().style(FontStyle::Bold).color(&INK)))?;
    }
    Ok(())
}

fn axis(area: &Area<'_>, edges: (i32, i32), bottom: i32, labels: &[(f64, &str)]) -> anyhow::Result<()> {
    for (part, text) in labels {
        let x = place(edges, *part);
        area.draw(&PathElement::new(
            vec![(x, HEAD - 6), (x, bottom)],
            RGBColor(228, 231, 236).stroke_width(1),
        ))?;
        let shift = i32::try_from(text.len()).unwrap_or(0) * 4;
        area.draw(&Text::new(*text, (x - shift, bottom + 8), (FONT, 13).into_font().color(&SOFT)))?;
    }
    Ok(())
}

/// The two bars of a parameter in both charts, from the line of the scenario to what it becomes; and tare's as points.
fn row(
    area: &Area<'_>,
    scenario: &Scenario,
    turned: &Turned,
    top: i32,
    base: [f64; 2],
) -> anyhow::Result<()> {
    let parameter = scenario.parameters.get(&turned.knob);
    let name = format!("{:?}", turned.knob);
    let value =
        parameter.map_or_else(String::new, |parameter| format!("{} {}", parameter.value, parameter.unit));
    area.draw(&Text::new(words(&name), (24, top + 3), (FONT, 14).into_font().color(&INK)))?;
    area.draw(&Text::new(value, (196, top + 3), (FONT, 13).into_font().color(&SOFT)))?;
    for (edges, base, of) in
        [(SUCCESS, base[0], success as fn(&Harm) -> f64), (SATURATED, base[1], saturated)]
    {
        for (harm, colour, down) in [(&turned.today[0], HALF, 2), (&turned.today[1], MORE, 12)] {
            let (from, to) = (place(edges, base), place(edges, of(harm)));
            // A bar of no length is a tick, so that none is missing.
            let (left, right) = (from.min(to) - 1, from.max(to) + 1);
            area.draw(&Rectangle::new([(left, top + down), (right, top + down + 8)], colour.filled()))?;
        }
        for (harm, down) in [(&turned.tare[0], 6), (&turned.tare[1], 16)] {
            area.draw(&Circle::new((place(edges, of(harm)), top + down), 4, COLOURS[1].filled()))?;
        }
    }
    Ok(())
}

/// A name in words: `PodsPerNode` is `pods per node`.
fn words(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
    }
    let seconds = text.strip_suffix(" s").filter(|text| !text.ends_with(" per"));
    seconds.map_or_else(|| text.clone(), str::to_owned)
}

/// As the report writes a time.
pub(super) fn time(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), clock)
}
