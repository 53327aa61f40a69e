//! How much load is served well?

use super::calls::{score_lifecycle, stage, timed, warm_up_calls};
use super::judge::check;
use super::{Options, Scenario, nothing_more};
use crate::measure::quantile::Quantile;
use crate::measure::rating;
use crate::measure::stats::Proportion;
use crate::measure::steady::Steadiness;
use crate::measure::validity::Standing;
use crate::result::{
    Arrivals, CALLS_FOR_A_BOUND, Capacity, Check, Definition, Search, Served, Stage, StageResult, Thresholds,
    ToolResult, Tried, Verdict,
};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "capacity",
    about: "the most clients, and calls a second, whose p95 keeps an objective, found by search",
    explanation: "\
Closed-loop stages of 30 s (--duration) with 1, 2, 4, 8, … clients, each repeating the calls of 'concurrent',
until one stage misses the objective or --max-clients (200) are served. Then the gap is halved until it is one
client or a twentieth. Over stdio each client is a process (--max-processes, 16).

Then the same by rate: open-loop stages whose calls come independently of each other (Poisson), as those of
many users do, at half the throughput of the most clients that were served, and up or down from there, to
--max-rate (500) at most. This is what may be promised: a response counts from the moment it was due.

A stage keeps the objective if, for every tool, the upper bound of p95 (of service times by clients, of response
times by rate) is at most --objective (1s, the limit of Excellent), and at least 99 % of the calls end well: by the
lower bound, or because none failed. From 200 calls of a tool on, the p95 is an estimate; from 59 on, only a bound;
with fewer there are too few samples, and the objective counts as missed. A stage that was disturbed is run once
more. At a rate that the server does not keep up with, or whose times still grow, nothing is kept.
Passes with a load that keeps the objective and a larger one that does not, or where the most that was to be tried
does (then the answer is: at least so much); fails if a single client is too many.

It cannot show any other mix of calls: for that, edit the TOML of 'explain capacity --toml'. Close to its limit a
queue takes minutes to fill, and a longer --duration finds a lower rate.",
    define,
    judge: nothing_more,
};

fn define(options: &Options) -> Definition {
    let duration_s = options.duration_s.unwrap_or(if options.quick { 2.0 } else { 30.0 });
    let of = |name: &str, clients| Stage {
        deadline_s: options.deadline_s.unwrap_or(30.0),
        ..timed(stage(name, clients, score_lifecycle()), duration_s)
    };
    let open = Stage { rate_per_s: Some(20.0), arrivals: Arrivals::Poisson, ..of("rate", 8) };
    let max_clients = options.max_clients.unwrap_or(if options.quick { 16 } else { 200 });
    let whole = objective(max_clients);
    let max_p95_ms = options.objective_ms.unwrap_or(whole.max_p95_ms);
    let search =
        Search { max_p95_ms, max_rate_per_s: Some(options.max_rate_per_s.unwrap_or(500.0)), ..whole };
    Definition {
        // More clients are tried than are served well.
        thresholds: Thresholds::none(),
        search: Some(search),
        prepare: warm_up_calls(),
        stages: vec![of("clients", 1), open],
        ..Definition::default()
    }
}

/// What a server is held against where nobody says otherwise: the limits of Excellent.
pub(super) fn objective(max_clients: usize) -> Search {
    let (max_p95_ms, min_success) = (rating::P95_S.excellent * 1e3, rating::SUCCESS.excellent);
    Search { max_p95_ms, min_success, max_clients: Some(max_clients), max_rate_per_s: None }
}

