//! What came of a tool's calls, as a part of `result.json`.

use std::collections::BTreeMap;

use music21_mcp_bench::client::Outcome;
use serde::{Deserialize, Serialize};

use crate::measure::accounting::Accounts;
use crate::measure::histogram::Histogram;
use crate::measure::stats::Proportion;
use crate::measure::steady::Steadiness;
use crate::measure::summary::Summary;

/// Different messages kept of each tool.
pub(crate) const EXAMPLES: usize = 5;

/// One tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ToolResult {
    /// Every call in its class.
    pub accounts: AccountsBy,
    /// Service times of the first call of each server, nanoseconds; in no other figure.
    pub first_calls_ns: Vec<u64>,
    /// From the intended start to the end, after the warm-up.
    pub response: Option<Summary>,
    /// From sending to the end, after the warm-up.
    pub service: Option<Summary>,
    /// Whether times settled; `None` where there were too many calls to keep each, and in a stage under way.
    pub steadiness: Option<Steadiness>,
    /// All response times after the fixed warm-up: HdrHistogram V2, deflated, base64.
    pub response_hdr: String,
    /// The same of service times.
    pub service_hdr: String,
    /// From sending to the first byte of the answer, which over HTTP is its head; of the good calls after the fixed warm-up.
    /// `None` without any, of a server in our own process, and in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Summary>,
    /// All of them: HdrHistogram V2, deflated, base64; empty without any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub first_byte_hdr: String,
    /// Service times of calls that failed otherwise than by their deadline, which are in no other figure; the first
    /// call of each server and calls that we abandoned are left out. `None` without any, and in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<Summary>,
    /// All of them: HdrHistogram V2, deflated, base64; empty without any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub failures_hdr: String,
    /// Bytes of all replies, envelopes included; 0 in older files.
    #[serde(default)]
    pub reply_bytes: u64,
    /// Response and service times by tenths of the stage, in order of time; none of a stage that ends by a count of calls, nor of a
    /// merged one, whose shards had their tenths at different times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<Interval>,
    /// What went wrong, in the server's words.
    pub examples: Vec<Example>,
    /// The slowest good calls with the ids of their traces; none without `--trace-context`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<Traced>,
    /// Good answers that read like failures, of a tool of which nothing is known; `None` without any, and in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubtful: Option<Doubtful>,
    /// How the first good answer began, on one line; `None` without one, and in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_example: Option<String>,
}

/// Answers that ended well by the protocol, and of which nobody has said how they are told from failures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Doubtful {
    /// How many there were.
    pub calls: u64,
    /// What speaks for a failure in the first of them.
    pub why: String,
}

/// One message of a call that did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Example {
    /// The class.
    pub outcome: Outcome,
    /// The first message of its kind.
    pub message: String,
    /// The id of the call's trace, with `--trace-context`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// One of the slowest calls, with the id of its trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Traced {
    /// Its service time, nanoseconds.
    pub service_ns: u64,
    /// 32 hexadecimal digits.
    pub trace: String,
}

/// Slowest calls kept of each tool.
const SLOWEST: usize = 3;

impl Traced {
    /// Keeps the slowest of those seen, the slowest first.
    pub(crate) fn keep(slowest: &mut Vec<Self>, one: Self) {
        let at = slowest.partition_point(|kept| kept.service_ns >= one.service_ns);
        if at < SLOWEST {
            slowest.insert(at, one);
            slowest.truncate(SLOWEST);
        }
    }
}

/// The calls of one tool that ended within a tenth of the planned duration, after the fixed warm-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Interval {
    /// When it began, nanoseconds from the first call due.
    pub from_ns: u64,
    /// When it ended.
    pub until_ns: u64,
    /// Response times: HdrHistogram V2, deflated, base64.
    pub response_hdr: String,
    /// The same of service times.
    pub service_hdr: String,
}

/// How many calls ended in each class; classes without calls are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AccountsBy {
    /// Calls that were due.
    pub scheduled: u64,
    /// Calls that left the generator.
    pub sent: u64,
    /// By class.
    pub ended: BTreeMap<Outcome, u64>,
}

impl ToolResult {
    /// All response times after the fixed warm-up, censored from the tool's shortest deadline on where a call was
    /// given up.
    ///
    /// # Errors
    ///
    /// What is wrong with the stored histogram.
    pub(crate) fn responses(&self, shortest_deadline_ns: u64) -> Result<Histogram, String> {
        self.histogram(&self.response_hdr, shortest_deadline_ns)
    }

    /// The same of service times.
    ///
    /// # Errors
    ///
    /// What is wrong with the stored histogram.
    pub(crate) fn services(&self, shortest_deadline_ns: u64) -> Result<Histogram, String> {
        self.histogram(&self.service_hdr, shortest_deadline_ns)
    }

    /// Service times of failures; empty without any.
    ///
    /// # Errors
    ///
    /// What is wrong with the stored histogram.
    pub(crate) fn failures(&self) -> Result<Histogram, String> {
        if_any(&self.failures_hdr)
    }

    /// Times to the first byte; empty without any.
    ///
    /// # Errors
    ///
    /// What is wrong with the stored histogram.
    pub(crate) fn first_bytes(&self) -> Result<Histogram, String> {
        if_any(&self.first_byte_hdr)
    }

    /// Bytes of a reply on average; `None` without replies, and in older files.
    pub(crate) fn bytes_per_reply(&self) -> Option<f64> {
        (self.reply_bytes > 0).then(|| self.reply_bytes as f64 / self.accounts.answered().max(1) as f64)
    }

    fn histogram(&self, encoded: &str, shortest_deadline_ns: u64) -> Result<Histogram, String> {
        // Which calls timed out is not in the histogram; none was before the shortest deadline.
        let times_out = self.accounts.count(Outcome::TimedOut) > 0;
        Histogram::from_base64(encoded, times_out.then_some(shortest_deadline_ns))
    }
}

fn if_any(encoded: &str) -> Result<Histogram, String> {
    if encoded.is_empty() { Ok(Histogram::default()) } else { Histogram::from_base64(encoded, None) }
}

impl AccountsBy {
    /// The classes that have calls.
    pub(crate) fn of(accounts: &Accounts) -> Self {
        let count = |outcome| (outcome, accounts.count(outcome));
        let ended = Outcome::ALL.into_iter().map(count).filter(|&(_, count)| count > 0).collect();
        Self { scheduled: accounts.scheduled, sent: accounts.sent(), ended }
    }

    /// Calls of one class.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.ended.get(&outcome).copied().unwrap_or(0)
    }

    /// Calls to which something came back.
    pub(crate) fn answered(&self) -> u64 {
        self.ended.iter().filter(|(outcome, _)| outcome.is_answer()).map(|(_, count)| count).sum()
    }

    /// The share of good answers among the calls whose end is the server's doing.
    pub(crate) fn success(&self) -> Proportion {
        Proportion::of_calls(&self.ended)
    }

    /// The share if every call that was due and that nobody waited for, for want of a session or of time, had
    /// failed: what a user who came on schedule can count on.
    pub(crate) fn success_at_least(&self) -> Proportion {
        let share = self.success();
        Proportion { trials: share.trials + self.unknown(), ..share }
    }

    /// Calls that were due and never sent, or abandoned by us.
    pub(crate) fn unknown(&self) -> u64 {
        self.count(Outcome::Dropped) + self.count(Outcome::Cancelled)
    }
}
