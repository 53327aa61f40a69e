//! The seeded orchestral generator: a harmonic plan for the whole orchestra, then each part by itself.
//!
//! Only integers and raw draws of a PCG generator decide anything, so that the same spec gives the
//! same bytes on every machine. Each part draws from a stream of its own: a part does not depend on
//! the others, and the document can be written while it is made.

use std::io::{self, Write};

use super::write::{DocumentWriter, Header, in_archive};
use super::{Part, Score};

mod compose;
mod harmony;
mod plan;
mod random;
mod rhythm;
mod roster;

use plan::Plan;

/// Ticks per quarter note: sixteenths and eighth triplets are whole numbers of ticks.
const DIVISIONS: u32 = 12;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrchestraSpec {
    /// Parts, from 1 to [`OrchestraSpec::MAX_PARTS`].
    pub parts: u32,
    /// Measures of every part, from 1 to [`OrchestraSpec::MAX_MEASURES`].
    pub measures: u32,
    /// Decides everything else.
    pub seed: u64,
}

/// A spec that cannot be generated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A size out of range.
    #[error("cannot generate {value} {what}; give 1 to {max}")]
    Size {
        /// `parts` or `measures`.
        what: &'static str,
        /// What was asked.
        value: u32,
        /// The most that is possible.
        max: u32,
    },
    /// No preset of that name.
    #[error("no preset '{0}'; give 20x100, 50x200, 100x300 or 150x500")]
    Preset(String),
}

impl OrchestraSpec {
    /// The sizes with a name: parts by measures.
    pub const PRESETS: [(&'static str, u32, u32); 4] =
        [("20x100", 20, 100), ("50x200", 50, 200), ("100x300", 100, 300), ("150x500", 150, 500)];
    /// More players than any orchestra.
    pub const MAX_PARTS: u32 = 1_000;
    /// Keeps the last tick far inside its range.
    pub const MAX_MEASURES: u32 = 100_000;

    /// A spec of a size in range.
    ///
    /// # Errors
    /// [`SpecError::Size`] names the size that is not.
    pub fn new(parts: u32, measures: u32, seed: u64) -> Result<Self, SpecError> {
        for (what, value, max) in
            [("parts", parts, Self::MAX_PARTS), ("measures", measures, Self::MAX_MEASURES)]
        {
            if !(1..=max).contains(&value) {
                return Err(SpecError::Size { what, value, max });
            }
        }
        Ok(Self { parts, measures, seed })
    }

    /// The preset of that name.
    ///
    /// # Errors
    /// [`SpecError::Preset`] lists the names.
    pub fn preset(name: &str, seed: u64) -> Result<Self, SpecError> {
        let found = Self::PRESETS.iter().find(|(preset, ..)| *preset == name);
        let &(_, parts, measures) = found.ok_or_else(|| SpecError::Preset(name.to_owned()))?;
        Ok(Self { parts, measures, seed })
    }

    fn title(&self) -> String {
        format!("Orchestral study {}x{}, seed {}", self.parts, self.measures, self.seed)
    }
}

/// Generates a score.
#[must_use]
pub fn generate(spec: &OrchestraSpec) -> Score {
    let plan = Plan::new(spec);
    let players = roster::players(spec.parts);
    let parts = players.iter().enumerate().map(|(index, player)| {
        let mut part = player.part(index);
        compose::compose(spec, &plan, player, index, &mut part);
        part
    });
    Score { work_title: Some(spec.title()), divisions: DIVISIONS, parts: parts.collect(), ..Score::default() }
}

/// Generates a score and writes it part by part: what [`write`](super::write()) writes of
/// [`generate`]'s score, with one part in memory at a time. `done` is told how many parts are written.
///
/// # Errors
/// Whatever `out` fails with.
pub fn write_generated(
    spec: &OrchestraSpec,
    out: &mut impl Write,
    mut done: impl FnMut(u32),
) -> io::Result<()> {
    let plan = Plan::new(spec);
    let players = roster::players(spec.parts);
    let listed: Vec<Part> = players.iter().enumerate().map(|(index, player)| player.part(index)).collect();
    let mut writer = DocumentWriter::new(out, DIVISIONS);
    let title = spec.title();
    let header = Header { work_title: Some(&title), ..Header::default() };
    writer.header(&header, listed.iter())?;
    // One part's columns serve all.
    let mut part = Part::default();
    for (index, (player, listed)) in players.iter().zip(listed).enumerate() {
        part.id = listed.id;
        compose::compose(spec, &plan, player, index, &mut part);
        writer.part(&part)?;
        done(index as u32 + 1);
    }
    writer.finish()
}

/// [`write_generated`] into an MXL archive.
///
/// # Errors
/// Whatever `out` or the compression fails with.
pub fn write_generated_mxl(spec: &OrchestraSpec, out: impl Write, done: impl FnMut(u32)) -> io::Result<()> {
    in_archive(out, |entry| write_generated(spec, entry, done))
}

#[cfg(test)]
mod tests;
