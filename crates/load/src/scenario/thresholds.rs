//! The limits of a scenario, and what they say of its stages.

use music21_mcp_bench::client::Outcome;

use super::judge::judged;
use crate::measure::stats::{mean, standard_deviation, t_quantile};
use crate::measure::trend;
use crate::measure::validity::Figures;
use crate::result::{Check, Definition, Second, StageResult, ToolResult, Verdict};

/// One check for each limit and stage, and of p95 for each tool; and one for each tool that never answered well.
pub(super) fn check_limits(definition: &Definition, stages: &[StageResult]) -> Vec<Check> {
    let limits = &definition.thresholds;
    let mut checks = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        if is_judged_by_success(definition, stage) {
            checks.push(success(stage, limits.min_success));
            checks.extend(never_well(stage));
        }
        if let Some(max_ms) = limits.max_p95_ms {
            checks.extend(stage.tools.iter().map(|(name, tool)| p95(stage, name, tool, max_ms)));
        }
        checks.extend(limits.max_memory_mb_per_min.map(|max| memory(stage, max)));
        let offered_s = definition.stages.get(index).and_then(|defined| defined.duration_s);
        checks.extend(limits.min_calls_per_s.map(|min| throughput(stage, offered_s, min)));
    }
    checks
}

/// 0 switches it off. A search tries more clients than are served well, and a fault makes calls fail: both are judged by
/// their own rules.
fn is_judged_by_success(definition: &Definition, stage: &StageResult) -> bool {
    definition.thresholds.min_success > 0.0 && definition.search.is_none() && stage.fault.is_none()
}

/// Slices of a stage whose throughputs are compared; ten leave nine degrees of freedom, as for percentiles.
const SLICES: usize = 10;

/// Student's t over the throughputs of contiguous slices: within one, calls depend on each other.
fn throughput(stage: &StageResult, offered_s: Option<f64>, min: f64) -> Check {
    let throughput = |verdict, text| judged(stage, Figures::Times, "throughput", verdict, text);
    // The last second is a part of one, and after the stage's duration calls only end.
    let ended = stage.timeline.len().saturating_sub(1);
    let whole = &stage.timeline[..offered_s.map_or(ended, |seconds| ended.min(seconds as usize))];
    let seconds = whole.len() / SLICES;
    if seconds == 0 {
        let text = format!("{:.1} calls/s, but bounds need {} s or more", stage.calls_per_s, SLICES + 1);
        return throughput(Verdict::Inconclusive, text);
    }
    let ok = |slice: &[Second]| slice.iter().map(|second| second.ok).sum::<u64>() as f64 / seconds as f64;
    let rates: Vec<f64> = whole.chunks_exact(seconds).take(SLICES).map(ok).collect();
    let half = t_quantile(0.975, SLICES as f64 - 1.0) * standard_deviation(&rates) / (SLICES as f64).sqrt();
    let (low, high) = (mean(&rates) - half, mean(&rates) + half);
    let verdict = if low >= min {
        Verdict::Pass
    } else if high < min {
        Verdict::Fail
    } else {
        Verdict::Inconclusive
    };
    throughput(verdict, format!("{:.1} good calls/s ({low:.1} to {high:.1}), at least {min}", mean(&rates)))
}

fn success(stage: &StageResult, min: f64) -> Check {
    let (share, unknown) = (stage.accounts.success(), stage.accounts.unknown());
    let (lower, upper) = (stage.accounts.success_at_least().lower_bound(0.95), share.upper_bound(0.95));
    let verdict = if lower >= min {
        Verdict::Pass
    } else if upper < min {
        Verdict::Fail
    } else if share.trials > 0 && share.successes == share.trials && unknown == 0 {
        // Too few calls to prove a high share, but none went wrong: nobody makes 29 calls that take a minute.
        Verdict::Pass
    } else {
        Verdict::Inconclusive
    };
    let remark = match (unknown, verdict) {
        (0, Verdict::Pass) if lower < min => "; too few to prove it, but all good".to_owned(),
        (0, _) => String::new(),
        _ => format!("; {unknown} more were due and not waited for, and count as failed in the lower bound"),
    };
    let percent = |value: f64| format!("{:.2} %", value * 100.0);
    let text = format!(
        "{} of {} calls ({}, 95 % bounds {} to {}), at least {}{remark}",
        share.successes,
        share.trials,
        share.share().map_or_else(|| "none".into(), percent),
        percent(lower),
        percent(upper),
        percent(min)
    );
    judged(stage, Figures::Counts, "success", verdict, text)
}

