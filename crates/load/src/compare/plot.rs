//! A history as an SVG: one line an entry, all relative to their first point.

use std::fmt::Write;

use super::history::History;
use super::units::xml;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 420.0;
const MARGIN: f64 = 60.0;
/// Room for the names on the right.
const LEGEND: f64 = 220.0;
/// Told apart by people who see no red or green (Okabe and Ito 2008).
const COLOURS: [&str; 7] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000"];

/// Draws histories over the records `labels`.
#[must_use]
pub(crate) fn svg(histories: &[History], labels: &[String]) -> String {
    let relative = |history: &History| -> Vec<(usize, f64)> {
        let first = history.points.first().map_or(0.0, |(_, log)| *log);
        history.points.iter().map(|(at, log)| (*at, log - first)).collect()
    };
    let extent = histories.iter().flat_map(relative).map(|(_, log)| log.abs()).fold(0.1, f64::max);
    let x = |at: usize| MARGIN + (WIDTH - MARGIN) * at as f64 / (labels.len().max(2) - 1) as f64;
    let y = |log: f64| MARGIN + HEIGHT / 2.0 * (1.0 - log / extent);
    let mut out = String::new();
    let (width, height) = (WIDTH + LEGEND, HEIGHT + 2.0 * MARGIN);
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">"#
    );
    for (log, text) in [(extent, extent.exp()), (0.0, 1.0), (-extent, (-extent).exp())] {
        let (y, right) = (y(log), WIDTH);
        let _ = writeln!(
            out,
            r##"<line x1="{MARGIN}" x2="{right}" y1="{y:.1}" y2="{y:.1}" stroke="#ccc"/><text x="5" y="{y:.1}">{text:.2}×</text>"##
        );
    }
    for (i, label) in [(0, labels.first()), (labels.len().saturating_sub(1), labels.last())] {
        let (x, y, label) = (x(i), height - 20.0, xml(label.map_or("", String::as_str)));
        let _ = writeln!(out, r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{label}</text>"#);
    }
    for (i, history) in histories.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let points = relative(history);
        let path: Vec<String> =
            points.iter().map(|(at, log)| format!("{:.1},{:.1}", x(*at), y(*log))).collect();
        let _ = writeln!(out, r#"<polyline fill="none" stroke="{colour}" points="{}"/>"#, path.join(" "));
        for change in history.change_points().unwrap_or_default() {
            let (at, log) = points[change.at];
            let (x, y, percent) = (x(at), y(log), (change.ratio - 1.0) * 100.0);
            let _ = writeln!(
                out,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="5" fill="{colour}"><title>{percent:+.1} %</title></circle>"#
            );
        }
        let (x, y, name) = (WIDTH + 15.0, MARGIN + 16.0 * i as f64, xml(&history.entry));
        let _ = writeln!(out, r#"<text x="{x}" y="{y}" fill="{colour}">{name}</text>"#);
    }
    out + "</svg>\n"
}
