//! Looks at the rounds as they come in, and the comparison at the end.

use super::measure::Rounds;
use super::{Measured, Round, Work, success};
use crate::compare::gate::{LOOKS, Level, rounds_needed};
use crate::compare::paired::{Block, sentinel_alarm, suite_change};
use crate::compare::sequence::{Series, look};
use crate::compare::{Change, Comparison, Figure, LimitTable, Row, Verdict, Why, success as rates};
use crate::measure::stats::mean;

/// Decides after 10, 20 and 40 rounds which entries need more of them.
pub struct Judge<'a> {
    works: Vec<Work>,
    limits: &'a LimitTable,
    /// Wall and CPU time of each work, in the order of `works`.
    series: Vec<[Series; 2]>,
    /// The most rounds to measure.
    most: u32,
    /// Told in words how far it is.
    tell: &'a mut dyn FnMut(String),
}

const FIGURES: [Figure; 2] = [Figure::Wall, Figure::Cpu];

impl<'a> Judge<'a> {
    /// Judges these works, after at most `most` rounds.
    pub fn new(works: &[Work], limits: &'a LimitTable, most: u32, tell: &'a mut dyn FnMut(String)) -> Self {
        let series = works.iter().map(|_| FIGURES.map(|_| Series::new(limits.time("", 1.0)))).collect();
        Self { works: works.to_vec(), limits, series, most, tell }
    }

    fn update(&mut self, measured: &Measured) {
        for (work, series) in self.works.iter().zip(&mut self.series) {
            let Some(rounds) = measured.entries.get(work.name) else { continue };
            for (figure, series) in FIGURES.into_iter().zip(series).filter(|(_, series)| series.is_open()) {
                series.rounds = ratios(rounds, figure);
                series.limits = self.limits.time(work.name, level(rounds, figure, 0));
            }
        }
    }

    fn look(&mut self, last: bool) {
        let mut all: Vec<Series> = self.series.iter().flatten().cloned().collect();
        look(&mut all, last);
        for (series, judged) in self.series.iter_mut().flatten().zip(all) {
            *series = judged;
        }
    }

    fn open_works(&self, measured: &Measured, rounds: u32) -> Vec<Work> {
        // A failing entry has no times; its success rate is known at the first look.
        let failing = |work: &Work| {
            let found = measured.entries.get(work.name).into_iter().flatten();
            rounds < LOOKS[0] as u32 && found.filter(|round| round.complaint.is_some()).count() > 0
        };
        // Where CPU time is not known its series stays empty and waits for nothing.
        let undecided = |series: &Series| series.is_open() && !series.rounds.is_empty();
        let open = |(work, series): &(&Work, &[Series; 2])| failing(work) || series.iter().any(undecided);
        self.works.iter().zip(&self.series).filter(open).map(|(work, _)| *work).collect()
    }

    /// How many rounds the entry that needs most is likely to need.
    fn forecast(&self) -> Option<String> {
        let needed = |(work, series): (&Work, &[Series; 2])| {
            let rounds = series.iter().filter(|series| series.is_open()).filter_map(|series| {
                Some(rounds_needed(&Change::paired(&series.rounds)?, series.limits, Level::LOOK))
            });
            Some((rounds.max()?, work.name))
        };
        let (rounds, name) = self.works.iter().zip(&self.series).filter_map(needed).max()?;
        Some(format!("'{name}' is likely to need about {rounds}"))
    }

    /// The verdicts. If the copies of the baseline differ, nothing is to be believed.
    #[must_use]
    pub fn conclude(mut self, measured: &Measured) -> Comparison {
        self.update(measured);
        self.look(true);
        let sentinel: Vec<f64> = measured.sentinel.iter().filter_map(Round::wall_ratio).collect();
        let alarm = sentinel_alarm(&sentinel);
        let mut notes: Vec<String> = measured.cut_short.iter().cloned().collect();
        notes.extend(alarm.iter().map(|alarm| format!("INVALID: {alarm}")));
        notes.extend(sentinel_note(&sentinel));
        notes.extend(self.suite_note());
        let mut rows = Vec::new();
        for (work, series) in self.works.iter().zip(&self.series) {
            rows.extend(rows_of(*work, series, measured.entries.get(work.name), self.limits));
        }
        if let Some(alarm) = alarm {
            rows.iter_mut().for_each(|row| row.verdict = Verdict::CannotTell(Why::Invalid(alarm.clone())));
        }
        Comparison { notes, rows }
    }

