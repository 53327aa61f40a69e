//! Self-audits: the program's detectors and its load generator against known truths, with the numbers
//! they must reach. What needs a server drives one in a process of its own, over the same path as a run.

mod accounting;
mod arithmetic;
mod buckets;
mod cache;
mod capacity;
mod client;
mod clock;
mod contention;
mod delay;
mod faults;
mod frozen;
mod harness;
mod http_rate;
mod integrity;
mod leak;
pub(crate) mod limiters;
pub(crate) mod noise;
mod overload;
mod pace;
pub(crate) mod records;
pub(crate) mod regression;
mod sampling;
mod seeds;
mod sessions;
mod stall;

use std::fmt::Display;

use futures::future::LocalBoxFuture;
use serde::Serialize;
use tokio::runtime::Builder;

use crate::runtime::block_on;

/// One thing that was audited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What it says. A number that was reached counts, however busy the machine.
    pub verdict: AuditVerdict,
    /// What was tried.
    pub what: String,
    /// The number it must reach.
    pub required: String,
    /// The number it reached.
    pub found: String,
    /// Whether that is enough.
    pub passed: bool,
    /// Why a number that was not reached proves nothing: what else the machine did meanwhile.
    pub doubt: Option<String>,
}

/// What a finding says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuditVerdict {
    /// The number was reached.
    Pass,
    /// It was not, and nothing excuses that.
    Fail,
    /// It was not, on a machine that was busy with something else.
    Inconclusive,
}

impl Finding {
    fn new(
        what: impl Into<String>,
        required: impl Into<String>,
        found: impl Into<String>,
        passed: bool,
    ) -> Self {
        let (what, required, found) = (what.into(), required.into(), found.into());
        let verdict = if passed { AuditVerdict::Pass } else { AuditVerdict::Fail };
        Self { verdict, what, required, found, passed, doubt: None }
    }

    /// What is found must be just that.
    fn exact<T: Display + PartialEq + Copy>(what: impl Into<String>, required: T, found: T) -> Self {
        Self::new(what, required.to_string(), found.to_string(), required == found)
    }

    fn unless(self, doubt: Option<String>) -> Self {
        let is_open = !self.passed && doubt.is_some();
        Self { verdict: if is_open { AuditVerdict::Inconclusive } else { self.verdict }, doubt, ..self }
    }
}

/// How long the audits may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// Five minutes for all of them.
    Quick,
    /// 24 minutes.
    Full,
}

impl Length {
    /// The value for this length.
    fn of<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// An audit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Audit {
    /// Its name on the command line.
    pub name: &'static str,
    /// The acceptance tests it is, by their numbers in docs/audits.md.
    pub tests: &'static str,
    /// What it shows, in one sentence.
    pub about: &'static str,
    /// Runs it.
    run: fn(Length) -> LocalBoxFuture<'static, anyhow::Result<Vec<Finding>>>,
}

impl Audit {
    /// Runs it, and returns what it found.
    pub(crate) fn run(&self, length: Length) -> anyhow::Result<Vec<Finding>> {
        // As `run` does.
        block_on(Builder::new_multi_thread().worker_threads(2), (self.run)(length))
    }
}

/// Name, tests, what it shows, and the function, whose future is boxed: each has another type.
macro_rules! audits {
    ($(($name:literal, $tests:literal, $about:literal, $run:path),)*) => {
        &[$(Audit { name: $name, tests: $tests, about: $about, run: |length| Box::pin($run(length)) }),*]
    };
}

/// Every audit, in the order they run.
pub(crate) const AUDITS: &[Audit] = audits![
    ("histogram", "T14", "figures read off a histogram are the exact ones", arithmetic::histogram),
    ("refusal", "T15", "a percentile without enough samples is refused", arithmetic::refusal),
    ("schedule", "T12", "arrivals have the distribution they claim", arithmetic::schedule),
    (
        "records",
        "T19",
        "a record says what was measured, and nothing about what it must not be compared with",
        records::run
    ),
    (
        "regression",
        "T1, T2, T3",
        "no false alarm on identical servers, and real slowdowns found",
        regression::run
    ),
    ("frozen", "-", "a server frozen 1 s in every 10 shows in p95 and p99", frozen::run),
    ("stall", "T5", "one stall shows in p99 and in no closed loop's figure", stall::run),
    ("delay", "T4", "known delays are reported as the server's own clock has them", delay::run),
    ("accounting", "T8", "calls reported are calls the server counted", accounting::run),
    ("integrity", "T9", "each answer is the one to its call, and a false one is found", integrity::run),
    ("faults", "T20", "whatever a server does, each call ends in one class and on time", faults::run),
    ("overload", "T6", "four times too many calls show the capacity and lose none", overload::run),
    (
        "capacity",
        "-",
        "the rate that is found to keep an objective is that of the theory of queues",
        capacity::run
    ),
    ("leak", "T16", "memory that leaks is distinguished from memory that only grows at first", leak::run),
    ("sessions", "-", "what sessions and probes leave is what they were made to leave", sessions::run),
    ("buckets", "T16", "broken rate limiters are found and the right one passes", buckets::run),
    ("cache", "T10", "answers from a cache are distinguished from answers worked out", cache::run),
    ("clock", "T13", "a wall clock that is stepped during a run changes nothing", clock::run),
    ("seeds", "T11", "three seeds give the same p95 within its bounds", seeds::run),
    ("generator", "T18", "50, 100 and 200 clients are served on time", pace::generator),
    ("null-rate", "T7", "2000 calls a second, 20 times any scenario's rate, are sustained", pace::null_rate),
    ("http-rate", "-", "what a call over HTTP costs the client, against the null server", http_rate::run),
    ("sampling", "-", "a profile of this process costs next to nothing", sampling::run),
    (
        "contention",
        "T17, T21",
        "beside other work bounds cover the truth, and no limit that it breaks is kept",
        contention::run
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_not_reached_on_a_busy_machine_is_no_failure() {
        let finding = |passed, doubt: Option<&str>| {
            Finding::new("w", "r", "f", passed).unless(doubt.map(str::to_owned)).verdict
        };
        assert_eq!(finding(true, None), AuditVerdict::Pass);
        assert_eq!(finding(true, Some("busy")), AuditVerdict::Pass);
        assert_eq!(finding(false, None), AuditVerdict::Fail);
        assert_eq!(finding(false, Some("busy")), AuditVerdict::Inconclusive);
    }
}
