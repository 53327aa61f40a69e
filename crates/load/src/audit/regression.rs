//! Suites of forty entries through the rule of [`crate::compare`], with a known truth: identical
//! servers, and one entry in forty made slower.

use super::noise::{Tier, Trace};
use super::{Finding, Length};
use crate::compare::gate::{INTERIM_ANALYSES, Level, judge};
use crate::compare::paired::suite_change;
use crate::compare::sequence::{Series, analyze};
use crate::compare::{ChangeVerdict, Figure, LimitTable, Limits, Severity};
use crate::measure::rng::Rng;

const SUITES: usize = 20;
const ENTRIES: usize = 40;
const SEED: u64 = 7;

/// Where the noise of a suite comes from.
type Noise<'a> = &'a dyn Fn(usize, &mut Rng) -> Vec<f64>;

/// What twenty suites said.
#[derive(Debug, Default)]
struct Tally {
    /// Suites in which an unchanged entry failed.
    false_fail: usize,
    /// Suites in which an unchanged entry failed or warned.
    false_alarm: usize,
    /// False alarms in all suites together.
    false_entries: usize,
    /// Suites in which the slowed entry warned or failed.
    flagged: usize,
    /// Suites in which the slowed entry failed.
    failed: usize,
    /// Suites in which the slowed entry was called unchanged.
    passed: usize,
}

/// Runs the audit.
///
/// # Errors
///
/// If the recorded noise is damaged.
pub(crate) async fn run(_: Length) -> anyhow::Result<Vec<Finding>> {
    let mut checks = Vec::new();
    for tier in [Tier::QUIET, Tier::SHARED] {
        checks.extend(all_found(tier.name, &|rounds, rng| tier.rounds(rounds, rng)));
    }
    checks.extend(none_missed(Tier::HOSTILE.name, &|rounds, rng| Tier::HOSTILE.rounds(rounds, rng)));
    let [cpu, wall] = [Figure::Cpu, Figure::Wall].map(Trace::recorded);
    let (cpu, wall) = (cpu?, wall?);
    checks.extend(all_found("recorded cpu", &|rounds, rng| cpu.rounds(rounds, rng)));
    checks.extend(none_missed("recorded wall", &|rounds, rng| wall.rounds(rounds, rng)));
    let [cpu, wall] = [Figure::Cpu, Figure::Wall].map(Trace::beside_bursts);
    let (cpu, wall) = (cpu?, wall?);
    checks.extend(found_in_bursts([&|rounds, rng| cpu.rounds(rounds, rng), &|rounds, rng| {
        wall.rounds(rounds, rng)
    }]));
    Ok(checks)
}

/// What must hold wherever the noise allows a decision.
fn all_found(name: &str, noise: Noise<'_>) -> Vec<Finding> {
    let identical = suites(0.0, noise);
    let rate = identical.false_entries as f64 / (SUITES * ENTRIES) as f64;
    let of = |found: usize| format!("{found} of {SUITES}");
    let check = |what: &str, required: &str, found: String, passed| {
        Finding::new(format!("{name}: {what}"), required, found, passed)
    };
    let [five, ten, twenty] = [0.05, 0.10, 0.20].map(|slower| suites(slower, noise));
    let [none, all] = [0.0, 0.03].map(|slower| alarms_of_all_together(slower, noise));
    vec![
        check("identical, suites with a FAIL", "0", of(identical.false_fail), identical.false_fail == 0),
        check("identical, false alarms an entry", "<= 1 %", format!("{:.2} %", rate * 100.0), rate <= 0.01),
        check("+5 %, suites that fail it", "<= 1", of(five.failed), five.failed <= 1),
        check("+10 %, suites that flag it", "20", of(ten.flagged), ten.flagged == SUITES),
        check("+20 %, suites that fail it", "20", of(twenty.failed), twenty.failed == SUITES),
        check("identical, alarms of all entries together", "0", of(none), none == 0),
        check("+3 % everywhere, flagged by all entries together", "20", of(all), all == SUITES),
    ]
}

