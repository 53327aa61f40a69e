//! The score while it is read: the part under construction, the place in time, and the scale.

use super::ReadLimits;
use super::cursor::Cursor;
use super::direction::Pedal;
use super::error::Problem;
use super::number::{Decimal, decimal, invalid, signed_decimal};
use super::staves::StaffColumns;
use crate::{Part, Score, Tick, Transpose};

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
    /// The pedal marks that have not ended, of all parts.
    pub(super) pedals: Vec<Pedal>,
    /// By id of a `<score-instrument>`: the MIDI key of a percussion instrument.
    pub(super) kit: Vec<(String, u8)>,
}

/// The state of the part under construction.
#[derive(Debug, Clone)]
pub(super) struct Now {
    /// The `<divisions>` that hold, times `per`; music21's default before the first.
    pub(super) divisions: u32,
    /// 1, unless the divisions are a fraction.
    pub(super) per: u32,
    /// A division is a whole number of ticks.
    pub(super) whole: bool,
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

/// What music21 takes the divisions to be before a part has said.
const DEFAULT_DIVISIONS: u32 = 10_080;
/// A scale at which sixteen thousand quarter notes still fit into a [`Tick`]. A finer one is taken only where
/// a duration asks for it.
const COMMON_SCALE: u32 = 1 << 18;
/// music21's bound on the denominators of times.
const MAX_DENOMINATOR: u128 = 65_535;

/// What is remembered within a measure only.
#[derive(Debug, Clone, Default)]
pub(super) struct InMeasure {
    /// Rests and notes outside chords, as music21 counts them to find a lone rest.
    pub(super) rests: u32,
    pub(super) single_notes: u32,
    /// The first rest's row.
    pub(super) first_rest: Option<FirstRest>,
    /// A time signature stands at the measure's start.
    pub(super) metre: bool,
    /// The last `<transpose>`.
    pub(super) transpose: Option<Transpose>,
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
            divisions: DEFAULT_DIVISIONS,
            per: 1,
            whole: false,
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

    /// The text of a `<duration>` in ticks. One that is no whole number of ticks refines the scale.
    #[inline]
    pub(super) fn ticks(&mut self, text: &str, element: &'static str) -> Result<Tick> {
        match decimal(text) {
            Some(Decimal { mantissa, places: 0 }) if self.now.whole => {
                let per_unit = u64::from(self.score.divisions / self.now.divisions);
                let ticks = mantissa.checked_mul(per_unit).and_then(|ticks| Tick::try_from(ticks).ok());
                ticks.ok_or_else(|| Problem::Overflow { value: text.to_owned() })
            }
            number => self.odd_ticks(text, number, element),
        }
    }

    #[cold]
    fn odd_ticks(&mut self, text: &str, number: Option<Decimal>, element: &'static str) -> Result<Tick> {
        let number = number.or_else(|| {
            let (negative, size) = signed_decimal(text)?;
            (!negative || size.mantissa == 0).then_some(size)
        });
        let Some(number) = number else {
            return Err(invalid(text, element, "a decimal number, 0 or more"));
        };
        self.fraction(number).ok_or_else(|| Problem::Overflow { value: text.to_owned() })
    }

    /// So many divisions in ticks.
    pub(super) fn fraction(&mut self, number: Decimal) -> Option<Tick> {
        let over = u128::from(number.mantissa) * u128::from(self.now.per);
        let under = u128::from(self.now.divisions).checked_mul(10_u128.checked_pow(number.places)?)?;
        let (over, under) = limited(over, under);
        // Where the scale can become no finer, the nearest tick is near enough.
        self.refine(u32::try_from(under).ok()?);
        let ticks = (over.checked_mul(u128::from(self.score.divisions))? + under / 2) / under;
        Tick::try_from(ticks).ok()
    }

    /// Takes the divisions that hold from here on: `mantissa / 10^places`, not 0.
    pub(super) fn set_divisions(&mut self, number: Decimal) -> Option<()> {
        let per = 10_u64.checked_pow(number.places)?;
        let shared = gcd(number.mantissa, per);
        let divisions = u32::try_from(number.mantissa / shared).ok()?;
        let per = u32::try_from(per / shared).ok()?;
        let scale = u64::from(self.score.divisions);
        let finer = scale / gcd(scale, u64::from(divisions)) * u64::from(divisions);
        if per == 1 && finer <= u64::from(COMMON_SCALE) {
            self.refine(divisions);
        }
        let whole = per == 1 && self.score.divisions.is_multiple_of(divisions);
        (self.now.divisions, self.now.per, self.now.whole) = (divisions, per, whole);
        Some(())
    }

    /// Makes the scale a multiple of `denominator`, and everything read so far with it, unless that
    /// overflows. Each refinement at least doubles the scale, so there are at most 31.
    pub(super) fn refine(&mut self, denominator: u32) {
        let scale = self.score.divisions;
        let factor = denominator / gcd(u64::from(scale), u64::from(denominator)) as u32;
        let fits = |tick: Tick| tick.checked_mul(factor).is_some_and(|tick| tick <= Tick::MAX / 2);
        if factor == 1 || !fits(scale) || !fits(self.latest()) {
            return;
        }
        self.score.divisions = scale * factor;
        for part in &mut self.score.parts {
            part.ticks_mut(|tick| *tick *= factor);
        }
        self.part.ticks_mut(|tick| *tick *= factor);
        let now = &mut self.now;
        for tick in [&mut now.start, &mut now.at, &mut now.high, &mut now.bar] {
            *tick *= factor;
        }
    }

    /// No tick so far is greater.
    fn latest(&mut self) -> Tick {
        let mut latest = 0;
        let mut see = |tick: &mut Tick| latest = latest.max(*tick);
        for part in self.score.parts.iter_mut().chain([&mut self.part]) {
            part.ticks_mut(&mut see);
        }
        let now = &self.now;
        [now.start, now.at, now.high, now.bar].into_iter().fold(latest, Tick::max)
    }
}

/// `over / under` in lowest terms, or the nearest fraction whose denominator music21 allows.
fn limited(over: u128, under: u128) -> (u128, u128) {
    let (mut a, mut b) = (over, under);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let (over, under) = (over / a.max(1), under / a.max(1));
    if under <= MAX_DENOMINATOR {
        return (over, under);
    }
    // The convergents of the continued fraction, up to the bound.
    let (mut p0, mut q0, mut p1, mut q1) = (0_u128, 1_u128, 1_u128, 0_u128);
    let (mut n, mut d) = (over, under);
    loop {
        let whole = n / d;
        let next = q0 + whole * q1;
        if next > MAX_DENOMINATOR {
            break;
        }
        (p0, q0, p1, q1) = (p1, q1, p0 + whole * p1, next);
        (n, d) = (d, n - whole * d);
    }
    let steps = (MAX_DENOMINATOR - q0) / q1;
    let (p2, q2) = (p0 + steps * p1, q0 + steps * q1);
    // How far each is from the value, times under * q1 * q2.
    let off = |p: u128, q: u128, other: u128| (p * under).abs_diff(over * q).saturating_mul(other);
    if off(p1, q1, q2) <= off(p2, q2, q1) { (p1, q1) } else { (p2, q2) }
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
