//! The search for a rate that may be promised, against a server whose answer is known: it works at one call at a time, each
//! takes as long, and calls come independently of each other. That is the queue M/D/1.

use anyhow::Context;

use super::harness::{self, CHEAP, Server, ms, poisson, run_as_user};
use super::{Finding, Length};
use crate::result::{Capacity, Served, Tried};

/// What a call takes, milliseconds.
const WORK_MS: f64 = 10.0;
/// What p95 of the response times may be, milliseconds: the work, and what a call waits for others.
const OBJECTIVE_MS: f64 = 35.0;
/// Calls a second at which a call's way there and back is measured, on a server that does not work.
const WAY_PER_SECOND: f64 = 50.0;
/// Sessions of each trial.
const SESSIONS: usize = 8;
/// How far a load that is kept may lie above the truth, and one that is not below it: the bounds hold in 19 of 20.
const SLACK: f64 = 1.05;
/// And how far below it a load that is kept may lie: its p95 and the upper bound of that are this far apart.
const USEFUL: f64 = 0.7;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let way_ms = way(length.of(3, 10)).await?;
    let server = Server::start(&["--fault", &format!("serial={WORK_MS}ms")]).await?;
    let result = run_as_user(&scenario(length.of(8, 20)), &server.url).await;
    server.stop().await;
    Ok(findings(result?.rate_capacity.as_ref(), way_ms))
}

/// Of a response's time, milliseconds: when the call is sent, the way there and back, and waking up. Nineteen of twenty calls
/// take no longer.
async fn way(seconds: u64) -> anyhow::Result<f64> {
    let server = Server::start(&[]).await?;
    let plan = harness::cheap(poisson(WAY_PER_SECOND, 1, SESSIONS), harness::seconds(seconds));
    let measured = harness::measure(&plan, &server).await;
    server.stop().await;
    measured?.response()?.p95.ns().map(ms).context("too few calls for a p95")
}

fn scenario(seconds: u32) -> String {
    format!(
        "name = 'known'\nthresholds = {{ min_success = 0.0 }}\n\
         search = {{ max_p95_ms = {OBJECTIVE_MS:?}, min_success = 0.99, max_rate_per_s = 400.0 }}\n\
         [[stages]]\nname = 'rate'\nclients = {SESSIONS}\nrate_per_s = 20.0\narrivals = {{ kind = 'poisson' }}\n\
         duration_s = {seconds}.0\n[[stages.workload.flows]]\nsteps = [{{ tool = '{CHEAP}' }}]\n"
    )
}

fn findings(found: Option<&Capacity>, way_ms: f64) -> Vec<Finding> {
    let wait = |way_ms: f64| (OBJECTIVE_MS - WORK_MS - way_ms) / WORK_MS;
    // The truth lies between what holds if every call had so long a way, and none.
    let (least, most) = (rate_of(wait(way_ms)), rate_of(wait(0.0)));
    let doubt = found.filter(|found| found.tried.iter().any(|tried| tried.is_disturbed));
    let doubt = doubt.map(|_| "trials were disturbed".to_owned());
    let kept = found.and_then(|found| found.highest_within);
    let beyond = found.and_then(|found| {
        let beyond = found.tried.iter().filter(|tried| tried.served == Served::Beyond);
        beyond.map(Tried::load).min_by(f64::total_cmp)
    });
    let shown = |load: Option<f64>| load.map_or("none".to_owned(), |load| format!("{load} calls/s"));
    vec![
        Finding::new(
            format!("the highest rate that is kept; in theory {least:.1} to {most:.1} calls/s"),
            format!("{:.1} to {:.1} calls/s", least * USEFUL, most * SLACK),
            shown(kept),
            kept.is_some_and(|kept| (least * USEFUL..=most * SLACK).contains(&kept)),
        )
        .unless(doubt.clone()),
        Finding::new(
            "the lowest rate that is proven not to be kept",
            format!(">= {:.1} calls/s", least / SLACK),
            shown(beyond),
            beyond.is_some_and(|beyond| beyond >= least / SLACK),
        )
        .unless(doubt),
    ]
}

/// The rate at which one call in twenty waits longer than `wait` times the work, calls a second.
fn rate_of(wait: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let load = f64::midpoint(low, high);
        if waits_at_most(wait, load) < 0.95 { high = load } else { low = load }
    }
    low / (WORK_MS / 1e3)
}

/// The share of calls that wait at most `wait` times the work, in M/D/1 at a `load` (arrivals during the work, below 1), by
/// Erlang (1909): (1 − ρ) Σ (−ρ(t − k))^k / k! · e^(ρ(t − k)), k from 0 to ⌊t⌋. Its terms cancel each other where `wait`
/// is large; here it is 2.5.
fn waits_at_most(wait: f64, load: f64) -> f64 {
    let term = |k: i32| {
        let x = load * (wait - f64::from(k));
        let factorial: f64 = (1..=k).map(f64::from).product();
        (-x).powi(k) / factorial * x.exp()
    };
    (1.0 - load) * (0..=wait.floor() as i32).map(term).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::rng::Rng;

    #[test]
    fn waiting_times_are_those_that_a_simulation_has() {
        let mut random = Rng::new(7);
        for load in [0.3, 0.6, 0.8] {
            let (mut wait, mut within, calls) = (0.0_f64, 0, 400_000);
            for _ in 0..calls {
                within += usize::from(wait <= 2.5);
                // Until the next arrival, in units of the work.
                wait = (wait + 1.0 - random.exponential() / load).max(0.0);
            }
            let (theory, simulated) = (waits_at_most(2.5, load), within as f64 / f64::from(calls));
            assert!((theory - simulated).abs() < 0.006, "{load}: {theory} and {simulated}");
        }
        assert!((waits_at_most(0.0, 0.4) - 0.6).abs() < 1e-12);
    }

    #[test]
    fn a_rate_far_from_the_truth_is_found_out() {
        let tried = |rate, served| Tried {
            clients: 8,
            rate_per_s: Some(rate),
            served,
            is_disturbed: false,
            text: String::new(),
        };
        let passed = |kept: f64, beyond: f64| {
            let found = Capacity {
                max_clients: None,
                max_rate_per_s: Some(1000.0),
                highest_within: Some(kept),
                lowest_not_within: Some(beyond),
                tried: vec![tried(kept, Served::Within), tried(beyond, Served::Beyond)],
            };
            findings(Some(&found), 0.0).iter().map(|finding| finding.passed).collect::<Vec<_>>()
        };
        let truth = rate_of(2.5);
        assert_eq!(passed(truth * 0.9, truth * 1.1), [true, true]);
        assert_eq!(passed(truth * 1.2, truth * 1.4), [false, true]);
        assert_eq!(passed(truth * 0.5, truth * 0.8), [false, false]);
        assert!(findings(None, 0.0).iter().all(|finding| !finding.passed));
    }
}