/// What must hold on a laptop that does a little else, by CPU time or by wall time: an entry has both.
fn found_in_bursts(noises: [Noise<'_>; 2]) -> Vec<Finding> {
    let of = |found: usize| format!("{found} of {SUITES}");
    let check = |what: &str, required: &str, found: usize, passed| {
        Finding::new(format!("beside bursts: {what}"), required, of(found), passed)
    };
    let [identical, ten, twenty] = [0.0, 0.10, 0.20].map(|slower| {
        let mut tally = Tally::default();
        for suite in 0..SUITES {
            let [(mut hits, mut alarms), of_wall] = noises.map(|noise| severities(slower, noise, suite));
            hits.extend(of_wall.0);
            alarms.extend(of_wall.1);
            tally.add(&hits, &alarms);
        }
        tally
    });
    vec![
        check(
            "identical, suites with a false alarm",
            "<= 1",
            identical.false_alarm,
            identical.false_alarm <= 1,
        ),
        check("+10 %, suites that flag it", ">= 18", ten.flagged, ten.flagged >= 18),
        check("+10 %, suites that flag another entry", "0", ten.false_alarm, ten.false_alarm == 0),
        check("+20 %, suites that fail it", "20", twenty.failed, twenty.failed == SUITES),
    ]
}

/// What must hold even where the noise allows no decision: a slowdown is not passed.
fn none_missed(name: &str, noise: Noise<'_>) -> Vec<Finding> {
    let (identical, ten) = (suites(0.0, noise), suites(0.10, noise));
    let check = |what: &str, found: usize, most: usize| {
        let (required, of_all) = (format!("<= {most}"), format!("{found} of {SUITES}"));
        Finding::new(format!("{name}: {what}"), required, of_all, found <= most)
    };
    vec![
        check("identical, suites with a false alarm", identical.false_alarm, 3),
        check("+10 %, suites that pass it", ten.passed, 1),
    ]
}

fn suites(slower: f64, noise: Noise<'_>) -> Tally {
    let mut tally = Tally::default();
    for suite in 0..SUITES {
        let verdicts = judge_suite(slower, noise, suite);
        let (hits, alarms) = split(slower, &verdicts);
        tally.add(&hits, &alarms);
        tally.passed += usize::from(slower > 0.0 && verdicts[0] == ChangeVerdict::Unchanged);
    }
    tally
}

impl Tally {
    /// One suite more: what its slowed entry was called, and what the others.
    fn add(&mut self, hits: &[Severity], alarms: &[Severity]) {
        self.false_fail += usize::from(alarms.contains(&Severity::Fail));
        self.false_alarm += usize::from(!alarms.is_empty());
        self.false_entries += alarms.len();
        self.flagged += usize::from(!hits.is_empty());
        self.failed += usize::from(hits.contains(&Severity::Fail));
    }
}

fn severities(slower: f64, noise: Noise<'_>, suite: usize) -> (Vec<Severity>, Vec<Severity>) {
    split(slower, &judge_suite(slower, noise, suite))
}

/// Regressions of the slowed entry, which is the first if one is, and of the others.
fn split(slower: f64, verdicts: &[ChangeVerdict]) -> (Vec<Severity>, Vec<Severity>) {
    let (slowed, unchanged) = verdicts.split_at(usize::from(slower > 0.0));
    let of = |verdicts: &[ChangeVerdict]| verdicts.iter().filter_map(severity).collect();
    (of(slowed), of(unchanged))
}

/// Suites in which forty entries, each slowed by the same, are called slower together after the first interim analysis.
fn alarms_of_all_together(slower: f64, noise: Noise<'_>) -> usize {
    let level = Level::INTERIM.alone();
    let is_flagged = |suite: &usize| {
        let mut rng = Rng::new(SEED + *suite as u64);
        let entry = |rng: &mut Rng| -> Vec<f64> {
            noise(INTERIM_ANALYSES[0], rng).into_iter().map(|ratio| ratio + slower.ln_1p()).collect()
        };
        let entries: Vec<Vec<f64>> = (0..ENTRIES).map(|_| entry(&mut rng)).collect();
        let ratios: Vec<&[f64]> = entries.iter().map(Vec::as_slice).collect();
        // OK because there are forty entries of ten rounds.
        let change = suite_change(&ratios).unwrap();
        let verdicts = judge(&[(change, LimitTable::default().suite(Figure::Wall, 1.0))], level);
        verdicts.iter().any(|verdict| severity(verdict).is_some())
    };
    (0..SUITES).filter(is_flagged).count()
}

/// Forty entries, the first of them slowed, through all interim analyses.
fn judge_suite(slower: f64, noise: Noise<'_>, suite: usize) -> Vec<ChangeVerdict> {
    let mut rng = Rng::new(SEED + suite as u64);
    let last = INTERIM_ANALYSES[INTERIM_ANALYSES.len() - 1];
    let truth: Vec<Vec<f64>> = (0..ENTRIES)
        .map(|entry| {
            let shift = if entry == 0 { slower.ln_1p() } else { 0.0 };
            noise(last, &mut rng).into_iter().map(|ratio| ratio + shift).collect()
        })
        .collect();
    let mut series = vec![Series::new(Limits::default()); ENTRIES];
    for rounds in INTERIM_ANALYSES {
        for (entry, truth) in series.iter_mut().zip(&truth).filter(|(entry, _)| entry.is_open()) {
            entry.rounds = truth[..rounds].to_vec();
        }
        analyze(&mut series, rounds == last);
    }
    // OK because the last analysis closes every entry.
    series.into_iter().map(|entry| entry.verdict.unwrap()).collect()
}

fn severity(verdict: &ChangeVerdict) -> Option<Severity> {
    if let ChangeVerdict::Regressed(severity) = verdict { Some(*severity) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AUDITS;

    #[test]
    fn the_rule_reaches_its_numbers() {
        let audit = AUDITS.iter().find(|audit| audit.name == "regression").unwrap();
        let checks = audit.run(Length::Quick).unwrap();
        let failed: Vec<_> = checks.iter().filter(|check| !check.passed).collect();
        assert!(failed.is_empty(), "{failed:#?}");
    }

    /// The audit can fail: a common-mode shift between two processes, which an unpaired test would
    /// see, is more than the rule can bear.
    #[test]
    fn noise_that_is_no_noise_fails_the_audit() {
        let biased = |rounds: usize, rng: &mut Rng| (0..rounds).map(|_| 0.2 + 0.01 * rng.normal()).collect();
        assert!(all_found("biased", &biased).iter().any(|check| !check.passed));
    }
}
