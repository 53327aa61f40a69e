//! What a terminal shows of a scenario: a line of verdict, a row for each tool, the checks.

use std::fmt::Write;

use super::result::{ScenarioResult, StageResult, ToolResult, Verdict};
use super::search::Served;
use crate::measure::quantile::Quantile;
use crate::measure::rating::{Grade, Rating};

/// Rows of notes and examples that a screen has room for.
const FEW: usize = 3;

/// The scenario in lines; with `colour` for a terminal.
#[must_use]
pub fn summary(result: &ScenarioResult, colour: bool) -> String {
    let mut out = String::new();
    let word = paint(verdict_word(result.verdict), result.verdict, colour);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}: {word}", result.name);
    for stage in &result.stages {
        write_stage(&mut out, stage);
    }
    for tried in result.capacity.iter().flat_map(|capacity| &capacity.tried) {
        let word = match tried.served {
            Served::Within => "within",
            Served::CannotTell => "cannot tell",
            Served::Beyond => "beyond",
        };
        let _ = writeln!(out, "  {:>5} clients {word:<12}{}", tried.clients, tried.text);
    }
    for check in &result.checks {
        let word = paint(verdict_word(check.verdict), check.verdict, colour);
        let _ = writeln!(out, "  {word:<5} {}: {}", check.name, check.text);
    }
    for note in result.notes.iter().chain(&result.error) {
        let _ = writeln!(out, "  note  {note}");
    }
    out
}

fn write_stage(out: &mut String, stage: &StageResult) {
    let seconds = stage.elapsed_ns as f64 / 1e9;
    let kind = if stage.open_loop { "open loop" } else { "closed loop" };
    let share = stage
        .accounts
        .success()
        .share()
        .map_or_else(|| "-".into(), |share| format!("{:.1} %", share * 100.0));
    let _ = write!(
        out,
        "  {}: {kind}, {} client{}, {seconds:.1} s, {:.1} calls/s, {share} good",
        stage.name,
        stage.clients,
        if stage.clients == 1 { "" } else { "s" },
        stage.calls_per_s
    );
    if let Some(gap) = stage.little_gap {
        let _ = write!(out, ", Little {:+.1} %", gap * 100.0);
    }
    if stage.validity.saturated {
        out.push_str(", SATURATED");
    }
    out.push('\n');
    let what = if stage.open_loop { "response" } else { "service" };
    let head = ["calls", "good", "first", "min", "mean", "median", "p95", "p99", "max"];
    let _ = write!(out, "    {what:<18}");
    head.iter().for_each(|head| {
        let _ = write!(out, "{head:>9}");
    });
    out.push('\n');
    for (name, tool) in &stage.tools {
        write_tool(out, name, tool, stage.open_loop);
    }
    write_rest(out, stage);
}

fn write_tool(out: &mut String, name: &str, tool: &ToolResult, open_loop: bool) {
    let good = tool.accounts.count(crate::measure::Outcome::Ok);
    let first = tool.first_calls_ns.first().map_or_else(String::new, |&ns| duration(ns as f64));
    let summary = if open_loop { &tool.response } else { &tool.service };
    let mut cells = vec![tool.accounts.sent.to_string(), good.to_string(), first];
    match summary {
        Some(s) => cells.extend([
            duration(s.min_ns as f64),
            duration(s.mean_ns),
            quantile(&s.median),
            quantile(&s.p95),
            quantile(&s.p99),
            duration(s.max_ns as f64),
        ]),
        None => cells.extend(std::iter::repeat_n("-".to_owned(), 6)),
    }
    let _ = write!(out, "    {name:<18}");
    for cell in cells {
        let _ = write!(out, "{cell:>9}");
    }
    out.push('\n');
}

