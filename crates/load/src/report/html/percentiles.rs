//! Quantiles of every tool, from the stored histograms, on an axis that gives each further nine the same room.

use hdrhistogram::Histogram as Hdr;

use super::colours::Colours;
use super::figure::{Figure, Table};
use crate::measure::histogram::Histogram;
use crate::measure::quantile::{samples_for_bound, samples_for_value};
use crate::report::chart::{Axis, Chart, Mark, Paint, nines};
use crate::report::units::{count, duration};
use crate::result::{StageResult, ToolResult};

/// Points for each tenfold of 1/(1 − q).
const POINTS: u32 = 24;
const TABLED: [(f64, &str); 6] =
    [(0.5, "p50"), (0.75, "p75"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9")];

/// One curve.
struct Series {
    name: String,
    paint: Paint,
    histogram: Hdr<u32>,
}

/// As few charts as there are colours for; none without calls.
pub(super) fn figures(stage: &StageResult, colours: &Colours) -> Vec<Figure> {
    let groups = colours.groups(stage);
    let of = groups.len();
    groups.iter().enumerate().filter_map(|(at, group)| figure(stage, group, colours, (at, of))).collect()
}

fn figure(
    stage: &StageResult,
    tools: &[(&str, &ToolResult)],
    colours: &Colours,
    (at, of): (usize, usize),
) -> Option<Figure> {
    let series: Vec<Series> = tools
        .iter()
        .flat_map(|(name, tool)| curves(name, colours.paint(name), tool, stage.open_loop))
        .collect();
    let most = series.iter().map(|one| one.histogram.len()).max()?;
    let lines: Vec<_> = series.iter().map(|one| (one, points(&one.histogram))).collect();
    let marks = lines.iter().flat_map(|(one, points)| {
        // Fewer than ten calls lie beyond: chance decides where the rest of the curve runs.
        let known = nines(1.0 - 10.0 / one.histogram.len().max(10) as f64);
        let (sure, tail): (Vec<_>, Vec<_>) = points.iter().partition(|(x, _)| *x <= known);
        let tail = sure.last().copied().into_iter().chain(tail).collect();
        [Mark::Line(tail, one.paint.faint(0.4)), Mark::Line(sure, one.paint)]
    });
    // A tool's last line is that from when the call was due, where there are two.
    let ends = tools.iter().filter_map(|(name, _)| {
        let paint = colours.paint(name);
        let (_, points) = lines.iter().find(|(one, _)| one.paint.colour == paint.colour)?;
        Some(Mark::End(points.last()?.1, (*name).to_owned(), paint))
    });
    let part = if of > 1 { format!(" ({} of {of})", at + 1) } else { String::new() };
    let (what, how) = match stage.open_loop {
        true => (
            "Response and service times",
            "Whole lines: response times, from when a call was due; broken lines: service times, from when it was sent. ",
        ),
        false => ("Service times", ""),
    };
    let title = format!("{what} by share of calls, {}{part}", stage.name);
    Some(Figure {
        caption: format!("{how}Faint: fewer than ten calls are slower, so chance decides."),
        legend: Vec::new(),
        chart: Chart::whole(
            Axis::quantiles(most),
            Axis::durations(
                lines.iter().flat_map(|(_, points)| points.iter().map(|(_, log)| 10f64.powf(*log))),
            ),
            marks.chain(ends).collect::<Vec<_>>(),
        ),
        table: table(&series),
        title,
    })
}

fn curves(name: &str, paint: Paint, tool: &ToolResult, open_loop: bool) -> Vec<Series> {
    let response = (format!("{name}, response"), paint, &tool.response_hdr);
    let service = (format!("{name}, service"), paint.dashed(), &tool.service_hdr);
    let alone = (name.to_owned(), paint, &tool.service_hdr);
    let wanted = if open_loop { vec![response, service] } else { vec![alone] };
    let read = |(name, paint, text): (String, Paint, &String)| {
        let histogram = Histogram::decode(text).ok().filter(|histogram| !histogram.is_empty())?;
        Some(Series { name, paint, histogram })
    };
    wanted.into_iter().filter_map(read).collect()
}

/// (log₁₀ 1/(1 − q), log₁₀ ns) up to the last call.
fn points(histogram: &Hdr<u32>) -> Vec<(f64, f64)> {
    let end = (histogram.len() as f64).log10();
    let steps = (end * f64::from(POINTS)).ceil() as u32;
    let at = |step: u32| (f64::from(step) / f64::from(POINTS)).min(end);
    let point = |x: f64| (x, (histogram.value_at_quantile(1.0 - 10f64.powf(-x)).max(1) as f64).log10());
    (0..=steps).map(|step| point(at(step))).collect()
}

fn table(series: &[Series]) -> Table {
    let head: Vec<&str> =
        ["tool", "calls"].into_iter().chain(TABLED.map(|(_, name)| name)).chain(["max"]).collect();
    let row = |one: &Series| {
        let n = one.histogram.len();
        let cell = |(q, _): (f64, &str)| {
            let needed = [samples_for_bound(q), samples_for_value(q)].into_iter().find(|&needed| n < needed);
            match needed {
                None => duration(one.histogram.value_at_quantile(q) as f64),
                Some(_) => "–".to_owned(),
            }
        };
        let ends = duration(one.histogram.max() as f64);
        [one.name.clone(), count(n)].into_iter().chain(TABLED.map(cell)).chain([ends]).collect()
    };
    Table::new(&head, series.iter().map(row).collect())
}
