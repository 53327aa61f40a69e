//! The server's memory with its trend, its descriptors, threads and CPU time, over all stages of a scenario.

use super::figure::{Figure, Table};
use super::timeline::{boundaries, starts, time};
use crate::measure::stats::median;
use crate::measure::trend::{self, LeakReport};
use crate::report::chart::{Axis, Chart, Mark, Paint, Width};
use crate::report::units::{digits, megabytes};
use crate::result::{ResourceAt, ScenarioResult};

/// Readings drawn; more would not be seen.
const POINTS: usize = 300;
/// Fewer show nothing over time.
const LEAST: usize = 3;

/// A reading and when it was made, seconds from the scenario's start.
type Reading<'a> = (f64, &'a ResourceAt);

/// Three charts, the first of them the server's memory; none where the server's processes could not be watched.
pub(super) fn figures(scenario: &ScenarioResult) -> Vec<Figure> {
    let (starts, end_s) = starts(scenario);
    let stages: Vec<Vec<Reading<'_>>> = starts
        .iter()
        .zip(&scenario.stages)
        .map(|(start, stage)| stage.resources.iter().map(|at| (start + at.at_ns as f64 / 1e9, at)).collect())
        .collect();
    let all: Vec<Reading<'_>> = stages.iter().flatten().copied().collect();
    if all.len() < LEAST {
        return Vec::new();
    }
    let every = all.len().div_ceil(POINTS);
    let few: Vec<Reading<'_>> = all.iter().step_by(every).copied().collect();
    let last_s = all.iter().map(|(at_s, _)| *at_s).fold(end_s, f64::max);
    let x = time(scenario, last_s);
    let before = boundaries(scenario);
    let limit = scenario.definition.thresholds.max_memory_mb_per_min.unwrap_or(trend::SOUND_UPPER);
    let trends = stages
        .iter()
        .zip(&scenario.stages)
        .filter_map(|(readings, stage)| Trend::fit(readings, stage.leak.as_ref()?, limit));
    let peak = scenario.stages.iter().filter_map(|stage| stage.peak_rss_bytes).max();
    vec![
        memory(&few, &x, &before, &trends.collect::<Vec<_>>(), peak),
        handles(&few, &x, &before),
        processor(&stages, &x, &before, every),
    ]
}

/// Lines through the middle of the window that the leak rule judged.
struct Trend {
    from_s: f64,
    middle: (f64, f64),
    until_s: f64,
    mb_per_s: [f64; 3],
    /// What would be too much.
    limit_mb_per_min: f64,
    text: String,
}

