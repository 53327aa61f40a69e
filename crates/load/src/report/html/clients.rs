//! Throughput and p95 over the number of clients, of a scenario whose stages differ in that.

use std::collections::BTreeMap;

use super::colours::Colours;
use super::figure::{Figure, Table};
use crate::measure::quantile::Quantile;
use crate::report::chart::{Axis, Chart, Mark, Paint};
use crate::report::units::{count, digits, percent, quantile};
use crate::result::{ScenarioResult, StageResult};

/// Two charts; none where all closed loops had the same number of clients.
pub(super) fn figures(scenario: &ScenarioResult, colours: &Colours) -> Vec<Figure> {
    let closed = scenario.stages.iter().filter(|stage| !stage.open_loop && stage.fault.is_none());
    let by_clients: BTreeMap<usize, &StageResult> = closed.map(|stage| (stage.clients, stage)).collect();
    if by_clients.len() < 2 {
        return Vec::new();
    }
    let stages: Vec<&StageResult> = by_clients.into_values().collect();
    let x = x(&stages);
    let throughput = throughput(&stages, &x);
    // A search has a chart of what it judged.
    let of_search = scenario.capacity.is_some();
    [Some(throughput), (!of_search).then(|| p95(&stages, &x, colours))].into_iter().flatten().collect()
}

fn x(stages: &[&StageResult]) -> Axis {
    let places: Vec<(f64, String)> =
        stages.iter().map(|stage| (stage.clients as f64, stage.clients.to_string())).collect();
    // Names that a search has close together would cover each other.
    let most = stages.last().map_or(1, |stage| stage.clients);
    if places.len() <= 6 { Axis::named("clients", &places) } else { Axis::doublings("clients", most) }
}

fn place(stage: &StageResult) -> f64 {
    (stage.clients as f64).log2()
}

fn throughput(stages: &[&StageResult], x: &Axis) -> Figure {
    let points: Vec<(f64, f64)> = stages.iter().map(|stage| (place(stage), stage.calls_per_s)).collect();
    let in_time: Vec<(f64, f64)> =
        stages.iter().filter_map(|stage| Some((place(stage), stage.goodput?.per_s))).collect();
    let (blue, green) = (Paint::series(0), Paint::series(2));
    let drawn = |points: &[(f64, f64)], name: &str, paint: Paint| {
        let end = points.last().map(|&(_, at)| Mark::End(at, name.to_owned(), paint));
        let line = [Mark::Line(points.to_vec(), paint), Mark::Dots(points.to_vec(), paint)];
        line.into_iter().chain(end).collect::<Vec<_>>()
    };
    let rows = stages.iter().map(|stage| {
        let share = stage.accounts.success().share().map_or_else(|| "–".to_owned(), percent);
        let in_time = stage.goodput.map_or_else(|| "–".to_owned(), |goodput| digits(goodput.per_s));
        vec![stage.clients.to_string(), digits(stage.calls_per_s), in_time, count(stage.accounts.sent), share]
    });
    Figure {
        title: "Calls a second by clients".to_owned(),
        caption: "Where the line bends, the server is at its limit: more clients only wait longer."
            .to_owned(),
        legend: Vec::new(),
        chart: Chart::half(
            x.clone(),
            Axis::from_zero("", points.iter().map(|(_, rate)| *rate)),
            [drawn(&points, "all", blue), drawn(&in_time, "in time", green)].concat(),
        ),
        table: Table::new(
            &["clients", "calls a second", "good and in time", "calls", "good"],
            rows.collect(),
        ),
    }
}

fn p95(stages: &[&StageResult], x: &Axis, colours: &Colours) -> Figure {
    let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for stage in stages {
        for (name, tool) in &stage.tools {
            let line = lines.entry(name.as_str()).or_default();
            if let Some(ns) = stage.times(tool).and_then(|times| times.p95.ns()) {
                line.push((place(stage), ns as f64));
            }
        }
    }
    let log =
        |points: &[(f64, f64)]| points.iter().map(|&(x, ns)| (x, ns.max(1.0).log10())).collect::<Vec<_>>();
    let marks = lines.iter().flat_map(|(name, points)| {
        let (paint, points) = (colours.paint(name), log(points));
        let end = points.last().map(|&(_, at)| Mark::End(at, (*name).to_owned(), paint));
        [Some(Mark::Line(points.clone(), paint)), Some(Mark::Dots(points, paint)), end].into_iter().flatten()
    });
    let rows = stages.iter().map(|stage| {
        let cell = |name: &&str| {
            let p95: Option<Quantile> = stage.tools.get(*name).and_then(|tool| Some(stage.times(tool)?.p95));
            p95.as_ref().map_or_else(|| "–".to_owned(), quantile)
        };
        [stage.clients.to_string()].into_iter().chain(lines.keys().map(cell)).collect()
    });
    let head: Vec<&str> = ["clients"].into_iter().chain(lines.keys().copied()).collect();
    Figure {
        title: "p95 of each tool by clients".to_owned(),
        caption: String::new(),
        legend: Vec::new(),
        chart: Chart::half(
            x.clone(),
            Axis::durations(lines.values().flatten().map(|(_, ns)| *ns)),
            marks.collect::<Vec<_>>(),
        ),
        table: Table::new(&head, rows.collect()),
    }
}
