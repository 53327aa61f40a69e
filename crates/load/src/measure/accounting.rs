//! Every scheduled call ends in exactly one class, and the totals add up.

use music21_mcp_bench::client::Outcome;
use serde::{Deserialize, Serialize};

/// How many calls were scheduled and how they ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// Calls the schedule or the workers began, dropped ones included.
    pub scheduled: u64,
    counts: [u64; Outcome::ALL.len()],
}

/// A total that does not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Imbalance {
    /// A call was lost or counted twice.
    #[error("{scheduled} calls were scheduled but {ended} ended; the run is not to be believed")]
    LostCalls {
        /// Calls scheduled.
        scheduled: u64,
        /// Calls that ended in some class.
        ended: u64,
    },
}

impl Accounts {
    /// Counts the end of one call.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        self.counts[outcome as usize] += 1;
    }

    /// Adds another account.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.scheduled += other.scheduled;
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
    }

    /// How many calls ended as `outcome`.
    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.counts[outcome as usize]
    }

    /// How many calls ended, in any class.
    pub(crate) fn ended(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many calls left the generator.
    pub(crate) fn sent(&self) -> u64 {
        self.ended() - self.count(Outcome::Dropped)
    }

    /// How many calls were answered, well or not.
    pub(crate) fn answered(&self) -> u64 {
        let answers = Outcome::ALL.into_iter().filter(|outcome| outcome.is_answer());
        answers.map(|outcome| self.count(outcome)).sum()
    }

    /// Checks that no call was lost.
    ///
    /// # Errors
    ///
    /// The total that does not add up.
    pub(crate) fn check(&self) -> Result<(), Imbalance> {
        let (scheduled, ended) = (self.scheduled, self.ended());
        if scheduled == ended { Ok(()) } else { Err(Imbalance::LostCalls { scheduled, ended }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_call_is_found() {
        let mut accounts = Accounts { scheduled: Outcome::ALL.len() as u64, ..Accounts::default() };
        Outcome::ALL.into_iter().for_each(|outcome| accounts.end(outcome));
        assert_eq!((accounts.check(), accounts.sent()), (Ok(()), 13));
        accounts.scheduled += 1;
        assert_eq!(accounts.check(), Err(Imbalance::LostCalls { scheduled: 15, ended: 14 }));
    }

    #[test]
    fn a_refusal_is_an_answer_and_silence_is_none() {
        let mut accounts = Accounts::default();
        for outcome in
            [Outcome::Ok, Outcome::RateLimited, Outcome::TimedOut, Outcome::ConnectError, Outcome::Dropped]
        {
            accounts.end(outcome);
        }
        assert_eq!((accounts.ended(), accounts.sent(), accounts.answered()), (5, 4, 2));
    }

    #[test]
    fn all_lists_the_classes_in_the_order_of_their_numbers() {
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index);
        }
    }
}