/// What a search found, whatever its stage does; `trials` are its stages.
pub(super) fn found(found: &Capacity, trials: &[(&Tried, &StageResult)]) -> Check {
    let longer = || match enough_after_s(trials) {
        Some(seconds) => format!("with --duration {seconds}s there should be enough calls of each tool"),
        None => "raise --duration or free the machine".to_owned(),
    };
    // A load that was tried again says what came of it then.
    let last = |load: f64| found.tried.iter().rfind(|tried| tried.load() == load);
    let why = |load: f64| last(load).map_or("", |tried| &tried.text);
    let not_kept = |load: f64| {
        let is_proven = last(load).is_some_and(|tried| tried.served == Served::Beyond);
        format!("{}: {}", if is_proven { "not kept" } else { "not shown to be kept" }, why(load))
    };
    let least = found.tried.iter().map(Tried::load).fold(f64::INFINITY, f64::min);
    let (name, option) = match found.is_by_rate() {
        true => ("capacity by rate", "--max-rate"),
        false => ("capacity", "--max-clients"),
    };
    let (verdict, text) = match (found.highest_within, found.lowest_not_within) {
        (Some(low), Some(high)) => (
            Verdict::Pass,
            format!("between {} (kept: {}) and {high} ({})", found.shown(low), why(low), not_kept(high)),
        ),
        (Some(low), None) => (
            Verdict::Pass,
            format!("at least {} (kept: {}); {option} tries more", found.shown(low), why(low)),
        ),
        (None, Some(high)) if high == least && !found.is_by_rate() => {
            (Verdict::Fail, format!("less than {} ({})", found.shown(high), not_kept(high)))
        }
        (None, Some(high)) if found.tried.iter().any(|tried| tried.served == Served::Beyond) => (
            Verdict::Inconclusive,
            format!(
                "less than {} ({}); of less load no stage could tell: {}",
                found.shown(high),
                not_kept(high),
                longer()
            ),
        ),
        (None, _) => (Verdict::Inconclusive, format!("no stage could tell: {}", longer())),
    };
    check(name, verdict, text)
}

/// Chance sends fewer calls another time, or more of them count as warm-up.
const MARGIN: f64 = 1.5;

/// After how long each tool of the stage that comes next to it would have had enough calls for a bound of its p95 and half as many
/// again, if it went on as it did: to tens of seconds. `None` where all stages had enough, or those that had not had a tool
/// without any.
fn enough_after_s(trials: &[(&Tried, &StageResult)]) -> Option<u64> {
    let needed_s = |stage: &StageResult| {
        let calls =
            stage.tools.values().map(|tool| tool.service.as_ref().map_or(0, |times| times.count)).min();
        let elapsed_s = stage.elapsed_ns as f64 / 1e9;
        let seconds = CALLS_FOR_A_BOUND / calls.unwrap_or(0) as f64 * elapsed_s;
        (seconds.is_finite() && seconds > elapsed_s).then_some(seconds)
    };
    let soonest = trials.iter().filter_map(|(_, stage)| needed_s(stage)).min_by(f64::total_cmp)?;
    Some((soonest * MARGIN / 10.0).ceil() as u64 * 10)
}

/// What a stage says of its load. Lateness that may be the generator's own is none of the server's: then it is
/// inconclusive.
pub(crate) fn served(search: &Search, stage: &StageResult) -> Tried {
    let success = stage.accounts.success_at_least();
    let (p95, times) =
        search.worst(stage).map_or((Served::Inconclusive, "no calls".to_owned()), |(name, p95)| {
            (search.keeps(p95.as_ref()), format!("p95 of {name} {}", reported(p95.as_ref())))
        });
    let standing = stage.validity.times();
    let (p95, but) = match p95 {
        _ if standing == Standing::Invalid => (Served::Inconclusive, ""),
        // It may be the others that made it slow.
        Served::Beyond if standing == Standing::Disturbed => (Served::Inconclusive, ""),
        Served::Beyond if waits_for_sessions(search, stage) => {
            (Served::Inconclusive, ", but calls waited for a free session: raise the stage's clients")
        }
        Served::Within if stage.validity.saturated => {
            (Served::Inconclusive, ", but the server did not keep up")
        }
        Served::Within if stage.open_loop && is_growing(stage) => {
            (Served::Inconclusive, ", but times still grew")
        }
        p95 => (p95, ""),
    };
    let served = p95.max(succeeds(search, success, stage.accounts.success()));
    let good = success.share().unwrap_or(0.0) * 100.0;
    let text = format!("{times}, {good:.1} % good of {}{but}", success.trials);
    let is_disturbed = standing != Standing::Valid;
    Tried { clients: stage.clients, rate_per_s: None, served, is_disturbed, text }
}

/// An open loop's responses are late though the server's answers are not: the generator had too few sessions.
fn waits_for_sessions(search: &Search, stage: &StageResult) -> bool {
    let served = |p95: Option<&Quantile>| search.keeps(p95) == Served::Within;
    stage.open_loop && stage.tools.values().all(|tool| served(tool.service.as_ref().map(|times| &times.p95)))
}

/// The queue still grew: a longer stage would have longer times.
fn is_growing(stage: &StageResult) -> bool {
    let grows = |tool: &ToolResult| matches!(tool.steadiness, Some(Steadiness::Drifting { change, .. }) if change > 0.0);
    stage.tools.values().any(grows)
}

