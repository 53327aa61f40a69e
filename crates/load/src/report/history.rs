//! Every record of a target over time, as a picture of its own: one line an entry, as a ratio to its first point.

use maud::{PreEscaped, html};

use super::html::axis::Axis;
use super::html::chart::{Chart, Mark, Paint, Width};
use crate::compare::history::History;

/// Pixels for a row of the names below the chart.
const ROW: usize = 18;

/// Draws histories over the records `labels`, names and changes of level below.
#[must_use]
pub(crate) fn svg(histories: &[History], labels: &[String]) -> String {
    let chart = chart(histories, labels).svg();
    let (width, top) = (Width::Whole as usize, 270);
    let height = top + (histories.len() + 1) * ROW;
    let names = histories
        .iter()
        .enumerate()
        .map(|(number, history)| (top + (number + 1) * ROW, Paint::series(number).hex(), named(history)));
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {height}")) font-family="sans-serif" font-size="12" {
            svg width=(width) height=(top) { (PreEscaped(chart)) }
            @for (y, colour, name) in names {
                text x="20" y=(y) fill=(colour) { (name) }
            }
        }
    };
    picture.into_string() + "\n"
}

/// The entry's name, with the changes of its level.
fn named(history: &History) -> String {
    let changes = history.change_points().unwrap_or_default();
    let percent = |ratio: f64| format!(", {:+.1} %", (ratio - 1.0) * 100.0);
    history.entry.clone() + &changes.iter().map(|change| percent(change.ratio)).collect::<String>()
}

fn chart(histories: &[History], labels: &[String]) -> Chart {
    let lines: Vec<Vec<(f64, f64)>> = histories.iter().map(ratios).collect();
    let mut marks = Vec::new();
    for (number, (history, line)) in histories.iter().zip(&lines).enumerate() {
        let paint = Paint::series(number);
        let changes = history.change_points().unwrap_or_default();
        marks.push(Mark::Line(line.clone(), paint));
        marks.push(Mark::Dots(changes.iter().map(|change| line[change.at]).collect(), paint));
    }
    Chart {
        width: Width::Whole,
        label: "each entry over the records, as a ratio to its first".to_owned(),
        x: records(labels),
        y: Axis::ratios(lines.iter().flatten().map(|&(_, ratio)| ratio)),
        marks,
    }
}

/// The first and the last record are named: between them there is no room.
fn records(labels: &[String]) -> Axis {
    let last = labels.len().saturating_sub(1);
    let named = labels.iter().enumerate().filter(|(at, _)| *at == 0 || *at == last);
    let ticks = named.map(|(at, name)| (at as f64, name.clone())).collect();
    let margin = last.max(1) as f64 * 0.1;
    Axis { title: "record".to_owned(), range: -margin..last as f64 + margin, ticks }
}

fn ratios(history: &History) -> Vec<(f64, f64)> {
    let first = history.points.first().map_or(0.0, |(_, log)| *log);
    history.points.iter().map(|(at, log)| (*at as f64, (log - first).exp())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_a_history_names_its_entries_and_its_first_and_last_record() {
        let points = vec![(0, 0.0), (1, 0.1), (2, 0.3)];
        let history = History { entry: "key<1>".to_owned(), relative: false, points };
        let picture = svg(&[history], &["a", "b", "c"].map(str::to_owned));
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
        for part in ["key&lt;1&gt;", ">\na\n<", ">\nc\n<", "×"] {
            assert!(picture.contains(part), "{part}: {picture}");
        }
        assert!(!picture.contains(">\nb\n<"), "there is no room for it");
    }
}
