//! Searches against servers whose limit is known.

use super::*;
use crate::measure::quantile::{Interval, IntervalMethod};
use crate::result::{Step, Workload};

const SEARCH: Search =
    Search { max_p95_ms: 100.0, min_success: 0.99, max_clients: Some(8), max_rate_per_s: None };

fn tried(rate_per_s: Option<f64>, load: f64, served: Served) -> Tried {
    let (clients, is_disturbed) = (load as usize, false);
    Tried { clients, rate_per_s: rate_per_s.map(|_| load), served, is_disturbed, text: String::new() }
}

/// The loads tried on a server that `serves` so.
fn search(search: &Search, span: Span, mut serves: impl FnMut(f64) -> Tried) -> (Vec<f64>, Capacity) {
    let mut capacity = Capacity::begun(search).into_iter().flatten().next().unwrap();
    while let Some(load) = capacity.next(span) {
        capacity.observe(serves(load));
        assert!(capacity.tried.len() <= span.most_stages() as usize, "more than said: {capacity:?}");
    }
    (capacity.tried.iter().map(Tried::load).collect(), capacity)
}

fn by_clients(max_clients: usize, serves: impl Fn(usize) -> Served) -> (Vec<usize>, Capacity) {
    let by = Search { max_clients: Some(max_clients), ..SEARCH };
    let span = Span { first: 1.0, least: 1.0, most: max_clients as f64 };
    let (loads, capacity) = search(&by, span, |load| tried(None, load, serves(load as usize)));
    (loads.into_iter().map(|load| load as usize).collect(), capacity)
}

fn up_to(limit: usize) -> impl Fn(usize) -> Served {
    move |clients| if clients <= limit { Served::Within } else { Served::Beyond }
}

const BY_RATE: Search = Search { max_clients: None, max_rate_per_s: Some(1000.0), ..SEARCH };
const SPAN: Span = Span { first: 40.0, least: 10.0, most: 1000.0 };

fn by_rate(serves: impl Fn(f64) -> Served) -> (Vec<f64>, Capacity) {
    search(&BY_RATE, SPAN, |load| tried(Some(load), load, serves(load)))
}

/// One server, independent arrivals and exponential service (M/M/1): the response time is exponential with the rate
/// μ − λ, so that p95 = ln 20 / (μ − λ).
fn mm1(per_s: f64) -> impl Fn(f64) -> Served {
    move |rate| match per_s - rate {
        spare if spare <= 0.0 => Served::Beyond,
        spare if 20_f64.ln() / spare * 1e3 <= BY_RATE.max_p95_ms => Served::Within,
        _ => Served::Beyond,
    }
}

fn value(low_ms: u64, high_ms: Option<u64>) -> Quantile {
    let interval = Interval {
        low_ns: low_ms * 1_000_000,
        high_ns: high_ms.map(|ms| ms * 1_000_000),
        method: IntervalMethod::OrderStatistics,
        optimistic: false,
    };
    Quantile::Value { ns: low_ms * 1_000_000 + 1, interval }
}

#[test]
fn an_objective_is_kept_by_the_bound_and_not_by_the_estimate() {
    let keeps = |p95| SEARCH.keeps(Some(&p95));
    assert_eq!(keeps(value(80, Some(99))), Served::Within);
    assert_eq!(keeps(value(80, Some(120))), Served::Inconclusive);
    assert_eq!(keeps(value(101, None)), Served::Beyond);
    assert_eq!(
        keeps(Quantile::Censored { at_least_ns: 30_000_000_000, low_ns: 30_000_000_000 }),
        Served::Beyond
    );
    assert_eq!(keeps(Quantile::TooFewSamples { needed: 59, low_ns: None }), Served::Inconclusive);
    assert_eq!(keeps(Quantile::TooFewSamples { needed: 59, low_ns: Some(101_000_000) }), Served::Beyond);
    assert_eq!(keeps(Quantile::UpperBound { ns: 200_000_000, low_ns: Some(101_000_000) }), Served::Beyond);
    assert_eq!(
        keeps(Quantile::UpperBound { ns: 200_000_000, low_ns: Some(99_000_000) }),
        Served::Inconclusive
    );
    assert_eq!(SEARCH.keeps(None), Served::Inconclusive);
}

#[test]
fn the_limit_is_found_by_doubling_and_halving() {
    let (tried, capacity) = by_clients(200, up_to(11));
    assert_eq!(tried, [1, 2, 4, 8, 16, 12, 10, 11]);
    assert_eq!((capacity.highest_within, capacity.lowest_not_within), (Some(11.0), Some(12.0)));
    let json = serde_json::to_value(&capacity).unwrap();
    assert_eq!(json["highest_within"], serde_json::json!(11), "clients are whole numbers");
}

#[test]
fn every_limit_below_the_most_is_found() {
    for limit in 1..100 {
        let (_, capacity) = by_clients(100, up_to(limit));
        let (low, high) =
            (capacity.highest_within.unwrap() as usize, capacity.lowest_not_within.unwrap() as usize);
        assert!(low <= limit && limit < high && high - low <= (low / 20).max(1), "{limit}: {capacity:?}");
    }
}

#[test]
fn a_limit_beyond_the_most_is_not_reached() {
    let (tried, capacity) = by_clients(50, up_to(1000));
    assert_eq!(tried, [1, 2, 4, 8, 16, 32, 50]);
    assert_eq!((capacity.highest_within, capacity.lowest_not_within), (Some(50.0), None));
    let (tried, capacity) = by_rate(mm1(5000.0));
    assert_eq!(tried, [40.0, 80.0, 160.0, 320.0, 640.0, 1000.0]);
    assert_eq!((capacity.highest_within, capacity.lowest_not_within), (Some(1000.0), None));
}

