//! Signs that a stage, whatever its limits say, is no evidence of a server that works.

use music21_mcp_bench::client::{Outcome, Tool};

use super::judge::judged;
use crate::measure::validity::Figures;
use crate::result::{Check, StageResult, StoppedBy, ToolResult, Verdict};

/// Seconds without an answer, while calls waited for one, from which a server counts as silent.
const SILENT_S: u64 = 5;
/// Share of the due calls that may have been dropped: what a queue holds at the end of a sound stage.
const MAX_DROPPED: f64 = 0.01;

/// Answers of other calls, which fail any stage; `None` without any.
pub(super) fn misrouted(stage: &StageResult) -> Option<Check> {
    let misrouted = Some(stage.accounts.count(Outcome::MisroutedAnswer)).filter(|&count| count > 0)?;
    let text = format!("{misrouted} answers belong to another call");
    Some(judged(stage, Figures::Counts, "misrouted answers", Verdict::Fail, text))
}

/// What the stage lacks to pass; `None` where nothing is missing. A stage with a fault is meant to lose calls.
pub(super) fn missing(stage: &StageResult) -> Option<Check> {
    if stage.fault.is_some() {
        return None;
    }
    let accounts = &stage.accounts;
    let (due, dropped) = (accounts.scheduled, accounts.count(Outcome::Dropped));
    let (verdict, text) = if accounts.answered() == 0 {
        let text = if accounts.sent == 0 { "no call was made" } else { "no call was answered" };
        (Verdict::Inconclusive, format!("{text}: nothing is known of the server"))
    } else if let Some(seconds) = silent_at_the_end(stage) {
        (Verdict::Fail, format!("nothing came back in the last {seconds} s, though calls waited"))
    } else if dropped as f64 > MAX_DROPPED * due as f64 {
        let text = format!("{dropped} of {due} due calls were never sent, for want of a free session");
        (Verdict::Inconclusive, format!("{text}: lower the rate, or raise --clients"))
    } else {
        return None;
    };
    Some(judged(stage, Figures::Counts, "evidence", verdict, text))
}

/// For how many seconds nothing came back, where calls were given up or never sent meanwhile.
fn silent_at_the_end(stage: &StageResult) -> Option<u64> {
    let came_back = |second: &crate::result::Second| {
        second.ok > 0 || second.errors.iter().any(|(outcome, &count)| outcome.is_answer() && count > 0)
    };
    let last = stage.timeline.iter().rev().find(|second| came_back(second))?;
    let lost = [Outcome::TimedOut, Outcome::Cancelled, Outcome::Dropped];
    let gave_up = lost.into_iter().any(|outcome| stage.accounts.count(outcome) > 0);
    let silent_s = (stage.elapsed_ns / 1_000_000_000).saturating_sub(last.at_s + 1);
    (gave_up && silent_s >= SILENT_S).then_some(silent_s)
}

/// Good answers that may be failures: nobody said how to tell. `None` without any.
pub(super) fn doubtful(stage: &StageResult) -> Option<Check> {
    let mut tools = stage.tools.iter().filter_map(|(name, tool)| Some((name, tool, tool.doubtful.as_ref()?)));
    let (name, tool, doubtful) = tools.next()?;
    let others = match tools.count() {
        0 => String::new(),
        1 => ", and one more tool's do".to_owned(),
        more => format!(", and those of {more} more tools do"),
    };
    let text = format!(
        "say `expect`, `expect_not` or `errors = \"allowed\"` in the step: {} of {} answers of '{name}' read like failures ({}){others}",
        doubtful.calls,
        tool.accounts.count(Outcome::Ok),
        doubtful.why
    );
    Some(judged(stage, Figures::Counts, "good answers", Verdict::Inconclusive, text))
}

/// Replies that no call waited for, and that none had given up; `None` without any. With a fault they are not the
/// server's own.
pub(super) fn stray(stage: &StageResult) -> Option<Check> {
    let text = stage.violations.stray().filter(|_| stage.fault.is_none())?;
    Some(judged(stage, Figures::Counts, "replies", Verdict::Fail, text))
}

