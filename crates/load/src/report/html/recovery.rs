//! A stage around the fault that was injected into it: when the server was itself again, and what was lost.

use maud::{Markup, html};

use super::{details, timeline};
use crate::report::chart::{Axis, boundaries};
use crate::report::units::{count, duration};
use crate::result::{Disruption, FaultResult, StageResult};

/// Seconds shown before the fault.
const BEFORE_S: f64 = 20.0;
/// Seconds shown after the last thing that happened.
const AFTER_S: f64 = 20.0;
/// Seconds shown of a server that did not recover.
const LONGEST_S: f64 = 300.0;

/// What happened, and two charts; nothing of a stage without a fault.
pub(super) fn section(stage: &StageResult) -> Markup {
    html! {
        @if let Some(fault) = &stage.fault {
            h4 { "Fault “" (name(fault)) "”" }
            (outcome(stage, fault))
            @if let Some(at_ns) = fault.at_ns { (figures(stage, fault, at_ns as f64 / 1e9)) }
        }
    }
}

fn name(fault: &FaultResult) -> &'static str {
    match fault.injection.kind {
        Disruption::Kill => "kill",
        Disruption::Freeze => "freeze",
        Disruption::Close => "close",
    }
}

fn outcome(stage: &StageResult, fault: &FaultResult) -> Markup {
    let seconds = |ns: u64| format!("{:.2} s", ns as f64 / 1e9);
    let found = fault.recovery;
    let at = fault.at_ns.map_or_else(|| "the stage ended before it".to_owned(), seconds);
    let lasted = (fault.injection.for_s > 0.0).then(|| format!("{} s", fault.injection.for_s));
    let before = fault.p95_before_ns.map(|ns| duration(ns as f64));
    let first = found.map(|found| found.first_success_after_ns.map_or_else(|| "none".to_owned(), seconds));
    let recovered = found.map(|found| match found.recovered_after_ns {
        Some(ns) => seconds(ns),
        None => format!("not within {}", seconds(found.watched_ns)),
    });
    let fault_came = fault.at_ns.is_some();
    html! {
        (details::list(&[
            ("came after", Some(at)),
            ("lasted", lasted),
            ("p95 before it", before.or_else(|| fault_came.then(|| "too few good calls".to_owned()))),
            ("first success after it", first),
            ("first new session after it", fault.reconnected_after_ns.map(seconds)),
            ("recovered after it", recovered),
            ("calls lost", found.map(|found| count(found.calls_lost))),
            ("sessions opened again", Some(count(stage.reopened))),
        ]))
    }
}

fn figures(stage: &StageResult, fault: &FaultResult, fault_s: f64) -> Markup {
    let moments = moments(fault);
    let end_s = stage.elapsed_ns as f64 / 1e9 - fault_s;
    let is_recovered = fault.recovery.is_some_and(|found| found.recovered_after_ns.is_some());
    let last_s = moments.last().map_or(0.0, |(at_s, _)| *at_s);
    let until_s = if is_recovered { last_s + AFTER_S } else { LONGEST_S }.min(end_s.max(1.0));
    let x = Axis::between("seconds from the fault", -fault_s.min(BEFORE_S)..until_s);
    let marks = boundaries(&moments, &x);
    html! {
        div.figures { @for figure in timeline::around(stage, fault_s, &x, &marks) { (figure.html()) } }
    }
}

/// What happened when, seconds from the fault, in order.
fn moments(fault: &FaultResult) -> Vec<(f64, &'static str)> {
    let found = fault.recovery;
    let lasted_ns = (fault.injection.for_s > 0.0).then_some((fault.injection.for_s * 1e9) as u64);
    let mut moments: Vec<(f64, &str)> = [
        (Some(0), name(fault)),
        (lasted_ns, "its end"),
        (fault.reconnected_after_ns, "new session"),
        (found.and_then(|found| found.first_success_after_ns), "first success"),
        (found.and_then(|found| found.recovered_after_ns), "recovered"),
    ]
    .into_iter()
    .filter_map(|(ns, what)| Some((ns? as f64 / 1e9, what)))
    .collect();
    moments.sort_by(|a, b| a.0.total_cmp(&b.0));
    moments
}