#[test]
fn a_server_that_serves_nobody_is_asked_once() {
    let (tried, capacity) = by_clients(200, up_to(0));
    assert_eq!((tried, capacity.highest_within), (vec![1], None));
}

#[test]
fn the_rate_of_a_single_queue_is_bracketed_from_above_and_below() {
    // At 100 ms the rate that keeps the objective is 29.957 below the service rate.
    for per_s in [42.0, 55.5, 70.0, 100.0, 333.0, 1000.0] {
        let (tried, capacity) = by_rate(mm1(per_s));
        let truth = per_s - 20_f64.ln() * 10.0;
        let (low, high) = (capacity.highest_within.unwrap(), capacity.lowest_not_within.unwrap());
        assert!(low <= truth && truth < high, "{truth}: {tried:?}");
        assert!(high - low <= low * RESOLUTION, "{truth}: {tried:?}");
    }
}

#[test]
fn a_rate_below_the_first_is_looked_for_until_no_stage_could_prove_one() {
    let (tried, capacity) = by_rate(mm1(20.0));
    assert_eq!(tried, [40.0, 20.0, 10.0]);
    assert_eq!((capacity.highest_within, capacity.lowest_not_within), (None, Some(10.0)));
}

#[test]
fn a_disturbed_trial_is_made_again_and_only_once() {
    let mut visits = 0;
    let (loads, capacity) = search(&BY_RATE, SPAN, |rate| {
        visits += usize::from(rate == 80.0);
        let first = tried(Some(rate), rate, Served::Inconclusive);
        match rate {
            80.0 if visits == 1 => Tried { is_disturbed: true, ..first },
            160.0 => Tried { is_disturbed: true, ..first },
            _ => tried(Some(rate), rate, mm1(1000.0)(rate)),
        }
    });
    assert_eq!(loads[..6], [40.0, 80.0, 80.0, 160.0, 160.0, 120.0], "{loads:?}");
    assert_eq!(capacity.lowest_not_within, Some(160.0), "what stays inconclusive is not served");
    assert!(capacity.highest_within.unwrap() > 150.0, "{loads:?}");
}

#[test]
fn a_machine_that_is_never_quiet_ends_the_search_all_the_same() {
    let (loads, capacity) = search(&BY_RATE, SPAN, |rate| Tried {
        is_disturbed: true,
        ..tried(Some(rate), rate, Served::Inconclusive)
    });
    assert_eq!(loads, [40.0, 40.0, 20.0, 20.0, 10.0, 10.0, 80.0, 160.0, 320.0, 640.0, 1000.0]);
    assert_eq!((capacity.highest_within, capacity.lowest_not_within), (None, Some(10.0)));
}

#[test]
fn a_first_rate_close_to_the_limit_is_tried_from_below() {
    let (loads, capacity) = by_rate(|rate| match rate {
        ..=30.0 => Served::Within,
        ..=50.0 => Served::Inconclusive,
        _ => Served::Beyond,
    });
    assert_eq!(loads, [40.0, 20.0, 30.0, 35.0, 32.5, 31.3]);
    assert_eq!((capacity.highest_within, capacity.lowest_not_within), (Some(30.0), Some(31.3)));
}

#[test]
fn rates_too_low_to_prove_anything_are_followed_by_higher_ones() {
    let (loads, capacity) = by_rate(|rate| match rate {
        ..=40.0 => Served::Inconclusive,
        ..=100.0 => Served::Within,
        _ => Served::Beyond,
    });
    assert_eq!(loads[..5], [40.0, 20.0, 10.0, 80.0, 160.0], "{loads:?}");
    assert!(
        capacity.highest_within >= Some(95.0) && capacity.lowest_not_within <= Some(105.0),
        "{capacity:?}"
    );
}

#[test]
fn a_trial_at_a_rate_has_sessions_enough() {
    let steps = ["a", "b"].map(|tool| Step::call(tool, serde_json::json!({})));
    let stage = Stage {
        rate_per_s: Some(5.0),
        duration_s: Some(30.0),
        warm_up_s: 6.0,
        ..Stage::new("rate", 4, Workload::of(steps.to_vec()))
    };
    let trial = BY_RATE.trial(&stage, 250.0);
    assert_eq!((trial.name.as_str(), trial.clients, trial.rate_per_s), ("250 calls/s", 25, Some(250.0)));
    assert_eq!(BY_RATE.trial(&stage, 20.0).clients, 4);
    let span = BY_RATE.span(&stage, None);
    // 155 calls of two tools are meant to come in 24 s: 118 come nearly always.
    assert!(span.least == 6.48 && span.first == 6.48, "{span:?}");
    assert_eq!(BY_RATE.span(&stage, Some(333.0)).first, 167.0);
    let after_calls = Stage { warm_up_calls: 100, ..stage.clone() };
    assert_eq!(BY_RATE.span(&after_calls, None).least, 8.52, "255.4 in 30 s");
    assert_eq!([0.123_456, 12.345, 4567.0].map(|rate| rounded(rate, f64::round)), [0.123, 12.3, 4570.0]);
}

#[test]
fn what_is_inconclusive_is_not_served() {
    let unsure = |clients| match clients {
        1 | 2 => Served::Inconclusive,
        3..=9 => Served::Within,
        _ => Served::Inconclusive,
    };
    let (tried, capacity) = by_clients(64, unsure);
    assert_eq!(tried, [1, 2, 4, 8, 16, 12, 10, 9]);
    assert_eq!((capacity.highest_within, capacity.lowest_not_within), (Some(9.0), Some(10.0)));
    let (_, capacity) = by_clients(4, |_| Served::Inconclusive);
    assert_eq!((capacity.highest_within, capacity.lowest_not_within), (None, None));
}
