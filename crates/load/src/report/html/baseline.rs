//! The run beside a baseline: figures side by side, and what may be said of their difference.

use maud::{Markup, html};

use super::chip;
use super::figure::Table;
use super::profiles::{self, Profiles};
use crate::compare::figures::Figures;
use crate::compare::{ChangeVerdict, Comparison, Severity};
use crate::report::comparison::{common_reasons, said_once};
use crate::report::headline::Tone;
use crate::report::units::{duration, percent};

/// What the run is compared with.
#[derive(Debug, Clone)]
pub(crate) struct Baseline {
    /// As it was named on the command line.
    pub name: String,
    /// Both sides, or why they say nothing about each other.
    pub compared: Result<Compared, String>,
    /// Where their servers' time went.
    pub profiles: Profiles,
}

/// Two sides and the verdicts on their difference.
#[derive(Debug, Clone)]
pub(crate) struct Compared {
    /// By entry that both sides have: what it is compared with, and the run.
    pub figures: Vec<(String, [Figures; 2])>,
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
            (profiles::section(&baseline.profiles))
        }
    }
}

fn figures(compared: &Compared) -> Markup {
    let Compared { figures, comparison, left_out } = compared;
    let rows = figures.iter().map(|(name, sides)| row(name, sides));
    html! {
        @for note in left_out { p.note { (note) } }
        @for note in said_once(comparison) { p.note { (note) } }
        h3 { "Verdicts" }
        (verdicts(comparison))
        h3 { "Figures side by side" }
        p.note {
            "Each side is the mean over its rounds. One run is one round: processes differ from start to start, so a "
            "ratio of single runs is no verdict. ‘ab’ decides."
        }
        (Table::new(&HEAD, rows.collect()).html("Baseline and run side by side"))
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

fn row(name: &str, [before, after]: &[Figures; 2]) -> Vec<String> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let share = |side: &Figures| or_none(side.success.map(percent));
    let mut cells = vec![name.to_owned(), format!("{} · {}", before.rounds, after.rounds)];
    for (a, b) in [(before.median_ns, after.median_ns), (before.p95_ns, after.p95_ns)] {
        let ratio = a.zip(b).map(|(a, b)| format!("{:.2}", b / a));
        cells.extend([a.map(duration), b.map(duration), ratio].map(or_none));
    }
    cells.push(format!("{} → {}", share(before), share(after)));
    cells
}

fn verdicts(comparison: &Comparison) -> Markup {
    let shared = common_reasons(comparison);
    let why = |verdict: &ChangeVerdict| {
        verdict.why().filter(|_| !shared.iter().any(|(reason, _)| *reason == verdict.to_string()))
    };
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

fn tone(verdict: &ChangeVerdict) -> Tone {
    match verdict {
        ChangeVerdict::Improved | ChangeVerdict::Unchanged => Tone::Good,
        ChangeVerdict::Regressed(Severity::Fail) => Tone::Bad,
        ChangeVerdict::Regressed(Severity::Warn)
        | ChangeVerdict::Inconclusive(_)
        | ChangeVerdict::NotMeasured(_) => Tone::Doubtful,
    }
}
