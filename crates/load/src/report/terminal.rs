//! What a terminal shows: each scenario as it ends, and all of them together at the end. On a screen of 80 by 24 it has
//! room; where there is no screen, nothing is left out.

use std::fmt::Write;

use music21_mcp_bench::client::Outcome;

use super::headline::{calls, headlines, tone, word};
use super::screen::Screen;
use super::sizes::Sizes;
use super::units;
use crate::measure::quantile::Quantile;
use crate::measure::validity::{Figures, Reason};
use crate::result::phases;
use crate::result::{Check, RunFile, ScenarioResult, StageResult, ToolResult, Verdict};

/// Lines that one scenario's stages may take; beyond that each has one line, and the report has the rest.
const ROOM: usize = 18;
/// Notes, warnings, examples and passed checks that a screen has room for.
const FEW: usize = 3;
/// Columns that all figures of a tool take, its name apart, and all of an overview.
const FIGURES: usize = 62;
const OVERVIEW: usize = 72;

/// A scenario in lines.
#[must_use]
pub fn scenario(result: &ScenarioResult, screen: Screen) -> String {
    let mut out = format!("{}: {}\n", result.name, screen.paint(word(result.verdict), tone(result.verdict)));
    let stages: String = result.stages.iter().map(|one| stage(one, screen)).collect();
    if let Some(sizes) = Sizes::of(result) {
        out += &aligned(&sizes.table(), screen);
        doubts(&mut out, &result.stages, screen);
    } else if screen.columns.is_some() && stages.lines().count() > ROOM && result.stages.len() > 1 {
        out.extend(result.stages.iter().map(|stage| brief(stage, screen)));
        doubts(&mut out, &result.stages, screen);
    } else {
        out += &stages;
    }
    for (capacity, trials) in result.searches() {
        for (tried, _) in trials {
            let load = capacity.shown(tried.load());
            out += &screen.line(&format!("  {load:>13} {:<13}{}", tried.served.word(), tried.text));
        }
    }
    if let Some(clients) = result.clients.filter(|rating| rating.grade.is_some()) {
        out += &screen.line(&format!("  rated: clients {}", units::grade(&clients)));
    }
    checks(&mut out, &result.checks, screen);
    for note in result.notes.iter().take(screen.few(FEW)).chain(&result.error) {
        out += &screen.line(&format!("  note  {note}"));
    }
    out
}

/// All scenarios of a run together, the last line being how it ended.
#[must_use]
pub fn overview(file: &RunFile, screen: Screen) -> String {
    let has_rate = screen.has(OVERVIEW);
    let longest = file.scenarios.iter().map(|result| result.name.chars().count()).max().unwrap_or(0);
    let names = if screen.columns.is_some() { 16 } else { 16.max(longest + 1) };
    let row = |name: &str, verdict: &str, [calls, good, rate, p95]: [&str; 4]| {
        let rate = if has_rate { format!("{rate:>10}") } else { String::new() };
        let p95 = if has_rate { format!("{p95:>12}") } else { format!("{p95:>10}") };
        format!("{name:<names$}{verdict}{calls:>9}{good:>10}{rate}{p95}\n")
    };
    let mut out = row("scenario", &format!("{:<15}", "verdict"), ["calls", "good", "calls/s", "worst p95"]);
    for result in &file.scenarios {
        let (good, sent) = calls(result);
        let share = if sent > 0 { units::percent(good as f64 / sent as f64) } else { "-".to_owned() };
        let rate = throughput(&result.stages).map_or_else(|| "-".to_owned(), units::digits);
        let slowest = result.stages.iter().filter_map(|stage| slowest(stage)).max_by_key(|(_, p95)| p95.ns());
        let p95 = slowest.map_or_else(|| "-".to_owned(), |(_, p95)| quantile(&p95));
        // Padded before it is painted, because colours have no width.
        let verdict = screen.paint(&format!("{:<15}", word(result.verdict)), tone(result.verdict));
        let name = screen.name(&result.name, names - 1);
        out += &row(&name, &verdict, [&sent.to_string(), &share, &rate, &p95]);
    }
    for one in headlines(file).iter().take(screen.few(FEW)) {
        let plain = screen.line(&format!("{}: {}", one.word, one.reason));
        out += &plain.replacen(one.word, &screen.paint(one.word, one.tone), 1);
    }
    out
}

