//! Interim analyses of the rounds as they come in, and the comparison at the end.

use super::measure::Rounds;
use super::rows::{self, FIGURES, Judged, level, ratios};
use super::{Measured, Operation, Round};
use crate::compare::gate::{INTERIM_ANALYSES, Level, rounds_needed};
use crate::compare::paired::aa_alarm;
use crate::compare::sequence::{Series, analyze, close};
use crate::compare::{Change, ChangeVerdict, Comparison, Figure, LimitTable, Limits, Why};

/// Decides after 10, 20 and 40 rounds which entries need more of them. Error probabilities are shared among these
/// analyses: where the rounds end in between, what is open is not judged again.
pub(crate) struct Judge<'a> {
    operations: Vec<Operation>,
    limits: &'a LimitTable,
    /// The times of each operation, in the order of `operations`.
    series: Vec<[Series; FIGURES.len()]>,
    /// The most rounds to measure; the last analysis is after them.
    most: usize,
    /// Rounds at the last analysis.
    analyzed_at: usize,
    /// Receives a line about how far it is.
    tell: &'a mut dyn FnMut(String),
}

impl<'a> Judge<'a> {
    /// Judges these operations, after at most `most` rounds.
    pub(crate) fn new(
        operations: &[Operation],
        limits: &'a LimitTable,
        most: u32,
        tell: &'a mut dyn FnMut(String),
    ) -> Self {
        let series = operations.iter().map(|_| FIGURES.map(|_| Series::new(Limits::default()))).collect();
        Self { operations: operations.to_vec(), limits, series, most: most as usize, analyzed_at: 0, tell }
    }

    fn update(&mut self, measured: &Measured) {
        for (operation, series) in self.operations.iter().zip(&mut self.series) {
            let Some(rounds) = measured.entries.get(operation.name) else { continue };
            for (figure, series) in FIGURES.into_iter().zip(series).filter(|(_, series)| series.is_open()) {
                series.rounds = ratios(rounds, figure);
                series.limits = self.limits.time(operation.name, figure, level(rounds, figure, 0));
            }
        }
    }

    /// Analyzes, if that is planned after so many rounds and has not been done.
    fn analyze(&mut self, rounds: usize) {
        let is_planned = INTERIM_ANALYSES.contains(&rounds) || rounds == self.most;
        if is_planned && self.analyzed_at < rounds {
            self.analyzed_at = rounds;
            let last = rounds >= self.most;
            self.together(|all| analyze(all, last));
        }
    }

    /// Lets something be done with the series of all operations and figures together.
    fn together(&mut self, change: impl FnOnce(&mut [Series])) {
        let mut all: Vec<Series> = self.series.iter().flatten().cloned().collect();
        change(&mut all);
        for (series, changed) in self.series.iter_mut().flatten().zip(all) {
            *series = changed;
        }
    }

    /// Rounds at the first analysis after so many.
    fn next_analysis(&self, rounds: usize) -> usize {
        INTERIM_ANALYSES.into_iter().find(|at| *at > rounds).unwrap_or(self.most).min(self.most)
    }

    fn open_operations(&self, measured: &Measured, rounds: usize) -> Vec<Operation> {
        // A failing entry has no times; its success rate is known at the first analysis.
        let failing = |operation: &Operation| {
            let found = measured.entries.get(operation.name).into_iter().flatten();
            rounds < INTERIM_ANALYSES[0] && found.filter(|round| round.complaint.is_some()).count() > 0
        };
        // Where CPU time is not known its series stays empty and waits for nothing. A p95 alone is waited for neither.
        let undecided = |(figure, series): (Figure, &Series)| {
            figure != Figure::P95 && series.is_open() && !series.rounds.is_empty()
        };
        let open = |(operation, series): &Judged<'_>| {
            failing(operation) || FIGURES.into_iter().zip(series.iter()).any(undecided)
        };
        self.operations.iter().zip(&self.series).filter(open).map(|(operation, _)| *operation).collect()
    }

    /// How many rounds the entry that needs most is likely to need.
    fn forecast(&self) -> Option<String> {
        let needed = |(operation, series): Judged<'_>| {
            let rounds = series.iter().filter(|series| series.is_open()).filter_map(|series| {
                Some(rounds_needed(&Change::paired(&series.rounds)?, series.limits, Level::INTERIM))
            });
            Some((rounds.max()?, operation.name))
        };
        let (rounds, name) = self.operations.iter().zip(&self.series).filter_map(needed).max()?;
        Some(match rounds <= self.most {
            true => format!("'{name}' is likely to need about {rounds}"),
            false => format!("'{name}' is likely to need more than the {} there are", self.most),
        })
    }

    /// The verdicts. If the copies of the baseline differ, no time is to be believed; what was counted stands.
    pub(crate) fn conclude(mut self, measured: &Measured) -> Comparison {
        let rounds = measured.aa_control.len();
        self.update(measured);
        self.analyze(rounds);
        let next = self.next_analysis(rounds);
        self.together(|all| close(all, next));
        let missed = (self.analyzed_at < rounds).then_some(next);
        let aa_control: Vec<f64> = measured.aa_control.iter().filter_map(Round::wall_ratio).collect();
        let alarm = aa_alarm(&aa_control);
        let mut notes: Vec<String> = measured.cut_short.iter().cloned().collect();
        notes.extend(alarm.iter().map(|alarm| format!("INVALID: {alarm}")));
        notes.extend(aa_control_note(&aa_control));
        notes.extend(measured.remarks());
        let judged: Vec<Judged<'_>> = self.operations.iter().zip(&self.series).collect();
        let mut rows = rows::of_all(&judged, measured, self.limits, missed);
        for one in judged {
            let rounds = measured.entries.get(one.0.name).map_or(&[][..], Vec::as_slice);
            rows.extend(rows::of_operation(one, rounds, self.limits));
        }
        if let Some(alarm) = alarm {
            let is_count = |figure| matches!(figure, Figure::Success | Figure::Replies);
            for row in rows.iter_mut().filter(|row| !is_count(row.figure) && row.verdict.why().is_none()) {
                row.verdict = ChangeVerdict::Inconclusive(Why::Invalid(alarm.clone()));
            }
        }
        Comparison { notes, rows, profile: None }
    }
}

