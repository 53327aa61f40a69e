//! One scenario: its verdict and checks, its stages, and what happened over time.

use maud::{Markup, html};

use super::colours::Colours;
use super::figure::{Figure, Table};
use super::{
    chip, clients, disk, kept, limiter, percentiles, recovery, resources, search, sizes, timeline, tools,
};
use crate::measure::rating::{Grade, Rating};
use crate::measure::validity::{Figures, Standing};
use crate::report::advice;
use crate::report::chart::Width;
use crate::report::headline::{tone, word};
use crate::report::sizes::Sizes;
use crate::report::units::{self, count, duration, percent, quantile, rate};
use crate::result::phases;
use crate::result::{Ratings, ScenarioResult, StageResult};

/// More stages are folded: a reader opens the one in question.
const UNFOLDED: usize = 4;

/// The section, which links can name by its number.
pub(super) fn section(number: usize, scenario: &ScenarioResult, colours: &Colours) -> Markup {
    let (first, over_time) = charts(scenario, colours);
    let folds = scenario.stages.len() > UNFOLDED;
    html! {
        section.scenario id=(format!("scenario-{number}")) aria-labelledby=(format!("scenario-{number}-name")) {
            h2 id=(format!("scenario-{number}-name")) {
                (scenario.name) " " (chip(tone(scenario.verdict), word(scenario.verdict)))
            }
            p { (scenario.definition.description) }
            @if let Some(error) = &scenario.error { p.bad-calls { (error) } }
            @for note in &scenario.notes { p.note { (note) } }
            @if !scenario.checks.is_empty() {
                h3 { "Checks" }
                ul.checks { @for check in &scenario.checks {
                    li {
                        (chip(tone(check.verdict), word(check.verdict))) " " strong { (check.name) } ": " (check.text)
                        @if let Some(next) = advice::next(check) { span.next { "→ " (next) } }
                    }
                } }
            }
            (kept::section(scenario))
            @if !first.is_empty() { div.figures { @for figure in first { (figure.html()) } } }
            @if let Some((head, rows)) = Sizes::of(scenario).map(|sizes| sizes.table()).as_deref().and_then(<[_]>::split_first) {
                h3 { "By size" }
                (Table::new(&head.iter().map(String::as_str).collect::<Vec<_>>(), rows.to_vec()).html("Times and memory by size"))
            }
            @if let Some(clients) = scenario.clients.filter(|rating| rating.grade.is_some()) {
                p.ratings { (grade("clients", &clients)) }
            }
            @if let Some(report) = &scenario.rate_limit { (limiter::section(report, scenario.definition.probe)) }
            @if let Some(of) = &scenario.definition.search {
                @for (capacity, trials) in scenario.searches() { (search::section(capacity, of, trials)) }
            }
            @for stage in &scenario.stages {
                @if folds {
                    details.stage {
                        summary { "Stage “" (stage.name) "”: " (in_short(stage)) }
                        (self::stage(stage, colours))
                    }
                } @else {
                    h3 { "Stage “" (stage.name) "”" }
                    (self::stage(stage, colours))
                }
            }
            @if !over_time.is_empty() {
                h3 { "Over time" }
                div.figures { @for figure in over_time { (figure.html()) } }
            }
        }
    }
}

/// Charts that carry the verdict, and those that show what happened meanwhile.
fn charts(scenario: &ScenarioResult, colours: &Colours) -> (Vec<Figure>, Vec<Figure>) {
    let mut first = clients::figures(scenario, colours);
    let sizes = Sizes::of(scenario);
    first.extend(sizes.as_ref().and_then(|sizes| self::sizes::figure(sizes, colours)));
    let over_time = [timeline::figures, resources::figures, disk::figures];
    let meanwhile = over_time.into_iter().flat_map(|figures| figures(scenario));
    // A trend is drawn wide.
    let (judged, meanwhile) = meanwhile.partition(|figure| figure.chart.width == Width::Whole);
    first.splice(0..0, judged);
    (first, meanwhile)
}

/// A stage in a line.
fn in_short(stage: &StageResult) -> String {
    let good = stage.accounts.success().share().map_or_else(|| "no calls".to_owned(), percent);
    format!("{} calls, {good} good, {} calls a second", count(stage.accounts.sent), rate(stage))
}