impl Trend {
    /// The line of Theil and Sen runs through the medians of both axes (Conover 1980).
    fn fit(readings: &[Reading<'_>], leak: &LeakReport, limit_mb_per_min: f64) -> Option<Self> {
        let until_s = readings.last()?.0;
        let from_s = until_s - leak.window_s;
        let window: Vec<_> = readings.iter().filter(|(at_s, _)| *at_s >= from_s).collect();
        let seconds: Vec<f64> = window.iter().map(|(at_s, _)| *at_s).collect();
        let levels: Vec<f64> = window.iter().map(|(_, at)| megabytes(at.sample.rss_anon_bytes)).collect();
        let slope = leak.mb_per_min;
        let text = format!(
            "Trend over {:.0} s: {:+.2} MB/min ({:+.2} to {:+.2}). ",
            leak.window_s, slope.estimate, slope.lower, slope.upper
        );
        let mb_per_s = [slope.lower, slope.estimate, slope.upper].map(|per_min| per_min / 60.0);
        let middle = (median(&seconds)?, median(&levels)?);
        Some(Self { from_s, middle, until_s, mb_per_s, limit_mb_per_min, text })
    }

    fn at(&self, seconds: f64, mb_per_s: f64) -> (f64, f64) {
        (seconds, self.middle.1 + (seconds - self.middle.0) * mb_per_s)
    }

    /// The limit as a line from where the trend begins, and where it ends.
    fn limit(&self) -> (Vec<(f64, f64)>, f64) {
        let begin = self.at(self.from_s, self.mb_per_s[1]);
        let end = begin.1 + (self.until_s - self.from_s) * self.limit_mb_per_min / 60.0;
        (vec![begin, (self.until_s, end)], end)
    }

    /// Between the bounds, and the estimate on top.
    fn marks(&self, paint: Paint) -> [Mark; 2] {
        let [lower, estimate, upper] = self.mb_per_s;
        let outline = vec![
            self.at(self.from_s, lower),
            self.middle,
            self.at(self.until_s, lower),
            self.at(self.until_s, upper),
            self.middle,
            self.at(self.from_s, upper),
        ];
        let line = vec![self.at(self.from_s, estimate), self.at(self.until_s, estimate)];
        [Mark::Area(outline, paint.faint(0.25)), Mark::Line(line, paint.dashed())]
    }
}

fn memory(
    readings: &[Reading<'_>],
    x: &Axis,
    before: &[Mark],
    trends: &[Trend],
    peak: Option<u64>,
) -> Figure {
    let of = |read: fn(&ResourceAt) -> u64| {
        readings.iter().map(|(at_s, at)| (*at_s, megabytes(read(at)))).collect::<Vec<_>>()
    };
    let (resident, anonymous) = (of(|at| at.sample.rss_bytes), of(|at| at.sample.rss_anon_bytes));
    let levels = resident.iter().chain(&anonymous).map(|(_, level)| *level);
    let levels = levels.chain(trends.iter().map(|one| one.limit().1));
    let (blue, orange, trend) = (Paint::series(0), Paint::series(1), Paint::series(3));
    let line = |points: &[(f64, f64)], name: &str, paint: Paint| {
        let end = points.last().map(|&(_, at)| Mark::End(at, name.to_owned(), paint));
        std::iter::once(Mark::Line(points.to_vec(), paint)).chain(end)
    };
    let lines = line(&resident, "resident", orange).chain(line(&anonymous, "anonymous", blue));
    let fitted = trends.iter().flat_map(|one| {
        let limit = Mark::Line(one.limit().0, Paint::ALARM.dashed());
        one.marks(trend).into_iter().chain([limit])
    });
    let mut legend = Vec::new();
    let caption = match trends {
        [] => format!("Too short for a trend: that takes {}.", trend::needs()),
        _ => {
            legend.push((trend.dashed(), "trend with its 95 % bounds".to_owned()));
            let limit = digits(trends[0].limit_mb_per_min);
            legend.push((Paint::ALARM.dashed(), format!("the limit, {limit} MB/min more")));
            let fitted: String = trends.iter().map(|one| one.text.as_str()).collect();
            format!("Anonymous memory is what leaks. {fitted}")
        }
    };
    let peak = peak.map(|bytes| format!(" Peak: {} MB resident.", digits(megabytes(bytes))));
    let rows = readings.iter().zip(&resident).zip(&anonymous).map(|(((at_s, at), (_, all)), (_, own))| {
        vec![format!("{at_s:.0}"), digits(*all), digits(*own), at.calls.to_string()]
    });
    Figure {
        title: "Memory of the server, MB".to_owned(),
        caption: caption.trim_end().to_owned() + &peak.unwrap_or_default(),
        legend,
        chart: Chart {
            width: if trends.is_empty() { Width::Half } else { Width::Whole },
            ..Chart::half(
                x.clone(),
                Axis::around("", levels),
                before.iter().cloned().chain(lines).chain(fitted),
            )
        },
        table: Table::new(&["second", "resident, MB", "anonymous, MB", "calls ended"], rows.collect()),
    }
}

fn handles(readings: &[Reading<'_>], x: &Axis, before: &[Mark]) -> Figure {
    type Read = fn(&ResourceAt) -> Option<u64>;
    let lines: [(&str, Read); 3] = [
        ("descriptors", |at| at.sample.fds),
        ("threads", |at| Some(at.sample.threads)),
        ("processes", |at| Some(at.sample.processes)),
    ];
    let of = |read: Read| readings.iter().filter_map(move |(at_s, at)| Some((*at_s, read(at)? as f64)));
    let drawn = lines.iter().enumerate().flat_map(|(i, (name, read))| {
        let points: Vec<(f64, f64)> = of(*read).collect();
        let end = points.last().map(|&(_, at)| Mark::End(at, (*name).to_owned(), Paint::series(i)));
        std::iter::once(Mark::Line(points, Paint::series(i))).chain(end)
    });
    let cell = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    let rows = readings.iter().map(|(at_s, at)| {
        [format!("{at_s:.0}")].into_iter().chain(lines.map(|(_, read)| cell(read(at)))).collect()
    });
    Figure {
        title: "Descriptors, threads and processes".to_owned(),
        caption: String::new(),
        legend: Vec::new(),
        chart: Chart::half(
            x.clone(),
            Axis::from_zero("", lines.iter().flat_map(|(_, read)| of(*read).map(|(_, n)| n))),
            before.iter().cloned().chain(drawn),
        ),
        table: Table::new(&["second", "descriptors", "threads", "processes"], rows.collect()),
    }
}

/// CPUs used between readings of the same stage that are `every` readings apart.
fn processor(stages: &[Vec<Reading<'_>>], x: &Axis, before: &[Mark], every: usize) -> Figure {
    let used = |readings: &Vec<Reading<'_>>| -> Vec<(f64, f64)> {
        let few: Vec<_> = readings.iter().step_by(every).collect();
        let pairs = few.windows(2).map(|pair| {
            let ((from_s, from), (until_s, until)) = (pair[0], pair[1]);
            // A process that ended takes its time with it.
            let cpu_ns = until.sample.cpu_ns.saturating_sub(from.sample.cpu_ns);
            (*until_s, cpu_ns as f64 / 1e9 / (until_s - from_s).max(1e-3))
        });
        pairs.collect()
    };
    let points: Vec<(f64, f64)> = stages.iter().flat_map(used).collect();
    let rows = points.iter().map(|(at_s, cpus)| vec![format!("{at_s:.0}"), digits(*cpus)]);
    Figure {
        title: "CPUs that the server used".to_owned(),
        caption: String::new(),
        legend: Vec::new(),
        table: Table::new(&["second", "CPUs"], rows.collect()),
        chart: Chart::half(
            x.clone(),
            Axis::from_zero("", points.iter().map(|(_, cpus)| *cpus)),
            before.iter().cloned().chain([Mark::Line(points, Paint::series(0))]),
        ),
    }
}