/// Calls that were under way when a process of the server's ended by itself, which fails a stage whatever share of good
/// answers is asked for; `None` without any. With a fault it is what was done to it.
pub(super) fn crashed(stage: &StageResult) -> Option<Check> {
    let ends = ["the server exited", "the server was killed", "the server ended"];
    let mut examples = stage.tools.values().flat_map(|tool| &tool.examples);
    let told = examples.find(|example| {
        example.outcome == Outcome::TransportClosed
            && ends.iter().any(|words| example.message.starts_with(words))
    });
    let how = &told.filter(|_| stage.fault.is_none())?.message;
    let lost = stage.accounts.count(Outcome::TransportClosed);
    let text = format!("it ended while calls were under way, {lost} of them were lost: {how}");
    Some(judged(stage, Figures::Counts, "server", Verdict::Fail, text))
}

/// What else a sound server does not do, and what harms no call.
pub(super) fn remarks(stage: &StageResult) -> Vec<String> {
    let seen = stage.violations.remarks().into_iter();
    seen.chain(delayed_bodies(stage)).map(|remark| format!("{}: {remark}", stage.name)).collect()
}

/// Replies whose end waits for an acknowledgement of their beginning: the rest of each comes as much later as Linux delays
/// one (40 ms), whatever the tool.
fn delayed_bodies(stage: &StageResult) -> Option<String> {
    let gap_ns = |tool: &ToolResult| {
        let (whole, first) = (tool.service.as_ref()?, tool.first_byte.as_ref()?);
        whole.median.ns()?.checked_sub(first.median.ns()?)
    };
    let gaps: Option<Vec<u64>> = stage.tools.values().map(gap_ns).collect();
    let is_delay = |gap_ns: &u64| (38_000_000..=46_000_000).contains(gap_ns);
    let least = *gaps.filter(|gaps| gaps.iter().all(is_delay))?.iter().min()?;
    // Work that takes as long is unlikely in several tools, and in one tool varies.
    let is_even = |tool: &ToolResult| {
        let whole = tool.service.as_ref()?;
        Some(whole.median.ns()?.saturating_sub(whole.min_ns) < 2_000_000)
    };
    if stage.tools.len() == 1 && !stage.tools.values().all(|tool| is_even(tool) == Some(true)) {
        return None;
    }
    Some(format!(
        "every reply ends {:.1} ms after its first byte, as where head and body are sent in two writes and the second waits \
         for an acknowledgement: let the server set TCP_NODELAY, or write them at once",
        least as f64 / 1e6
    ))
}

/// The stage was ended early for want of good calls.
pub(super) fn lost(stage: &StageResult) -> Option<Check> {
    let share = stage.accounts.success();
    let text = format!(
        "ended after {:.0} s: {} of {} calls were good, surely fewer than its abort_below",
        stage.elapsed_ns as f64 / 1e9,
        share.successes,
        share.trials
    );
    let is_lost = stage.stopped_by == StoppedBy::Lost;
    is_lost.then(|| judged(stage, Figures::Counts, "lost", Verdict::Fail, text))
}