/// One or two calls may have ended badly by accident.
const NEVER: u64 = 3;

/// The tools of which no call ended well, where others worked: among many good calls of theirs they would not be seen.
fn never_well(stage: &StageResult) -> impl Iterator<Item = Check> {
    let others_worked = stage.accounts.success().successes > 0;
    stage.tools.iter().filter_map(move |(name, tool)| {
        let share = tool.accounts.success();
        (others_worked && share.successes == 0 && share.trials >= NEVER).then(|| {
            let example = tool.examples.first();
            let words = example.map(|example| format!(" ({}: {})", example.outcome, example.message));
            // Of other ends that would make no good answers.
            let may_be_meant = example.is_some_and(|example| example.outcome == Outcome::ToolError);
            let advice =
                if may_be_meant { "; if that is meant, its steps say errors = \"allowed\"" } else { "" };
            let text = format!("0 of {} calls{}{advice}", share.trials, words.unwrap_or_default());
            judged(stage, Figures::Counts, &format!("{name} ever good"), Verdict::Fail, text)
        })
    })
}

fn p95(stage: &StageResult, name: &str, tool: &ToolResult, max_ms: f64) -> Check {
    let p95 = |verdict, text: String| judged(stage, Figures::Times, name, verdict, text);
    let Some(summary) = stage.times(tool) else {
        return p95(Verdict::Inconclusive, "no call ended well, so that there are no times".to_owned());
    };
    let ms = |ns: u64| ns as f64 / 1e6;
    let (low, high) = (summary.p95.lower_ns().map(ms), summary.p95.upper_ns().map(ms));
    let verdict = match (low, high) {
        (_, Some(high)) if high <= max_ms => Verdict::Pass,
        (Some(low), _) if low > max_ms => Verdict::Fail,
        _ => Verdict::Inconclusive,
    };
    let text = match (low, high) {
        (Some(low), Some(high)) => format!("p95 between {low:.1} and {high:.1} ms"),
        (Some(low), None) => format!("p95 ≥ {low:.1} ms, of {} calls", summary.count),
        (None, Some(high)) => format!("p95 ≤ {high:.1} ms"),
        (None, None) => format!("p95 unknown of {} calls", summary.count),
    };
    p95(verdict, format!("{text}, at most {max_ms}"))
}

pub(super) fn too_short() -> String {
    format!("needs {}: run longer", trend::needs())
}