    fn suite_note(&self) -> Option<String> {
        let wall: Vec<&[f64]> = self.series.iter().map(|[wall, _]| wall.rounds.as_slice()).collect();
        let suite = suite_change(&wall)?;
        let (lower, upper) = suite.bounds(0.01);
        let percent = |log: f64| log.exp_m1() * 100.0;
        let (log, lower, upper) = (percent(suite.log), percent(lower), percent(upper));
        Some(format!("all entries together: wall {log:+.1} % ({lower:+.1} … {upper:+.1})"))
    }
}

impl Rounds for Judge<'_> {
    fn open(&mut self, measured: &Measured, rounds: u32) -> Vec<Work> {
        if rounds == 0 {
            return self.works.clone();
        }
        self.update(measured);
        let is_look = LOOKS.contains(&(rounds as usize));
        if is_look {
            self.look(false);
        }
        let open = self.open_works(measured, rounds);
        if rounds >= self.most {
            return Vec::new();
        }
        let next = LOOKS.into_iter().find(|look| *look > rounds as usize).unwrap_or(rounds as usize);
        let forecast =
            self.forecast().filter(|_| is_look).map(|text| format!("; {text}")).unwrap_or_default();
        (self.tell)(format!("round {rounds}, next look at {next}: {} entries open{forecast}", open.len()));
        open
    }
}

/// Shows the reader that the machine is fit to measure, or not.
fn sentinel_note(ratios: &[f64]) -> Option<String> {
    let change = Change::paired(ratios)?;
    let p = 2.0 * change.p_larger().min(change.p_smaller());
    let percent = (change.ratio() - 1.0) * 100.0;
    Some(format!("two copies of the baseline: {percent:+.1} % (p = {p:.2})"))
}

fn rows_of(work: Work, series: &[Series; 2], rounds: Option<&Vec<Round>>, limits: &LimitTable) -> Vec<Row> {
    let rounds = rounds.map_or(&[][..], Vec::as_slice);
    let mut rows = Vec::new();
    for (figure, series) in FIGURES.into_iter().zip(series) {
        // OK because the last look closes every series.
        let verdict = series.verdict.clone().unwrap();
        match Change::paired(&series.rounds) {
            Some(change) => {
                let (a, b) = (level(rounds, figure, 0), level(rounds, figure, 1));
                rows.push(Row::of_time(work.name, figure, [a, b], &change, Level::LOOK, verdict));
            }
            // No CPU time at all is no failure: another machine's server tells none.
            None if figure == Figure::Cpu => {}
            None => {
                let reason = rounds.iter().find_map(|round| round.complaint.clone());
                let why = reason.map_or(verdict, |reason| {
                    Verdict::CannotTell(Why::Missing(format!("calls failed: {reason}")))
                });
                rows.push(Row::bare(work.name, figure, why));
            }
        }
    }
    let (a, b) = (success(rounds, 0), success(rounds, 1));
    if let (Some(before), Some(after)) = (a.share(), b.share()) {
        let verdict = rates::judge(a, b, limits.success(work.name));
        rows.push(Row::of(work.name, Figure::Success, before, after, verdict));
    }
    rows
}

fn ratios(rounds: &[Round], figure: Figure) -> Vec<f64> {
    let ratio = |round: &Round| if figure == Figure::Cpu { round.cpu_ratio() } else { round.wall_ratio() };
    rounds.iter().filter_map(ratio).collect()
}

/// The geometric mean of a side's slots, nanoseconds a call; NaN without slots.
fn level(rounds: &[Round], figure: Figure, side: usize) -> f64 {
    let blocks = rounds.iter().flat_map(|round| if figure == Figure::Cpu { &round.cpu } else { &round.wall });
    let slots = |block: &Block| if side == 0 { block.baseline_ns } else { block.candidate_ns };
    mean(&blocks.flat_map(slots).map(f64::ln).collect::<Vec<_>>()).exp()
}