/// Why calls failed, where a limit of the server explains it. Scores of a session that was lost are gone for that.
pub(super) fn cause(stage: &StageResult) -> Option<&'static str> {
    if stage.accounts.ended.keys().any(|outcome| outcome.is_connection_loss()) {
        return None;
    }
    let says = |tool: &ToolResult, words: &[&str]| {
        let has = |text: &str| words.iter().all(|word| text.contains(word));
        tool.examples.iter().any(|example| has(&example.message.to_lowercase()))
    };
    let missed = stage.tools.values().filter(|tool| says(tool, &["score", "not found"]));
    let missed: u64 = missed.map(|tool| tool.accounts.count(Outcome::ToolError)).sum();
    // Where an import has failed, the delete that follows finds no score: that is one miss for each such import.
    let imports = stage.tools.get(Tool::ImportScore.name());
    if missed > imports.map_or(0, |tool| tool.accounts.success().failures()) {
        Some(
            "scores were gone before their client was done: the server holds so many and evicts the oldest; raise its limit or lower --clients",
        )
    } else if stage.tools.values().any(|tool| says(tool, &["memory limit"])) {
        Some("the server's limit on memory for scores was reached; raise it or lower --clients")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::measure::Latency;
    use crate::measure::summary::summarize;
    use crate::result::fixture::stage;

    /// A stage of 20 s whose last answer came in this second.
    fn found(last_s: u64, ended: &serde_json::Value) -> Option<(Verdict, String)> {
        let timeline: Vec<_> = (0..=last_s)
            .map(|at_s| {
                json!({ "at_s": at_s, "ok": 5, "errors": {}, "p50_ns": 1, "p95_ns": 1, "max_ns": 1, "in_flight": 1.0 })
            })
            .collect();
        let count = |outcomes: &serde_json::Value| -> u64 {
            outcomes.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
        };
        let accounts = json!({ "scheduled": count(ended), "sent": count(ended), "ended": ended });
        let fields = json!({ "elapsed_ns": 20_000_000_000_u64, "timeline": timeline, "accounts": accounts });
        missing(&stage(&fields)).map(|check| (check.verdict, check.text))
    }

    #[test]
    fn a_server_that_answers_to_the_end_lacks_nothing() {
        assert_eq!(found(19, &json!({ "ok": 100 })), None);
        assert_eq!(found(19, &json!({ "ok": 100, "timed_out": 1 })), None);
        assert_eq!(found(19, &json!({ "tool_error": 100 })), None, "that is for the limit on success");
    }

    #[test]
    fn without_answers_nothing_is_known() {
        let (verdict, text) = found(19, &json!({ "timed_out": 9 })).unwrap();
        assert_eq!(
            (verdict, text.as_str()),
            (Verdict::Inconclusive, "no call was answered: nothing is known of the server")
        );
        assert!(found(0, &json!({})).unwrap().1.starts_with("no call was made"));
    }

    #[test]
    fn a_server_that_froze_fails_however_well_it_began() {
        let (verdict, text) = found(9, &json!({ "ok": 1000, "timed_out": 2 })).unwrap();
        assert_eq!(
            (verdict, text.as_str()),
            (Verdict::Fail, "nothing came back in the last 10 s, though calls waited")
        );
        assert_eq!(found(9, &json!({ "ok": 1000 })), None, "a pause without calls is none of the server's");
    }

    #[test]
    fn calls_that_were_dropped_leave_it_open() {
        assert_eq!(found(19, &json!({ "ok": 1000, "dropped": 11 })).unwrap().0, Verdict::Inconclusive);
        assert_eq!(found(19, &json!({ "ok": 1000, "dropped": 9 })), None);
    }

    #[test]
    fn good_answers_that_read_like_failures_leave_it_open_and_say_what_to_type() {
        let tool = json!({
            "accounts": { "scheduled": 9, "sent": 9, "ended": { "ok": 9 } }, "first_calls_ns": [], "response": null,
            "service": null, "steadiness": null, "response_hdr": "", "service_hdr": "", "examples": [],
            "doubtful": { "calls": 8, "why": "the answer reads 'Error: no key'" }
        });
        let check = doubtful(&stage(&json!({ "tools": { "search": tool, "find": tool } }))).unwrap();
        assert_eq!(check.verdict, Verdict::Inconclusive);
        let text = "say `expect`, `expect_not` or `errors = \"allowed\"` in the step: 8 of 9 answers of 'find' read like \
                    failures (the answer reads 'Error: no key'), and one more tool's do";
        assert_eq!(check.text, text);
        assert_eq!(doubtful(&stage(&json!({}))), None);
    }

    #[test]
    fn scores_that_were_never_imported_were_not_evicted() {
        let of = |imports: &serde_json::Value, deleted: u64| {
            let tool = |ended: &serde_json::Value, said: &str| {
                let calls: u64 =
                    ended.as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
                json!({
                    "accounts": { "scheduled": calls, "sent": calls, "ended": ended }, "first_calls_ns": [], "response": null,
                    "service": null, "steadiness": null, "response_hdr": "", "service_hdr": "",
                    "examples": [{ "outcome": "tool_error", "message": said }]
                })
            };
            let import = tool(imports, "Could not find or import score: 100x300.musicxml");
            let delete = tool(&json!({ "tool_error": deleted }), "Score 'b-1' not found");
            cause(&stage(&json!({ "tools": { "import_score": import, "delete_score": delete } })))
        };
        assert_eq!(of(&json!({ "tool_error": 4 }), 4), None);
        assert_eq!(of(&json!({ "timed_out": 4, "ok": 3 }), 4), None);
        assert!(of(&json!({ "ok": 4 }), 1).unwrap().contains("evicts"));
        assert!(of(&json!({ "ok": 4, "tool_error": 1 }), 2).unwrap().contains("evicts"));
    }

    #[test]
    fn a_server_that_ends_by_itself_fails_however_good_the_others_are() {
        let seen = |said: &str, outcome: &str| {
            let tool = json!({
                "accounts": { "scheduled": 99, "sent": 99, "ended": { "ok": 98, outcome: 1 } }, "first_calls_ns": [],
                "response": null, "service": null, "steadiness": null, "response_hdr": "", "service_hdr": "",
                "examples": [{ "outcome": outcome, "message": said }]
            });
            let ended = json!({ "scheduled": 99, "sent": 99, "ended": { "ok": 98, outcome: 1 } });
            crashed(&stage(&json!({ "tools": { "key": tool }, "accounts": ended })))
        };
        let check = seen("the server exited with status 3, stderr empty", "transport_closed").unwrap();
        assert_eq!(check.verdict, Verdict::Fail);
        assert_eq!(
            check.text,
            "it ended while calls were under way, 1 of them were lost: the server exited with status 3, stderr empty"
        );
        assert_eq!(seen("connection reset", "transport_closed"), None);
        assert_eq!(seen("the server exited with status 3", "tool_error"), None, "a tool's own words");
    }

    #[test]
    fn replies_whose_end_waits_for_an_acknowledgement_are_told() {
        // The quickest of the calls took so many milliseconds less.
        let times = |ms: u64, quicker_ms: u64| {
            let mut all = [Latency { ns: ms * 1_000_000, censored: false }; 300];
            all[0].ns -= quicker_ms * 1_000_000;
            summarize(&all)
        };
        let said = |tools: &[(u64, u64, u64)]| {
            let tool = |&(first, whole, quicker): &(u64, u64, u64)| {
                json!({
                    "accounts": { "scheduled": 300, "sent": 300, "ended": { "ok": 300 } }, "first_calls_ns": [],
                    "response": null, "service": times(whole, quicker), "first_byte": times(first, 0), "steadiness": null,
                    "response_hdr": "", "service_hdr": "", "examples": []
                })
            };
            let tools: serde_json::Map<_, _> =
                tools.iter().enumerate().map(|(at, times)| (at.to_string(), tool(times))).collect();
            remarks(&stage(&json!({ "tools": tools })))
        };
        let two_writes = said(&[(1, 45, 9), (100, 141, 0)]);
        assert!(
            two_writes[0].starts_with("s: every reply ends 41.0 ms after its first byte"),
            "{two_writes:?}"
        );
        assert_eq!(said(&[(1, 45, 0)]).len(), 1);
        assert_eq!(said(&[(1, 45, 9)]), [""; 0], "the only tool’s work varies");
        assert_eq!(said(&[(1, 45, 0), (1, 101, 0)]), [""; 0], "one tool’s work takes as long");
        assert_eq!(said(&[(44, 45, 0)]), [""; 0]);
        assert_eq!(said(&[]), [""; 0]);
    }

    #[test]
    fn a_call_answered_twice_fails_and_noise_is_told() {
        let seen = |fields: serde_json::Value| {
            let none = json!({ "late": 0, "unmatched": 0, "duplicates": 0, "bad_frames": 0, "resent": 0, "noise_lines": 0, "noise": [] });
            let mut all = none.as_object().unwrap().clone();
            all.extend(fields.as_object().unwrap().clone());
            stage(&json!({ "violations": all }))
        };
        let twice = seen(json!({ "duplicates": 2 }));
        assert_eq!(stray(&twice).unwrap().verdict, Verdict::Fail);
        assert_eq!(
            stray(&twice).unwrap().text,
            "2 calls were answered twice, 0 replies answer no call of ours"
        );
        let noisy = seen(json!({ "noise_lines": 3, "noise": ["ready"] }));
        assert_eq!(stray(&noisy), None);
        let said =
            "s: 3 lines on stdout are no MCP messages, such as 'ready': the protocol wants them on stderr";
        assert_eq!(remarks(&noisy), [said]);
    }
}
