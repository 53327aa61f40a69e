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
    use super::*;

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
