//! The score while it is read: the part under construction, the place in time, and the scale.

use super::ReadLimits;
use super::cursor::Cursor;
use super::error::Problem;
use super::number::{Decimal, decimal, invalid};
use super::staves::StaffColumns;
use crate::{Part, Score, Tick};

type Result<T> = std::result::Result<T, Problem>;

/// Everything the element functions work on.
pub(super) struct Draft<'b> {
    pub(super) cursor: Cursor<'b>,
    pub(super) limits: &'b ReadLimits,
    /// The finished parts; its divisions are the scale of every tick so far.
    pub(super) score: Score,
    /// The part under construction.
    pub(super) part: Part,
    /// Beside each row of `part`, the staff it names; 0 if none.
    pub(super) staves: StaffColumns,
    pub(super) now: Now,
    /// Notes, measures and marks made so far.
    pub(super) rows: usize,
    /// The encoding software is Finale, which writes `<forward>` for invisible rests.
    pub(super) finale: bool,
}

/// The state of the part under construction.
#[derive(Debug, Clone)]
pub(super) struct Now {
    /// The `<divisions>` that hold; 0 before the first.
    pub(super) divisions: u32,
    /// The measure's first tick.
    pub(super) start: Tick,
    /// Ticks from the measure's start.
    pub(super) at: Tick,
    /// The latest end of anything in the measure, in ticks from its start.
    pub(super) high: Tick,
    /// Length of a full measure by the time signature.
    pub(super) bar: Tick,
    /// The voice of the last note that named one.
    pub(super) voice: u8,
    /// Voices that are no small number, in order of appearance.
    pub(super) voice_names: Vec<String>,
    pub(super) measure: InMeasure,
}

/// What is remembered within a measure only.
#[derive(Debug, Clone, Default)]
pub(super) struct InMeasure {
    /// Rests and notes outside chords, as music21 counts them to find a lone rest.
    pub(super) rests: u32,
    pub(super) single_notes: u32,
    /// The first rest's row.
    pub(super) first_rest: Option<FirstRest>,
    /// Some rest says `measure="yes"`.
    pub(super) says_full: bool,
    /// The row of the note a `<chord/>` directly after would join.
    pub(super) chord_head: Option<usize>,
    /// The row of the rest a Finale `<forward>` made, if no note came after it.
    pub(super) forward_rest: Option<usize>,
    /// The voices used.
    pub(super) voices: VoicesSeen,
}

/// The first rest of a measure.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstRest {
    pub(super) row: usize,
    /// It says `measure="yes"` and its type does not contradict that.
    pub(super) full: bool,
    /// Its type is, or its duration would be written as, a whole or breve without dots.
    pub(super) whole: bool,
}

/// Whether the notes of a measure name one voice or several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum VoicesSeen {
    #[default]
    None,
    One(u8),
    Several,
}

impl Default for Now {
    fn default() -> Self {
        Self {
            divisions: 0,
            start: 0,
            at: 0,
            high: 0,
            bar: 0,
            voice: 1,
            voice_names: Vec::new(),
            measure: InMeasure::default(),
        }
    }
}

impl Draft<'_> {
    /// The point in time of the cursor, from the start of the score.
    pub(super) fn time(&self) -> Result<Tick> {
        add(self.now.start, self.now.at)
    }

    /// Counts a row of any kind against the limit.
    #[inline]
    pub(super) fn count_row(&mut self) -> Result<()> {
        self.rows += 1;
        if self.rows > self.limits.rows {
            return Err(Problem::TooMany(self.limits.rows));
        }
        Ok(())
    }

    /// The text of a `<duration>` or `<offset>` in ticks. A duration that is no whole number of
    /// ticks refines the scale.
    #[inline]
    pub(super) fn ticks(&mut self, text: &str, element: &'static str) -> Result<Tick> {
        let Some(number) = decimal(text) else {
            return Err(invalid(text, element, "a decimal number, 0 or more"));
        };
        if self.now.divisions == 0 {
            return Err(Problem::NoDivisions);
        }
        let overflow = || Problem::Overflow { value: text.to_owned() };
        if number.places > 0 {
            self.refine_for(number).ok_or_else(overflow)?;
        }
        let scale = u64::from(self.score.divisions);
        // Exact: `refine_for` made the denominator divide the scale, and `divisions` always does.
        let per_unit = scale / u64::from(self.now.divisions);
        let ticks = match number.places {
            0 => number.mantissa.checked_mul(per_unit),
            places => {
                let scaled = u128::from(number.mantissa) * u128::from(scale);
                u64::try_from(scaled / (u128::from(self.now.divisions) * 10_u128.pow(places))).ok()
            }
        };
        ticks.and_then(|ticks| Tick::try_from(ticks).ok()).ok_or_else(overflow)
    }

    fn refine_for(&mut self, number: Decimal) -> Option<()> {
        let denominator = u64::from(self.now.divisions).checked_mul(10_u64.checked_pow(number.places)?)?;
        let reduced = denominator / gcd(denominator, number.mantissa);
        self.refine(u32::try_from(reduced).ok()?)
    }

    /// Makes the scale a multiple of `denominator`, and everything read so far with it; `None` if
    /// that overflows. Each refinement at least doubles the scale, so there are at most 31.
    pub(super) fn refine(&mut self, denominator: u32) -> Option<()> {
        let scale = self.score.divisions;
        let shared = gcd(u64::from(scale), u64::from(denominator)) as u32;
        let factor = denominator / shared;
        if factor == 1 {
            return Some(());
        }
        self.score.divisions = scale.checked_mul(factor)?;
        for part in &mut self.score.parts {
            stretch(part, factor)?;
        }
        stretch(&mut self.part, factor)?;
        let now = &mut self.now;
        for tick in [&mut now.start, &mut now.at, &mut now.high, &mut now.bar] {
            *tick = tick.checked_mul(factor)?;
        }
        Some(())
    }
}

/// `a + b`, or the error that names the sum.
#[inline]
pub(super) fn add(a: Tick, b: Tick) -> Result<Tick> {
    a.checked_add(b).ok_or_else(|| Problem::Overflow { value: format!("{a} + {b} ticks") })
}

/// Greatest common divisor; of 0 and `b` it is `b`.
pub(super) fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Multiplies every tick of a part.
fn stretch(part: &mut Part, factor: u32) -> Option<()> {
    fn all<'t>(mut ticks: impl Iterator<Item = &'t mut Tick>, factor: u32) -> Option<()> {
        ticks.try_for_each(|tick| {
            *tick = tick.checked_mul(factor)?;
            Some(())
        })
    }
    all(part.notes.onset.iter_mut().chain(&mut part.notes.duration), factor)?;
    all(part.measures.iter_mut().flat_map(|m| [&mut m.start, &mut m.length]), factor)?;
    all(part.clefs.iter_mut().map(|mark| &mut mark.at), factor)?;
    all(part.keys.iter_mut().map(|mark| &mut mark.at), factor)?;
    all(part.times.iter_mut().map(|mark| &mut mark.at), factor)?;
    all(part.transpositions.iter_mut().map(|mark| &mut mark.at), factor)?;
    all(part.tempos.iter_mut().map(|mark| &mut mark.at), factor)?;
    all(part.harmonies.iter_mut().map(|mark| &mut mark.at), factor)
}
