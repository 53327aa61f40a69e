//! The search for a rate that may be promised, against a server whose answer is known: it works at one call at a time, each
//! takes as long, and calls come independently of each other. That is the queue M/D/1.

use super::harness::{CHEAP, Server, run_as_user};
use super::{Finding, Length};
use crate::result::{Capacity, Served, Tried};

/// What a call takes, milliseconds.
const WORK_MS: f64 = 4.0;
/// What p95 of the response times may be, milliseconds: the work, and what a call waits for others.
const OBJECTIVE_MS: f64 = 14.0;
/// Of a response's time, milliseconds: the way there and back, and waking up at the end of the work.
const WAY_MS: f64 = 0.5;
/// How far a load that is kept may lie above the truth, and one that is not below it: the bounds hold in 19 of 20.
const SLACK: f64 = 1.05;
/// And how far below it a load that is kept may lie: the bounds of a p95 are a tenth apart, and the gap is closed to a
/// twentieth.
const USEFUL: f64 = 0.75;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let server = Server::start(&["--fault", &format!("serial={WORK_MS}ms")]).await?;
    let result = run_as_user(&scenario(length.of(6, 20)), &server.url).await;
    server.stop().await;
    Ok(findings(result?.rate_capacity.as_ref()))
}

fn scenario(seconds: u32) -> String {
    format!(
        "name = 'known'\nthresholds = {{ min_success = 0.0 }}\n\
         search = {{ max_p95_ms = {OBJECTIVE_MS:?}, min_success = 0.99, max_rate_per_s = 1000.0 }}\n\
         [[stages]]\nname = 'rate'\nclients = 8\nrate_per_s = 50.0\narrivals = 'poisson'\nduration_s = {seconds}.0\n\
         [[stages.workload.flows]]\nsteps = [{{ tool = '{CHEAP}' }}]\n"
    )
}

fn findings(found: Option<&Capacity>) -> Vec<Finding> {
    let wait = |way: f64| (OBJECTIVE_MS - WORK_MS - way) / WORK_MS;
    // With the way and without it: the truth lies between.
    let (least, most) = (rate_of(wait(WAY_MS)), rate_of(wait(0.0)));
    let doubt = found.filter(|found| found.tried.iter().any(|tried| tried.is_disturbed));
    let doubt = doubt.map(|_| "trials were disturbed".to_owned());
    let truth = format!("p95 of {OBJECTIVE_MS} ms: {least:.0} to {most:.0} calls/s by the theory of queues");
    let kept = found.and_then(|found| found.highest_within);
    let beyond = found.and_then(|found| {
        let beyond = found.tried.iter().filter(|tried| tried.served == Served::Beyond);
        beyond.map(Tried::load).min_by(f64::total_cmp)
    });
    let shown = |load: Option<f64>| load.map_or("none".to_owned(), |load| format!("{load} calls/s"));
    vec![
        Finding::new(
            format!("{truth}; kept"),
            format!("{:.0} to {:.0} calls/s", least * USEFUL, most * SLACK),
            shown(kept),
            kept.is_some_and(|kept| (least * USEFUL..=most * SLACK).contains(&kept)),
        )
        .unless(doubt.clone()),
        Finding::new(
            "the lowest rate that is proven not to be kept",
            format!(">= {:.0} calls/s", least / SLACK),
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
            findings(Some(&found)).iter().map(|finding| finding.passed).collect::<Vec<_>>()
        };
        let truth = rate_of(2.5);
        assert_eq!(passed(truth * 0.9, truth * 1.1), [true, true]);
        assert_eq!(passed(truth * 1.2, truth * 1.4), [false, true]);
        assert_eq!(passed(truth * 0.5, truth * 0.8), [false, false]);
        assert!(findings(None).iter().all(|finding| !finding.passed));
    }
}
