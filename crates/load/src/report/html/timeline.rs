//! Response times, calls and errors second by second, over all stages of a scenario.

use std::collections::BTreeMap;

use music21_mcp_bench::client::Outcome;

use super::figure::{Figure, Table};
use crate::report::chart::{self, Axis, Chart, Mark, Paint, Width};
use crate::report::units::{digits, duration};
use crate::result::{DayProfile, ScenarioResult, Second, StageResult, phases};

/// Points of a chart; more would not be seen.
const POINTS: usize = 300;
/// Fewer calls make no picture.
const HEAT_CALLS: u64 = 500;
/// Shorter scenarios have nothing to show over time.
pub(super) const LEAST_S: f64 = 3.0;

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
    by_time: BTreeMap<u8, u64>,
    /// How long it is.
    seconds: f64,
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

/// The pattern of a scenario that is one day.
fn day(scenario: &ScenarioResult) -> Option<DayProfile> {
    let is_one = scenario.stages.len() == 1;
    scenario.definition.stages.first().filter(|_| is_one)?.day()
}

/// Time from the start to `end_s`: in hours where it is a day's.
pub(super) fn time(scenario: &ScenarioResult, end_s: f64) -> Axis {
    day(scenario).map_or_else(|| Axis::seconds(end_s), |day| Axis::hours(end_s, day.duration_s / day.hours))
}

/// A line where each stage begins, if there are several, or each phase of a day.
pub(super) fn boundaries(scenario: &ScenarioResult) -> Vec<Mark> {
    let (starts, end_s) = starts(scenario);
    let x = Axis::seconds(end_s);
    if let Some(day) = day(scenario) {
        let at_s = |hour: f64| hour * day.duration_s / day.hours;
        let begun: Vec<(f64, &str)> =
            phases::spans(&day).into_iter().map(|(from, _, name)| (at_s(from), name)).collect();
        return chart::boundaries(&begun, &x);
    }
    let names = scenario.stages.iter().map(|stage| stage.name.as_str());
    let begun: Vec<(f64, &str)> = starts.into_iter().zip(names).collect();
    if begun.len() > 1 { chart::boundaries(&begun, &x) } else { Vec::new() }
}

/// Up to four charts; none of a scenario without stages or too short to show anything over time.
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
    let x = time(scenario, end_s);
    let before = boundaries(scenario);
    let mut times = latency(&slices, &x, &before, each);
    if day(scenario).is_some() {
        // It is what a day is judged by.
        times.chart.width = Width::Whole;
    }
    [
        Some(times),
        heat(&slices, &x, &before),
        Some(calls(&slices, &x, &before, width as f64)),
        Some(in_flight(&slices, &x, &before)),
    ]
    .into_iter()
    .flatten()
    .collect()
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
    let mut by_time = BTreeMap::new();
    part.iter().flat_map(|s| &s.by_time).for_each(|(&bin, n)| *by_time.entry(bin).or_default() += n);
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
        by_time,
        seconds,
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
    let drawn = lines.into_iter().flat_map(|(name, paint, read)| {
        let points: Vec<_> =
            slices.iter().filter_map(|slice| Some((slice.at_s, log(read(slice)?)))).collect();
        let end = points.last().map(|&(_, at)| Mark::End(at, name.to_owned(), paint));
        std::iter::once(Mark::Line(points, paint)).chain(end)
    });
    let all = slices.iter().flat_map(|s| [s.p50_ns, s.p95_ns, s.max_ns]).flatten().map(|ns| ns as f64);
    Figure {
        title: "Response times over time".to_owned(),
        caption,
        legend: Vec::new(),
        chart: Chart::half(x.clone(), Axis::durations(all), before.iter().cloned().chain(drawn)),
        table: times_table(slices),
    }
}

/// How many calls took how long when: two kinds of calls are two bands. `None` where there are too few calls for a picture,
/// or a file of an older program has no such figures.
fn heat(slices: &[Slice], x: &Axis, before: &[Mark]) -> Option<Figure> {
    let calls: u64 = slices.iter().flat_map(|slice| slice.by_time.values()).sum();
    let rate = |slice: &Slice, n: u64| n as f64 / slice.seconds;
    let most = slices.iter().flat_map(|s| s.by_time.values().map(|&n| rate(s, n))).fold(0.0, f64::max);
    if calls < HEAT_CALLS {
        return None;
    }
    let edges = |bin: u8| (f64::from(bin) / 10.0, f64::from(bin + 1) / 10.0);
    let boxes = slices.iter().flat_map(|slice| {
        let (left, right) = (slice.at_s - slice.seconds / 2.0, slice.at_s + slice.seconds / 2.0);
        // By the square root, or a single slow call would not be seen beside a thousand.
        let alpha = move |n: u64| (0.12 + 0.88 * (rate(slice, n) / most).sqrt()).min(1.0);
        slice.by_time.iter().map(move |(&bin, &n)| {
            let (low, high) = edges(bin);
            ((left, low), (right, high), alpha(n))
        })
    });
    let ends = slices.iter().flat_map(|s| s.by_time.keys()).flat_map(|&bin| [edges(bin).0, edges(bin).1]);
    let y = Axis::durations(ends.map(|log| 10f64.powf(log)));
    let rows = slices.iter().map(|slice| {
        let busiest = slice.by_time.iter().max_by_key(|(_, n)| **n);
        let most = busiest.map_or_else(
            || "–".to_owned(),
            |(&bin, n)| {
                let [from, until] = [edges(bin).0, edges(bin).1].map(|log| duration(10f64.powf(log)));
                format!("{n} calls, {from} to {until}")
            },
        );
        vec![format!("{:.0}", slice.at_s), most, slice.by_time.len().to_string()]
    });
    Some(Figure {
        title: "How many calls took how long".to_owned(),
        caption: "The darker, the more calls. Two bands are two kinds of calls.".to_owned(),
        legend: Vec::new(),
        table: Table::new(&["second", "most calls", "bands of a tenth of a decade"], rows.collect()),
        chart: Chart::half(
            x.clone(),
            y,
            std::iter::once(Mark::Boxes(boxes.collect(), Paint::series(0))).chain(before.iter().cloned()),
        ),
    })
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
