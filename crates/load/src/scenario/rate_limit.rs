//! Is there a rate limiter, and does it keep what it declares?

use super::judge::check;
use super::{Options, Scenario};
use crate::measure::token_bucket::{Limit, LimiterVerdict, Report, RetryAfter};
use crate::result::{Check, Definition, ScenarioResult, Verdict};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "rate-limit",
    about: "burst, sustained rate, replenishment and kind of the rate limiter, or that there is none",
    explanation: "\
One session that has made no calls before probes the limiter that --rate-limit declares (10/1s: ten at once,
one more each second): a burst of 2·C + 10 calls, polling at five times the rate until 30 are let through, and
bursts after four idle times, the last of which proves the cap. About 200 calls in 70 s for 10/1s.

Violations are found by an envelope that assumes nothing about timing; capacity, rate and refill are estimates
that describe the limiter. Retry-After is compared with the moment the next call was let through. Fails if the
limiter breaks its declaration; inconclusive if round trips are too slow. 'No limiter found' is a valid result.

It cannot show limits that other sessions share by address or by account, nor limits over hours.",
    define,
    judge,
};

/// What the music21 MCP server's own limiter might declare.
const DECLARED: Limit = Limit { capacity: 10, per_second: 1.0 };

fn define(options: &Options) -> Definition {
    Definition { probe: Some(options.limit.unwrap_or(DECLARED)), ..Definition::default() }
}

fn judge(result: &ScenarioResult) -> Vec<Check> {
    result.rate_limit.iter().map(limiter).collect()
}

fn limiter(report: &Report) -> Check {
    let reasons = |all: Vec<String>| all.join("; ");
    let (verdict, text) = match &report.verdict {
        LimiterVerdict::Pass => (Verdict::Pass, "it keeps what it declares".to_owned()),
        LimiterVerdict::NoLimiter => (
            Verdict::Pass,
            format!(
                "no limiter found: none of {} calls refused; a larger burst would not show",
                report.calls
            ),
        ),
        LimiterVerdict::Fail(defects) => {
            (Verdict::Fail, reasons(defects.iter().map(ToString::to_string).collect()))
        }
        LimiterVerdict::Inconclusive(doubts) => {
            (Verdict::Inconclusive, reasons(doubts.iter().map(ToString::to_string).collect()))
        }
    };
    let burst = report.burst.capacity;
    let rate = report.rate.map_or(String::new(), |rate| format!(", {:.3}/s sustained", rate.per_second));
    let found = format!(
        "{text} ({}, burst {burst}{rate}, Retry-After {})",
        report.kind.word(),
        retry_after(&report.retry_after)
    );
    check("limiter", verdict, found)
}

fn retry_after(found: &RetryAfter) -> String {
    let RetryAfter { absent, kept, too_short, too_long, untested } = *found;
    if kept + too_short + too_long + untested == 0 {
        return "never given".to_owned();
    }
    format!("kept {kept}, too short {too_short}, too long {too_long}, absent {absent}")
}
