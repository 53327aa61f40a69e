//! A run as one HTML file that needs no network: the verdict first, then what it rests on.
//!
//! Everything is escaped by the templates. One script of ours runs, by its digest: charts read out what is pointed at.
//! Those of flamegraphs run in sandboxed frames.

mod baseline;
mod clients;
mod colours;
mod details;
mod disk;
mod figure;
mod flame;
mod kept;
mod key_figures;
mod limiter;
mod percentiles;
mod profiles;
mod recovery;
pub(crate) mod repeats;
mod resources;
mod scenario;
mod search;
mod sizes;
mod timeline;
mod tools;

pub(crate) use baseline::{Baseline, Compared};
pub use flame::Flamegraph;
pub(crate) use profiles::{Profiles, StageChange};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::headline::{Headline, Tone, calls, headlines, tone, word};
use super::units::{count, percent};
use crate::result::{RunFile, ScenarioResult};

/// Nothing is fetched, whatever a server's words may contain.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// Frames of flamegraphs inherit the page's policy.
const POLICY_OF_FRAMES: &str = "; frame-src data:; script-src 'unsafe-inline'";
/// The page's own script.
const READOUT: &str = include_str!("readout.js");

/// What a report shows beside the run itself.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    /// What the run is compared with.
    pub(crate) baseline: Option<Baseline>,
    /// Where the time went.
    pub flamegraphs: Vec<Flamegraph>,
}

impl From<Vec<Flamegraph>> for Extras {
    /// Flamegraphs alone.
    fn from(flamegraphs: Vec<Flamegraph>) -> Self {
        Self { flamegraphs, ..Self::default() }
    }
}

/// The report of a run.
#[must_use]
pub fn page(file: &RunFile, extras: &Extras) -> String {
    let headlines = headlines(file);
    let colours = colours::Colours::of(file);
    let title = format!("{}: {}, {}", words(&headlines), file.server.name, file.created_utc);
    let compared = extras.baseline.iter().flat_map(|baseline| &baseline.profiles.stages);
    let has_frames = !extras.flamegraphs.is_empty() || compared.count() > 0;
    let scripts = if !has_frames {
        format!("; script-src 'sha256-{}'", STANDARD.encode(Sha256::digest(READOUT)))
    } else {
        POLICY_OF_FRAMES.to_owned()
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(format!("{POLICY}{scripts}"));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (verdict(file, &headlines))
                main {
                    (key_figures::section(file))
                    (details::made(file))
                    (details::server(file))
                    (overview(file))
                    (contents(file, extras))
                    @for (number, scenario) in file.scenarios.iter().enumerate() { (scenario::section(number, scenario, &colours)) }
                    @if let Some(baseline) = &extras.baseline { (baseline::section(baseline)) }
                    @if !extras.flamegraphs.is_empty() { (flame::section(&extras.flamegraphs)) }
                    (details::validity(file))
                    (details::environment(file))
                    (details::reproduce(file))
                }
                script { (PreEscaped(READOUT)) }
            }
        }
    };
    page.into_string()
}

/// What the headlines say, without their reasons.
fn words(headlines: &[Headline]) -> String {
    let mut words: Vec<&str> = headlines.iter().map(|headline| headline.word).collect();
    words.dedup();
    words.join(" · ")
}

fn verdict(file: &RunFile, headlines: &[Headline]) -> Markup {
    html! {
        @if let Some((first, others)) = headlines.split_first() {
            header class=(format!("verdict {}", class(gravest(headlines.iter().map(|headline| headline.tone))))) {
                p.title { "music21-mcp-bench · " (file.server.name) " " (file.server.version) " · " (file.created_utc) }
                h1 { strong class=(class(first.tone)) { (words(headlines)) } ": " (first.reason) }
                @if !others.is_empty() {
                    ul { @for one in others { li { strong class=(class(one.tone)) { (one.word) } ": " (one.reason) } } }
                }
            }
        }
    }
}

/// Of several, the gravest: what failed is red even where something else is undecided.
fn gravest(tones: impl Iterator<Item = Tone>) -> Tone {
    let tones: Vec<Tone> = tones.collect();
    [Tone::Bad, Tone::Doubtful].into_iter().find(|tone| tones.contains(tone)).unwrap_or(Tone::Good)
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Doubtful => "doubtful",
        Tone::Bad => "bad",
    }
}

/// A word in the colour of its tone.
fn chip(tone: Tone, word: &str) -> Markup {
    html! { span class=(format!("chip {}", class(tone))) { (word) } }
}

/// Where else to go on the page.
fn contents(file: &RunFile, extras: &Extras) -> Markup {
    let has_stages = file.scenarios.iter().any(|scenario| !scenario.stages.is_empty());
    let sections = [
        (extras.baseline.is_some(), "baseline", "comparison"),
        (!extras.flamegraphs.is_empty(), "flamegraphs", "flamegraphs"),
        (has_stages, "validity", "may it be believed?"),
        (true, "environment", "machine and program"),
        (true, "reproduce", "run it again"),
    ];
    html! {
        p.contents { "Below: "
            @for (at, (_, id, name)) in sections.iter().filter(|(is_there, ..)| *is_there).enumerate() {
                @if at > 0 { " · " }
                a href=(format!("#{id}")) { (name) }
            }
        }
    }
}

/// The scenarios at a glance, with links to their sections.
fn overview(file: &RunFile) -> Markup {
    html! {
        @if file.scenarios.len() > 1 {
            nav aria-label="scenarios" {
                table {
                    caption.spoken { "Scenarios of this run" }
                    thead { tr { th scope="col" { "scenario" } th.word scope="col" { "verdict" }
                        @for head in ["stages", "calls", "good"] { th scope="col" { (head) } }
                     } }
                    tbody { @for (number, scenario) in file.scenarios.iter().enumerate() { (glance(number, scenario)) } }
                }
            }
        }
    }
}

fn glance(number: usize, scenario: &ScenarioResult) -> Markup {
    let (good, sent) = calls(scenario);
    html! {
        tr {
            th scope="row" { a href=(format!("#scenario-{number}")) { (scenario.name) } }
            td.word { (chip(tone(scenario.verdict), word(scenario.verdict))) }
            td { (scenario.stages.len()) }
            td { (count(sent)) }
            td { @if sent > 0 { (percent(good as f64 / sent as f64)) } @else { "–" } }
        }
    }
}