/// The mean over the time of all stages.
fn throughput(stages: &[StageResult]) -> Option<f64> {
    let seconds = |stage: &StageResult| stage.elapsed_ns as f64 / 1e9;
    let all: f64 = stages.iter().map(seconds).sum();
    let calls: f64 = stages.iter().map(|stage| stage.calls_per_s * seconds(stage)).sum();
    (all > 0.0).then(|| calls / all)
}

fn stage(stage: &StageResult, screen: Screen) -> String {
    let mut out = screen.line(&format!("  {}: {}", stage.name, load(stage)));
    let what = if stage.open_loop { "response" } else { "service" };
    let longest = stage.tools.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let names = if screen.columns.is_some() { 16 } else { 16.max(longest) };
    // Where the screen is narrow: the figures that matter most.
    let shown = |cells: [String; 7]| {
        let wide = screen.has(names + 2 + FIGURES);
        let kept = cells.into_iter().enumerate().filter(|(at, _)| wide || [3, 4, 6].contains(at));
        kept.map(|(_, cell)| format!("{cell:>8}")).collect::<String>()
    };
    let head = shown(["first", "min", "mean", "median", "p95", "p99", "max"].map(str::to_owned));
    let _ = writeln!(out, "  {what:<names$}{:>6}{head}", "calls");
    for (name, tool) in &stage.tools {
        let (name, sent) = (screen.name(name, names), tool.accounts.sent);
        let _ = writeln!(out, "  {name:<names$}{sent:>6}{}", shown(times(stage, tool)));
    }
    rest(&mut out, stage, screen);
    out
}

/// A table whose first column is words, each column as wide as it must be.
pub(super) fn aligned(rows: &[Vec<String>], screen: Screen) -> String {
    // In a column of figures there is no room for the space.
    let shown = |at: usize, cell: &String| if at == 0 { cell.clone() } else { cell.replace(' ', "") };
    let width = |column: usize| {
        let cells = rows.iter().enumerate().filter_map(|(at, row)| Some(shown(at, row.get(column)?)));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("{cell:<0$}", width(0)),
            _ => format!("{:>1$}", shown(at, cell), width(column) + 2),
        });
        out += &screen.line(&format!("  {}", cells.collect::<String>()));
    }
    out
}

/// A stage in one line.
fn brief(stage: &StageResult, screen: Screen) -> String {
    let slowest =
        slowest(stage).map_or_else(String::new, |(name, p95)| format!(", {name} p95 {}", quantile(&p95)));
    screen.line(&format!("  {}: {}{slowest}", stage.name, load(stage)))
}

fn load(stage: &StageResult) -> String {
    let kind = if stage.open_loop { "open loop" } else { "closed loop" };
    let plural = if stage.clients == 1 { "" } else { "s" };
    let share = stage.accounts.success().share().map_or_else(|| "-".into(), units::percent);
    let seconds = stage.elapsed_ns as f64 / 1e9;
    let goodput = units::goodput(stage).map_or_else(String::new, |goodput| format!(" ({goodput})"));
    let saturated = if stage.validity.saturated { ", SATURATED" } else { "" };
    format!(
        "{kind}, {} client{plural}, {seconds:.1} s, {} calls/s{goodput}, {share} good{saturated}",
        stage.clients,
        units::rate(stage)
    )
}

/// First call, least, mean, median, p95, p99 and most.
fn times(stage: &StageResult, tool: &ToolResult) -> [String; 7] {
    let first = tool.first_calls_ns.first().map_or_else(String::new, |&ns| duration(ns as f64));
    let Some(s) = stage.times(tool) else {
        return std::array::from_fn(|at| if at == 0 { first.clone() } else { "-".to_owned() });
    };
    let [min, mean, max] = units::extremes(s).map(|time| time.replace(' ', ""));
    [first, min, mean, quantile(&s.median), quantile(&s.p95), quantile(&s.p99), max]
}