impl Rounds for Judge<'_> {
    fn open(&mut self, measured: &Measured, rounds: u32) -> Vec<Operation> {
        if rounds == 0 {
            return self.operations.clone();
        }
        let rounds = rounds as usize;
        self.update(measured);
        self.analyze(rounds);
        if rounds >= self.most {
            return Vec::new();
        }
        let open = self.open_operations(measured, rounds);
        let next = self.next_analysis(rounds);
        let has_analyzed = self.analyzed_at == rounds;
        let forecast =
            self.forecast().filter(|_| has_analyzed).map(|text| format!("; {text}")).unwrap_or_default();
        (self.tell)(format!(
            "round {rounds}, next interim analysis after {next} rounds; open entries: {}{forecast}",
            open.len()
        ));
        open
    }
}

/// Shows the reader that the machine is fit to measure, or not.
fn aa_control_note(ratios: &[f64]) -> Option<String> {
    let change = Change::paired(ratios)?;
    let p = 2.0 * change.p_larger().min(change.p_smaller());
    let percent = (change.ratio() - 1.0) * 100.0;
    Some(format!("two copies of the baseline: {percent:+.1} % (p = {p:.2})"))
}

#[cfg(test)]
mod tests {
    use music21_mcp_bench::client::Outcome;

    use super::*;
    use crate::ab::OPERATIONS;
    use crate::compare::Figure;
    use crate::compare::paired::Block;

    /// So many rounds of two entries that both take half as long again.
    fn measured(rounds: u32) -> Measured {
        let round = |round: u32, ratio: f64| Round {
            round,
            wall: vec![Block {
                baseline_ns: [1e6; 2],
                candidate_ns: [1e6 * (ratio + f64::from(round % 3) / 1e3); 2],
            }],
            outcomes: [(); 2].map(|()| [(Outcome::Ok, 4)].into()),
            ..Round::default()
        };
        let all = |ratio| (0..rounds).map(|number| round(number, ratio)).collect::<Vec<_>>();
        let entries = OPERATIONS[..2].iter().map(|operation| (operation.name.to_owned(), all(1.5))).collect();
        Measured { entries, aa_control: all(1.0), ..Measured::default() }
    }

    /// The verdicts on wall times, of all entries together first.
    fn verdicts(most: u32, rounds: u32) -> Vec<ChangeVerdict> {
        let (limits, mut tell) = (LimitTable::default(), |_| {});
        let mut judge = Judge::new(&OPERATIONS[..2], &limits, most, &mut tell);
        (0..=rounds).for_each(|seen| drop(judge.open(&measured(seen), seen)));
        let rows = judge.conclude(&measured(rounds)).rows.into_iter();
        rows.filter(|row| row.figure == Figure::Wall).map(|row| row.verdict).collect()
    }

    #[test]
    fn rounds_that_end_before_an_analysis_are_not_judged() {
        let too_few = ChangeVerdict::Inconclusive(Why::TooFewRounds { have: 9, need: 10 });
        assert_eq!(verdicts(40, 9), [too_few.clone(), too_few.clone(), too_few]);
        assert_eq!(verdicts(40, 10), [ChangeVerdict::FAIL; 3]);
        assert_eq!(verdicts(9, 9), [ChangeVerdict::FAIL; 3], "as was planned");
    }

    #[test]
    fn all_rounds_at_once_are_judged_once() {
        let (limits, mut tell) = (LimitTable::default(), |_| {});
        let judge = Judge::new(&OPERATIONS[..2], &limits, 12, &mut tell);
        let rows = judge.conclude(&measured(12)).rows;
        assert!(
            rows.iter()
                .filter(|row| row.figure == Figure::Wall)
                .all(|row| row.verdict == ChangeVerdict::FAIL)
        );
    }

    #[test]
    fn copies_that_differ_void_times_and_no_counts() {
        let mut seen = measured(10);
        let [sound, failing] = [0, 1].map(|at| OPERATIONS[at].name);
        seen.aa_control.clone_from(&seen.entries[sound]);
        for round in seen.entries.get_mut(failing).unwrap() {
            round.outcomes[1] = [(Outcome::ToolError, 4)].into();
        }
        let (limits, mut tell) = (LimitTable::default(), |_| {});
        let rows = Judge::new(&OPERATIONS[..2], &limits, 10, &mut tell).conclude(&seen).rows;
        let row = |figure, name| rows.iter().find(|row| row.figure == figure && row.entry == name).unwrap();
        assert_eq!(row(Figure::Success, failing).verdict, ChangeVerdict::FAIL);
        let wall = &row(Figure::Wall, sound).verdict;
        assert!(matches!(wall, ChangeVerdict::Inconclusive(Why::Invalid(_))), "{wall:?}");
    }

    #[test]
    fn the_last_analysis_is_the_last() {
        let (limits, mut tell) = (LimitTable::default(), |_| {});
        let mut judge = Judge::new(&OPERATIONS[..2], &limits, 20, &mut tell);
        assert!(judge.open(&measured(20), 20).is_empty());
        assert!(judge.series.iter().flatten().all(|series| !series.is_open()));
    }
}
