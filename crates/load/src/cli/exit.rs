//! How the program ends, and what decides it.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use music21_mcp_bench::baseline::file::{FileError, Problem};
use music21_mcp_bench::server::SpecError;

use crate::ab::UnknownRevision;
use crate::record::criterion::UnknownBaseline;
use crate::record::{RecordError, RunsError};
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
        let any = |wanted: &[Verdict]| scenarios.iter().any(|scenario| wanted.contains(&scenario.verdict));
        if any(&[Verdict::Interrupted]) {
            Self::Interrupted
        } else if any(&[Verdict::ServerFailed]) {
            Self::Environment
        } else if any(&[Verdict::Fail]) {
            Self::Regression
        } else if any(&[Verdict::Invalid, Verdict::Inconclusive]) {
            Self::Inconclusive
        } else {
            Self::Ok
        }
    }

    /// Of an error that ended a verb.
    pub(super) fn of_error(error: &anyhow::Error) -> Self {
        error.chain().find_map(of_cause).unwrap_or(Self::Environment)
    }

    /// Of an error that kept two things from being compared, which both may be what they should be.
    pub(super) fn of_no_comparison(error: &anyhow::Error) -> Self {
        error.chain().find_map(of_cause).unwrap_or(Self::Inconclusive)
    }

    /// Of a file that cannot be read.
    fn of_file(error: &FileError) -> Self {
        match error.problem {
            Problem::Absent => Self::Usage,
            Problem::Unreadable(_) => Self::Environment,
            Problem::Empty
            | Problem::NotJson(_)
            | Problem::NotOurs(_)
            | Problem::Version(_)
            | Problem::Malformed(_) => Self::Inconclusive,
        }
    }

    /// Of a record that cannot be used or written.
    pub(super) fn of_record(error: &RecordError) -> Self {
        match error {
            RecordError::File(error) => Self::of_file(error),
            RecordError::NoDirectory { .. } => Self::Usage,
            RecordError::UnreadableDirectory { .. }
            | RecordError::Exists { .. }
            | RecordError::Unwritable { .. } => Self::Environment,
            RecordError::Changed { .. } | RecordError::Impossible { .. } => Self::Inconclusive,
        }
    }

    /// Of runs that cannot be used.
    fn of_runs(error: &RunsError) -> Self {
        match error {
            RunsError::File(error) => Self::of_file(error),
            RunsError::Incomplete { .. }
            | RunsError::Twice { .. }
            | RunsError::Differs { .. }
            | RunsError::Histogram { .. }
            | RunsError::Nothing { .. } => Self::Inconclusive,
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
    let is_unknown_name = cause.is::<Usage>()
        || cause.is::<SpecError>()
        || cause.is::<NoProcess>()
        || cause.is::<UnknownRevision>()
        || cause.is::<UnknownBaseline>();
    let of_record = || cause.downcast_ref().map(Exit::of_record);
    let of_runs = || cause.downcast_ref().map(Exit::of_runs);
    let of_file = || cause.downcast_ref().map(Exit::of_file);
    let of_system = || cause.is::<io::Error>().then_some(Exit::Environment);
    let unknown = is_unknown_name.then_some(Exit::Usage);
    unknown.or_else(of_record).or_else(of_runs).or_else(of_file).or_else(of_system)
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
        assert_eq!(Exit::of_error(&text(spec.into())), Exit::Usage);
        assert_eq!(Exit::of_no_comparison(&text(file.into())), Exit::Environment);
        assert_eq!(Exit::of_error(&unknown()), Exit::Environment);
        assert_eq!(Exit::of_no_comparison(&unknown()), Exit::Inconclusive);
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
