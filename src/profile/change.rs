//! What changed between two profiles: the time a call that each function takes on both sides, whatever the counts of
//! samples and calls.
//!
//! Functions are ranked by their own time: if one is slowed, all that call it take longer in total, and it alone does in
//! its own time. A change within four standard errors of the samples is not told from none. That error is of
//! sampling alone, Poisson's; whether processes differ from start to start it cannot know.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::stack::parse;

/// Rows that are shown.
const MOST: usize = 10;
/// Standard errors that a change must exceed. There are hundreds of functions: of 500 that did not change one exceeds three
/// in most profiles, and four in one profile of thirty.
const ERRORS: f64 = 4.0;

/// Stacks that were sampled while calls were made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sampled {
    /// `outer;…;inner µs`; a stack may stand there more than once.
    pub folded: Vec<String>,
    /// The calls meanwhile; one that was sampled for half its time is half a call.
    pub calls: f64,
    /// The time that one sample stands for, nanoseconds.
    pub period_ns: f64,
}

/// One side: what each stack takes of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    stacks: BTreeMap<String, Spent>,
    /// What a single sample would amount to, nanoseconds a call.
    sample_ns: f64,
}

/// A time a call, nanoseconds, and the variance that sampling gives it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Spent {
    ns: f64,
    variance: f64,
}

/// A function on both sides, the baseline first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name, and where it stands.
    pub function: String,
    /// Time a call in the function itself, nanoseconds.
    pub own_ns: [f64; 2],
    /// Time a call in it and in all that it calls, nanoseconds.
    pub total_ns: [f64; 2],
    /// Four standard errors of the change of its own time, nanoseconds.
    pub error_ns: f64,
}

/// The functions whose own time changed most.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The most changed first, ten at most.
    pub rows: Vec<Row>,
    /// Functions beyond the ten whose change exceeds the error of the samples.
    pub more: usize,
    /// Functions whose change does not.
    pub within_error: usize,
}

impl Sampled {
    /// How many samples it is.
    #[must_use]
    pub fn samples(&self) -> u64 {
        let us = self.folded.iter().filter_map(|line| parse(line).ok()).map(|(_, us)| us).sum::<u64>();
        (us as f64 * 1e3 / self.period_ns).round() as u64
    }
}

impl Side {
    /// Each part (the calls of one tool) weighs alike, however many calls it has: two sides of the same parts have the
    /// same mix.
    ///
    /// # Errors
    ///
    /// The first line that is no folded stack, and a part without calls.
    pub fn of(parts: &[Sampled]) -> io::Result<Self> {
        let mut side = Self { stacks: BTreeMap::new(), sample_ns: 0.0 };
        for part in parts {
            if part.calls.is_nan() || part.calls <= 0.0 {
                return Err(io::Error::other("no call was sampled"));
            }
            let weight = 1.0 / (part.calls * parts.len() as f64);
            side.sample_ns = side.sample_ns.max(part.period_ns * weight);
            for line in &part.folded {
                let (stack, us) = parse(line)?;
                let ns = us as f64 * 1e3;
                let variance = ns * part.period_ns * weight * weight;
                side.stacks.entry(stack.to_owned()).or_default().add(Spent { ns: ns * weight, variance });
            }
        }
        Ok(side)
    }

    /// Each stack with its nanoseconds a call.
    pub(super) fn stacks(&self) -> impl Iterator<Item = (&str, f64)> {
        self.stacks.iter().map(|(stack, spent)| (stack.as_str(), spent.ns))
    }

    /// The time of a call, nanoseconds.
    #[must_use]
    pub fn call_ns(&self) -> f64 {
        self.stacks.values().map(|spent| spent.ns).sum()
    }

    /// By function: its own time, and the total.
    fn functions(&self) -> BTreeMap<&str, [Spent; 2]> {
        let mut functions: BTreeMap<&str, [Spent; 2]> = BTreeMap::new();
        for (stack, &spent) in &self.stacks {
            // A function that calls itself is in one stack several times, and its time passes once.
            for name in stack.split(';').collect::<BTreeSet<_>>() {
                functions.entry(name).or_default()[1].add(spent);
            }
            let inner = stack.rsplit(';').next().unwrap_or(stack);
            functions.entry(inner).or_default()[0].add(spent);
        }
        functions
    }
}

impl Spent {
    fn add(&mut self, other: Self) {
        self.ns += other.ns;
        self.variance += other.variance;
    }
}

impl Row {
    /// How much longer a call is in the function itself, nanoseconds.
    #[must_use]
    pub fn change_ns(&self) -> f64 {
        self.own_ns[1] - self.own_ns[0]
    }
}

