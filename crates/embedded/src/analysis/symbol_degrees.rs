//! The `<degree>`s of a chord symbol, as music21 applies them.

use music21_mcp_score::{Change, Degree};

use super::chord_symbol::{Builder, ImpossibleSymbol};
use super::symbol_kinds::Figure;
use super::symbol_pitches::{altered, on_degree, scale_degree, semitone_below};

impl Builder<'_> {
    /// All of them, to the pitches of a round.
    pub(super) fn apply_degrees(&mut self, pitches: &mut Vec<usize>) -> Result<(), ImpossibleSymbol> {
        for index in 0..self.degrees.len() {
            let degree = self.degrees[index];
            match degree.change {
                Change::Add => self.add(pitches, degree),
                Change::Subtract => self.subtract(pitches, degree)?,
                Change::Alter => {
                    if !self.alter(pitches, degree) {
                        // From now on it is one added.
                        self.degrees[index].change = Change::Add;
                        self.add(pitches, degree);
                    }
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, pitches: &mut Vec<usize>, degree: Degree) {
        let Some(root) = self.root.map(|row| self.arena[row]) else { return };
        let mut added = on_degree(root, Figure { degree: (degree.value - 1) % 7 + 1, alter: 0 });
        if degree.alter != 0 {
            if degree.value == 7 && degree.alter > 0 && !self.kind.is_empty() {
                added = semitone_below(added);
            }
            added = altered(added, degree.alter);
        }
        if degree.value >= 7 {
            added.octave += 1;
        }
        self.arena.push(added);
        let added = self.arena.len() - 1;
        if !self.figures.contains(&Figure { degree: degree.value, alter: 0 }) {
            pitches.push(added);
            return;
        }
        // One that is there already takes its place; what is above the seventh never is.
        let mut at = 0;
        while at < pitches.len() {
            if scale_degree(root, self.arena[pitches[at]]) == Some(degree.value) {
                self.remove_equal(pitches, at);
                pitches.push(added);
            }
            at += 1;
        }
    }

    fn subtract(&mut self, pitches: &mut Vec<usize>, degree: Degree) -> Result<(), ImpossibleSymbol> {
        if self.figures.is_empty() {
            return Ok(());
        }
        let mut found = false;
        let mut at = 0;
        while at < pitches.len() && at < self.figures.len() {
            if self.figures[at].degree == degree.value {
                found = true;
                self.remove_equal(pitches, at);
                // The first whose text holds the digits.
                let digits = degree.value.to_string();
                let named = self.figures.iter().position(|f| f.degree.to_string().contains(&digits));
                named.map(|named| self.figures.remove(named));
            }
            at += 1;
        }
        if found { Ok(()) } else { Err(ImpossibleSymbol) }
    }

    fn alter(&mut self, pitches: &[usize], degree: Degree) -> bool {
        let mut found = false;
        for (&row, figure) in pitches.iter().zip(&self.figures) {
            if figure.degree == degree.value {
                self.arena[row] = altered(self.arena[row], degree.alter);
                found = true;
            }
        }
        found
    }

    fn remove_equal(&self, pitches: &mut Vec<usize>, at: usize) {
        let gone = self.arena[pitches[at]];
        let first = pitches.iter().position(|&row| self.arena[row] == gone).unwrap_or(at);
        pitches.remove(first);
    }
}
