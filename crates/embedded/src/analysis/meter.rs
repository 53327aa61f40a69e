//! Beats: where in its measure a moment stands, as music21 counts.

use music21_mcp_score::{Part, Tick, TimeSignature};

/// The time signatures of a part and how far each measure is from a full one.
pub(super) struct Meter<'a> {
    part: &'a Part,
    divisions: u32,
    /// By measure: ticks missing on its left, a pickup's.
    padding: Vec<Tick>,
}

const COMMON_TIME: TimeSignature = TimeSignature { beats: 4, beat_type: 4 };

impl<'a> Meter<'a> {
    pub(super) fn of(part: &'a Part, divisions: u32) -> Self {
        let mut meter = Self { part, divisions, padding: Vec::new() };
        meter.padding = meter.find_padding();
        meter
    }

    /// The beat, from 1, of `offset` ticks into a measure; what a pickup lacks counts.
    pub(super) fn beat(&self, measure: usize, offset: Tick) -> f64 {
        self.beat_at(measure, offset + self.padding[measure])
    }

    /// The beat of a note in one of a measure's several voices: there music21 10.5.1 takes the
    /// distance from the start of the score, and bars it by the signature that holds.
    pub(super) fn beat_in_voice(&self, measure: usize, onset: Tick) -> f64 {
        self.beat_at(measure, onset)
    }

    fn beat_at(&self, measure: usize, position: Tick) -> f64 {
        let signature = self.signature(measure);
        let bar = self.bar_ticks(signature);
        if bar == 0.0 {
            return 1.0;
        }
        f64::from(position).rem_euclid(bar) / (bar / f64::from(beats(signature))) + 1.0
    }

    /// The signature that holds in a measure: one that comes later in it counts from the next.
    fn signature(&self, measure: usize) -> TimeSignature {
        let start = self.part.measures[measure].start;
        let later = self.part.times.partition_point(|timed| timed.at <= start);
        later.checked_sub(1).map_or(COMMON_TIME, |row| self.part.times[row].value)
    }

    fn bar_ticks(&self, signature: TimeSignature) -> f64 {
        f64::from(signature.beats) * 4.0 * f64::from(self.divisions) / f64::from(signature.beat_type.max(1))
    }

    /// A short first measure lacks its beginning. Of the short ones after it, however far apart, the
    /// first lacks its end, the second its beginning, and so on: music21 takes them for the halves
    /// of divided measures.
    fn find_padding(&self) -> Vec<Tick> {
        let mut half_is_open = false;
        let measures = self.part.measures.iter().enumerate();
        let paddings = measures.map(|(index, measure)| {
            let missing = self.bar_ticks(self.signature(index)) - f64::from(measure.length);
            if missing <= 0.0 {
                return 0;
            }
            let lacks_beginning = measure.start == 0 || half_is_open;
            half_is_open = !lacks_beginning;
            if lacks_beginning { missing as Tick } else { 0 }
        });
        paddings.collect()
    }
}

/// Beats of a measure: a multiple of three is compound, but for 3/4 and 3/2.
fn beats(signature: TimeSignature) -> u16 {
    match signature.beats {
        0 => 1,
        3 if signature.beat_type < 8 => 3,
        beats if beats.is_multiple_of(3) => beats / 3,
        beats => beats,
    }
}

#[cfg(test)]
mod tests {
    use music21_mcp_score::Measure;

    use super::*;

    #[test]
    fn short_measures_pair_up_across_full_ones() {
        let mut part = Part::default();
        let mut start = 0;
        for length in [1, 4, 3, 4, 1, 4] {
            part.measures.push(Measure { start, length, ..Measure::default() });
            start += length;
        }
        assert_eq!(Meter::of(&part, 1).padding, [3, 0, 0, 0, 3, 0]);
    }
}
