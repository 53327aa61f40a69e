//! The words a comparison ends in.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::gate::INTERIM_ANALYSES;

/// More rounds than this nobody measures.
const MOST_ROUNDS: usize = INTERIM_ANALYSES[INTERIM_ANALYSES.len() - 1];

/// What happened to one entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChangeVerdict {
    /// Significantly better, by at least the warning limit.
    Improved,
    /// The upper bound of the change is below the failing limit.
    Unchanged,
    /// Significantly worse.
    Regressed(Severity),
    /// The measurement does not decide.
    Inconclusive(Why),
    /// This figure is not among what was measured, on either side, and why: no failure to decide.
    NotMeasured(String),
}

/// How bad a significant change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// Between the warning limit and the failing limit.
    Warn,
    /// At or beyond the failing limit.
    Fail,
}

/// Why an entry has no verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// Fewer rounds than any statement needs.
    TooFewRounds {
        /// Rounds on the shorter side.
        have: usize,
        /// Rounds needed.
        need: usize,
    },
    /// The bounds contain both "no change" and the limit.
    TooNoisy {
        /// Rounds after which the bounds should be narrow enough, if the noise stays as it is.
        rounds: usize,
    },
    /// Too few calls to exclude a drop of the success rate.
    TooFewCalls {
        /// Calls on the candidate's side.
        have: u64,
    },
    /// The run itself is not to be believed.
    Invalid(String),
    /// One of the two sides does not have this entry or this figure.
    Missing(String),
    /// Times of a disturbed run are upper bounds, whose ratio says nothing: which side's.
    Disturbed(String),
}

impl ChangeVerdict {
    /// Why there is no verdict, where there is none.
    pub(crate) fn why(&self) -> Option<String> {
        match self {
            Self::Inconclusive(why) => Some(why.to_string()),
            Self::NotMeasured(why) => Some(why.clone()),
            Self::Improved | Self::Unchanged | Self::Regressed(_) => None,
        }
    }

    /// A regression at or beyond the failing limit.
    pub(crate) const FAIL: Self = Self::Regressed(Severity::Fail);

    /// The verdict in one word or two, without its reason.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
            Self::Regressed(Severity::Warn) => "regressed (warning)",
            Self::Regressed(Severity::Fail) => "regressed",
            Self::Inconclusive(_) => "inconclusive",
            Self::NotMeasured(_) => "not measured",
        }
    }
}

impl fmt::Display for ChangeVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why() {
            Some(why) => write!(f, "{}: {why}", self.word()),
            None => f.write_str(self.word()),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewRounds { have, need } => {
                let plural = if *have == 1 { "" } else { "s" };
                write!(f, "only {have} round{plural}; {need} are needed")
            }
            Self::TooNoisy { rounds } if *rounds > MOST_ROUNDS => {
                f.write_str("too noisy, not on this machine now")
            }
            Self::TooNoisy { rounds } => write!(f, "too noisy, about {rounds} rounds are needed"),
            Self::Disturbed(side) => write!(f, "the {side} was disturbed: its times are upper bounds"),
            Self::TooFewCalls { have } => write!(f, "{have} calls are too few"),
            Self::Invalid(reason) => write!(f, "invalid run: {reason}"),
            Self::Missing(what) => f.write_str(what),
        }
    }
}
