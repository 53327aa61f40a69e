//! Response times, calls and errors second by second, over all stages of a scenario.

use std::collections::BTreeMap;

use music21_mcp_bench::client::Outcome;

use super::figure::{Figure, Table};
use crate::report::chart::{Axis, Chart, Mark, Paint};
use crate::report::units::{digits, duration};
use crate::result::{ScenarioResult, Second, StageResult};

/// Points of a chart; more would not be seen.
const POINTS: usize = 300;
/// Shorter scenarios have nothing to show over time.
const LEAST_S: f64 = 3.0;

/// Some seconds together.
struct Slice {
    /// Its middle, seconds from the scenario's start.
    at_s: f64,
    p50_ns: Option<u64>,
    p95_ns: Option<u64>,
    max_ns: Option<u64>,
    ok_per_s: f64,
    errors_per_s: f64,
    errors: BTreeMap<Outcome, u64>,
    in_flight: f64,
}

/// Seconds from the scenario's start at which each stage began, and where the last one ended.
pub(super) fn starts(scenario: &ScenarioResult) -> (Vec<f64>, f64) {
    let mut end = 0.0;
    let begin = |stage: &StageResult| {
        let start = end;
        end += stage.elapsed_ns as f64 / 1e9;
        start
    };
    let starts = scenario.stages.iter().map(begin).collect();
    (starts, end)
}

/// A line where each stage begins, if there are several.
pub(super) fn boundaries(scenario: &ScenarioResult) -> Vec<Mark> {
    let (starts, _) = starts(scenario);
    let named = starts.into_iter().zip(&scenario.stages);
    let marks = named.map(|(start, stage)| Mark::Boundary(start, stage.name.clone(), 0));
    marks.filter(|_| scenario.stages.len() > 1).collect()
}

/// Three charts; none of a scenario without stages or too short to show anything over time.
pub(super) fn figures(scenario: &ScenarioResult) -> Vec<Figure> {
    let (starts, end_s) = starts(scenario);
    if end_s < LEAST_S {
        return Vec::new();
    }
    let width = (end_s as usize).div_ceil(POINTS).max(1);
    let stages = starts.iter().zip(&scenario.stages);
    let slices: Vec<Slice> = stages.flat_map(|(start, stage)| cut(*start, stage, width)).collect();
    let each = match width {
        1 => String::new(),
        _ => format!("Each point is {width} s: the middle median, the highest p95 and maximum. "),
    };
    let x = Axis::seconds(end_s);
    let before = boundaries(scenario);
    vec![
        latency(&slices, &x, &before, each),
        calls(&slices, &x, &before, width as f64),
        in_flight(&slices, &x, &before),
    ]
}

/// Two charts of a stage's seconds around the moment `zero_s`, from which they count.
pub(super) fn around(stage: &StageResult, zero_s: f64, x: &Axis, marks: &[Mark]) -> [Figure; 2] {
    let slices: Vec<Slice> = cut(-zero_s, stage, 1).filter(|slice| x.range.contains(&slice.at_s)).collect();
    let titled =
        |title: &str, figure: Figure| Figure { title: format!("{title} around the fault"), ..figure };
    [
        titled("Calls and errors per second", calls(&slices, x, marks, 1.0)),
        titled("Response times", latency(&slices, x, marks, String::new())),
    ]
}

/// Slices of `width` seconds. What is left at the end and shorter than half a slice belongs to the last one:
/// a rate over a few milliseconds would look like a collapse.
fn cut(start_s: f64, stage: &StageResult, width: usize) -> impl Iterator<Item = Slice> + '_ {
    let elapsed_s = stage.elapsed_ns as f64 / 1e9;
    let slices = ((elapsed_s / width as f64).round() as usize).max(1);
    (0..slices).filter_map(move |i| {
        let (from, is_last) = (i * width, i + 1 == slices);
        let until = if is_last { stage.timeline.len() } else { from + width };
        let part = stage.timeline.get(from..until.min(stage.timeline.len()))?;
        let seconds = if is_last { (elapsed_s - from as f64).max(1e-3) } else { width as f64 };
        (!part.is_empty()).then(|| slice(part, start_s + from as f64, seconds))
    })
}

