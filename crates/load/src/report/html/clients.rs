//! Throughput and p95 over the number of clients, or the arrival rate, of a scenario whose stages differ in that.

use std::collections::BTreeMap;

use super::colours::Colours;
use super::figure::{Figure, Table};
use crate::measure::quantile::Quantile;
use crate::report::chart::{Axis, Chart, Mark, Paint};
use crate::report::units::{count, digits, percent, quantile};
use crate::result::{ScenarioResult, StageResult, Tried};

/// Two charts of closed loops with several numbers of clients; one of open loops at several rates.
pub(super) fn figures(scenario: &ScenarioResult, colours: &Colours) -> Vec<Figure> {
    let closed = scenario.stages.iter().filter(|stage| !stage.open_loop && stage.fault.is_none());
    let by_clients: BTreeMap<usize, &StageResult> = closed.map(|stage| (stage.clients, stage)).collect();
    let mut figures = Vec::new();
    if by_clients.len() > 1 {
        let stages: Vec<&StageResult> = by_clients.into_values().collect();
        let x = x(&stages);
        let points =
            stages.iter().map(|stage| Point { at: place(stage), name: stage.clients.to_string(), stage });
        let caption = "Where the line bends, the server is at its limit: more clients only wait longer.";
        figures.push(throughput("clients", caption, &points.collect::<Vec<_>>(), x.clone(), Vec::new()));
        // A search has a chart of what it judged.
        figures.extend(scenario.capacity.is_none().then(|| p95(&stages, &x, colours)));
    }
    figures.extend(by_rate(scenario));
    figures
}

/// Of a search by rate that tried several.
fn by_rate(scenario: &ScenarioResult) -> Option<Figure> {
    let (_, trials) = scenario.searches().find(|(capacity, _)| capacity.is_by_rate())?;
    let point =
        |(tried, stage): (&Tried, _)| Point { at: tried.load(), name: tried.load().to_string(), stage };
    let mut points: Vec<Point<'_>> = trials.into_iter().map(point).collect();
    // Of what was tried again, the last.
    points.reverse();
    points.sort_by(|one, other| one.at.total_cmp(&other.at));
    points.dedup_by(|again, last| again.at == last.at);
    let most = points.last().map(|last| last.at).filter(|most| points[0].at < *most)?;
    let x = Axis::from_zero("calls due a second", [most]);
    let caption = "The broken line is as many as were due. Below it, calls wait longer and longer, or fail.";
    let due = Mark::Line(vec![(0.0, 0.0), (most, most)], Paint::series(5).dashed());
    Some(throughput("arrival rate", caption, &points, x, vec![due]))
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

/// A stage, where it stands on the axis and what it is called there.
struct Point<'a> {
    at: f64,
    name: String,
    stage: &'a StageResult,
}

fn throughput(by: &str, caption: &str, points: &[Point<'_>], x: Axis, mut marks: Vec<Mark>) -> Figure {
    let all: Vec<(f64, f64)> = points.iter().map(|point| (point.at, point.stage.calls_per_s)).collect();
    let in_time: Vec<(f64, f64)> =
        points.iter().filter_map(|point| Some((point.at, point.stage.goodput?.per_s))).collect();
    for (line, name, paint) in [(&all, "all", Paint::series(0)), (&in_time, "in time", Paint::series(2))] {
        marks.extend([Mark::Line(line.clone(), paint), Mark::Dots(line.clone(), paint)]);
        marks.extend(line.last().map(|&(_, at)| Mark::End(at, name.to_owned(), paint)));
    }
    let rows = points.iter().map(|Point { name, stage, .. }| {
        let share = stage.accounts.success().share().map_or_else(|| "–".to_owned(), percent);
        let in_time = stage.goodput.map_or_else(|| "–".to_owned(), |goodput| digits(goodput.per_s));
        vec![name.clone(), digits(stage.calls_per_s), in_time, count(stage.accounts.sent), share]
    });
    let highest = marks.iter().filter_map(|mark| match mark {
        Mark::Line(points, _) => points.iter().map(|(_, rate)| *rate).reduce(f64::max),
        _ => None,
    });
    Figure {
        title: format!("Calls a second by {by}"),
        caption: caption.to_owned(),
        legend: Vec::new(),
        table: Table::new(&[by, "calls a second", "good and in time", "calls", "good"], rows.collect()),
        chart: Chart::half(x, Axis::from_zero("", highest.collect::<Vec<_>>()), marks),
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
