//! The lines of the server that kept most memory, of the stages in which it was followed.

use maud::{Markup, html};

use super::figure::Table;
use crate::report::units::{bytes, count, percent};
use crate::result::{HEAPTRACK, JEMALLOC, KeptMemory, KeptSite, ScenarioResult, StageResult};

/// Below the checks, one of which says whether memory leaks.
pub(super) fn section(scenario: &ScenarioResult) -> Markup {
    let followed =
        |stage| -> Option<(&StageResult, &KeptMemory)> { Some((stage, stage.kept_memory.as_ref()?)) };
    html! {
        @for (stage, kept) in scenario.stages.iter().filter_map(followed) {
            h3 { "What kept memory: “" (stage.name) "”" }
            p {
                "While " (count(kept.calls)) " calls ended in " (format!("{:.0}", kept.seconds)) " s, the server kept "
                strong { (bytes(kept.bytes as f64)) }
                @if let Some(allocations) = kept.allocations { " in " (count(allocations)) " allocations" }
                ", "
                strong { (bytes(kept.bytes_per_call)) " a call" } "."
                @if kept.processes > 1 {
                    " One of its " (kept.processes) " processes was followed, and counted with as large a share of the calls as the others."
                }
            }
            (Table::new(&HEADS, kept.sites.iter().map(|site| row(site, kept)).collect())
                .html(&format!("Lines that kept most memory in {}", stage.name)))
            p.note {
                "By " (kept.by) ": bytes that were asked for after the warm-up and were still in use "
                @if kept.by == HEAPTRACK {
                    "when most were, which is the end where memory only grows"
                } @else if kept.by == JEMALLOC {
                    "at its last dump, by samples"
                } @else {
                    "when the calls had ended and Python’s garbage had been collected"
                }
                ": a leak, or a cache that is not full yet. The flamegraph below has every stack."
            }
        }
    }
}

const HEADS: [&str; 7] = ["line", "function", "allocated in", "kept", "a call", "share", "allocations"];

fn row(site: &KeptSite, kept: &KeptMemory) -> Vec<String> {
    vec![
        site.line.clone(),
        site.function.clone(),
        site.through.clone().unwrap_or_else(|| "–".to_owned()),
        bytes(site.bytes as f64),
        bytes(site.bytes_per_call),
        percent(site.bytes as f64 / kept.bytes.max(1) as f64),
        site.allocations.map_or_else(|| "–".to_owned(), count),
    ]
}
