//! How many clients are served well?

use super::calls::{score_lifecycle, stage, timed, warm_up_calls};
use super::judge::check;
use super::{Options, Scenario, nothing_more};
use crate::measure::quantile::Quantile;
use crate::measure::rating;
use crate::measure::stats::Proportion;
use crate::measure::validity::Standing;
use crate::result::{Capacity, Check, Definition, Search, Served, StageResult, Thresholds, Tried, Verdict};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "capacity",
    about: "the most clients whose p95 keeps an objective, found by search",
    explanation: "\
Closed-loop stages of 30 s (--duration) with 1, 2, 4, 8, … clients, each repeating the calls of 'concurrent',
until one stage misses the objective or --max-clients (200) are served. Then the gap is halved until it is one
client or a twentieth. Over stdio each client is a process (--max-processes, 16).

A stage keeps the objective if, for every tool, the upper bound of the p95 of service times is at most
--objective (1s, the limit of Excellent), and at least 99 % of the calls end well: by the lower bound, or because
none failed. From 200 calls of a tool on, the p95 is an estimate; from 59 on, only a bound; with fewer there are
too few samples, and the objective counts as missed. It also counts as missed if the generator itself was late.
Passes with a number of clients that keeps the objective and a larger one that does not, or where the most that
were to be tried do (then the answer is: at least so many); fails if a single client is too many.

It cannot show how long users wait who arrive at a rate of their own, since a closed loop slows down with its
server, nor any other mix of calls: for that, edit the TOML of 'explain capacity --toml'.",
    define,
    judge: nothing_more,
};

fn define(options: &Options) -> Definition {
    let duration_s = options.duration_s.unwrap_or(if options.quick { 2.0 } else { 30.0 });
    let mut stage = timed(stage("clients", 1, score_lifecycle()), duration_s);
    stage.deadline_s = options.deadline_s.unwrap_or(30.0);
    let max_clients = options.max_clients.unwrap_or(if options.quick { 16 } else { 200 });
    let whole = objective(max_clients);
    let search = Search { max_p95_ms: options.objective_ms.unwrap_or(whole.max_p95_ms), ..whole };
    Definition {
        // More clients are tried than are served well.
        thresholds: Thresholds::none(),
        search: Some(search),
        prepare: warm_up_calls(),
        stages: vec![stage],
        ..Definition::default()
    }
}

/// What a server is held against where nobody says otherwise: the limits of Excellent.
pub(super) fn objective(max_clients: usize) -> Search {
    let (max_p95_ms, min_success) = (rating::P95_S.excellent * 1e3, rating::SUCCESS.excellent);
    Search { max_p95_ms, min_success, max_clients }
}

/// What a search found, whatever its stage does.
pub(super) fn found(found: &Capacity) -> Check {
    let why = |clients: usize| {
        let tried = found.tried.iter().find(|tried| tried.clients == clients);
        tried.map_or(String::new(), |tried| format!(" ({})", tried.text))
    };
    let is_proven = |clients: usize| {
        found.tried.iter().any(|tried| tried.clients == clients && tried.served == Served::Beyond)
    };
    let (verdict, text) = match (found.highest_within, found.lowest_not_within) {
        (Some(low), Some(high)) => (
            Verdict::Pass,
            format!(
                "{low} client{} the objective{}, {high} {}{}",
                if low == 1 { " keeps" } else { "s keep" },
                why(low),
                if is_proven(high) { "do not" } else { "are not shown to" },
                why(high)
            ),
        ),
        (Some(low), None) => (
            Verdict::Pass,
            format!(
                "at least {low} client{} the objective{}; --max-clients tries more",
                if low == 1 { " keeps" } else { "s keep" },
                why(low)
            ),
        ),
        (None, Some(high)) if found.tried.first().is_some_and(|first| first.clients == high) => {
            let word = if high == 1 { "1 client does" } else { "the fewest clients do" };
            (Verdict::Fail, format!("even {word} not keep the objective{}", why(high)))
        }
        (None, Some(high)) => (
            Verdict::Inconclusive,
            format!("{high} clients do not keep the objective{}; of fewer no stage could tell", why(high)),
        ),
        (None, None) => {
            (Verdict::Inconclusive, "no stage could tell; raise --duration or free the machine".to_owned())
        }
    };
    check("capacity", verdict, text)
}

