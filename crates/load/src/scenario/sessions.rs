//! What a session leaves behind, ended or abandoned.

use music21_mcp_bench::client::Tool;
use music21_mcp_proc::ResourceSample;

use super::calls::stage;
use super::judge::judged;
use super::{Options, Scenario};
use crate::measure::validity::Figures;
use crate::result::{
    Check, Definition, ScenarioResult, SessionEnd, SessionMemory, Stage, StageResult, Step, Verdict, Workload,
};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "sessions",
    about: "what does a session leave behind that was ended, and one that was abandoned?",
    explanation: "\
20 sessions a second (--rate) are opened for 60 s (--duration). Each makes one call and ends: in the stage 'ended'
as the protocol asks (DELETE), in 'abandoned' by dropping its connection without a word. A stage like 'ended'
warms up first. Over stdio a session is a process: ten are started one after the other, and the check is that
they are gone.

Once a second the server's anonymous memory is read. The memory that a session leaves is Theil and Sen's slope
over the number of sessions, with 95 % bounds. Descriptors and threads are compared, after a rest, with those
after the warm-up. Fails if an ended session surely leaves 1 KB or more, if one descriptor or thread remains for
every ten sessions, or if a process remains. Memory of abandoned sessions is shown and not judged, since a server
may wait for them to come back; it is inconclusive if the bounds are more than 10 KB apart.

It cannot show when abandoned sessions expire, if that takes longer than the rest at the end.",
    define,
    judge,
};

/// What an ended session may leave, KB: a page in four sessions is an allocator's doing.
const MAX_ENDED_KB: f64 = 1.0;
/// Bounds further apart than this are no figure, KB.
const MAX_DOUBT_KB: f64 = 10.0;
/// Sessions that may share one descriptor or thread that remains.
const SESSIONS_A_LEFTOVER: u64 = 10;

const WARM_UP: &str = "warm-up";
const ABANDONED: &str = "abandoned";

fn define(options: &Options) -> Definition {
    let named = |name: &str, end| one_call_each(name, end, options);
    Definition {
        // A session that did nothing, because a limiter refused it, leaves nothing and shows nothing.
        // A kept session: over stdio its process is what the others are compared with.
        prepare: calls(),
        stages: vec![
            named(WARM_UP, SessionEnd::Ended),
            named("ended", SessionEnd::Ended),
            named(ABANDONED, SessionEnd::Abandoned),
        ],
        ..Definition::default()
    }
}

fn one_call_each(name: &str, end: SessionEnd, options: &Options) -> Stage {
    let workload = Workload { sessions: end, ..Workload::of(calls()) };
    let stage = Stage {
        workload,
        settle_s: if options.quick { 2.0 } else { 5.0 },
        deadline_s: options.deadline_s.unwrap_or(30.0),
        ..stage(name, options.clients.unwrap_or(4), Vec::new())
    };
    if options.process_per_session {
        // Each takes seconds of a Python server's start.
        return Stage { clients: 1, calls: Some(if options.quick { 3 } else { 10 }), ..stage };
    }
    Stage {
        rate_per_s: Some(options.rate_per_s.unwrap_or(20.0)),
        duration_s: Some(options.duration_s.unwrap_or(if options.quick { 12.0 } else { 60.0 })),
        ..stage
    }
}

fn calls() -> Vec<Step> {
    vec![Step::call(Tool::ListScores, serde_json::json!({}))]
}

fn judge(result: &ScenarioResult) -> Vec<Check> {
    let Some((before, stages)) = result.stages.split_first() else { return Vec::new() };
    stages.iter().flat_map(|stage| [memory(stage)].into_iter().chain(leftovers(before, stage))).collect()
}

fn memory(stage: &StageResult) -> Check {
    let memory = |verdict, text: String| judged(stage, Figures::Resources, "memory", verdict, text);
    let kb = match &stage.session_memory {
        Some(SessionMemory::Kb(kb)) => kb,
        Some(SessionMemory::OfItsProcess) => {
            let text = "a session is a process, and its memory goes with it";
            return memory(Verdict::Pass, text.to_owned());
        }
        Some(SessionMemory::Unknown(why)) => return memory(Verdict::Inconclusive, why.clone()),
        None => return memory(Verdict::Inconclusive, "no session ended".to_owned()),
    };
    let verdict = if stage.name == ABANDONED && kb.upper - kb.lower > MAX_DOUBT_KB {
        Verdict::Inconclusive
    } else if stage.name == ABANDONED {
        Verdict::Pass
    } else if kb.lower >= MAX_ENDED_KB {
        Verdict::Fail
    } else if kb.upper < MAX_ENDED_KB {
        Verdict::Pass
    } else {
        Verdict::Inconclusive
    };
    let text = format!(
        "{:+.2} KB a session ({:+.2} to {:+.2}), {} sessions",
        kb.estimate, kb.lower, kb.upper, stage.accounts.sent
    );
    memory(verdict, text)
}

/// Descriptors, threads and processes after the rest, against those after the warm-up.
fn leftovers(before: &StageResult, stage: &StageResult) -> Vec<Check> {
    let one = |what: &str, get: fn(&ResourceSample) -> Option<u64>, allowed: u64| {
        let of_stage = |verdict, text: String| judged(stage, Figures::Resources, what, verdict, text);
        let values = before.settled.as_ref().and_then(get).zip(stage.settled.as_ref().and_then(get));
        let Some((before, after)) = values else {
            return of_stage(Verdict::Inconclusive, "could not be read after the rest".to_owned());
        };
        let verdict = if after > before + allowed { Verdict::Fail } else { Verdict::Pass };
        of_stage(verdict, format!("{before} → {after} over {} sessions", stage.accounts.sent))
    };
    // Connections of other stages come and go: a handful is nobody's leak.
    let few = (stage.accounts.sent / SESSIONS_A_LEFTOVER).max(2);
    vec![
        one("descriptors", |sample| sample.fds, few),
        one("threads", |sample| Some(sample.threads), few),
        one("processes", |sample| Some(sample.processes), 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::trend::Slope;
    use crate::result::fixture::{sample, stage_named};

    fn verdict(name: &str, lower: f64, upper: f64) -> Verdict {
        let kb = Slope { estimate: (lower + upper) / 2.0, lower, upper };
        let stage = StageResult { session_memory: Some(SessionMemory::Kb(kb)), ..stage_named(name) };
        memory(&stage).verdict
    }

    #[test]
    fn what_an_ended_session_leaves_is_judged_by_its_bounds() {
        assert_eq!(verdict("ended", -0.2, 0.3), Verdict::Pass);
        assert_eq!(verdict("ended", -0.2, 1.3), Verdict::Inconclusive);
        assert_eq!(verdict("ended", 30.0, 34.0), Verdict::Fail);
    }

    #[test]
    fn what_an_abandoned_session_leaves_is_a_figure_or_none() {
        assert_eq!(verdict(ABANDONED, 30.0, 34.0), Verdict::Pass);
        assert_eq!(verdict(ABANDONED, -3.0, 34.0), Verdict::Inconclusive);
    }

    #[test]
    fn a_descriptor_for_each_session_is_a_leak_and_a_handful_is_none() {
        let settled = |fds| StageResult { settled: Some(sample(fds)), ..stage_named("ended") };
        let check = |after| leftovers(&settled(10), &settled(after)).remove(0).verdict;
        assert_eq!((check(12), check(13)), (Verdict::Pass, Verdict::Fail));
    }
}
