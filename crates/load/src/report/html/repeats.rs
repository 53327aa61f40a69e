//! The page of several runs: how each ended, with a link to its own page, and by how much their figures differ.

use maud::{DOCTYPE, PreEscaped, html};

use super::figure::Table;
use super::{POLICY, Tone, chip, class, gravest, tone};
use crate::report::repeats::{HEAD, ended, note, row};
use crate::result::{Repeat, Repeats};

/// The page.
#[must_use]
pub(crate) fn page(repeats: &Repeats) -> String {
    let words: Vec<&str> = repeats.command_line.iter().skip(1).map(String::as_str).collect();
    let title = format!("{} runs: music21-mcp-bench {}", repeats.runs.len(), words.join(" "));
    let all = repeats.runs.iter().map(tone_of);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                header class=(format!("verdict {}", class(gravest(all)))) { h1 { (title) } }
                main {
                    h2 { "Each run" }
                    ul.checks { @for run in &repeats.runs { li {
                        (chip(tone_of(run), &ended(run))) " "
                        a href=(format!("{}/report.html", run.directory)) { "run " (run.directory) }
                        ", " (run.created_utc)
                        @if !run.complete { ", not completed: it is in no figure below" }
                    } } }
                    h2 { "From run to run" }
                    p.note { (note(repeats)) "." }
                    @if repeats.figures.is_empty() {
                        p { "No run was completed with figures that may be read." }
                    } @else {
                        (Table::new(&HEAD, repeats.figures.iter().map(row).collect()).html("Figures over all runs"))
                    }
                }
            }
        }
    };
    page.into_string()
}

fn tone_of(run: &Repeat) -> Tone {
    gravest(run.verdicts.values().map(|verdict| tone(*verdict)))
}
