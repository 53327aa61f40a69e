//! A history as an SVG: one line an entry, all relative to their first point.

use super::chart::{Axis, Chart, Mark, Paint, Scale};
use super::screen::fitted;
use crate::compare::history::{ChangePoint, History};

/// The least that the axis shows in both directions, as a logarithm: 10 %.
const LEAST: f64 = 0.1;

/// Letters of a record's name that have room below the axis.
const NAME: usize = 24;

/// Draws histories over the records `labels`, of which there are at least two.
pub(crate) fn svg(histories: &[History], labels: &[String]) -> String {
    let lines: Vec<Vec<(f64, f64)>> = histories.iter().map(relative).collect();
    let extent = lines.iter().flatten().map(|(_, log)| log.abs()).fold(LEAST, f64::max);
    let last = labels.len().max(2) - 1;
    let marks = lines.into_iter().zip(histories).enumerate().flat_map(|(i, (line, history))| {
        let paint = Paint::series(i);
        let note = |change: ChangePoint| {
            Mark::Note(line[change.at], format!("{:+.1} %", (change.ratio - 1.0) * 100.0), paint)
        };
        let notes: Vec<Mark> = history.change_points().into_iter().flatten().map(note).collect();
        let end = line.last().map(|&(_, at)| Mark::End(at, history.entry.clone(), paint));
        std::iter::once(Mark::Line(line, paint)).chain(notes).chain(end)
    });
    let axis = |title: &str, range, ticks| Axis {
        title: title.to_owned(),
        range,
        ticks,
        minor: Vec::new(),
        scale: Scale::Linear,
    };
    let named = |at: usize| (at as f64, fitted(&labels[at], Some(NAME)));
    let ends = if labels.is_empty() { Vec::new() } else { vec![named(0), named(labels.len() - 1)] };
    let times = |log: f64| (log, format!("{:.2}×", log.exp()));
    let x = Axis {
        minor: (0..=last).map(|at| at as f64).collect(),
        ..axis("records, from the oldest to the newest", 0.0..last as f64, ends)
    };
    let y = axis("", -extent..extent, [-extent, 0.0, extent].map(times).into());
    let chart = Chart { title: Some(TITLE.to_owned()), ..Chart::whole(x, y, marks.collect::<Vec<_>>()) };
    chart.svg(TITLE).into_string() + "\n"
}

const TITLE: &str = "Wall time of each entry, relative to its first record";

/// By record, the logarithm of what the entry takes beside its first time.
fn relative(history: &History) -> Vec<(f64, f64)> {
    let first = history.points.first().map_or(0.0, |(_, log)| *log);
    history.points.iter().map(|(at, log)| (*at as f64, log - first)).collect()
}
