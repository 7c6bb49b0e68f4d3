//! The plots of the certificate, as SVG: no font, no file and no clock of the machine is used. Pure.

use anyhow::anyhow;
use plotters::prelude::*;

use super::certificate::Certificate;
use super::plan::{COLD, STEADY};
use crate::fleet::{Capacity, Row};

const SIZE: (u32, u32) = (860, 520);
const COLOURS: [RGBColor; 7] = [
    RGBColor(0x1b, 0x6c, 0xa8),
    RGBColor(0xd9, 0x5f, 0x02),
    RGBColor(0x2c, 0x8c, 0x4f),
    RGBColor(0x75, 0x70, 0xb3),
    RGBColor(0xb0, 0x30, 0x60),
    RGBColor(0x66, 0x66, 0x66),
    RGBColor(0xa6, 0x76, 0x1d),
];

/// A line of a plot.
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    /// A bound, and not something that was found.
    bound: bool,
}

/// Every plot with its file name.
pub(super) fn all(certificate: &Certificate) -> anyhow::Result<Vec<(String, String)>> {
    let plots: [(&str, &str, &str, Vec<Series>); 7] = [
        ("requests.svg", "Requests of the whole fleet (simulated)", "requests/s", requests(certificate)),
        ("list-bytes.svg", "LIST bytes in the fullest minute (simulated)", "bytes/s", bytes(certificate)),
        (
            "seats.svg",
            "Seats held in the fullest 10 s (simulated)",
            "seats, mean of 10 s",
            seats(certificate),
        ),
        ("cpu.svg", "CPU of the API server (simulated)", "cores", cpu(certificate)),
        (
            "windows.svg",
            "The fullest 10 s of every scenario (simulated)",
            "requests in 10 s",
            windows(certificate),
        ),
        ("detail.svg", "Time to full detail after a cold start (simulated)", "seconds", detail(certificate)),
        (
            "freshness.svg",
            "Time for which an agent's index is not fresh (simulated)",
            "seconds, mean",
            stale(certificate),
        ),
    ];
    plots
        .into_iter()
        .map(|(file, title, unit, series)| Ok((file.to_owned(), log_log(title, unit, &series)?)))
        .collect()
}

/// Something of the rows of one scenario, over N.
fn over(certificate: &Certificate, scenario: &str, name: &str, of: impl Fn(&Row) -> f64) -> Series {
    let rows = certificate.of_scenario(scenario);
    let points = rows.iter().map(|row| (f64::from(row.nodes), of(row))).collect();
    Series { name: name.to_owned(), points, bound: false }
}

fn bound(name: &str, value: f64) -> Series {
    Series { name: name.to_owned(), points: vec![(10.0, value), (100_000.0, value)], bound: true }
}

/// Scenarios with at least as many rows as it takes to see a trend.
fn followed(certificate: &Certificate) -> Vec<&'static str> {
    let names = certificate.scenarios().into_iter().filter(|name| *name != STEADY);
    names.filter(|name| certificate.of_scenario(name).len() > 4).collect()
}

fn requests(certificate: &Certificate) -> Vec<Series> {
    let mut series = vec![
        over(certificate, STEADY, "steady: all", |row| row.rates.own + row.rates.reviews),
        over(certificate, STEADY, "steady: direct", |row| row.rates.own),
        over(certificate, STEADY, "steady: fullest 10 s", |row| count(row.worst.requests) / 10.0),
        bound("declared ceiling", 50.0),
    ];
    let worst = |row: &Row| count(row.worst.requests) / 10.0;
    series.insert(3, over(certificate, COLD, "cold install: fullest 10 s", worst));
    series
}

fn bytes(certificate: &Certificate) -> Vec<Series> {
    let of = |row: &Row| count(row.worst.list_bytes) / 60.0;
    let mut series: Vec<_> =
        followed(certificate).into_iter().map(|name| over(certificate, name, name, of)).collect();
    series.push(bound("declared ceiling", f64::from(16 << 20)));
    series
}

