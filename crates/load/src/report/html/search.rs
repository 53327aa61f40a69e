//! What load was tried in a search for the most, clients or a rate, and what came of each.

use maud::{Markup, html};
use music21_mcp_bench::client::Outcome;

use super::figure::{Figure, Table};
use crate::measure::quantile::Quantile;
use crate::report::chart::{Axis, Chart, Mark, Paint};
use crate::report::units::{count, digits, duration, percent, quantile};
use crate::result::{Capacity, Search, Served, StageResult, Tried};

/// A load, and the stage that tried it.
struct Trial<'a> {
    tried: &'a Tried,
    stage: &'a StageResult,
    /// The tool that decided, and its p95.
    worst: Option<(&'a str, Option<Quantile>)>,
}

/// The objective, and a chart of the trials.
pub(super) fn section(capacity: &Capacity, search: &Search, tried: Vec<(&Tried, &StageResult)>) -> Markup {
    let trial = |(tried, stage)| Trial { tried, stage, worst: search.worst(stage) };
    let trials: Vec<Trial<'_>> = tried.into_iter().map(trial).collect();
    let load = |load: Option<f64>| load.map_or_else(|| "–".to_owned(), |load| capacity.shown(load));
    let (title, times) = match capacity.is_by_rate() {
        true => ("Arrival rates tried", "objective: p95 of each tool’s response times"),
        false => ("Clients tried", "objective: p95 of each tool"),
    };
    let most = capacity.max_rate_per_s.or(capacity.max_clients.map(|clients| clients as f64));
    html! {
        h3 { (title) }
        dl.facts {
            div { dt { "most that keeps the objective" } dd { (load(capacity.highest_within)) } }
            div { dt { "least above that does not" } dd { (load(capacity.lowest_not_within)) } }
            div { dt { (times) } dd { "≤ " (duration(search.max_p95_ms * 1e6)) } }
            div { dt { "objective: good calls" } dd { "≥ " (percent(search.min_success)) } }
            div { dt { "no more was to be tried than" } dd { (load(most)) } }
        }
        @if trials.iter().any(|trial| trial.bounds().is_some()) {
            (figure(&trials, capacity, search).html_with_table())
        } @else if !trials.is_empty() {
            (table(&trials, capacity).html(title))
        }
    }
}

/// What loads are called above their axis.
fn name(capacity: &Capacity) -> &'static str {
    if capacity.is_by_rate() { "calls due a second" } else { "clients" }
}

fn figure(trials: &[Trial<'_>], capacity: &Capacity, search: &Search) -> Figure {
    let objective_ns = search.max_p95_ms * 1e6;
    let loads = trials.iter().map(|trial| trial.tried.load());
    let most = loads.clone().fold(1.0, f64::max);
    let x = match capacity.is_by_rate() {
        true => Axis::from_zero(name(capacity), loads),
        false => Axis::doublings(name(capacity), most as usize),
    };
    let known = trials.iter().filter_map(Trial::bounds).flatten().flatten();
    let y = Axis::durations(known.map(|ns| ns as f64).chain([objective_ns]));
    let limit = Paint::series(5).dashed();
    let at = objective_ns.log10();
    let line = Mark::Line(vec![(x.range.start, at), (x.range.end, at)], limit);
    let drawn = trials.iter().flat_map(|trial| trial.marks(y.range.start, y.range.end));
    let ends = [(capacity.highest_within, "kept", 2), (capacity.lowest_not_within, "not kept", 1)];
    let edge = ends.into_iter().filter_map(|(load, name, row)| {
        Some(Mark::Boundary(Trial::place(capacity.is_by_rate(), load?), name.to_owned(), row))
    });
    let marks: Vec<Mark> = edge.chain([line]).chain(drawn).collect();
    let mut legend: Vec<(Paint, String)> = [Served::Within, Served::Inconclusive, Served::Beyond]
        .into_iter()
        .filter(|served| trials.iter().any(|trial| trial.tried.served == *served))
        .map(|served| (paint(served), served.word().to_owned()))
        .collect();
    legend.push((limit, "the objective".to_owned()));
    Figure {
        title: format!(
            "p95 of the tool that decided, by {}",
            if capacity.is_by_rate() { "arrival rate" } else { "clients" }
        ),
        caption:
            "Lines are the 95 % bounds. Where there is no dot, there are too few calls for an estimate, or \
                  calls timed out."
                .to_owned(),
        legend,
        chart: Chart::whole(x, y, marks),
        table: table(trials, capacity),
    }
}

fn table(trials: &[Trial<'_>], capacity: &Capacity) -> Table {
    let head: Vec<&str> = [name(capacity)].into_iter().chain(HEAD).collect();
    Table::new(&head, trials.iter().map(Trial::row).collect())
}

const HEAD: [&str; 8] =
    ["objective", "decided by", "p95", "95 % bounds", "calls", "good", "calls a second", "good and in time"];

/// The lowest and the highest that a quantile is surely between, as far as they are known.
fn ends(quantile: Quantile) -> [Option<u64>; 2] {
    [quantile.lower_ns(), quantile.upper_ns()]
}

impl Trial<'_> {
    fn p95(&self) -> Option<Quantile> {
        self.worst?.1
    }

    /// `None` where nothing is known of either.
    fn bounds(&self) -> Option<[Option<u64>; 2]> {
        self.p95().map(ends).filter(|[low, high]| low.is_some() || high.is_some())
    }

    /// On the axis: rates are drawn as they are, clients in doublings.
    fn place(is_rate: bool, load: f64) -> f64 {
        if is_rate { load } else { load.log2() }
    }

    /// A line between the bounds, or to the edge where one is not known, and a dot at the estimate.
    fn marks(&self, bottom: f64, top: f64) -> Vec<Mark> {
        let x = Self::place(self.tried.rate_per_s.is_some(), self.tried.load());
        let paint = paint(self.tried.served);
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
            self.tried.load().to_string(),
            self.tried.served.word().to_owned(),
            or_none(self.worst.map(|(tool, _)| tool.to_owned())),
            or_none(self.p95().filter(|p95| p95.ns().is_some()).as_ref().map(quantile)),
            or_none(bounds),
            count(accounts.sent),
            or_none((accounts.sent > 0).then(|| percent(good))),
            digits(self.stage.calls_per_s),
            or_none(self.stage.goodput.map(|goodput| digits(goodput.per_s))),
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