fn slice(part: &[Second], from_s: f64, seconds: f64) -> Slice {
    let highest = |of: fn(&Second) -> Option<u64>| part.iter().filter_map(of).max();
    let mut medians: Vec<u64> = part.iter().filter_map(|second| second.p50_ns).collect();
    medians.sort_unstable();
    let mut errors = BTreeMap::new();
    part.iter().flat_map(|s| &s.errors).for_each(|(&how, n)| *errors.entry(how).or_default() += n);
    let (ok, failed) = (part.iter().map(|s| s.ok).sum::<u64>(), errors.values().sum::<u64>());
    Slice {
        at_s: from_s + seconds / 2.0,
        p50_ns: medians.get(medians.len() / 2).copied(),
        p95_ns: highest(|second| second.p95_ns),
        max_ns: highest(|second| second.max_ns),
        ok_per_s: ok as f64 / seconds,
        errors_per_s: failed as f64 / seconds,
        errors,
        in_flight: part.iter().map(|second| second.in_flight).sum::<f64>() / seconds,
    }
}

fn latency(slices: &[Slice], x: &Axis, before: &[Mark], caption: String) -> Figure {
    type Read = fn(&Slice) -> Option<u64>;
    let lines: [(&str, Paint, Read); 3] = [
        ("longest", Paint::series(5).faint(0.5), |slice| slice.max_ns),
        ("p95", Paint::series(1), |slice| slice.p95_ns),
        ("median", Paint::series(0), |slice| slice.p50_ns),
    ];
    let log = |ns: u64| (ns.max(1) as f64).log10();
    let drawn = lines.map(|(_, paint, read)| {
        let points = slices.iter().filter_map(|slice| Some((slice.at_s, log(read(slice)?))));
        Mark::Line(points.collect(), paint)
    });
    let all = slices.iter().flat_map(|s| [s.p50_ns, s.p95_ns, s.max_ns]).flatten().map(|ns| ns as f64);
    Figure {
        title: "Response times over time".to_owned(),
        caption,
        legend: lines.iter().rev().map(|(name, paint, _)| (*paint, (*name).to_owned())).collect(),
        chart: Chart::half(x.clone(), Axis::durations(all), before.iter().cloned().chain(drawn)),
        table: times_table(slices),
    }
}

fn calls(slices: &[Slice], x: &Axis, before: &[Mark], width: f64) -> Figure {
    let of = |read: fn(&Slice) -> f64| slices.iter().map(move |s| (s.at_s, read(s))).collect::<Vec<_>>();
    let errors: Vec<_> = of(|s| s.errors_per_s).into_iter().filter(|(_, rate)| *rate > 0.0).collect();
    let y = Axis::from_zero("", slices.iter().flat_map(|s| [s.ok_per_s, s.errors_per_s]));
    let (good, bad) = (Paint::series(2), Paint::ALARM);
    let drawn = [Mark::Bars(errors, width, bad.faint(0.8)), Mark::Line(of(|s| s.ok_per_s), good)];
    let caption = match slices.iter().any(|slice| slice.errors_per_s > 0.0) {
        true => "Bars: calls that did not end well.",
        false => "Every call ended well.",
    };
    Figure {
        title: "Calls and errors per second".to_owned(),
        caption: caption.to_owned(),
        legend: vec![(good, "ended well".to_owned()), (bad, "did not end well".to_owned())],
        chart: Chart::half(x.clone(), y, before.iter().cloned().chain(drawn)),
        table: calls_table(slices),
    }
}

fn in_flight(slices: &[Slice], x: &Axis, before: &[Mark]) -> Figure {
    let points: Vec<_> = slices.iter().map(|slice| (slice.at_s, slice.in_flight)).collect();
    let y = Axis::from_zero("", points.iter().map(|(_, n)| *n));
    let rows = slices.iter().map(|s| vec![format!("{:.0}", s.at_s), digits(s.in_flight)]);
    Figure {
        title: "Calls in flight".to_owned(),
        caption: "Sent and not yet answered, on average.".to_owned(),
        legend: Vec::new(),
        chart: Chart::half(
            x.clone(),
            y,
            before.iter().cloned().chain([Mark::Line(points, Paint::series(0))]),
        ),
        table: Table::new(&["second", "in flight"], rows.collect()),
    }
}

fn times_table(slices: &[Slice]) -> Table {
    let time = |ns: Option<u64>| ns.map_or_else(|| "–".to_owned(), |ns| duration(ns as f64));
    let row = |s: &Slice| vec![format!("{:.0}", s.at_s), time(s.p50_ns), time(s.p95_ns), time(s.max_ns)];
    Table::new(&["second", "median", "p95", "longest"], slices.iter().map(row).collect())
}

fn calls_table(slices: &[Slice]) -> Table {
    let row = |slice: &Slice| {
        let kinds: Vec<String> = slice.errors.iter().map(|(how, n)| format!("{n} {how}")).collect();
        let rates = [slice.ok_per_s, slice.errors_per_s].map(digits);
        [format!("{:.0}", slice.at_s)].into_iter().chain(rates).chain([kinds.join(", ")]).collect()
    };
    Table::new(&["second", "good a second", "others a second", "which"], slices.iter().map(row).collect())
}