impl Difference {
    /// From a baseline to a candidate.
    #[must_use]
    pub fn of(sides: &[Side; 2]) -> Self {
        let functions = sides.each_ref().map(Side::functions);
        let names: BTreeSet<&str> = functions.iter().flat_map(|side| side.keys().copied()).collect();
        // A side without a sample of a function may have just missed one.
        let missed: f64 = sides.iter().map(|side| side.sample_ns.powi(2)).sum();
        let rows = names.into_iter().map(|name| {
            let [[own_a, total_a], [own_b, total_b]] =
                functions.each_ref().map(|side| side.get(name).copied().unwrap_or_default());
            Row {
                function: name.to_owned(),
                own_ns: [own_a.ns, own_b.ns],
                total_ns: [total_a.ns, total_b.ns],
                error_ns: ERRORS * (own_a.variance + own_b.variance + missed).sqrt(),
            }
        });
        let (mut rows, within): (Vec<Row>, Vec<Row>) =
            rows.partition(|row| row.change_ns().abs() > row.error_ns);
        rows.sort_by(|a, b| b.change_ns().abs().total_cmp(&a.change_ns().abs()));
        let more = rows.len().saturating_sub(MOST);
        rows.truncate(MOST);
        Self { rows, more, within_error: within.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(folded: &[&str], calls: f64) -> Sampled {
        let folded = folded.iter().map(ToString::to_string).collect();
        Sampled { folded, calls, period_ns: 1e6 }
    }

    fn difference(baseline: &[Sampled], candidate: &[Sampled]) -> Difference {
        Difference::of(&[baseline, candidate].map(|parts| Side::of(parts).unwrap()))
    }

    /// Function, own and total milliseconds a call before and after.
    fn shown(difference: &Difference) -> Vec<(&str, [f64; 2], [f64; 2])> {
        let ms = |ns: [f64; 2]| ns.map(|ns| (ns / 1e3).round() / 1e3);
        difference.rows.iter().map(|row| (row.function.as_str(), ms(row.own_ns), ms(row.total_ns))).collect()
    }

    #[test]
    fn the_function_that_was_slowed_is_first_and_those_that_call_it_are_unchanged() {
        let before = sampled(&["serve;call;work 200000", "serve;call 100000"], 100.0);
        let after = sampled(&["serve;call;work 800000", "serve;call 100000"], 100.0);
        let found = difference(&[before], &[after]);
        assert_eq!(shown(&found), [("work", [2.0, 8.0], [2.0, 8.0])]);
        assert_eq!((found.more, found.within_error), (0, 2), "serve and call");
    }

    #[test]
    fn counts_of_calls_and_samples_cancel() {
        let before = [sampled(&["serve;work 200000", "serve;work 200000"], 40.0)];
        let twice_the_calls = sampled(&["serve;work 800000"], 80.0);
        assert_eq!(difference(&before, &[twice_the_calls]).rows, []);
        let half_the_time = sampled(&["serve;work 400000"], 80.0);
        assert_eq!(shown(&difference(&before, &[half_the_time])), [("work", [10.0, 5.0], [10.0, 5.0])]);
    }

    #[test]
    fn a_function_of_one_side_alone_is_a_change_from_or_to_nothing() {
        let before = sampled(&["serve;old 100000", "serve;same 50000"], 10.0);
        let after = sampled(&["serve;new 300000", "serve;same 50000"], 10.0);
        let found = difference(&[before], &[after]);
        assert_eq!(shown(&found), [("new", [0.0, 30.0], [0.0, 30.0]), ("old", [10.0, 0.0], [10.0, 0.0])]);
    }

    #[test]
    fn parts_weigh_alike_however_many_calls_they_have() {
        let parts = |of_b: u64| {
            [sampled(&["a;work 900000"], 900.0), sampled(&[&format!("b;work {}", of_b * 1000)], 10.0)]
        };
        let found = difference(&parts(100), &parts(200));
        // (1 + 10) / 2 and (1 + 20) / 2; of all 910 calls together it would be 1.1 and 1.2.
        assert_eq!(shown(&found), [("work", [5.5, 10.5], [5.5, 10.5])]);
        assert!((Side::of(&parts(100)).unwrap().call_ns() - 5.5e6).abs() < 1.0);
    }

    #[test]
    fn a_change_that_samples_cannot_tell_from_none_is_counted_and_not_shown() {
        // 100 samples against 130: the error is 4 √(100 + 130 + 2) = 60.9 of them.
        let of = |samples: u64| [sampled(&[&format!("work {}000", samples)], 10.0)];
        let found = difference(&of(100), &of(130));
        assert_eq!((found.rows.len(), found.within_error), (0, 1));
        let found = difference(&of(100), &of(180));
        assert!((found.rows[0].error_ns - 4.0 * 282f64.sqrt() * 1e5).abs() < 1.0, "{found:?}");
        let seen_five_times = difference(&[sampled(&[], 10.0)], &of(5));
        assert_eq!(seen_five_times.within_error, 1, "five samples against none may be chance");
    }

    #[test]
    fn a_function_that_calls_itself_passes_its_time_once() {
        let found = difference(&[sampled(&[], 1.0)], &[sampled(&["f;g;f 100000", "f 100000"], 1.0)]);
        assert_eq!(shown(&found), [("f", [0.0, 200.0], [0.0, 200.0])]);
    }

    #[test]
    fn ten_are_shown_the_most_changed_first_whether_slower_or_faster() {
        let line = |at: u64, us: u64| format!("f{at:02} {us}");
        let before: Vec<String> = (0..12).map(|at| line(at, 1_000_000)).collect();
        let after: Vec<String> = (0..12)
            .map(|at| line(at, if at % 2 == 0 { 2_000_000 + at * 100_000 } else { 500_000 - at * 10_000 }))
            .collect();
        let part = |folded: Vec<String>| [Sampled { folded, calls: 1.0, period_ns: 1e6 }];
        let found = difference(&part(before), &part(after));
        let names: Vec<&str> = found.rows.iter().map(|row| row.function.as_str()).collect();
        assert_eq!(names, ["f10", "f08", "f06", "f04", "f02", "f00", "f11", "f09", "f07", "f05"]);
        assert_eq!(found.more, 2);
    }

    #[test]
    fn what_is_no_profile_is_an_error() {
        let error = Side::of(&[sampled(&["main;parse many"], 1.0)]).unwrap_err();
        assert_eq!(error.to_string(), "'main;parse many' is no folded stack");
        assert!(Side::of(&[sampled(&["main 5"], 0.0)]).is_err());
    }
}