/// What a stage says of its number of clients. Lateness that may be the generator's own is none of the
/// server's: then it is inconclusive.
pub(crate) fn served(search: &Search, stage: &StageResult) -> Tried {
    let success = stage.accounts.success_at_least();
    let (p95, times) =
        search.worst(stage).map_or((Served::Inconclusive, "no calls".to_owned()), |(name, p95)| {
            (search.keeps(p95.as_ref()), format!("p95 of {name} {}", reported(p95.as_ref())))
        });
    let p95 = match p95 {
        _ if stage.validity.times() == Standing::Invalid => Served::Inconclusive,
        // It may be the others that made it slow.
        Served::Beyond if stage.validity.times() == Standing::Disturbed => Served::Inconclusive,
        p95 => p95,
    };
    let served = p95.max(succeeds(search, success));
    let good = success.share().unwrap_or(0.0) * 100.0;
    let text = format!("{times}, {good:.1} % good of {}", success.trials);
    Tried { clients: stage.clients, served, text }
}

fn succeeds(search: &Search, share: Proportion) -> Served {
    if share.trials == 0 {
        Served::Inconclusive
    } else if share.successes == share.trials || share.lower_bound(0.95) >= search.min_success {
        Served::Within
    } else if share.upper_bound(0.95) < search.min_success {
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
        Some(&Quantile::UpperBound { ns }) => format!("at most {}", ms(ns)),
        Some(&Quantile::Censored { at_least_ns, .. }) => format!("at least {}", ms(at_least_ns)),
        Some(Quantile::TooFewSamples { .. }) | None => "of too few calls".to_owned(),
        Some(Quantile::Unknown) => "unknown: calls timed out on a disturbed machine".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Tried;

    fn verdict(max_clients: usize, limit: usize) -> (Verdict, String) {
        let mut found = Capacity::new(max_clients);
        while let Some(clients) = found.next() {
            let served = if clients <= limit { Served::Within } else { Served::Beyond };
            found.observe(Tried { clients, served, text: format!("p95 of {clients}") });
        }
        let check = super::found(&found);
        (check.verdict, check.text)
    }

    #[test]
    fn a_limit_is_reported_with_both_its_sides() {
        let (verdict, text) = verdict(100, 5);
        assert_eq!(verdict, Verdict::Pass);
        assert_eq!(text, "5 clients keep the objective (p95 of 5), 6 do not (p95 of 6)");
    }

    #[test]
    fn a_cap_that_is_reached_first_is_no_limit() {
        let (verdict, text) = verdict(10, 50);
        assert_eq!(verdict, Verdict::Pass);
        assert!(text.starts_with("at least 10 clients keep the objective"), "{text}");
    }

    #[test]
    fn a_single_client_too_many_is_a_failure() {
        assert_eq!(verdict(10, 0).0, Verdict::Fail);
    }

    const SEARCH: Search = Search { max_p95_ms: 100.0, min_success: 0.99, max_clients: 8 };

    #[test]
    fn failures_are_not_served() {
        let succeeds = |successes, trials| super::succeeds(&SEARCH, Proportion { successes, trials });
        assert_eq!(succeeds(60, 60), Served::Within);
        assert_eq!(succeeds(999, 1000), Served::Within);
        assert_eq!(succeeds(59, 60), Served::Inconclusive);
        assert_eq!(succeeds(900, 1000), Served::Beyond);
        assert_eq!(succeeds(0, 0), Served::Inconclusive);
    }
}
