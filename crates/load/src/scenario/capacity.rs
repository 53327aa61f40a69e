//! How many clients are served well?

use super::definition::Definition;
use super::judge::check;
use super::result::{Check, Verdict};
use super::search::{Capacity, Search, Served};
use super::steps::{life, stage, timed, warm};
use super::thresholds::Thresholds;
use super::{Options, Scenario, nothing_more};
use crate::measure::rating;

pub(super) static SCENARIO: Scenario = Scenario {
    name: "capacity",
    about: "the most clients whose p95 keeps an objective, found by search",
    explanation: "\
Closed-loop stages of 30 s (--duration) with 1, 2, 4, 8, … clients, each living a score's life as in
'concurrent', until one does not keep the objective or --max-clients (200) are served; then halving, until
the gap is one client or a twentieth. Over stdio each client is a process (--max-processes, 16).

A stage keeps the objective if of every tool the upper bound of the p95 of service times is at most
--objective (1s, the limit of Excellent), and at least 99 % of the calls end well, by the lower bound or
without one that fails. From 200 calls of a tool on the p95 is an estimate, from 59 on only a bound, and
below it cannot be told and counts as not kept. So does what the generator itself held up.
Passes with a number that keeps the objective and one that does not; fails if a single client is too many;
cannot tell where the cap is reached first.

It cannot show how long users wait who come at a rate of their own (a closed loop slows down with its
server), nor a mix of calls other than this one: take the TOML of 'explain capacity --toml' for that.",
    define,
    judge: nothing_more,
};

fn define(options: &Options) -> Definition {
    let duration_s = options.duration_s.unwrap_or(if options.quick { 2.0 } else { 30.0 });
    let mut stage = timed(stage("clients", 1, life()), duration_s);
    stage.deadline_s = options.deadline_s.unwrap_or(30.0);
    let search = Search {
        max_p95_ms: options.objective_ms.unwrap_or(rating::P95_S.excellent * 1e3),
        min_success: rating::SUCCESS.excellent,
        max_clients: options.max_clients.unwrap_or(if options.quick { 16 } else { 200 }),
    };
    Definition {
        thresholds: Thresholds::default(),
        search: Some(search),
        prepare: warm(),
        stages: vec![stage],
        ..Definition::default()
    }
}

/// What a search found, whatever its stage does.
#[must_use]
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
                "{low} client{} keep the objective{}, {high} {}{}",
                if low == 1 { "" } else { "s" },
                why(low),
                if is_proven(high) { "do not" } else { "are not shown to" },
                why(high)
            ),
        ),
        (Some(low), None) => (
            Verdict::Inconclusive,
            format!("not reached: the cap of {low} clients keeps the objective{}", why(low)),
        ),
        (None, Some(high)) => (Verdict::Fail, format!("even {high} do not keep the objective{}", why(high))),
        (None, None) => {
            (Verdict::Inconclusive, "no stage could tell; raise --duration or free the machine".to_owned())
        }
    };
    check("capacity", verdict, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::search::Tried;

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
    fn a_limit_is_told_with_both_its_sides() {
        let (verdict, text) = verdict(100, 5);
        assert_eq!(verdict, Verdict::Pass);
        assert_eq!(text, "5 clients keep the objective (p95 of 5), 6 do not (p95 of 6)");
    }

    #[test]
    fn a_cap_that_is_reached_first_is_no_limit() {
        let (verdict, text) = verdict(10, 50);
        assert_eq!(verdict, Verdict::Inconclusive);
        assert!(text.starts_with("not reached: the cap of 10 clients"), "{text}");
    }

    #[test]
    fn a_single_client_too_many_is_a_failure() {
        assert_eq!(verdict(10, 0).0, Verdict::Fail);
    }
}
