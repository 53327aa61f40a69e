//! Beats: where in its measure a moment stands, as music21 counts.

use music21_mcp_score::{Measure, Part, Tick, TimeSignature};

/// The time signatures of a part and how far each measure is from a full one.
pub(super) struct Meter<'a> {
    part: &'a Part,
    divisions: u32,
    /// By time signature: how far into its measure it stands.
    offsets: Vec<Tick>,
    /// By measure: ticks missing on its left, a pickup's.
    padding: Vec<Tick>,
}

const COMMON_TIME: TimeSignature = TimeSignature::new(4, 4);

impl<'a> Meter<'a> {
    pub(super) fn of(part: &'a Part, divisions: u32) -> Self {
        let offset = |at: Tick| {
            let after = part.measures.partition_point(|measure| measure.start <= at);
            after.checked_sub(1).map_or(0, |index| at - part.measures[index].start)
        };
        let offsets = part.times.iter().map(|timed| offset(timed.at)).collect();
        let mut meter = Self { part, divisions, offsets, padding: Vec::new() };
        meter.padding = meter.find_padding();
        meter
    }

    /// The beat, from 1, of `offset` ticks into a measure; what a pickup lacks counts. Not a number
    /// before the first time signature.
    pub(super) fn beat(&self, measure: usize, offset: Tick) -> f64 {
        let time = self.part.measures[measure].start + offset;
        self.beat_at(time, offset + self.padding[measure])
    }

    /// The beat of a note in one of a measure's several voices: there music21 10.5.1 takes the
    /// distance from the start of the score, and bars it by the signature that holds.
    pub(super) fn beat_in_voice(&self, onset: Tick) -> f64 {
        self.beat_at(onset, onset)
    }

    /// A signature inside a measure moves what lies a whole bar from it, in later measures as well.
    fn beat_at(&self, time: Tick, position: Tick) -> f64 {
        let later = self.part.times.partition_point(|timed| timed.at <= time);
        let Some(row) = later.checked_sub(1) else { return f64::NAN };
        let (signature, offset) = (self.part.times[row].value, f64::from(self.offsets[row]));
        let bar = self.bar_ticks(signature);
        if bar == 0.0 {
            return 1.0;
        }
        let position = f64::from(position);
        let position = if position + offset < bar { position } else { (position - offset).rem_euclid(bar) };
        let terms = signature.terms();
        if terms.is_empty() {
            return position / (bar / f64::from(beats(signature))) + 1.0;
        }
        let mut start = 0.0;
        for (index, &(count, unit)) in terms.iter().enumerate() {
            let length = self.bar_ticks(TimeSignature::new(count, unit));
            if position < start + length || index + 1 == terms.len() {
                return index as f64 + 1.0 + (position - start) / length;
            }
            start += length;
        }
        1.0
    }

    fn bar_ticks(&self, signature: TimeSignature) -> f64 {
        f64::from(signature.beats) * 4.0 * f64::from(self.divisions) / f64::from(signature.beat_type.max(1))
    }

    /// A short first measure lacks its beginning. Of the short ones after it, however far apart, the
    /// first lacks its end, the second its beginning, and so on: music21 takes them for the halves
    /// of divided measures. How long a measure should be only a signature at a measure's start says.
    fn find_padding(&self) -> Vec<Tick> {
        let mut half_is_open = false;
        let mut bar = self.bar_ticks(COMMON_TIME);
        let mut times = self.part.times.iter().peekable();
        let padding = |measure: &Measure| {
            while times.next_if(|timed| timed.at < measure.start).is_some() {}
            if let Some(timed) = times.next_if(|timed| timed.at == measure.start) {
                bar = self.bar_ticks(timed.value);
            }
            let missing = bar - f64::from(measure.length);
            if missing <= 0.0 {
                return 0;
            }
            let lacks_beginning = measure.start == 0 || half_is_open;
            half_is_open = !lacks_beginning;
            if lacks_beginning { missing as Tick } else { 0 }
        };
        self.part.measures.iter().map(padding).collect()
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
    use music21_mcp_score::Timed;

    use super::*;

    fn part(lengths: &[Tick], times: &[(Tick, TimeSignature)]) -> Part {
        let mut part = Part::default();
        let mut start = 0;
        for &length in lengths {
            part.measures.push(Measure { start, length, ..Measure::default() });
            start += length;
        }
        part.times = times.iter().map(|&(at, value)| Timed { at, value }).collect();
        part
    }

    #[test]
    fn short_measures_pair_up_across_full_ones() {
        assert_eq!(Meter::of(&part(&[1, 4, 3, 4, 1, 4], &[]), 1).padding, [3, 0, 0, 0, 3, 0]);
    }

    /// music21 10.5.1's `beat` of notes in 3/8+2/8, and in 4/4 that becomes 3/4 on its third beat.
    #[test]
    fn beats_are_music21s() {
        let additive = TimeSignature::sum(&[(3, 8), (2, 8)]).unwrap();
        let meter = part(&[5], &[(0, additive)]);
        let beats = [0, 1, 3, 4].map(|offset| Meter::of(&meter, 2).beat(0, offset));
        assert_eq!(beats, [1.0, 1.0 + 1.0 / 3.0, 2.0, 2.5]);
        let change = part(&[4, 4], &[(0, COMMON_TIME), (2, TimeSignature::new(3, 4))]);
        let meter = Meter::of(&change, 1);
        let beats = [(0, 1), (0, 2), (0, 3), (1, 0), (1, 1)].map(|(at, offset)| meter.beat(at, offset));
        assert_eq!(beats, [2.0, 1.0, 2.0, 1.0, 3.0]);
        assert!(Meter::of(&part(&[4], &[]), 1).beat(0, 0).is_nan());
    }
}
