//! What a terminal shows: each scenario as it ends, and all of them together at the end, on a screen of 80 by 24.

use std::fmt::Write;

use music21_mcp_bench::client::Outcome;

use super::headline::{Tone, calls, headlines, tone, word};
use super::{sizes, units};
use crate::measure::quantile::Quantile;
use crate::measure::validity::{Figures, Reason};
use crate::result::{Check, RunFile, ScenarioResult, StageResult, ToolResult, Verdict};

/// Columns of a screen.
const COLUMNS: usize = 80;
/// Lines that one scenario's stages may take; beyond that each has one line, and the report has the rest.
const ROOM: usize = 18;
/// Notes, warnings, examples and passed checks that a screen has room for.
const FEW: usize = 3;

/// A scenario in lines; with `colour` for a terminal that shows colours.
#[must_use]
pub fn scenario(result: &ScenarioResult, colour: bool) -> String {
    let mut out = format!("{}: {}\n", result.name, paint(word(result.verdict), tone(result.verdict), colour));
    let stages: String = result.stages.iter().map(stage).collect();
    if let Some(sizes) = sizes::table(result) {
        out += &aligned(&sizes);
        doubts(&mut out, &result.stages);
    } else if stages.lines().count() > ROOM && result.stages.len() > 1 {
        out.extend(result.stages.iter().map(brief));
        doubts(&mut out, &result.stages);
    } else {
        out += &stages;
    }
    for tried in result.capacity.iter().flat_map(|capacity| &capacity.tried) {
        line(&mut out, &format!("  {:>5} clients {:<12}{}", tried.clients, tried.served.word(), tried.text));
    }
    if let Some(clients) = result.clients.filter(|rating| rating.grade.is_some()) {
        line(&mut out, &format!("  rated: clients {}", units::grade(&clients)));
    }
    checks(&mut out, &result.checks, colour);
    for note in result.notes.iter().take(FEW).chain(&result.error) {
        line(&mut out, &format!("  note  {note}"));
    }
    out
}

/// All scenarios of a run together, the last line being how it ended.
#[must_use]
pub fn overview(file: &RunFile, colour: bool) -> String {
    let mut out = format!(
        "{:<16}{:<15}{:>9}{:>10}{:>10}{:>12}\n",
        "scenario", "verdict", "calls", "good", "calls/s", "worst p95"
    );
    for result in &file.scenarios {
        let (good, sent) = calls(result);
        let share = if sent > 0 { units::percent(good as f64 / sent as f64) } else { "-".to_owned() };
        let seconds: f64 = result.stages.iter().map(|stage| stage.elapsed_ns as f64 / 1e9).sum();
        let rate = if seconds > 0.0 { units::digits(sent as f64 / seconds) } else { "-".to_owned() };
        let slowest = result.stages.iter().filter_map(|stage| slowest(stage)).max_by_key(|(_, p95)| p95.ns());
        let p95 = slowest.map_or_else(|| "-".to_owned(), |(_, p95)| quantile(&p95));
        // Padded before it is painted, because colours have no width.
        let verdict = paint(&format!("{:<15}", word(result.verdict)), tone(result.verdict), colour);
        let _ =
            writeln!(out, "{:<16}{verdict}{sent:>9}{share:>10}{rate:>10}{p95:>12}", cut(&result.name, 15));
    }
    for one in headlines(file).iter().take(FEW) {
        let reason = cut(&one.reason, 2 * COLUMNS - one.word.len());
        let _ = writeln!(out, "{}: {reason}", paint(one.word, one.tone, colour));
    }
    out
}

fn stage(stage: &StageResult) -> String {
    let mut out = String::new();
    line(&mut out, &format!("  {}: {}", stage.name, load(stage)));
    let what = if stage.open_loop { "  response" } else { "  service" };
    let head = ["first", "min", "mean", "median", "p95", "p99", "max"];
    let _ = writeln!(out, "{what:<18}{:>6}{}", "calls", head.map(|head| format!("{head:>8}")).concat());
    for (name, tool) in &stage.tools {
        let _ = writeln!(out, "  {:<16}{:>6}{}", cut(name, 16), tool.accounts.sent, times(stage, tool));
    }
    rest(&mut out, stage);
    out
}

/// A table whose first column is words.
fn aligned(rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        let (name, cells) = row.split_first().map_or(("", row.as_slice()), |(name, cells)| (name, cells));
        // In a column of figures there is no room for the space.
        let shown = |cell: &String| if at == 0 { cell.clone() } else { cell.replace(' ', "") };
        let cells: String = cells.iter().map(|cell| format!("{:>11}", shown(cell))).collect();
        line(&mut out, &format!("  {name:<9}{cells}"));
    }
    out
}

/// A stage in one line.
fn brief(stage: &StageResult) -> String {
    let mut out = String::new();
    let slowest =
        slowest(stage).map_or_else(String::new, |(name, p95)| format!(", {name} p95 {}", quantile(&p95)));
    line(&mut out, &format!("  {}: {}{slowest}", stage.name, load(stage)));
    out
}

fn load(stage: &StageResult) -> String {
    let kind = if stage.open_loop { "open loop" } else { "closed loop" };
    let plural = if stage.clients == 1 { "" } else { "s" };
    let share = stage.accounts.success().share().map_or_else(|| "-".into(), units::percent);
    let seconds = stage.elapsed_ns as f64 / 1e9;
    let saturated = if stage.validity.saturated { ", SATURATED" } else { "" };
    format!(
        "{kind}, {} client{plural}, {seconds:.1} s, {} calls/s, {share} good{saturated}",
        stage.clients,
        units::rate(stage)
    )
}

