//! Several runs beside each other, in lines and in the cells of a table.

use super::headline::word;
use super::screen::Screen;
use super::terminal::aligned;
use super::units::{digits, duration, megabytes, percent};
use crate::result::{Figure, Repeat, Repeats, Spread};

/// The headings of [`row`].
pub(super) const HEAD: [&str; 7] =
    ["figure", "runs", "median", "least", "most", "spread", "95 % of the mean"];

/// How each run ended, and the figures over those that were completed.
#[must_use]
pub(crate) fn terminal(repeats: &Repeats, screen: Screen) -> String {
    let ended: Vec<String> =
        repeats.runs.iter().map(|run| format!("{} {}", run.directory, ended(run))).collect();
    let mut out = screen.line(&format!("{} runs: {}", repeats.runs.len(), ended.join(", ")));
    if !repeats.figures.is_empty() {
        let head = HEAD.map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> = [head].into_iter().chain(repeats.figures.iter().map(row)).collect();
        out += &aligned(&rows, screen);
    }
    out + &screen.line(&format!("  note  {}", note(repeats)))
}

/// In a word, or one for each scenario.
pub(super) fn ended(run: &Repeat) -> String {
    let words: Vec<String> = run
        .verdicts
        .iter()
        .map(|(name, verdict)| match run.verdicts.len() {
            1 => word(*verdict).to_owned(),
            _ => format!("{name} {}", word(*verdict)),
        })
        .collect();
    words.join(", ")
}

/// What a reader must know of the figures.
pub(super) fn note(repeats: &Repeats) -> String {
    let servers = if repeats.has_fresh_servers {
        "each run started a server of its own"
    } else {
        "the server was not started anew: what a run left in it was there for the next"
    };
    let few = repeats.runs.iter().filter(|run| run.complete).count() < 3;
    let interval = if few { "; an interval needs three completed runs" } else { "" };
    format!(
        "{servers}; spread is standard deviation ÷ mean; what no run knows (too few calls, DISTURBED) has no row{interval}"
    )
}

/// One figure.
pub(super) fn row(spread: &Spread) -> Vec<String> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let shown = |value: Option<f64>| or_none(value.map(|value| value_of(spread.figure, value)));
    let place = match spread.scenario == spread.stage {
        true => spread.stage.clone(),
        false => format!("{}/{}", spread.scenario, spread.stage),
    };
    let name = match &spread.tool {
        Some(tool) => format!("{place} {tool} {}", name_of(spread.figure)),
        None => format!("{place} {}", name_of(spread.figure)),
    };
    let known = spread.values.iter().flatten().count();
    let interval = spread.interval.map(|ends| ends.map(|value| value_of(spread.figure, value)).join(" – "));
    vec![
        name,
        known.to_string(),
        shown(spread.median),
        shown(spread.least),
        shown(spread.most),
        or_none(spread.coefficient_of_variation.map(percent)),
        or_none(interval),
    ]
}

fn name_of(figure: Figure) -> &'static str {
    match figure {
        Figure::CallsPerS => "calls/s",
        Figure::GoodShare => "good",
        Figure::PeakRssBytes => "peak memory",
        Figure::MedianNs => "median",
        Figure::P95Ns => "p95",
    }
}

fn value_of(figure: Figure, value: f64) -> String {
    match figure {
        Figure::CallsPerS => digits(value),
        Figure::GoodShare => percent(value),
        Figure::PeakRssBytes => format!("{} MB", digits(megabytes(value as u64))),
        Figure::MedianNs | Figure::P95Ns => duration(value),
    }
}
