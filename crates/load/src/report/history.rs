//! A history as an SVG: one line an entry, all relative to their first point.

use super::chart::{Axis, Chart, Mark, Paint, Scale};
use crate::compare::history::{ChangePoint, History};

/// The least that the axis shows in both directions, as a logarithm: 10 %.
const LEAST: f64 = 0.1;

/// Draws histories over the records `labels`.
pub(crate) fn svg(histories: &[History], labels: &[String]) -> String {
    let lines: Vec<Vec<(f64, f64)>> = histories.iter().map(relative).collect();
    let extent = lines.iter().flatten().map(|(_, log)| log.abs()).fold(LEAST, f64::max);
    let times = |log: f64| (log, format!("{:.2}×", log.exp()));
    let last = labels.len().max(2) - 1;
    let ends = [(0, labels.first()), (last, labels.get(last))];
    let label = |(at, label): (usize, Option<&String>)| Some((at as f64, label?.clone()));
    let marks = lines.into_iter().zip(histories).enumerate().flat_map(|(i, (line, history))| {
        let note = |change: ChangePoint| {
            Mark::Note(line[change.at], format!("{:+.1} %", (change.ratio - 1.0) * 100.0), Paint::series(i))
        };
        let notes: Vec<Mark> = history.change_points().into_iter().flatten().map(note).collect();
        std::iter::once(Mark::Line(line, Paint::series(i))).chain(notes)
    });
    let axis = |range, ticks| Axis { title: String::new(), range, ticks, scale: Scale::Linear };
    let x = axis(0.0..last as f64, ends.into_iter().filter_map(label).collect());
    let chart = Chart::whole(x, axis(-extent..extent, [-extent, 0.0, extent].map(times).into()), marks);
    let names = histories.iter().enumerate().map(|(i, history)| (Paint::series(i), history.entry.as_str()));
    chart
        .svg("wall time of each entry, relative to its first record", &names.collect::<Vec<_>>())
        .into_string()
        + "\n"
}

/// By record, the logarithm of what the entry takes beside its first time.
fn relative(history: &History) -> Vec<(f64, f64)> {
    let first = history.points.first().map_or(0.0, |(_, log)| *log);
    history.points.iter().map(|(at, log)| (*at as f64, log - first)).collect()
}
