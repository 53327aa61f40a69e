//! The table of a stage's tools: counts, times with their bounds, and what was refused for want of calls.

use maud::{Markup, html};
use music21_mcp_bench::client::Outcome;

use crate::measure::quantile::Quantile;
use crate::measure::steady::Steadiness;
use crate::measure::summary::Summary;
use crate::report::units::{count, digits, duration, extremes, quantile};
use crate::result::{StageResult, ToolResult};

/// The table.
pub(super) fn table(stage: &StageResult) -> Markup {
    let heads = ["calls", "good", "first", "min", "mean", "median", "p95", "p99", "max"];
    html! {
        div.scroll tabindex="0" role="group" aria-label=(format!("table: tools of {}", stage.name)) {
            table.tools {
                caption.spoken { "Tools of " (stage.name) ": calls and times" }
                thead { tr {
                    th scope="col" { "tool" }
                    @if stage.open_loop { th.word scope="col" { "time" } }
                    @for head in heads { th scope="col" { (head) } }
                } }
                tbody { @for (name, tool) in &stage.tools { (rows(name, tool, stage.open_loop)) } }
            }
        }
        p.note {
            @if stage.open_loop { "Response: from the moment a call was due; service: from the moment it was sent. " }
            "Below a quantile: its 95 % bounds. “–”: too few calls for the figure. “≤”: enough for a bound alone, or other work on the machine made the stage’s times upper bounds."
        }
        (replies(stage))
        (answers(stage))
        (traces(stage))
    }
}

/// How large replies are, when they begin, and how long a failure takes.
fn replies(stage: &StageResult) -> Markup {
    let sizes = stage.tools.iter().filter_map(|(name, tool)| {
        let (bytes, rate) = (tool.bytes_per_reply()?, stage.reply_mb_per_s(tool)?);
        Some(format!("{name} {} KB ({} MB/s)", digits(bytes / 1e3), digits(rate)))
    });
    let times = stage.tools.iter().filter_map(|(name, tool)| {
        let failures = tool.failures.as_ref()?;
        let (mean, max) = (duration(failures.mean_ns), duration(failures.max_ns as f64));
        Some(format!("{name} {} in {mean} on average, at most {max}", count(failures.count)))
    });
    let first = stage.tools.iter().filter_map(|(name, tool)| {
        let first = tool.first_byte.as_ref()?;
        Some(format!("{name} {} (p95 {})", quantile(&first.median), quantile(&first.p95)))
    });
    let lines = [sizes.collect::<Vec<_>>(), first.collect(), times.collect()];
    let [sizes, first, times] = lines.map(|lines| lines.join("; "));
    html! {
        @if !first.is_empty() {
            p.note {
                "Until the first byte, median: " (first) ". Over HTTP it is that of the head, which may come before the work is done where the reply is a stream of events."
            }
        }
        @if !sizes.is_empty() { p.note { "Replies, envelopes included: " (sizes) "." } }
        @if !times.is_empty() { p.note { "Calls that failed otherwise than by their deadline: " (times) "." } }
    }
}

fn rows(name: &str, tool: &ToolResult, open_loop: bool) -> Markup {
    let counts = html! {
        td { (count(tool.accounts.sent)) }
        td { (count(tool.accounts.count(Outcome::Ok))) }
        td { @if let Some(&ns) = tool.first_calls_ns.first() { (duration(ns as f64)) } @else { "–" } }
    };
    html! {
        @if open_loop {
            tr {
                th scope="row" { (name) (unsettled(tool)) }
                td.word { "response" }
                (counts)
                (times(tool.response.as_ref()))
            }
            tr.second {
                th scope="row" { span.spoken { (name) } }
                td.word { "service" }
                td {} td {} td {}
                (times(tool.service.as_ref()))
            }
        } @else {
            tr { th scope="row" { (name) (unsettled(tool)) } (counts) (times(tool.service.as_ref())) }
        }
    }
}

