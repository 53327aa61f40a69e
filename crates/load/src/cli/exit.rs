//! How the program ends, and what decides it.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use music21_mcp_bench::baseline::file::{Fault, InputError};
use music21_mcp_bench::server::SpecError;

use crate::result::{ScenarioResult, Verdict};
use crate::run::NoProcess;

/// How the program ends, as a process's exit code. clap itself exits with 2 on a wrong command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The verb did what was asked.
    Ok = 0,
    /// A regression was found, or a check failed.
    Regression = 1,
    /// The command line asks for something that does not exist or contradicts itself.
    Usage = 2,
    /// No verdict: not comparable, invalid, or too noisy.
    Inconclusive = 3,
    /// The machine refused: a file that cannot be read or written, a port in use, a missing program.
    Environment = 4,
    /// Ctrl-C; what was measured up to then is written.
    Interrupted = 130,
}

/// What the command line asks for does not exist, or it contradicts itself.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

impl Exit {
    /// The worst that happened in a run.
    pub(super) fn of_run(scenarios: &[ScenarioResult]) -> Self {
        let of = |scenario: &ScenarioResult| match scenario.verdict {
            Verdict::Pass => Self::Ok,
            Verdict::Invalid | Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Fail => Self::Regression,
            Verdict::ServerFailed => Self::Environment,
            Verdict::Interrupted => Self::Interrupted,
        };
        scenarios.iter().map(of).fold(Self::Ok, Self::worst)
    }

    /// Of an error; `otherwise` where no cause says anything by itself. What keeps two things from being compared, which
    /// both may be what they should be, is then inconclusive, and what ends a verb is the environment's.
    pub(super) fn of_error(error: &anyhow::Error, otherwise: Self) -> Self {
        error.chain().find_map(of_cause).unwrap_or(otherwise)
    }

    /// Of what was named or handed in and cannot be used.
    pub(super) fn of_input(error: &InputError) -> Self {
        match error.fault {
            Fault::Name => Self::Usage,
            Fault::System => Self::Environment,
            Fault::Content => Self::Inconclusive,
        }
    }