fn stage(stage: &StageResult, colours: &Colours) -> Markup {
    html! {
        p.facts-line {
            @if stage.open_loop { "open loop" } @else { "closed loop" } ", "
            (stage.clients) @if stage.clients == 1 { " client, " } @else { " clients, " }
            (duration(stage.elapsed_ns as f64)) ", "
            (rate(stage)) " calls a second"
            @if let Some(goodput) = units::goodput(stage) { " (" (goodput) ")" }
            ", "
            (count(stage.accounts.sent)) " calls"
            @if let Some(share) = stage.accounts.success().share() { ", " (percent(share)) " good" }
            @if let Some(gap) = stage.generator.little_gap { ", deviation from Little’s law " (format!("{:+.1} %", gap * 100.0)) }
            @if stage.reopened > 0 { ", " (stage.reopened) " sessions opened again" }
            @if stage.validity.saturated { ", " strong { "saturated: the server did not keep up" } }
        }
        @for reason in stage.validity.reasons() {
            @let standing = reason.leaves(Figures::Times);
            p class=(if standing == Standing::Invalid { "bad-calls" } else { "bad-calls disturbed" }) {
                strong { (standing.word()) ": " } (reason)
            }
        }
        @for reason in &stage.validity.warnings { p.note { "Warning: " (reason) } }
        (ratings(&stage.ratings))
        (tools::table(stage))
        (recovery::section(stage))
        (phases(stage))
        (shards(stage))
        (leftovers(stage))
        div.figures { @for figure in percentiles::figures(stage, colours) { (figure.html()) } }
    }
}

fn ratings(ratings: &Ratings) -> Markup {
    html! {
        @if ratings.named().next().is_some() {
            p.ratings { @for (name, rating) in ratings.named() { (grade(name, &rating)) " " } }
        }
    }
}

fn grade(name: &str, rating: &Rating) -> Markup {
    let class = match rating.grade {
        Some(Grade::Excellent | Grade::Good) => "chip good",
        Some(Grade::Poor) => "chip bad",
        Some(Grade::Acceptable) | None => "chip doubtful",
    };
    html! { span class=(class) { (name) ": " (units::grade(rating)) } }
}

fn phases(stage: &StageResult) -> Markup {
    let times = phases::in_order(&stage.phases).into_iter().map(|(name, phase)| {
        let figure = |of: fn(&crate::measure::summary::Summary) -> &crate::measure::quantile::Quantile| {
            let known = phase.response.as_ref().map(of).filter(|known| known.ns().is_some());
            known.map_or_else(|| "–".to_owned(), quantile)
        };
        let good = phase.accounts.count(music21_mcp_bench::client::Outcome::Ok);
        let memory = phase.memory_mb_per_min.map_or_else(
            || "–".to_owned(),
            |slope| format!("{:+.2} ({:+.2} to {:+.2})", slope.estimate, slope.lower, slope.upper),
        );
        let calls = [count(phase.accounts.sent), count(good)];
        let figures = [figure(|s| &s.median), figure(|s| &s.p95), memory];
        [name.to_owned()].into_iter().chain(calls).chain(figures).collect()
    });
    let columns = ["phase of the day", "calls", "good", "median", "p95", "memory, MB/min"];
    let table = Table::new(&columns, times.collect());
    html! { @if !stage.phases.is_empty() { (table.html("By phase of the day")) } }
}

/// What each part of a merged stage had.
fn shards(stage: &StageResult) -> Markup {
    let rows = stage.shards.iter().map(|share| {
        let invalid: Vec<String> = share.invalid.iter().map(ToString::to_string).collect();
        let valid =
            if invalid.is_empty() { "yes".to_owned() } else { format!("INVALID: {}", invalid.join("; ")) };
        let success = share.accounts.success().share();
        vec![
            share.shard.to_string(),
            share.clients.to_string(),
            count(share.accounts.sent),
            success.map_or_else(|| "–".to_owned(), percent),
            format!("{:.1}", share.calls_per_s),
            share.scheduling_delay_p99_ns.map_or_else(|| "–".to_owned(), |ns| duration(ns as f64)),
            valid,
        ]
    });
    let head = ["shard", "clients", "calls", "good", "calls a second", "sent late, p99", "valid"];
    html! {
        @if !stage.shards.is_empty() {
            h4 { "Shards" }
            (Table::new(&head, rows.collect()).html(&format!("Shards of {}", stage.name)))
        }
    }
}

/// What the server still held after the stage.
fn leftovers(stage: &StageResult) -> Markup {
    let exports = &stage.exports;
    html! {
        @if !stage.backlog_after_ramps.is_empty() {
            p.note { "Calls waiting at the end of each ramp: " (units::list(&stage.backlog_after_ramps)) "." }
        }
        @if let Some(held) = stage.scores_held { p.note { "Scores held after the rest: " (held) "." } }
        @if exports.made > 0 {
            p.note {
                "Exports: " (count(exports.made)) " files, of which " (count(exports.left)) " were left on disk ("
                (format!("{:.1}", crate::report::units::megabytes(exports.left_bytes))) " MB)."
            }
        }
    }
}
