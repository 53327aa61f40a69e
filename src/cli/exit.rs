//! How the program ends, and what decides it.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use crate::pair::UnknownRevision;
use crate::record::RecordError;
use crate::record::criterion::UnknownBaseline;
use crate::scenario::{RunsError, ScenarioResult, Verdict};

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
    /// No verdict: not comparable, invalid, or too noisy to tell.
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
        match () {
            () if any(&[Verdict::Interrupted]) => Self::Interrupted,
            () if any(&[Verdict::ServerFailed]) => Self::Environment,
            () if any(&[Verdict::Fail]) => Self::Regression,
            () if any(&[Verdict::Invalid, Verdict::Inconclusive]) => Self::Inconclusive,
            () => Self::Ok,
        }
    }

    /// Of an error that ended a verb.
    pub(super) fn of_error(error: &anyhow::Error) -> Self {
        if error.chain().any(is_unknown_name) { Self::Usage } else { Self::Environment }
    }

    /// Of an error that kept two things from being compared, which both may be what they should be.
    pub(super) fn of_no_comparison(error: &anyhow::Error) -> Self {
        match Self::of_error(error) {
            Self::Environment if !error.chain().any(is_unreadable) => Self::Inconclusive,
            exit => exit,
        }
    }
}

fn is_unknown_name(cause: &(dyn Error + 'static)) -> bool {
    let is_absent = |error: &RecordError| matches!(error, RecordError::Absent { .. });
    cause.is::<Usage>()
        || cause.is::<UnknownRevision>()
        || cause.is::<UnknownBaseline>()
        || cause.downcast_ref().is_some_and(is_absent)
}

fn is_unreadable(cause: &(dyn Error + 'static)) -> bool {
    let is_record = |error: &RecordError| matches!(error, RecordError::Unreadable { .. });
    let is_run = |error: &RunsError| matches!(error, RunsError::Unreadable { .. });
    cause.is::<io::Error>()
        || cause.downcast_ref().is_some_and(is_record)
        || cause.downcast_ref().is_some_and(is_run)
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
