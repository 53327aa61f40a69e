//! The first line of a report: how the run ended, and why.

use std::collections::BTreeMap;

use music21_mcp_bench::client::Outcome;

use super::units::{count, percent};
use crate::measure::validity::{Figures, Standing};
use crate::result::{Example, RunFile, ScenarioResult, Verdict};

/// How much a reader must worry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing to worry about.
    Good,
    /// The figures do not say what was asked.
    Doubtful,
    /// Something is wrong with the server.
    Bad,
}

/// One thing that a reader must know before all figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Headline {
    /// How much to worry.
    pub tone: Tone,
    /// In a word or two.
    pub word: &'static str,
    /// With its evidence.
    pub reason: String,
}

/// Everything that a reader must know before all figures, the gravest first; never empty.
pub(crate) fn headlines(file: &RunFile) -> Vec<Headline> {
    let mut found: Vec<Headline> = [no_good_call(file), unfinished(file)].into_iter().flatten().collect();
    for (verdict, tone) in [
        (Verdict::ServerFailed, Tone::Bad),
        (Verdict::Invalid, Tone::Doubtful),
        (Verdict::Fail, Tone::Bad),
        (Verdict::Inconclusive, Tone::Doubtful),
    ] {
        let ended = file.scenarios.iter().filter(|scenario| scenario.verdict == verdict);
        found.extend(ended.map(|scenario| Headline { tone, word: word(verdict), reason: why(scenario) }));
    }
    if found.is_empty() {
        found.push(passed(file));
    }
    found
}

/// A verdict as people read it.
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "passed",
        Verdict::Fail => "FAILED",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Invalid => "INVALID",
        Verdict::ServerFailed => "SERVER FAILED",
        Verdict::Interrupted => "interrupted",
    }
}

/// How much a verdict must worry.
pub(crate) fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass => Tone::Good,
        Verdict::Fail | Verdict::ServerFailed => Tone::Bad,
        Verdict::Inconclusive | Verdict::Invalid | Verdict::Interrupted => Tone::Doubtful,
    }
}

/// Calls of a scenario that ended well, and calls sent. Those that probed a limiter were sent to be refused: where it let
/// any through, a refusal is as good an answer.
pub(crate) fn calls(scenario: &ScenarioResult) -> (u64, u64) {
    let probed = scenario.rate_limit.as_ref().map_or((0, 0), |report| {
        let probes = report.calls as u64;
        (if report.burst.admitted > 0 { probes } else { 0 }, probes)
    });
    let ended = scenario.stages.iter().map(|stage| (stage.accounts.count(Outcome::Ok), stage.accounts.sent));
    ended.fold(probed, |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

fn all_calls(file: &RunFile) -> (u64, u64) {
    file.scenarios.iter().map(calls).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

fn no_good_call(file: &RunFile) -> Option<Headline> {
    let (good, sent) = all_calls(file);
    if good > 0 {
        return None;
    }
    let stages = || file.scenarios.iter().flat_map(|scenario| &scenario.stages);
    let mut ended = BTreeMap::<Outcome, u64>::new();
    stages()
        .flat_map(|stage| &stage.accounts.ended)
        .for_each(|(&how, n)| *ended.entry(how).or_default() += n);
    let most = ended.into_iter().max_by_key(|&(_, count)| count);
    let reason = match most {
        None => match file.scenarios.iter().find_map(|scenario| scenario.error.clone()) {
            Some(error) => format!("no call was made: {error}"),
            None => "no call was made".to_owned(),
        },
        Some((outcome, n)) => {
            let mut examples = stages().flat_map(|s| s.tools.values()).flat_map(|tool| &tool.examples);
            let example = examples.find(|example: &&Example| example.outcome == outcome);
            let words = example.map_or_else(String::new, |example| format!(": {}", example.message));
            format!("0 of {} calls ended well, {} ended as {outcome}{words}", count(sent), count(n))
        }
    };
    Some(Headline { tone: Tone::Bad, word: "No successful call", reason })
}

fn unfinished(file: &RunFile) -> Option<Headline> {
    let cut = file.scenarios.iter().find(|scenario| scenario.verdict == Verdict::Interrupted);
    let (word, reason) = match cut {
        Some(scenario) => {
            let (ran, planned) = (scenario.stages.len(), scenario.definition.stages.len());
            let reason = format!(
                "'{}', with {ran} of {planned} stages; the figures are those up to then",
                scenario.name
            );
            ("Interrupted", reason)
        }
        None if !file.complete && !file.scenarios.iter().any(|s| s.verdict == Verdict::ServerFailed) => {
            let n = file.scenarios.len();
            (
                "Incomplete",
                format!(
                    "the file was written during the run, after {n} scenarios; what is missing was not measured"
                ),
            )
        }
        None => return None,
    };
    Some(Headline { tone: Tone::Doubtful, word, reason })
}

fn passed(file: &RunFile) -> Headline {
    let (good, sent) = all_calls(file);
    let scenarios = file.scenarios.len();
    let checks: usize = file.scenarios.iter().map(|scenario| scenario.checks.len()).sum();
    let ended = match sent {
        0 => String::new(),
        _ => {
            let share = percent(good as f64 / sent as f64);
            format!("; {} of {} calls ended well ({share})", count(good), count(sent))
        }
    };
    let stages = || file.scenarios.iter().flat_map(|scenario| &scenario.stages);
    let disturbed = stages().filter(|stage| stage.validity.times() == Standing::Disturbed).count();
    let bounds = match disturbed {
        0 => String::new(),
        _ => format!(
            "; {disturbed} of {} stages were DISTURBED: their times are upper bounds",
            stages().count()
        ),
    };
    let reason =
        format!("{scenarios} scenario{}, {checks} check{}{ended}{bounds}", plural(scenarios), plural(checks));
    Headline { tone: Tone::Good, word: "Passed", reason }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// What decided a scenario, with its name.
fn why(scenario: &ScenarioResult) -> String {
    let checks = scenario.checks.iter().filter(|check| check.verdict == scenario.verdict);
    let checks = checks.map(|check| format!("{}: {}", check.name, check.text));
    let invalid = scenario.stages.iter().flat_map(|stage| {
        let reason = stage.validity.why(Figures::Times);
        reason.map(|reason| format!("{}: {reason}", stage.name))
    });
    let first = match scenario.verdict {
        Verdict::Invalid => invalid.chain(checks).next(),
        Verdict::ServerFailed => scenario.error.clone(),
        _ => checks.chain(scenario.error.clone()).next(),
    };
    format!("{}: {}", scenario.name, first.unwrap_or_else(|| "no reason is on file".to_owned()))
}
