//! In which order measures are played: repeats and endings, as written in the first part that has measures.

use music21_mcp_score::{Measure, Part, Tick, Timed};

/// A measure at the time when it is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Played {
    /// Index of the measure.
    pub(super) measure: usize,
    /// When it begins.
    pub(super) at: Tick,
}

/// The order of measures, by index.
pub(super) fn order(parts: &[Part]) -> Vec<usize> {
    let measures = parts.iter().find(|part| !part.measures.is_empty()).map_or(&[][..], |part| &part.measures);
    let longest = parts.iter().map(|part| part.measures.len()).max().unwrap_or(0);
    let as_written = || (0..longest).collect::<Vec<_>>();
    let mut order = unfolded(measures).unwrap_or_else(as_written);
    order.extend(measures.len().min(longest)..longest);
    if order.len() > longest && parts.iter().any(|part| played(part, &order).is_none()) {
        return as_written();
    }
    order
}

/// A part's measures in an order, with their times; `None` if these are too long for a tick.
pub(super) fn played(part: &Part, order: &[usize]) -> Option<Vec<Played>> {
    let mut at: Tick = 0;
    let here = order.iter().filter(|&&measure| measure < part.measures.len());
    here.map(|&measure| {
        let played = Played { measure, at };
        at = at.checked_add(part.measures[measure].length)?;
        Some(played)
    })
    .collect()
}

/// Marks at the times when they are played; those after the last measure stay with it.
pub(super) fn unfold<T: Clone>(part: &Part, played: &[Played], marks: &[Timed<T>]) -> Vec<Timed<T>> {
    let last = part.measures.len().saturating_sub(1);
    let mut unfolded = Vec::new();
    for play in played {
        let Measure { start, length, .. } = part.measures[play.measure];
        let from = marks.partition_point(|mark| mark.at < start);
        let until = marks.partition_point(|mark| mark.at < start + length);
        let until = if play.measure == last { marks.len() } else { until };
        let here = marks[from..until.max(from)].iter();
        unfolded
            .extend(here.map(|mark| Timed { at: play.at + (mark.at - start), value: mark.value.clone() }));
    }
    unfolded
}

/// `None` if repeats make the piece more than four times as long, which is no music.
fn unfolded(measures: &[Measure]) -> Option<Vec<usize>> {
    let mut order = Vec::with_capacity(measures.len());
    let (mut start, mut pass, mut at) = (0, 1_u32, 0);
    // The times that the ending being played is for.
    let mut ending = 0_u32;
    while let Some(measure) = measures.get(at) {
        let barred = measure.barred;
        if barred.repeat_start && at != start {
            (start, pass) = (at, 1);
        }
        if barred.ending != 0 {
            if barred.ending & 1 << pass.min(31) == 0 {
                at += measures[at..].iter().position(|measure| measure.barred.ending_stop).unwrap_or(0) + 1;
                continue;
            }
            ending = barred.ending;
        }
        order.push(at);
        if order.len() > 4 * measures.len() {
            return None;
        }
        // After an ending that is repeated comes the next one.
        let times = match (barred.times, ending) {
            (0, 0) => 2,
            (0, ending) => u32::BITS - ending.leading_zeros(),
            (times, _) => u32::from(times),
        };
        if barred.ending_stop {
            ending = 0;
        }
        if barred.repeat_end && pass < times {
            pass += 1;
            at = start;
            continue;
        }
        at += 1;
        if barred.repeat_end || barred.ending_stop {
            (start, pass) = (at, 1);
        }
    }
    Some(order)
}

#[cfg(test)]
mod tests {
    use music21_mcp_score::Barred;

    use super::*;

    fn order_of(barred: &[Barred]) -> Vec<usize> {
        let measure = |&barred: &Barred| Measure { barred, length: 4, ..Measure::default() };
        let part = Part { measures: barred.iter().map(measure).collect(), ..Part::default() };
        order(&[part])
    }

    #[test]
    fn repeats_and_endings_are_played() {
        let plain = Barred::default();
        let start = Barred { repeat_start: true, ..plain };
        let end = Barred { repeat_end: true, ..plain };
        let thrice = Barred { times: 3, ..end };
        let first = Barred { ending: 0b10, ending_stop: true, ..end };
        let second = Barred { ending: 0b100, ending_stop: true, ..plain };
        assert_eq!(order_of(&[plain, plain]), [0, 1]);
        assert_eq!(order_of(&[plain, end, plain]), [0, 1, 0, 1, 2]);
        assert_eq!(order_of(&[plain, start, end, plain]), [0, 1, 2, 1, 2, 3]);
        assert_eq!(order_of(&[thrice, plain]), [0, 0, 0, 1]);
        assert_eq!(order_of(&[plain, first, second, plain]), [0, 1, 0, 2, 3]);
        assert_eq!(order_of(&[plain, end, plain, end]), [0, 1, 0, 1, 2, 3, 2, 3]);
        let hundred = Barred { times: 100, ..end };
        assert_eq!(order_of(&[hundred]), [0]);
    }
}
