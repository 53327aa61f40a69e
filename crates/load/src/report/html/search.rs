//! How many clients were tried in a search for the most, and what came of each number.

use maud::{Markup, html};
use music21_mcp_bench::client::Outcome;

use super::figure::{Figure, Table};
use crate::measure::quantile::Quantile;
use crate::report::chart::{Axis, Chart, Mark, Paint};
use crate::report::units::{count, digits, duration, percent, quantile};
use crate::result::{Capacity, Search, Served, StageResult, Tried};

/// A number of clients, and the stage that tried it.
struct Trial<'a> {
    tried: &'a Tried,
    stage: &'a StageResult,
    /// The tool that decided, and its p95.
    worst: Option<(&'a str, Option<Quantile>)>,
}

/// The objective, and a chart of the trials.
pub(super) fn section(capacity: &Capacity, search: &Search, stages: &[StageResult]) -> Markup {
    let pairs = capacity.tried.iter().zip(stages);
    let trials: Vec<Trial<'_>> =
        pairs.map(|(tried, stage)| Trial { tried, stage, worst: search.worst(stage) }).collect();
    let clients = |found: Option<usize>| found.map_or_else(|| "–".to_owned(), |clients| clients.to_string());
    html! {
        h3 { "Clients tried" }
        dl.facts {
            div { dt { "most that keep the objective" } dd { (clients(capacity.highest_within)) } }
            div { dt { "fewest above that do not" } dd { (clients(capacity.lowest_not_within)) } }
            div { dt { "objective: p95 of each tool" } dd { "≤ " (duration(search.max_p95_ms * 1e6)) } }
            div { dt { "objective: good calls" } dd { "≥ " (percent(search.min_success)) } }
            div { dt { "no more were to be tried than" } dd { (capacity.max_clients) } }
        }
        @if trials.iter().any(|trial| trial.bounds().is_some()) {
            (figure(&trials, search).html_with_table())
        } @else if !trials.is_empty() {
            (table(&trials).html("Clients tried"))
        }
    }
}

fn figure(trials: &[Trial<'_>], search: &Search) -> Figure {
    let objective_ns = search.max_p95_ms * 1e6;
    let most = trials.iter().map(|trial| trial.tried.clients).max().unwrap_or(1);
    let x = Axis::doublings("clients", most);
    let known = trials.iter().filter_map(Trial::bounds).flatten().flatten();
    let y = Axis::durations(known.map(|ns| ns as f64).chain([objective_ns]));
    let limit = Paint::series(5).dashed();
    let at = objective_ns.log10();
    let line = Mark::Line(vec![(x.range.start, at), (x.range.end, at)], limit);
    let drawn = trials.iter().flat_map(|trial| trial.marks(y.range.start, y.range.end));
    let marks: Vec<Mark> = [line].into_iter().chain(drawn).collect();
    let mut legend: Vec<(Paint, String)> = [Served::Within, Served::Inconclusive, Served::Beyond]
        .into_iter()
        .filter(|served| trials.iter().any(|trial| trial.tried.served == *served))
        .map(|served| (paint(served), served.word().to_owned()))
        .collect();
    legend.push((limit, "the objective".to_owned()));
    Figure {
        title: "p95 of the tool that decided, by clients".to_owned(),
        caption:
            "Lines are the 95 % bounds. Where there is no dot, there are too few calls for an estimate, or \
                  calls timed out."
                .to_owned(),
        legend,
        chart: Chart::whole(x, y, marks),
        table: table(trials),
    }
}

fn table(trials: &[Trial<'_>]) -> Table {
    Table::new(&HEAD, trials.iter().map(Trial::row).collect())
}

const HEAD: [&str; 8] =
    ["clients", "objective", "decided by", "p95", "95 % bounds", "calls", "good", "calls a second"];

/// The lowest and the highest that a quantile is surely between, as far as they are known.
fn ends(quantile: Quantile) -> [Option<u64>; 2] {
    match quantile {
        Quantile::Value { interval, .. } => [Some(interval.low_ns), interval.high_ns],
        Quantile::UpperBound { ns } => [None, Some(ns)],
        Quantile::Censored { low_ns, .. } => [Some(low_ns), None],
        Quantile::TooFewSamples { .. } | Quantile::Unknown => [None, None],
    }
}

impl Trial<'_> {
    fn p95(&self) -> Option<Quantile> {
        self.worst?.1
    }

    /// `None` where nothing is known of either.
    fn bounds(&self) -> Option<[Option<u64>; 2]> {
        self.p95().map(ends).filter(|[low, high]| low.is_some() || high.is_some())
    }

    /// A line between the bounds, or to the edge where one is not known, and a dot at the estimate.
    fn marks(&self, bottom: f64, top: f64) -> Vec<Mark> {
        let (x, paint) = ((self.tried.clients as f64).log2(), paint(self.tried.served));
        let log = |ns: u64| (ns.max(1) as f64).log10();
        let Some([low, high]) = self.bounds() else { return Vec::new() };
        let line = vec![(x, low.map_or(bottom, log)), (x, high.map_or(top, log))];
        let dot = match self.p95() {
            Some(Quantile::Value { ns, .. }) => vec![(x, log(ns))],
            _ => Vec::new(),
        };
        vec![Mark::Line(line, paint), Mark::Dots(dot, paint)]
    }

    fn row(&self) -> Vec<String> {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        let time = |ns: Option<u64>| ns.map_or_else(|| "?".to_owned(), |ns| duration(ns as f64));
        let bounds = self.bounds().map(|[low, high]| format!("{} – {}", time(low), time(high)));
        let accounts = &self.stage.accounts;
        let good = accounts.count(Outcome::Ok) as f64 / accounts.sent.max(1) as f64;
        vec![
            self.tried.clients.to_string(),
            self.tried.served.word().to_owned(),
            or_none(self.worst.map(|(tool, _)| tool.to_owned())),
            or_none(self.p95().filter(|p95| p95.ns().is_some()).as_ref().map(quantile)),
            or_none(bounds),
            count(accounts.sent),
            or_none((accounts.sent > 0).then(|| percent(good))),
            digits(self.stage.calls_per_s),
        ]
    }
}

fn paint(served: Served) -> Paint {
    match served {
        Served::Within => Paint::series(2),
        Served::Inconclusive => Paint::series(4),
        Served::Beyond => Paint::ALARM,
    }
}
