//! What can be audited without a server: the same functions that a run uses, against exact arithmetic.

use super::{Finding, Length};
use crate::driver::Schedule;
use crate::measure::Latency;
use crate::measure::histogram::Histogram;
use crate::measure::quantile::Quantile;
use crate::measure::rng::Rng;
use crate::measure::stats::kolmogorov_smirnov;
use crate::result::DayProfile;

/// Three significant digits.
const MAX_ERROR: f64 = 0.001;
/// √n times the distance that 1 in 1000 samples of the claimed distribution exceeds.
const KS_P001: f64 = 1.95;

fn latencies(count: usize, seed: u64) -> Vec<u64> {
    let mut rng = Rng::new(seed);
    (0..count).map(|_| (15.0 + 2.0 * rng.normal()).exp() as u64).collect()
}

fn recorded(values: &[u64]) -> Histogram {
    let mut histogram = Histogram::default();
    values.iter().for_each(|&ns| histogram.record(Latency { ns, censored: false }));
    histogram
}

/// Quantiles off a histogram against sorted values, and merging in any order.
pub(super) async fn histogram(_: Length) -> anyhow::Result<Vec<Finding>> {
    let mut exact = latencies(20_000, 1);
    let all = recorded(&exact);
    let parts: Vec<Histogram> = exact.chunks(3000).map(recorded).collect();
    exact.sort_unstable();
    let error = (1_u64..).zip(&exact).map(|(rank, &truth)| {
        let read = all.at_rank(rank).unwrap_or(0);
        (read as f64 - truth as f64).abs() / truth as f64
    });
    let worst = error.fold(0.0, f64::max);
    let merged = |parts: &mut dyn Iterator<Item = &Histogram>| {
        let mut sum = Histogram::default();
        parts.for_each(|part| sum.merge(part));
        sum.to_base64()
    };
    let same = merged(&mut parts.iter()) == merged(&mut parts.iter().rev())
        && merged(&mut parts.iter()) == all.to_base64();
    let (highest, maximum) = (all.quantile(1.0), exact[exact.len() - 1]);
    Ok(vec![
        Finding::new(
            "every rank of 20000 latencies, largest error",
            "<= 0.1 %",
            format!("{:.4} %", worst * 100.0),
            worst <= MAX_ERROR,
        ),
        Finding::exact(
            "seven parts merged in either order",
            "the whole",
            if same { "the whole" } else { "another" },
        ),
        Finding::new(
            "p100",
            "the maximum",
            highest.map_or_else(|| "nothing".to_owned(), |ns| format!("{ns} ns of {maximum} ns")),
            highest == Some(maximum),
        ),
    ])
}

/// No value of p95 below 200 samples, nor of p99 below 1000.
pub(super) async fn refusal(_: Length) -> anyhow::Result<Vec<Finding>> {
    let check = |q: f64, n: usize, expected: &str| {
        let read = Quantile::read(&recorded(&latencies(n, 2)), q, &[], None);
        let found = if matches!(read, Quantile::Value { .. }) { "reported" } else { "refused" };
        Finding::exact(format!("p{:.0} of {n} samples", q * 100.0), expected, found)
    };
    Ok(vec![
        check(0.95, 199, "refused"),
        check(0.95, 200, "reported"),
        check(0.99, 999, "refused"),
        check(0.99, 1000, "reported"),
    ])
}

/// Constant, Poisson and a day's arrivals.
pub(super) async fn schedule(_: Length) -> anyhow::Result<Vec<Finding>> {
    let due =
        Schedule::Constant { per_second: 300.0 }.arrivals().take_while(|&ns| ns < 10_000_000_000).count();
    let constant = Finding::exact("300 calls/s for 10 s", "3000 due", &*format!("{due} due"));
    let poisson = |seed| {
        let times: Vec<u64> = Schedule::Poisson { per_second: 10.0, seed }.arrivals().take(5000).collect();
        let level = |pair: &[u64]| 1.0 - (-10.0 * (pair[1] - pair[0]) as f64 / 1e9).exp();
        uniform(times.windows(2).map(level).collect())
    };
    let day = |seed| {
        let profile = DayProfile::working_day(10.0, 600.0);
        let total = profile.expected_until(600.0);
        let times = Schedule::Day { profile: profile.clone(), seed }.arrivals();
        uniform(times.map(|ns| profile.expected_until(ns as f64 / 1e9) / total).collect())
    };
    Ok(vec![constant, distribution("Poisson gaps", poisson), distribution("a day's arrivals", day)])
}

fn uniform(mut levels: Vec<f64>) -> f64 {
    levels.sort_unstable_by(f64::total_cmp);
    kolmogorov_smirnov(&levels)
}

fn distribution(what: &str, distance: impl Fn(u64) -> f64) -> Finding {
    let worst = (1..=5).map(distance).fold(0.0, f64::max);
    Finding::new(
        format!("{what}, five seeds, largest distance (Kolmogorov and Smirnov)"),
        format!("< {KS_P001} (p > .001)"),
        format!("{worst:.2}"),
        worst < KS_P001,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AUDITS, AuditVerdict};

    #[test]
    fn arithmetic_audits_reach_their_numbers() {
        for name in ["histogram", "refusal", "schedule"] {
            let audit = AUDITS.iter().find(|audit| audit.name == name).unwrap();
            for finding in audit.run(Length::Quick).unwrap() {
                assert_eq!(finding.verdict, AuditVerdict::Pass, "{finding:?}");
            }
        }
    }

    #[test]
    fn arrivals_of_another_distribution_fail() {
        let even = |_| uniform((0..5000).map(|i| (f64::from(i) / 5000.0).powf(1.1)).collect());
        assert_eq!(distribution("skewed", even).verdict, AuditVerdict::Fail);
    }
}