fn memory(stage: &StageResult, max: f64) -> Check {
    let growth = |verdict, text| judged(stage, Figures::Resources, "memory growth", verdict, text);
    let Some(leak) = &stage.leak else {
        return growth(Verdict::Inconclusive, too_short());
    };
    let slope = leak.mb_per_min;
    let verdict = if slope.upper < max {
        Verdict::Pass
    } else if slope.lower > max {
        Verdict::Fail
    } else {
        Verdict::Inconclusive
    };
    let text =
        format!("{:.2} MB/min ({:.2} to {:.2}), at most {max}", slope.estimate, slope.lower, slope.upper);
    growth(verdict, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::AccountsBy;
    use crate::result::fixture::stage_named;

    #[test]
    fn throughput_is_judged_by_its_bounds() {
        let second = |ok| Second { ok, ..Second::default() };
        let of = |counts: &[u64], min| {
            let timeline = counts.iter().map(|&ok| second(ok)).collect();
            throughput(&StageResult { timeline, ..stage_named("s") }, Some(21.0), min).verdict
        };
        let steady = [10; 21];
        assert_eq!(of(&steady, 9.9), Verdict::Pass);
        assert_eq!(of(&steady, 10.1), Verdict::Fail);
        let wild: Vec<u64> = (0..21).map(|second| if second % 4 < 2 { 20 } else { 2 }).collect();
        assert_eq!(of(&wild, 10.0), Verdict::Inconclusive);
        assert_eq!(of(&steady[..10], 5.0), Verdict::Inconclusive);
        let with_a_long_end: Vec<u64> = steady.iter().copied().chain([0; 30]).collect();
        assert_eq!(of(&with_a_long_end, 9.9), Verdict::Pass, "calls that hang at the end are waited for");
    }

    #[test]
    fn calls_that_nobody_waited_for_do_not_pass_and_prove_no_failure() {
        let of = |ok: u64, dropped: u64| {
            let ended = [(Outcome::Ok, ok), (Outcome::Dropped, dropped)].into();
            let accounts = AccountsBy { scheduled: ok + dropped, sent: ok, ended };
            success(&StageResult { accounts, ..stage_named("s") }, 0.9)
        };
        assert_eq!(of(1000, 10).verdict, Verdict::Pass);
        assert_eq!(of(1000, 4000).verdict, Verdict::Inconclusive);
        assert!(of(1000, 4000).text.contains("; 4000 more were due"), "{}", of(1000, 4000).text);
    }

    #[test]
    fn a_tool_that_never_worked_does_not_hide_among_good_calls() {
        let tool = |ok: u64, failed: u64| -> ToolResult {
            serde_json::from_value(serde_json::json!({
                "accounts": { "scheduled": ok + failed, "sent": ok + failed, "ended": { "ok": ok, "tool_error": failed } },
                "first_calls_ns": [], "response": null, "service": null, "steadiness": { "kind": "unsteady" },
                "response_hdr": "", "service_hdr": "",
                "examples": [{ "outcome": "tool_error", "message": "no model" }]
            }))
            .unwrap()
        };
        let of = |ok: u64, imitate: ToolResult| {
            let ended = [(Outcome::Ok, ok), (Outcome::ToolError, 3)].into();
            let accounts = AccountsBy { scheduled: ok + 3, sent: ok + 3, ended };
            let tools =
                [("import_score".to_owned(), tool(ok, 0)), ("imitate_style".to_owned(), imitate)].into();
            let stage = StageResult { accounts, tools, ..stage_named("s") };
            never_well(&stage).map(|check| (check.name, check.verdict, check.text)).collect::<Vec<_>>()
        };
        let text =
            "0 of 3 calls (tool_error: no model); if that is meant, its steps say errors = \"allowed\"";
        let expected = ("s: imitate_style ever good".to_owned(), Verdict::Fail, text.to_owned());
        assert_eq!(of(1000, tool(0, 3)), [expected]);
        assert_eq!(of(1000, tool(1, 2)), []);
        assert_eq!(of(1000, tool(0, 2)), [], "accidents");
        assert_eq!(of(0, tool(0, 3)), [], "where nothing worked, that is what is said");
    }

    #[test]
    fn a_limit_on_times_without_times_is_undecided() {
        let tool: ToolResult = serde_json::from_value(serde_json::json!({
            "accounts": { "scheduled": 9, "sent": 9, "ended": { "tool_error": 9 } }, "first_calls_ns": [],
            "response": null, "service": null, "steadiness": { "kind": "unsteady" },
            "response_hdr": "", "service_hdr": "", "examples": []
        }))
        .unwrap();
        assert_eq!(p95(&stage_named("s"), "key_analysis", &tool, 100.0).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_few_calls_that_were_all_good_pass_and_say_that_they_prove_little() {
        let of = |ok, failed| {
            let ended = [(Outcome::Ok, ok), (Outcome::ToolError, failed)].into();
            let accounts = AccountsBy { sent: ok + failed, ended, ..AccountsBy::default() };
            success(&StageResult { accounts, ..stage_named("s") }, 0.9)
        };
        assert_eq!(of(8, 0).verdict, Verdict::Pass);
        assert!(of(8, 0).text.ends_with("too few to prove it, but all good"), "{}", of(8, 0).text);
        assert!(of(29, 0).text.ends_with("at least 90.00 %"));
        assert_eq!((of(28, 1).verdict, of(0, 8).verdict), (Verdict::Inconclusive, Verdict::Fail));
    }
}