    /// The worse of two, as of several records: what keeps the others from being believed comes first.
    pub(super) fn worst(self, other: Self) -> Self {
        let rank = |exit| match exit {
            Self::Ok => 0,
            Self::Inconclusive => 1,
            Self::Regression => 2,
            Self::Usage => 3,
            Self::Environment => 4,
            Self::Interrupted => 5,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// What a cause says by itself; `None` for one that means different things to different verbs.
fn of_cause(cause: &(dyn Error + 'static)) -> Option<Exit> {
    let is_unknown_name = cause.is::<Usage>() || cause.is::<SpecError>() || cause.is::<NoProcess>();
    let of_input = || cause.downcast_ref().map(Exit::of_input);
    let of_system = || cause.is::<io::Error>().then_some(Exit::Environment);
    is_unknown_name.then_some(Exit::Usage).or_else(of_input).or_else(of_system)
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::measure::validity::Reason;
    use crate::report::screen::Screen;
    use crate::report::{html, junit, terminal};
    use crate::result::fixture;
    use crate::result::{Definition, RunFile, StageResult};
    use crate::scenario::conclude;

    /// A stage of 100 calls a second for 2 s, of which so many were good.
    fn stage(good: u64, reason: Option<Reason>) -> StageResult {
        let second = |at_s: u64| json!({ "at_s": at_s, "ok": good / 2, "errors": {}, "p50_ns": 1, "p95_ns": 1, "max_ns": 1, "in_flight": 1.0 });
        let ended = json!({ "ok": good, "tool_error": 200 - good });
        let mut stage = fixture::stage(&json!({
            "elapsed_ns": 2_000_000_000_u64, "timeline": [second(0), second(1)],
            "accounts": { "scheduled": 200, "sent": 200, "ended": ended }
        }));
        stage.validity.invalid.extend(reason);
        stage
    }

    /// What became of a scenario, as its engine would conclude.
    fn concluded(stages: Vec<StageResult>, error: Option<&str>, interrupted: bool) -> ScenarioResult {
        let definition = Definition { name: "mine".to_owned(), ..Definition::default() };
        let error = error.map(str::to_owned);
        let mut result = ScenarioResult { stages, error, ..fixture::scenario(definition) };
        conclude(&mut result, None, interrupted);
        result
    }

    /// Every state that a run can end in: its word, its exit code, and the counts of JUnit that are not 0.
    #[test]
    fn every_verdict_is_the_same_in_terminal_page_junit_json_and_exit_code() {
        let late = || Some(Reason::LoopLag(11_000_000));
        let own_cpu = || Some(Reason::OwnCpu(0.9));
        let one = |good, reason| concluded(vec![stage(good, reason)], None, false);
        for (result, json, word, exit, junit_says) in [
            (one(200, None), "pass", "passed", Exit::Ok, ""),
            (one(200, late()), "pass", "passed", Exit::Ok, ""),
            (one(100, None), "fail", "FAILED", Exit::Regression, "failures"),
            (one(100, late()), "fail", "FAILED", Exit::Regression, "failures"),
            (one(100, own_cpu()), "fail", "FAILED", Exit::Regression, "failures"),
            (one(180, None), "inconclusive", "inconclusive", Exit::Inconclusive, "skipped"),
            (
                concluded(Vec::new(), None, false),
                "inconclusive",
                "inconclusive",
                Exit::Inconclusive,
                "skipped",
            ),
            (one(200, own_cpu()), "invalid", "INVALID", Exit::Inconclusive, "errors"),
            (one(200, Some(Reason::InternalError(1))), "invalid", "INVALID", Exit::Inconclusive, "errors"),
            (
                concluded(vec![stage(200, None)], Some("it ended"), false),
                "server_failed",
                "SERVER FAILED",
                Exit::Environment,
                "errors",
            ),
            (
                concluded(vec![stage(200, None)], None, true),
                "interrupted",
                "interrupted",
                Exit::Interrupted,
                "errors",
            ),
        ] {
            let file: RunFile = fixture::run(&[result]);
            let result = &file.scenarios[0];
            assert_eq!(serde_json::to_value(result.verdict).unwrap(), json, "{result:?}");
            assert_eq!(Exit::of_run(&file.scenarios), exit, "{word}");
            assert!(
                terminal::scenario(result, Screen::NONE).starts_with(&format!("mine: {word}\n")),
                "{word}"
            );
            assert!(
                terminal::overview(&file, Screen::NONE).contains(&format!("{:<16}{word:<15}", "mine")),
                "{word}"
            );
            let page = html::page(&file, &html::Extras::default());
            assert!(
                page.contains("mine <span class=\"chip") && page.contains(&format!(">{word}</span>")),
                "{word}"
            );
            let suites = junit::of_run(&file).unwrap();
            for count in ["failures", "skipped", "errors"] {
                let is_none =
                    suites.contains("<testsuite name=\"mine\"") && suites.contains(&format!("{count}=\"0\""));
                assert_eq!(is_none, !junit_says.contains(count), "{word}: {suites}");
            }
        }
    }

    #[test]
    fn a_cause_decides_wherever_it_stands_in_the_chain() {
        let text = |error: anyhow::Error| error.context("cannot go on");
        let spec = "'open".parse::<music21_mcp_bench::server::ServerSpec>().unwrap_err();
        let file = io::Error::from(io::ErrorKind::PermissionDenied);
        let unknown = || anyhow::anyhow!("no idea");
        assert_eq!(Exit::of_error(&text(spec.into()), Exit::Environment), Exit::Usage);
        assert_eq!(Exit::of_error(&text(file.into()), Exit::Inconclusive), Exit::Environment);
        assert_eq!(Exit::of_error(&unknown(), Exit::Environment), Exit::Environment);
        assert_eq!(Exit::of_error(&unknown(), Exit::Inconclusive), Exit::Inconclusive);
    }

    #[test]
    fn the_worse_of_two_does_not_depend_on_their_order() {
        let in_order = [
            Exit::Ok,
            Exit::Inconclusive,
            Exit::Regression,
            Exit::Usage,
            Exit::Environment,
            Exit::Interrupted,
        ];
        for (i, better) in in_order.into_iter().enumerate() {
            for worse in &in_order[i..] {
                assert_eq!((better.worst(*worse), worse.worst(better)), (*worse, *worse));
            }
        }
    }
}
