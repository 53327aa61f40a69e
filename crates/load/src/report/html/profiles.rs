//! What changed in the profile of each stage, beside a baseline's.

use maud::{Markup, html};

use super::figure::Table;
use super::flame::{self, Flamegraph};
use crate::compare::profile::ProfileChange;
use crate::report::profile_change::{HEADINGS, about, cells, left_out};

/// The profiles of a run and its baseline.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profiles {
    /// The stages that both sampled.
    pub stages: Vec<StageChange>,
    /// Why others are not here.
    pub lines: Vec<String>,
}

/// One stage.
#[derive(Debug, Clone)]
pub(crate) struct StageChange {
    /// Scenario and stage.
    pub name: String,
    /// By function.
    pub change: ProfileChange,
    /// The differential flamegraph.
    pub flamegraph: Option<Flamegraph>,
}

pub(super) fn section(profiles: &Profiles) -> Markup {
    let is_empty = profiles.stages.is_empty() && profiles.lines.is_empty();
    html! {
        @if !is_empty {
            h3 { "What changed in the profile" }
            @for line in &profiles.lines { p.note { (line) } }
            @for stage in &profiles.stages {
                h4 { (stage.name) }
                @for line in about(&stage.change) { p.note { (line) } }
                @if !stage.change.difference.rows.is_empty() {
                    (Table::new(&HEADINGS, stage.change.difference.rows.iter().map(|row| cells(row).to_vec()).collect())
                        .html("functions by change of own time"))
                }
                p.note { (left_out(&stage.change)) }
                @if let Some(graph) = &stage.flamegraph { (flame::frame(graph)) }
            }
        }
    }
}
