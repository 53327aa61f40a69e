//! The files in the server's temporary directory, over all stages of a scenario.

use super::figure::{Figure, Table};
use super::timeline::{LEAST_S, boundaries, starts};
use crate::report::chart::{Axis, Chart, Mark, Paint};
use crate::report::units::{count, digits, megabytes};
use crate::result::{ResourceAt, ScenarioResult};

/// One reading.
struct Reading {
    /// Seconds from the scenario's start.
    at_s: f64,
    bytes: u64,
    /// Unknown in older results.
    files: Option<u64>,
}

/// Charts of bytes and of files; none where nobody looked twice, or nothing was ever there.
pub(super) fn figures(scenario: &ScenarioResult) -> Vec<Figure> {
    let (starts, end_s) = starts(scenario);
    let stages = starts.iter().zip(&scenario.stages);
    let readings: Vec<Reading> = stages
        .flat_map(|(start, stage)| stage.resources.iter().filter_map(move |at| Reading::of(*start, at)))
        .collect();
    if readings.len() < 2 || readings.iter().all(|at| at.bytes == 0 && at.files.unwrap_or(0) == 0) {
        return Vec::new();
    }
    let last_s = readings.iter().map(|at| at.at_s).fold(end_s, f64::max);
    if last_s < LEAST_S {
        return Vec::new();
    }
    let (x, before) = (Axis::seconds(last_s), boundaries(scenario));
    let bytes = readings.iter().map(|at| (at.at_s, megabytes(at.bytes))).collect();
    let files: Option<Vec<_>> = readings.iter().map(|at| Some((at.at_s, at.files? as f64))).collect();
    let bytes = figure("Temporary files of the server, MB", bytes, &x, &before, &readings);
    let files = files.map(|files| figure("Temporary files of the server", files, &x, &before, &readings));
    std::iter::once(bytes).chain(files).collect()
}

fn figure(title: &str, points: Vec<(f64, f64)>, x: &Axis, before: &[Mark], readings: &[Reading]) -> Figure {
    Figure {
        title: title.to_owned(),
        caption: "Looked at every 10 s.".to_owned(),
        legend: Vec::new(),
        chart: Chart::half(
            x.clone(),
            Axis::from_zero("", points.iter().map(|(_, level)| *level)),
            before.iter().cloned().chain([Mark::Line(points, Paint::series(0))]),
        ),
        table: Table::new(&["second", "MB", "files"], readings.iter().map(Reading::row).collect()),
    }
}

impl Reading {
    fn of(start_s: f64, at: &ResourceAt) -> Option<Self> {
        let at_s = start_s + at.at_ns as f64 / 1e9;
        Some(Self { at_s, bytes: at.temp_bytes?, files: at.temp_files })
    }

    fn row(&self) -> Vec<String> {
        let files = self.files.map_or_else(|| "–".to_owned(), count);
        vec![format!("{:.0}", self.at_s), digits(megabytes(self.bytes)), files]
    }
}
