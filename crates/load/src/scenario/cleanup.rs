//! What errors leave behind.

use music21_mcp_bench::client::{Outcome, Tool};
use serde_json::json;

use super::calls::{ID, WORK, delete, export, import, import_from, on_score, stage, warm_up_calls};
use super::judge::judged;
use super::{Options, Scenario};
use crate::measure::validity::Figures;
use crate::result::{Check, Definition, ScenarioResult, Stage, StageResult, Step, Thresholds, Verdict};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "cleanup",
    about: "50 calls of which half are meant to fail, three times: what stays behind?",
    explanation: "\
One client makes 50 calls: good ones (import, key, chords, export, delete) and five kinds that must be
refused (a score id used twice, an unknown work, a source type that does not exist, a missing file, an unknown
format). After a first round to warm up, three rounds are measured. Each is followed by 5 s of rest and a
reading of memory, descriptors, threads, scores held, and the files that exports left.

Whatever grows in all three rounds is a leak: of descriptors, threads, scores or files, it fails the scenario.
Memory that grows by 1 MB or more in each round is inconclusive, since an allocator may take that much at once for
50 calls. The scenario also fails if a refusal comes as anything but an error, or if a good call fails.

It cannot show slow leaks (see 'memory'). Files are seen only if the server's disk is this machine's.",
    define,
    judge,
};

const ROUNDS: usize = 3;
const CALLS: u64 = 50;
/// Of ten.
const REFUSED: u64 = 5;

fn define(options: &Options) -> Definition {
    let round = |name: String| Stage {
        calls: Some(CALLS),
        duration_s: Some(600.0),
        deadline_s: options.deadline_s.unwrap_or(30.0),
        settle_s: if options.quick { 1.0 } else { 5.0 },
        ..stage(name, 1, steps())
    };
    let names = ["warm-up".to_owned()].into_iter().chain((1..=ROUNDS).map(|n| format!("round {n}")));
    Definition {
        // Half of the calls must fail: that is judged by 'answers'.
        thresholds: Thresholds::none(),
        prepare: warm_up_calls(),
        stages: names.map(round).collect(),
        ..Definition::default()
    }
}

fn steps() -> Vec<Step> {
    let unknown = |source: &str, source_type: &str| {
        let id = format!("x-{ID}");
        Step::call(Tool::ImportScore, json!({ "score_id": id, "source": source, "source_type": source_type }))
            .always()
    };
    vec![
        import(),
        import_from(WORK, "corpus").always(),
        unknown("nobody/wrote_this", "corpus"),
        on_score(Tool::KeyAnalysis).always(),
        unknown(WORK, "telepathy"),
        export("musicxml").always(),
        export("papyrus").always(),
        on_score(Tool::ChordAnalysis).always(),
        unknown("missing-file.musicxml", "file"),
        delete(),
    ]
}

fn judge(result: &ScenarioResult) -> Vec<Check> {
    let mut checks: Vec<Check> = result.stages.iter().map(answers).collect();
    // The first round warms up; what it leaves is where the others begin.
    let rounds = result.stages.get(1..).unwrap_or_default();
    if rounds.len() == ROUNDS {
        let settled = |get: fn(&music21_mcp_proc::ResourceSample) -> Option<u64>| {
            move |stage: &StageResult| stage.settled.as_ref().and_then(get)
        };
        let first = &result.stages[0];
        let leak = (1, Verdict::Fail);
        checks.push(growth("descriptors", first, rounds, settled(|sample| sample.fds), leak));
        checks.push(growth("threads", first, rounds, settled(|sample| Some(sample.threads)), leak));
        checks.push(growth("scores held", first, rounds, |stage| stage.scores_held, leak));
        let memory = settled(|sample| Some(sample.rss_anon_bytes));
        checks.push(growth("anonymous memory, bytes", first, rounds, memory, (STEP, Verdict::Inconclusive)));
        checks.push(files(rounds));
    }
    checks
}