/// Calls that were never sent count against what is kept, and prove nothing of the server: it was asked `ended`.
fn succeeds(search: &Search, due: Proportion, ended: Proportion) -> Served {
    if due.trials == 0 {
        Served::Inconclusive
    } else if due.successes == due.trials || due.lower_bound(0.95) >= search.min_success {
        Served::Within
    } else if ended.upper_bound(0.95) < search.min_success {
        Served::Beyond
    } else {
        Served::Inconclusive
    }
}

fn reported(p95: Option<&Quantile>) -> String {
    let ms = |ns: u64| format!("{:.1} ms", ns as f64 / 1e6);
    match p95 {
        Some(&Quantile::Value { ns, interval }) => {
            let high = interval.high_ns.map_or_else(|| "?".to_owned(), ms);
            format!("{} ({} to {high})", ms(ns), ms(interval.low_ns))
        }
        Some(&Quantile::UpperBound { ns, low_ns }) => {
            low_ns.map_or_else(|| format!("at most {}", ms(ns)), |low| format!("{} to {}", ms(low), ms(ns)))
        }
        Some(&Quantile::Censored { at_least_ns, .. }) => format!("at least {}", ms(at_least_ns)),
        Some(&Quantile::TooFewSamples { low_ns: Some(low), .. }) => {
            format!("at least {}, of too few calls for more", ms(low))
        }
        Some(Quantile::TooFewSamples { .. }) | None => "of too few calls".to_owned(),
        Some(Quantile::Unknown) => "unknown: calls timed out on a disturbed machine".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::measure::Latency;
    use crate::measure::histogram::Histogram;
    use crate::measure::summary::summarize;
    use crate::measure::validity::Reason;
    use crate::result::{Tried, fixture};

    const SEARCH: Search =
        Search { max_p95_ms: 100.0, min_success: 0.99, max_clients: Some(8), max_rate_per_s: None };
    const BY_RATE: Search = Search { max_clients: None, max_rate_per_s: Some(100.0), ..SEARCH };

    fn verdict(search: &Search, stage: &Stage, limit: f64) -> (Verdict, String) {
        let mut found = Capacity::begun(search).into_iter().flatten().next().unwrap();
        let is_by_rate = found.is_by_rate();
        while let Some(load) = found.next(search.span(stage, None)) {
            let served = if load <= limit { Served::Within } else { Served::Beyond };
            let (clients, rate_per_s) = (load as usize, is_by_rate.then_some(load));
            let text = format!("p95 at {load}");
            found.observe(Tried { clients, rate_per_s, served, is_disturbed: false, text });
        }
        let check = super::found(&found, &[]);
        assert_eq!(check.name, if is_by_rate { "capacity by rate" } else { "capacity" });
        (check.verdict, check.text)
    }

    fn by_clients(max_clients: usize, limit: f64) -> (Verdict, String) {
        let search = Search { max_clients: Some(max_clients), ..SEARCH };
        verdict(&search, &stage("clients", 1, score_lifecycle()), limit)
    }

    fn by_rate(limit: f64) -> (Verdict, String) {
        let definition = define(&Options::default());
        verdict(&BY_RATE, &definition.stages[1], limit)
    }

    #[test]
    fn a_limit_is_reported_with_both_its_sides() {
        let text = "between 5 clients (kept: p95 at 5) and 6 (not kept: p95 at 6)".to_owned();
        assert_eq!(by_clients(100, 5.0), (Verdict::Pass, text));
        let text = "between 50 calls/s (kept: p95 at 50) and 52.5 (not kept: p95 at 52.5)".to_owned();
        assert_eq!(by_rate(51.0), (Verdict::Pass, text));
    }

    #[test]
    fn a_cap_that_is_reached_first_is_no_limit() {
        let (verdict, text) = by_clients(10, 50.0);
        assert_eq!(verdict, Verdict::Pass);
        assert_eq!(text, "at least 10 clients (kept: p95 at 10); --max-clients tries more");
        let (verdict, text) = by_rate(1000.0);
        assert_eq!(verdict, Verdict::Pass);
        assert_eq!(text, "at least 100 calls/s (kept: p95 at 100); --max-rate tries more");
    }

    #[test]
    fn a_single_client_too_many_is_a_failure_and_the_lowest_rate_leaves_it_open() {
        let text = "less than 1 client (not kept: p95 at 1)".to_owned();
        assert_eq!(by_clients(10, 0.0), (Verdict::Fail, text));
        let (verdict, text) = by_rate(3.0);
        assert_eq!(verdict, Verdict::Inconclusive);
        assert!(
            text.starts_with("less than 14.7 calls/s (")
                && text.ends_with("raise --duration or free the machine"),
            "{text}"
        );
    }

    #[test]
    fn where_calls_are_too_few_it_says_how_long_makes_enough() {
        let mut stage = open_loop(90, 40);
        stage.elapsed_ns = 40_000_000_000;
        let tried = served(&BY_RATE, &stage);
        assert_eq!(enough_after_s(&[(&tried, &stage)]), None, "300 calls are enough");
        let few = stage.tools.values_mut().next().and_then(|tool| tool.service.as_mut()).unwrap();
        few.count = 19;
        assert_eq!(enough_after_s(&[(&tried, &stage)]), Some(190));
        let nothing = Capacity::begun(&BY_RATE).into_iter().flatten().next().unwrap();
        let check = super::found(&nothing, &[(&tried, &stage)]);
        assert_eq!(
            check.text,
            "no stage could tell: with --duration 190s there should be enough calls of each tool"
        );
    }

    #[test]
    fn failures_are_not_served() {
        let of = |successes, trials| Proportion { successes, trials };
        let succeeds =
            |successes, trials| super::succeeds(&SEARCH, of(successes, trials), of(successes, trials));
        assert_eq!(super::succeeds(&SEARCH, of(900, 1000), of(900, 900)), Served::Inconclusive);
        assert_eq!(succeeds(60, 60), Served::Within);
        assert_eq!(succeeds(999, 1000), Served::Within);
        assert_eq!(succeeds(59, 60), Served::Inconclusive);
        assert_eq!(succeeds(900, 1000), Served::Beyond);
        assert_eq!(succeeds(0, 0), Served::Inconclusive);
    }

    /// An open loop of 300 calls with these response and service times.
    fn open_loop(response_ms: u64, service_ms: u64) -> StageResult {
        let of = |ms: u64| {
            let times = vec![Latency { ns: ms * 1_000_000, censored: false }; 300];
            let mut histogram = Histogram::default();
            times.iter().for_each(|&time| histogram.record(time));
            (json!(summarize(&times).unwrap()), histogram.to_base64())
        };
        let accounts = json!({ "scheduled": 300, "sent": 300, "ended": { "ok": 300 } });
        let ((response, response_hdr), (service, service_hdr)) = (of(response_ms), of(service_ms));
        fixture::stage(&json!({ "open_loop": true, "accounts": accounts, "tools": { "t": {
            "accounts": accounts, "response": response, "service": service, "response_hdr": response_hdr,
            "service_hdr": service_hdr, "examples": [], "first_calls_ns": [], "steadiness": null
        } } }))
    }

    #[test]
    fn an_open_loop_is_held_against_its_response_times() {
        let of = |stage: &StageResult| served(&BY_RATE, stage).served;
        assert_eq!(of(&open_loop(90, 40)), Served::Within);
        assert_eq!(of(&open_loop(190, 140)), Served::Beyond);
        let waited = served(&BY_RATE, &open_loop(190, 40));
        assert_eq!(waited.served, Served::Inconclusive);
        assert!(waited.text.ends_with("raise the stage's clients"), "{}", waited.text);
    }

    #[test]
    fn what_did_not_keep_up_or_was_disturbed_is_no_evidence() {
        let mut saturated = open_loop(90, 40);
        saturated.validity.saturated = true;
        assert_eq!(served(&BY_RATE, &saturated).served, Served::Inconclusive);
        assert!(!served(&BY_RATE, &saturated).is_disturbed, "it is the server that did not keep up");
        let mut growing = open_loop(90, 40);
        let drift = Steadiness::Drifting { from: 0, change: 0.3 };
        growing.tools.values_mut().for_each(|tool| tool.steadiness = Some(drift));
        assert_eq!(served(&BY_RATE, &growing).served, Served::Inconclusive);
        let mut late = open_loop(190, 140);
        late.validity.invalid.push(Reason::NotDelivered(0.2));
        let tried = served(&BY_RATE, &late);
        assert_eq!((tried.served, tried.is_disturbed), (Served::Inconclusive, true));
    }
}
