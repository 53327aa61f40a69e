//! Looks at the rounds as they come in, and the comparison at the end.

use super::measure::Rounds;
use super::rows::{self, FIGURES, Judged, level, ratios};
use super::{Measured, Round, Work};
use crate::compare::gate::{LOOKS, Level, rounds_needed};
use crate::compare::paired::sentinel_alarm;
use crate::compare::sequence::{Series, look};
use crate::compare::{Change, Comparison, LimitTable, Verdict, Why};

/// Decides after 10, 20 and 40 rounds which entries need more of them.
pub struct Judge<'a> {
    works: Vec<Work>,
    limits: &'a LimitTable,
    /// The times of each work, in the order of `works`.
    series: Vec<[Series; FIGURES.len()]>,
    /// The most rounds to measure.
    most: u32,
    /// Told in words how far it is.
    tell: &'a mut dyn FnMut(String),
}

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
        // Where CPU time or p95 is not known its series stays empty and waits for nothing.
        let undecided = |series: &Series| series.is_open() && !series.rounds.is_empty();
        let open = |(work, series): &Judged<'_>| failing(work) || series.iter().any(undecided);
        self.works.iter().zip(&self.series).filter(open).map(|(work, _)| *work).collect()
    }

    /// How many rounds the entry that needs most is likely to need.
    fn forecast(&self) -> Option<String> {
        let needed = |(work, series): Judged<'_>| {
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
        let judged: Vec<Judged<'_>> = self.works.iter().zip(&self.series).collect();
        let mut rows = rows::of_all(&judged, measured, self.limits);
        for one in judged {
            let rounds = measured.entries.get(one.0.name).map_or(&[][..], Vec::as_slice);
            rows.extend(rows::of_work(one, rounds, self.limits));
        }
        if let Some(alarm) = alarm {
            rows.iter_mut().for_each(|row| row.verdict = Verdict::CannotTell(Why::Invalid(alarm.clone())));
        }
        Comparison { notes, rows }
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