/// The tool whose p95 is the longest, where one is known.
fn slowest(stage: &StageResult) -> Option<(&str, Quantile)> {
    let p95 = |tool| stage.times(tool).map(|summary| summary.p95);
    let p95s = stage.tools.iter().filter_map(|(name, tool)| Some((name.as_str(), p95(tool)?)));
    p95s.filter(|(_, p95)| p95.ns().is_some()).max_by_key(|(_, p95)| p95.ns())
}

fn rest(out: &mut String, stage: &StageResult, screen: Screen) {
    let line = |out: &mut String, text: &str| *out += &screen.line(text);
    let rate: f64 = stage.tools.values().filter_map(|tool| stage.reply_mb_per_s(tool)).sum();
    if rate > 0.0 {
        line(out, &format!("    replies: {} MB/s", units::digits(rate)));
    }
    let early: Vec<String> = stage.tools.iter().filter_map(|(name, tool)| begins_early(name, tool)).collect();
    if !early.is_empty() {
        line(out, &format!("    first byte, median: {}", early.join(", ")));
    }
    for (name, tool) in &stage.tools {
        if let Some(failures) = &tool.failures {
            let [_, mean, max] = units::extremes(failures);
            line(out, &format!("    {name}: {} failed in {mean} (at most {max})", failures.count));
        }
        if let Some(example) = tool.examples.first() {
            let bad = tool.accounts.sent - tool.accounts.count(Outcome::Ok);
            line(
                out,
                &format!(
                    "    {name}: {bad} of {} did not end well, {}: {}",
                    tool.accounts.sent, example.outcome, example.message
                ),
            );
        }
    }
    for (name, phase) in phases::in_order(&stage.phases) {
        let figure = |of: fn(&crate::measure::summary::Summary) -> &Quantile| {
            phase.response.as_ref().map_or_else(|| "-".into(), |summary| quantile(of(summary)))
        };
        let (ok, sent) = (phase.accounts.count(Outcome::Ok), phase.accounts.sent);
        let times = format!("median {}, p95 {}", figure(|s| &s.median), figure(|s| &s.p95));
        let memory = phase.memory_mb_per_min.map(|slope| format!(", {:+.2} MB/min", slope.estimate));
        line(out, &format!("    {name:<16} {ok} of {sent} good, {times}{}", memory.unwrap_or_default()));
    }
    if !stage.backlog_after_ramps.is_empty() {
        line(
            out,
            &format!(
                "    calls waiting at the end of each ramp: {}",
                units::list(&stage.backlog_after_ramps)
            ),
        );
    }
    if let (Some(first), Some(last)) = (stage.resources.first(), stage.resources.last()) {
        let (before, after) = (first.sample, last.sample);
        let cpu_s = after.cpu_ns.saturating_sub(before.cpu_ns) as f64 / 1e9;
        let (from, to) = (units::megabytes(before.rss_bytes), units::megabytes(after.rss_bytes));
        let fds = after.fds.map_or_else(|| "?".to_owned(), |fds| fds.to_string());
        let handles = format!("fds {fds}, threads {}, processes {}", after.threads, after.processes);
        let peak = stage.peak_rss_bytes.map(|bytes| format!(" (peak {:.0})", units::megabytes(bytes)));
        let memory = format!("rss {from:.0} → {to:.0} MB{}", peak.unwrap_or_default());
        line(out, &format!("    server: {memory}, cpu {cpu_s:.1} s, {handles}"));
    }
    kept(out, stage, screen);
    let rated: Vec<String> =
        stage.ratings.named().map(|(name, rating)| format!("{name} {}", units::grade(&rating))).collect();
    if !rated.is_empty() {
        line(out, &format!("    rated: {}", rated.join(", ")));
    }
    validity(out, stage, screen);
}