fn seats(certificate: &Certificate) -> Vec<Series> {
    let of = |row: &Row| row.bill.worst_10s_seat_s / 10.0;
    let names = followed(certificate).into_iter().chain([STEADY]);
    let mut series: Vec<_> = names.map(|name| over(certificate, name, name, of)).collect();
    series.push(bound("seats of workload-low", f64::from(Capacity::SMALL.seats)));
    series
}

fn cpu(certificate: &Certificate) -> Vec<Series> {
    vec![
        over(certificate, STEADY, "steady: requests, mean", |row| row.bill.cpu_s_within / row.fresh.seconds),
        over(certificate, STEADY, "steady: carried by watches", |row| {
            row.bill.carried_cpu_s / row.fresh.seconds
        }),
        over(certificate, STEADY, "steady: fullest 10 s", |row| row.bill.worst_10s_cpu_s / 10.0),
        over(certificate, COLD, "cold install: fullest 10 s", |row| row.bill.worst_10s_cpu_s / 10.0),
        bound("the small control plane", f64::from(Capacity::SMALL.cores)),
    ]
}

fn windows(certificate: &Certificate) -> Vec<Series> {
    let of = |row: &Row| count(row.judged.requests);
    let mut series: Vec<_> = certificate
        .scenarios()
        .into_iter()
        .filter(|name| certificate.of_scenario(name).iter().any(|row| row.judged.requests > 0))
        .map(|name| over(certificate, name, name, of))
        .collect();
    series.push(bound("declared ceiling", 500.0));
    series
}

fn detail(certificate: &Certificate) -> Vec<Series> {
    let known = |of: fn(&Row) -> Option<f64>| move |row: &Row| of(row).unwrap_or(0.0);
    vec![
        over(certificate, COLD, "all but one in 500", known(|row| row.sync_s)),
        over(certificate, COLD, "half of the agents", known(|row| row.half_sync_s)),
    ]
}

fn stale(certificate: &Certificate) -> Vec<Series> {
    let names = followed(certificate).into_iter();
    names.map(|name| over(certificate, name, name, |row| row.fresh.stale_s)).collect()
}

/// Both axes are logarithmic; what is not positive has no place on them.
fn log_log(title: &str, unit: &str, series: &[Series]) -> anyhow::Result<String> {
    let positive = |point: &&(f64, f64)| point.1 > 0.0;
    let values = || series.iter().flat_map(|series| &series.points).filter(positive).map(|point| point.1);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let (low, high) = if low <= high { (low / 2.0, high * 2.0) } else { (0.1, 10.0) };
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(wrong)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d((8.0_f64..125_000.0).log_scale(), (low..high).log_scale())
            .map_err(wrong)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc("nodes")
            .y_desc(unit)
            .x_label_formatter(&|nodes| format!("{nodes}"))
            .y_label_formatter(&label)
            .draw()
            .map_err(wrong)?;
        let legend = series.len() <= 10;
        for (index, one) in series.iter().enumerate() {
            let colour = if one.bound { RED } else { COLOURS[index % COLOURS.len()] };
            let style = if one.bound { colour.stroke_width(3) } else { colour.stroke_width(2) };
            let points: Vec<_> = one.points.iter().filter(positive).copied().collect();
            let line = chart.draw_series(LineSeries::new(points.iter().copied(), style)).map_err(wrong)?;
            if legend || one.bound {
                line.label(&one.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
            }
            if !one.bound {
                let marks = points.iter().map(|point| Circle::new(*point, 3, colour.filled()));
                chart.draw_series(marks).map_err(wrong)?;
            }
        }
        let background = WHITE.mix(0.85);
        let mut labels = chart.configure_series_labels();
        labels
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(background)
            .border_style(BLACK.mix(0.3));
        labels.draw().map_err(wrong)?;
        root.present().map_err(wrong)?;
    }
    Ok(text)
}

/// A power of ten with few digits.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "what the library asks for")]
fn label(value: &f64) -> String {
    let value = *value;
    match value {
        1e6.. => format!("{:.0}M", value / 1e6),
        1e3.. => format!("{:.0}k", value / 1e3),
        0.999.. => format!("{value:.0}"),
        _ => format!("{value:.0e}"),
    }
}

fn count(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

fn wrong(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("a plot cannot be drawn: {error}")
}