fn times(stage: &StageResult, tool: &ToolResult) -> String {
    let first = tool.first_calls_ns.first().map_or_else(String::new, |&ns| duration(ns as f64));
    let cells = match stage.times(tool) {
        Some(s) => {
            let [min, mean, max] = units::extremes(s).map(|time| time.replace(' ', ""));
            [min, mean, quantile(&s.median), quantile(&s.p95), quantile(&s.p99), max]
        }
        None => std::array::from_fn(|_| "-".to_owned()),
    };
    std::iter::once(first).chain(cells).map(|cell| format!("{cell:>8}")).collect()
}

/// The tool whose p95 is the longest, where one is known.
fn slowest(stage: &StageResult) -> Option<(&str, Quantile)> {
    let p95 = |tool| stage.times(tool).map(|summary| summary.p95);
    let p95s = stage.tools.iter().filter_map(|(name, tool)| Some((name.as_str(), p95(tool)?)));
    p95s.filter(|(_, p95)| p95.ns().is_some()).max_by_key(|(_, p95)| p95.ns())
}

fn rest(out: &mut String, stage: &StageResult) {
    let rate: f64 = stage.tools.values().filter_map(|tool| stage.reply_mb_per_s(tool)).sum();
    if rate > 0.0 {
        line(out, &format!("    replies: {} MB/s", units::digits(rate)));
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
    for (name, phase) in &stage.phases {
        let figure = |of: fn(&crate::measure::summary::Summary) -> &Quantile| {
            phase.response.as_ref().map_or_else(|| "-".into(), |summary| quantile(of(summary)))
        };
        let (ok, sent) = (phase.accounts.count(Outcome::Ok), phase.accounts.sent);
        let times = format!("median {}, p95 {}", figure(|s| &s.median), figure(|s| &s.p95));
        let memory = phase.memory_mb_per_min.map(|slope| format!(", {:+.2} MB/min", slope.estimate));
        line(out, &format!("    {name:<16} {ok} of {sent} good, {times}{}", memory.unwrap_or_default()));
    }
    if !stage.backlog_after_ramps.is_empty() {
        line(out, &format!("    calls waiting at the end of each ramp: {:?}", stage.backlog_after_ramps));
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
    let rated: Vec<String> =
        stage.ratings.named().map(|(name, rating)| format!("{name} {}", units::grade(&rating))).collect();
    if !rated.is_empty() {
        line(out, &format!("    rated: {}", rated.join(", ")));
    }
    validity(out, stage);
}

fn validity(out: &mut String, stage: &StageResult) {
    for reason in stage.validity.reasons() {
        line(out, &format!("    {}: {reason}", reason.leaves(Figures::Times).word()));
    }
    for reason in stage.validity.warnings.iter().take(FEW) {
        line(out, &format!("    warning: {reason}"));
    }
}

/// What keeps figures of several stages from being read as they are: each kind of reason once, with the first of its words.
fn doubts(out: &mut String, stages: &[StageResult]) {
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
        line(out, &format!("  {word} in {among} of {} stages, such as: {reason}", stages.len()));
    }
}

/// Those that did not pass, then as many of the others as there is room for.
fn checks(out: &mut String, checks: &[Check], colour: bool) {
    let (passed, others): (Vec<&Check>, Vec<&Check>) =
        checks.iter().partition(|check| check.verdict == Verdict::Pass);
    for check in others.iter().chain(passed.iter().take(FEW)) {
        let word = format!("{:<11}", word(check.verdict));
        let plain = cut(&format!("  {word} {}: {}", check.name, check.text), 2 * COLUMNS);
        let _ = writeln!(out, "{}", plain.replacen(&word, &paint(&word, tone(check.verdict), colour), 1));
    }
    if passed.len() > FEW {
        let _ = writeln!(out, "  and {} more passed", passed.len() - FEW);
    }
}

/// A line of the report that may take two of the screen, whatever a server's words are.
fn line(out: &mut String, text: &str) {
    *out += &cut(text, 2 * COLUMNS);
    out.push('\n');
}

/// At most `most` characters; control characters of a server would reach the terminal.
fn cut(text: &str, most: usize) -> String {
    let mut shown: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most + 1).collect();
    if let Some((at, _)) = shown.char_indices().nth(most) {
        let last = shown[..at].char_indices().last().map_or(0, |(at, _)| at);
        shown.truncate(last);
        shown.push('…');
    }
    shown
}

/// In a column there is no room for the space.
fn duration(ns: f64) -> String {
    units::duration(ns).replace(' ', "")
}

fn quantile(quantile: &Quantile) -> String {
    units::quantile(quantile).replace(' ', "")
}

fn paint(word: &str, tone: Tone, colour: bool) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Doubtful => "33",
    };
    if colour { format!("\x1b[{code}m{word}\x1b[0m") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_neither_moves_the_cursor_nor_fills_the_screen() {
        assert_eq!(cut("a\x1b[2J\nb", 80), "a [2J b");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut("äöü", 3), "äöü");
    }

    #[test]
    fn only_a_terminal_is_sent_colours() {
        assert_eq!(paint("FAILED", Tone::Bad, true), "\x1b[31mFAILED\x1b[0m");
        assert_eq!(paint("FAILED", Tone::Bad, false), "FAILED");
    }
}