/// When the replies of a tool begin, where that is well before they end.
fn begins_early(name: &str, tool: &ToolResult) -> Option<String> {
    let (first, whole) = (tool.first_byte.as_ref()?.median, tool.service.as_ref()?.median);
    let is_early = first.ns()? as f64 <= 0.9 * whole.ns()? as f64;
    is_early.then(|| format!("{name} {}", quantile(&first)))
}

/// The lines of the server that kept most memory.
fn kept(out: &mut String, stage: &StageResult, screen: Screen) {
    let Some(kept) = &stage.kept_memory else { return };
    let [all, each] = [kept.bytes as f64, kept.bytes_per_call].map(units::bytes);
    *out += &screen.line(&format!("    kept: {all} over {} calls, {each} a call, most of it by", kept.calls));
    for site in &kept.sites {
        let [all, each] = [site.bytes as f64, site.bytes_per_call].map(units::bytes);
        let through = site.through.as_ref().map_or_else(String::new, |inner| format!(", in {inner}"));
        let at = format!("{} {}", site.line, site.function);
        let at = at.trim_start();
        *out += &screen.line(&format!("      {at}: {all}, {each} a call{through}"));
    }
}

fn validity(out: &mut String, stage: &StageResult, screen: Screen) {
    let line = |out: &mut String, text: &str| *out += &screen.line(text);
    for reason in stage.validity.reasons() {
        line(out, &format!("    {}: {reason}", reason.leaves(Figures::Times).word()));
    }
    for reason in stage.validity.warnings.iter().take(screen.few(FEW)) {
        line(out, &format!("    warning: {reason}"));
    }
}

/// What keeps figures of several stages from being read as they are: each kind of reason once, with the first of its words.
fn doubts(out: &mut String, stages: &[StageResult], screen: Screen) {
    let mut kinds: Vec<(&Reason, usize)> = Vec::new();
    for reason in stages.iter().flat_map(|stage| stage.validity.reasons()) {
        let same =
            |one: &&mut (&Reason, usize)| std::mem::discriminant(one.0) == std::mem::discriminant(reason);
        match kinds.iter_mut().find(same) {
            Some((_, stages)) => *stages += 1,
            None => kinds.push((reason, 1)),
        }
    }
    for (reason, among) in kinds {
        let word = reason.leaves(Figures::Times).word();
        *out += &screen.line(&format!("  {word} in {among} of {} stages, such as: {reason}", stages.len()));
    }
}

/// Those that did not pass, then as many of the others as there is room for.
fn checks(out: &mut String, checks: &[Check], screen: Screen) {
    let (passed, others): (Vec<&Check>, Vec<&Check>) =
        checks.iter().partition(|check| check.verdict == Verdict::Pass);
    for check in others.iter().chain(passed.iter().take(screen.few(FEW))) {
        let word = format!("{:<11}", word(check.verdict));
        let plain = screen.line(&format!("  {word} {}: {}", check.name, check.text));
        *out += &plain.replacen(&word, &screen.paint(&word, tone(check.verdict)), 1);
    }
    if passed.len() > screen.few(FEW) {
        let _ = writeln!(out, "  and {} more passed", passed.len() - FEW);
    }
}

/// In a column there is no room for the space.
fn duration(ns: f64) -> String {
    units::duration(ns).replace(' ', "")
}

fn quantile(quantile: &Quantile) -> String {
    units::quantile(quantile).replace(' ', "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::result::fixture;

    #[test]
    fn calls_a_second_of_several_stages_are_weighed_by_their_time() {
        let stage = |calls_per_s: f64, seconds: u64| {
            fixture::stage(&json!({ "calls_per_s": calls_per_s, "elapsed_ns": seconds * 1_000_000_000 }))
        };
        assert_eq!(throughput(&[stage(5.0, 10), stage(1.0, 30)]), Some(2.0));
        assert_eq!(throughput(&[]), None);
    }
}