/// Good calls end well, and those that must be refused are.
fn answers(stage: &StageResult) -> Check {
    let (ok, refused) = (stage.accounts.count(Outcome::Ok), stage.accounts.count(Outcome::ToolError));
    let expected = CALLS / 10 * REFUSED;
    let is_right = refused == expected && ok == CALLS - expected;
    let verdict = if is_right { Verdict::Pass } else { Verdict::Fail };
    let text =
        format!("{ok} good and {refused} refused of {CALLS}, expected {} and {expected}", CALLS - expected);
    judged(stage, Figures::Counts, "answers", verdict, text)
}

/// Bytes that an allocator takes at once for a handful of calls: less in each round says nothing.
const STEP: u64 = 1_000_000;

/// What grows by a least amount in every round, and what that then means.
fn growth(
    what: &str,
    first: &StageResult,
    rounds: &[StageResult],
    get: impl Fn(&StageResult) -> Option<u64>,
    (least, if_grown): (u64, Verdict),
) -> Check {
    let stages = || std::iter::once(first).chain(rounds);
    let grown = |verdict, text: String| of_rounds(stages(), what, verdict, text);
    let values: Option<Vec<u64>> = stages().map(get).collect();
    let Some(values) = values else {
        return grown(Verdict::Inconclusive, "could not be read after each round".to_owned());
    };
    let grows = values.windows(2).all(|pair| pair[1] >= pair[0] + least);
    let shown: Vec<String> = values.iter().map(u64::to_string).collect();
    let word = match (grows, if_grown) {
        (false, _) => "",
        (true, Verdict::Fail) => ", grows every round",
        (true, _) => ", grows every round: 'run memory' tells whether it leaks",
    };
    let verdict = if grows { if_grown } else { Verdict::Pass };
    grown(verdict, format!("{}{word}", shown.join(" → ")))
}

/// A judgement of several rounds, as far as the one may be believed of which least may.
fn of_rounds<'a>(
    rounds: impl Iterator<Item = &'a StageResult>,
    what: &str,
    verdict: Verdict,
    text: String,
) -> Check {
    let worst = rounds.max_by_key(|stage| stage.validity.of(Figures::Resources));
    // OK because there is the warm-up at least.
    Check { name: what.to_owned(), ..judged(worst.unwrap(), Figures::Resources, what, verdict, text) }
}

/// Every round's exports by themselves: what is left of them is left for good.
fn files(rounds: &[StageResult]) -> Check {
    let left: Vec<u64> = rounds.iter().map(|stage| stage.exports.left).collect();
    let bytes: u64 = rounds.iter().map(|stage| stage.exports.left_bytes).sum();
    let made: u64 = rounds.iter().map(|stage| stage.exports.made).sum();
    let files = |verdict, text| of_rounds(rounds.iter(), "files of exports", verdict, text);
    if made == 0 {
        return files(Verdict::Inconclusive, "no export named a file".to_owned());
    }
    let verdict = if left.iter().all(|&left| left > 0) { Verdict::Fail } else { Verdict::Pass };
    let total: u64 = left.iter().sum();
    files(verdict, format!("{total} of {made} are still on this machine's disk, {bytes} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixture::{sample, stage_named};

    fn verdict(fds: [u64; 4], rule: (u64, Verdict)) -> Verdict {
        let [first, rounds @ ..] =
            fds.map(|fds| StageResult { settled: Some(sample(fds)), ..stage_named("round") });
        growth("descriptors", &first, &rounds, |stage| stage.settled.and_then(|sample| sample.fds), rule)
            .verdict
    }

    #[test]
    fn what_grows_in_every_round_is_a_leak() {
        assert_eq!(verdict([9, 10, 11, 12], (1, Verdict::Fail)), Verdict::Fail);
        assert_eq!(verdict([9, 12, 12, 13], (1, Verdict::Fail)), Verdict::Pass);
        assert_eq!(verdict([9, 12, 15, 18], (4, Verdict::Inconclusive)), Verdict::Pass);
        assert_eq!(verdict([9, 13, 17, 21], (4, Verdict::Inconclusive)), Verdict::Inconclusive);
    }
}