fn times(summary: Option<&Summary>) -> Markup {
    html! {
        @if let Some(s) = summary {
            @let [min, mean, max] = extremes(s);
            td { (min) }
            td { (mean) }
            @for quantile in [&s.median, &s.p95, &s.p99] { td { (cell(quantile)) } }
            td { (max) }
        } @else {
            @for _ in 0..6 { td { "–" } }
        }
    }
}

fn cell(quantile: &Quantile) -> Markup {
    let ms = |ns: u64| duration(ns as f64);
    html! {
        @match *quantile {
            Quantile::Value { ns, interval } => {
                (ms(ns))
                small {
                    (ms(interval.low_ns)) " – "
                    @if let Some(high) = interval.high_ns { (ms(high)) } @else { "?" }
                    @if interval.optimistic {
                        abbr title="neighbouring calls depend on each other: the bounds are too narrow" { " *" }
                    }
                }
            }
            Quantile::UpperBound { ns, .. } => { "≤ " (ms(ns)) }
            Quantile::Unknown => { "?" small { "calls timed out on a disturbed machine" } }
            Quantile::TooFewSamples { needed, .. } => { abbr title=(format!("too few calls: it needs {needed}")) { "–" } }
            Quantile::Censored { at_least_ns, .. } => { "≥ " (ms(at_least_ns)) small { "calls timed out" } }
        }
    }
}

fn unsettled(tool: &ToolResult) -> Markup {
    html! {
        @match tool.steadiness {
            Some(Steadiness::Drifting { change, .. }) => {
                small { "drifts by " (format!("{:+.0} %", change * 100.0)) }
            }
            Some(Steadiness::Unsteady) => { small { "did not settle" } }
            _ => {}
        }
    }
}

/// The slowest calls by their traces, to be found in the server's own.
fn traces(stage: &StageResult) -> Markup {
    let slowest: Vec<_> =
        stage.tools.iter().flat_map(|(name, tool)| tool.slowest.iter().map(move |one| (name, one))).collect();
    html! {
        @if !slowest.is_empty() {
            details {
                summary { "The slowest calls, by their traces" }
                ul { @for (name, one) in slowest {
                    li { code { (name) } " " (duration(one.service_ns as f64)) " trace " code { (one.trace) } }
                } }
            }
        }
    }
}

/// How calls ended that did not end well, and an answer of each tool and class in the server's words.
fn answers(stage: &StageResult) -> Markup {
    let bad: Vec<_> = stage.accounts.ended.iter().filter(|(outcome, _)| **outcome != Outcome::Ok).collect();
    let examples: Vec<_> =
        stage.tools.iter().flat_map(|(name, tool)| tool.examples.iter().map(move |e| (name, e))).collect();
    let good: Vec<_> = stage
        .tools
        .iter()
        .filter_map(|(name, tool)| Some((name, tool.good_example.as_ref()?, tool.doubtful.as_ref())))
        .collect();
    html! {
        @if !bad.is_empty() {
            p.bad-calls {
                "Calls that did not end well: "
                @for (at, (outcome, n)) in bad.iter().enumerate() {
                    @if at > 0 { ", " }
                    (count(**n)) " " code { (outcome) }
                }
            }
        }
        @if !examples.is_empty() || !good.is_empty() {
            details {
                summary { "What was answered, in the server’s words" }
                ul {
                    @for (name, example) in examples {
                        li {
                            code { (name) } " " em { (example.outcome) } ": " (example.message)
                            @if let Some(trace) = &example.trace { " trace " code { (trace) } }
                        }
                    }
                    @for (name, answer, doubtful) in good {
                        li {
                            code { (name) } " " em { "ok" } ": " (answer)
                            @if let Some(doubtful) = doubtful {
                                " (" (count(doubtful.calls)) " such answers may be failures: " (doubtful.why) ")"
                            }
                        }
                    }
                }
            }
        }
    }
}
