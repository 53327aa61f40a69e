//! The run beside a baseline: figures side by side, and what may be said of their difference.

use maud::{Markup, html};

use super::chip;
use super::figure::Table;
use crate::compare::{Comparison, Severity, Verdict};
use crate::measure::stats::mean;
use crate::record::{Entry, Record, Round};
use crate::report::headline::Tone;
use crate::report::units::{duration, percent};

/// What the run is compared with.
#[derive(Debug, Clone)]
pub(crate) struct Baseline {
    /// As it was named on the command line.
    pub name: String,
    /// Both sides, or why they say nothing about each other.
    pub compared: Result<Compared, String>,
}

/// Two sides and the verdicts on their difference.
#[derive(Debug, Clone)]
pub(crate) struct Compared {
    /// What the run is compared with.
    pub baseline: Record,
    /// The run.
    pub candidate: Record,
    /// The verdicts.
    pub comparison: Comparison,
    /// Stages that are INVALID on one of the sides.
    pub left_out: Vec<String>,
}

pub(super) fn section(baseline: &Baseline) -> Markup {
    html! {
        section aria-labelledby="baseline" {
            h2 id="baseline" { "Compared with “" (baseline.name) "”" }
            @match &baseline.compared {
                Err(reason) => p.bad-calls { strong { "Not comparable: " } (reason) },
                Ok(compared) => (figures(compared)),
            }
        }
    }
}

fn figures(compared: &Compared) -> Markup {
    let Compared { baseline, candidate, comparison, left_out } = compared;
    let pairs =
        candidate.entries.iter().filter_map(|(name, after)| Some((name, baseline.entries.get(name)?, after)));
    html! {
        @for note in left_out.iter().chain(&comparison.notes) { p.note { (note) } }
        h3 { "Verdicts" }
        (verdicts(comparison))
        h3 { "Figures side by side" }
        p.note {
            "Each side is the mean over its rounds. One run is one round: processes differ from start to start, so a "
            "ratio of single runs is no verdict. ‘ab’ decides."
        }
        (Table::new(&HEAD, pairs.map(|(name, before, after)| row(name, before, after)).collect()).html("Baseline and run side by side"))
    }
}

const HEAD: [&str; 9] = [
    "entry",
    "rounds",
    "median, baseline",
    "this run",
    "ratio",
    "p95, baseline",
    "this run",
    "ratio",
    "good, baseline → this run",
];

fn row(name: &str, before: &Entry, after: &Entry) -> Vec<String> {
    let share = |entry: &Entry| entry.success().share().map_or_else(|| "–".to_owned(), percent);
    let mut cells = vec![name.to_owned(), format!("{} · {}", before.rounds.len(), after.rounds.len())];
    for of in [median_log as fn(&Round) -> Option<f64>, p95_log] {
        let [a, b] = [before, after].map(|entry| {
            let logs: Vec<f64> = entry.rounds.iter().filter_map(of).collect();
            (!logs.is_empty()).then(|| mean(&logs))
        });
        let time = |log: Option<f64>| log.map_or_else(|| "–".to_owned(), |log| duration(log.exp()));
        let ratio = a.zip(b).map_or_else(|| "–".to_owned(), |(a, b)| format!("{:.2}", (b - a).exp()));
        cells.extend([time(a), time(b), ratio]);
    }
    cells.push(format!("{} → {}", share(before), share(after)));
    cells
}

fn median_log(round: &Round) -> Option<f64> {
    round.p50_ns.map(|ns| (ns as f64).ln()).or(round.wall_log)
}

fn p95_log(round: &Round) -> Option<f64> {
    round.p95_ns.map(|ns| (ns as f64).ln())
}

fn verdicts(comparison: &Comparison) -> Markup {
    let show = |row: &crate::compare::Row, value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |v| row.figure.show(v))
    };
    html! {
        div.scroll tabindex="0" role="group" aria-label="table: verdicts" {
            table {
                caption.spoken { "Verdict for each figure" }
                thead { tr {
                    th scope="col" { "entry" }
                    th.word scope="col" { "figure" }
                    @for head in ["baseline", "this run", "change"] { th scope="col" { (head) } }
                    th.word scope="col" { "verdict" }
                } }
                tbody { @for row in &comparison.rows { tr {
                    th scope="row" { (row.entry) }
                    td.word { (row.figure) }
                    td { (show(row, row.baseline)) }
                    td { (show(row, row.candidate)) }
                    td { @if let Some(ratio) = row.ratio { (ratio) } @else { "–" } }
                    td.word { (chip(tone(&row.verdict), row.verdict.word())) @if let Some(why) = why(&row.verdict) { small { (why) } } }
                } } }
            }
        }
    }
}

fn why(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Inconclusive(why) => Some(why.to_string()),
        Verdict::NotMeasured(why) => Some(why.clone()),
        _ => None,
    }
}

fn tone(verdict: &Verdict) -> Tone {
    match verdict {
        Verdict::Improved | Verdict::Unchanged => Tone::Good,
        Verdict::Regressed(Severity::Fail) => Tone::Bad,
        Verdict::Regressed(Severity::Warn) | Verdict::Inconclusive(_) | Verdict::NotMeasured(_) => {
            Tone::Doubtful
        }
    }
}
