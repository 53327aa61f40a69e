//! What sessions leave behind: ended, abandoned, held open, and requests that never become one.

use music21_mcp_bench::client::Tool;
use music21_mcp_proc::ResourceSample;

use super::calls::stage;
use super::judge::judged;
use super::{Options, Scenario};
use crate::measure::validity::Figures;
use crate::result::{
    Asked, Check, Definition, ScenarioResult, SessionEnd, SessionMemory, Stage, StageResult, Step, Verdict,
    Workload,
};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "sessions",
    about: "what do sessions leave behind: ended, abandoned, held open, and requests that never become one?",
    explanation: "\
20 sessions a second (--rate) are opened for 60 s (--duration), of four kinds, in stages:
- 'ended': each makes one call and ends as the protocol asks (DELETE). A stage like it warms up first.
- 'abandoned': the same, but it drops its connection without a word.
- 'probed': no sessions, but requests that never become one, each on a connection of its own, as health checks and
  scanners make them: a GET, and a POST without a session's id.
- 'released': each holds a stream (GET) open, makes one call and ends: what such a session leaves when it is closed.
- 'held': a quarter as many of these, but they stay open until the stage ends: what one costs meanwhile.

Over stdio a session is a process: ten are started one after the other, and the check is that they are gone; there
is nothing to probe or to hold. A server without such a stream (405) has no 'held' and 'released'. Both is said.

Once a second the server's anonymous memory is read. The memory that a session leaves, or a probe, is Theil and
Sen's slope over their number, with 95 % bounds. Descriptors and threads are compared, after a rest, with those
after the stage before. Fails if an ended or a released session or a probe surely leaves 1 KB or more, if one
descriptor or thread remains for every ten of them, or if a process remains. Memory of abandoned sessions, which a
server may wait for, and of held ones is shown and not judged; it is inconclusive if the bounds are more than 10 KB
apart. Where memory remains that a known fault of the server's SDK explains, the fault is named.

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
pub(super) const ENDED: &str = "ended";
pub(super) const ABANDONED: &str = "abandoned";
pub(super) const PROBED: &str = "probed";
const HELD: &str = "held";
pub(super) const RELEASED: &str = "released";
/// Of these what they cost is a figure, and no fault.
const SHOWN: [&str; 2] = [ABANDONED, HELD];
/// Each session that is held needs two descriptors at both ends, and many servers may have a thousand.
const FEWER_HELD: f64 = 4.0;

fn define(options: &Options) -> Definition {
    let one_call = || Workload::of(calls());
    let ending = |sessions| Workload { sessions, ..one_call() };
    let listening = |sessions| Workload { listen: true, ..ending(sessions) };
    let probes = Workload::of([Asked::ProbeGet, Asked::ProbePost].map(Step::asking).to_vec());
    Definition {
        // A session that did nothing, because a limiter refused it, leaves nothing and shows nothing.
        // A kept session: over stdio its process is what the others are compared with.
        prepare: calls(),
        stages: vec![
            of_sessions(WARM_UP, ending(SessionEnd::Ended), 1.0, options),
            of_sessions(ENDED, ending(SessionEnd::Ended), 1.0, options),
            of_sessions(ABANDONED, ending(SessionEnd::Abandoned), 1.0, options),
            of_sessions(PROBED, probes, 1.0, options),
            // Before those that are held: what these take and give back would hide what is left of a few.
            of_sessions(RELEASED, listening(SessionEnd::Ended), 1.0, options),
            of_sessions(HELD, listening(SessionEnd::Held), FEWER_HELD, options),
        ],
        ..Definition::default()
    }
}

fn of_sessions(name: &str, workload: Workload, fewer: f64, options: &Options) -> Stage {
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
        rate_per_s: Some(options.rate_per_s.unwrap_or(20.0) / fewer),
        duration_s: Some(options.duration_s.unwrap_or(if options.quick { 12.0 } else { 60.0 })),
        ..stage
    }
}

fn calls() -> Vec<Step> {
    vec![Step::call(Tool::ListScores, serde_json::json!({}))]
}

fn judge(result: &ScenarioResult) -> Vec<Check> {
    let pairs = result.stages.windows(2);
    pairs.flat_map(|pair| [memory(&pair[1])].into_iter().chain(leftovers(&pair[0], &pair[1]))).collect()
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
    let is_shown = SHOWN.contains(&&*stage.name);
    let verdict = if is_shown && kb.upper - kb.lower > MAX_DOUBT_KB {
        Verdict::Inconclusive
    } else if is_shown {
        Verdict::Pass
    } else if kb.lower >= MAX_ENDED_KB {
        Verdict::Fail
    } else if kb.upper < MAX_ENDED_KB {
        Verdict::Pass
    } else {
        Verdict::Inconclusive
    };
    let (what, meanwhile) = (noun(stage), if stage.name == HELD { " while it is open" } else { "" });
    let text = format!(
        "{:+.2} KB a {what}{meanwhile} ({:+.2} to {:+.2}), {} {what}s",
        kb.estimate, kb.lower, kb.upper, stage.accounts.sent
    );
    memory(verdict, text)
}

/// What there is so many of.
fn noun(stage: &StageResult) -> &'static str {
    if stage.name == PROBED { "request" } else { "session" }
}

/// What surely remains of each that is gone, KB: too much to be an allocator's doing.
pub(super) fn left_kb(stage: &StageResult) -> Option<f64> {
    match &stage.session_memory {
        Some(SessionMemory::Kb(kb)) if stage.name != HELD => {
            Some(kb.lower).filter(|&lower| lower >= MAX_ENDED_KB)
        }
        _ => None,
    }
}

/// Descriptors, threads and processes after the rest, against those after the stage before.
fn leftovers(before: &StageResult, stage: &StageResult) -> Vec<Check> {
    let one = |what: &str, get: fn(&ResourceSample) -> Option<u64>, allowed: u64| {
        let of_stage = |verdict, text: String| judged(stage, Figures::Resources, what, verdict, text);
        let values = before.settled.as_ref().and_then(get).zip(stage.settled.as_ref().and_then(get));
        let Some((before, after)) = values else {
            return of_stage(Verdict::Inconclusive, "could not be read after the rest".to_owned());
        };
        let verdict = if after > before + allowed { Verdict::Fail } else { Verdict::Pass };
        of_stage(verdict, format!("{before} → {after} over {} {}s", stage.accounts.sent, noun(stage)))
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
        assert_eq!(verdict(ENDED, -0.2, 0.3), Verdict::Pass);
        assert_eq!(verdict(ENDED, -0.2, 1.3), Verdict::Inconclusive);
        assert_eq!(verdict(ENDED, 30.0, 34.0), Verdict::Fail);
        assert_eq!(verdict(PROBED, 20.0, 24.0), Verdict::Fail);
        assert_eq!(verdict(RELEASED, 0.1, 0.2), Verdict::Pass);
    }

    #[test]
    fn what_an_abandoned_or_a_held_session_takes_is_a_figure_or_none() {
        for name in SHOWN {
            assert_eq!(verdict(name, 30.0, 34.0), Verdict::Pass);
            assert_eq!(verdict(name, -3.0, 34.0), Verdict::Inconclusive);
        }
    }

    #[test]
    fn a_descriptor_for_each_session_is_a_leak_and_a_handful_is_none() {
        let settled = |fds| StageResult { settled: Some(sample(fds)), ..stage_named(ENDED) };
        let check = |after| leftovers(&settled(10), &settled(after)).remove(0).verdict;
        assert_eq!((check(12), check(13)), (Verdict::Pass, Verdict::Fail));
    }
}