fn write_rest(out: &mut String, stage: &StageResult) {
    let examples = stage.tools.iter().flat_map(|(name, tool)| tool.examples.iter().map(move |e| (name, e)));
    for (name, example) in examples.take(FEW) {
        let message: String = example.message.chars().take(90).collect();
        let _ = writeln!(out, "    {name} {}: {message}", example.outcome);
    }
    for (name, phase) in &stage.phases {
        let p95 = phase.response.as_ref().map_or_else(|| "-".into(), |s| quantile(&s.p95));
        let median = phase.response.as_ref().map_or_else(|| "-".into(), |s| quantile(&s.median));
        let (ok, sent) = (phase.accounts.count(crate::measure::Outcome::Ok), phase.accounts.sent);
        let _ = writeln!(out, "    {name:<18} {ok} of {sent} good, median {median}, p95 {p95}");
    }
    if let (Some(first), Some(last)) = (stage.resources.first(), stage.resources.last()) {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        let cpu_s = (last.sample.cpu_ns.saturating_sub(first.sample.cpu_ns)) as f64 / 1e9;
        let _ = writeln!(
            out,
            "    server: rss {:.0} → {:.0} MB, cpu {cpu_s:.1} s, fds {}, threads {}, processes {}",
            mb(first.sample.rss_bytes),
            mb(last.sample.rss_bytes),
            last.sample.fds,
            last.sample.threads,
            last.sample.processes
        );
    }
    let ratings =
        [("success", stage.ratings.success), ("p95", stage.ratings.p95), ("memory", stage.ratings.memory)];
    let rated: Vec<String> =
        ratings.iter().filter_map(|(name, rating)| Some(grade(name, rating.as_ref()?))).collect();
    if !rated.is_empty() {
        let _ = writeln!(out, "    rated: {}", rated.join(", "));
    }
    for reason in &stage.validity.invalid {
        let _ = writeln!(out, "    INVALID: {reason}");
    }
    for reason in stage.validity.warnings.iter().take(FEW) {
        let _ = writeln!(out, "    warning: {reason}");
    }
}

fn grade(name: &str, rating: &Rating) -> String {
    let word =
        |grade: Option<Grade>| grade.map_or_else(|| "no grade".to_owned(), |grade| format!("{grade:?}"));
    if rating.is_limited_by_samples() {
        return format!("{name} {} (by the estimate alone {})", word(rating.grade), word(rating.by_estimate));
    }
    format!("{name} {}", word(rating.grade))
}

/// Three digits and a unit.
fn duration(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    match value {
        value if value < 10.0 => format!("{value:.2}{unit}"),
        value if value < 100.0 => format!("{value:.1}{unit}"),
        value => format!("{value:.0}{unit}"),
    }
}

fn quantile(quantile: &Quantile) -> String {
    match *quantile {
        Quantile::Value { ns, .. } => duration(ns as f64),
        Quantile::UpperBound { ns } => format!("≤{}", duration(ns as f64)),
        Quantile::TooFewSamples { needed } => format!("n<{needed}"),
        Quantile::Censored { at_least_ns } => format!("≥{}", duration(at_least_ns as f64)),
    }
}

/// The verdict as a terminal shows it.
fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive => "cannot tell",
        Verdict::Invalid => "INVALID",
        Verdict::ServerFailed => "SERVER FAILED",
        Verdict::Interrupted => "interrupted",
    }
}

fn paint(word: &str, verdict: Verdict, colour: bool) -> String {
    let code = match verdict {
        Verdict::Pass => "32",
        Verdict::Fail | Verdict::ServerFailed => "31",
        Verdict::Inconclusive | Verdict::Invalid | Verdict::Interrupted => "33",
    };
    if colour { format!("\x1b[{code}m{word}\x1b[0m") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        let shown = [999.0, 1_234.0, 56_780.0, 1.5e6, 123.4e6, 2.5e9].map(duration);
        assert_eq!(shown, ["999ns", "1.23µs", "56.8µs", "1.50ms", "123ms", "2.50s"]);
    }

    #[test]
    fn a_quantile_without_samples_says_how_many_it_needs() {
        assert_eq!(quantile(&Quantile::TooFewSamples { needed: 200 }), "n<200");
        assert_eq!(quantile(&Quantile::UpperBound { ns: 2_000_000 }), "≤2.00ms");
    }
}
