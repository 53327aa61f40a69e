//! `history`: every record of a target over time.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;

use super::support::files::write;
use super::{Exit, Usage};
use crate::compare::Figure;
use crate::compare::history::{History, MIN_POINTS, histories};
use crate::compare::records::comparable;
use crate::record::{Record, Store};
use crate::report::history::svg;
use crate::report::screen::Screen;

/// Show all records of a target that can be compared with its newest, and where their level changed.
/// Change points are advice: confirm one with `ab`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The target's name, as `baseline list` prints it; that of the newest record if not given.
    target: Option<String>,
    /// Only entries whose names begin with this.
    #[arg(long, default_value = "")]
    entry: String,
    /// The directory of the records.
    #[arg(long, value_name = "DIR", default_value = "baselines")]
    dir: PathBuf,
    /// Draw a chart into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let found = Store::at(&self.dir).all()?.into_iter();
        let all: Vec<(String, Record)> = found.filter_map(|f| Some((f.name, f.record.ok()?))).collect();
        let wanted = |record: &Record| self.target.as_ref().is_none_or(|name| *name == record.server.target);
        let newest = all.iter().map(|(_, record)| record).rfind(|record| wanted(record));
        let newest = newest.ok_or_else(|| self.nothing(&all))?;
        let fits =
            |record: &&Record| record.server.target == newest.server.target && comparable(record, newest);
        let (names, records): (Vec<String>, Vec<&Record>) = all
            .iter()
            .map(|(name, record)| (name.clone(), record))
            .filter(|(_, record)| fits(record))
            .unzip();
        let mut histories = histories(&records);
        let known: Vec<String> = histories.iter().map(|history| history.entry.clone()).collect();
        histories.retain(|history| history.entry.starts_with(&self.entry));
        if histories.is_empty() && !known.is_empty() {
            let (entry, known) = (&self.entry, known.join(", "));
            return Err(Usage(format!("no entry begins with '{entry}'; there are {known}")).into());
        }
        let mut out = std::io::stdout().lock();
        let target = &newest.server.target;
        let title = match names.as_slice() {
            [only] => format!("{target}: one record, {only}; a second one makes a history"),
            [first, .., last] => format!("{target}: {} records, {first} to {last}", names.len()),
            [] => String::new(),
        };
        let screen = Screen::stdout();
        let rows: Vec<_> =
            histories.iter().map(|history| [history.entry.clone(), describe(history, &names)]).collect();
        write!(out, "{}{}", screen.wrapped(&title, 4), screen.columns(&rows))?;
        match self.svg {
            Some(path) if names.len() > 1 => write(&path, svg(&histories, &names))?,
            Some(_) => {
                writeln!(
                    out,
                    "one record is no history: no chart was drawn; 'baseline save' makes the next"
                )?;
            }
            None => {}
        }
        Ok(Exit::Ok)
    }

    /// Why there is nothing to show.
    fn nothing(&self, all: &[(String, Record)]) -> anyhow::Error {
        let known: BTreeSet<&str> = all.iter().map(|(_, record)| record.server.target.as_str()).collect();
        let known: Vec<&str> = known.into_iter().collect();
        match &self.target {
            Some(target) if !known.is_empty() => Usage(format!(
                "no record of target '{target}' in '{}'; there are records of {}",
                self.dir.display(),
                known.join(", ")
            ))
            .into(),
            _ => anyhow!("no records in '{}'; 'baseline save NAME' makes the first", self.dir.display()),
        }
    }
}

fn describe(history: &History, names: &[String]) -> String {
    let show = |log: f64| {
        if history.relative {
            format!("{:.3}× the reference", log.exp())
        } else {
            Figure::Wall.show(log.exp())
        }
    };
    let (first, last) = (history.points[0].1, history.points[history.points.len() - 1].1);
    if names.len() == 1 {
        return show(last);
    }
    let mut text = format!("{} to {} ({:+.1} %)", show(first), show(last), (last - first).exp_m1() * 100.0);
    match history.change_points() {
        None => text += &format!("; {} of {MIN_POINTS} points for change points", history.points.len()),
        Some(found) if found.is_empty() => text += "; no change point",
        Some(found) => {
            for change in found {
                let record = &names[history.points[change.at].0];
                text += &format!("; {:+.1} % since {record} (advice)", (change.ratio - 1.0) * 100.0);
            }
        }
    }
    text
}
