//! Lines at moments, with their names above the chart.

use super::{Axis, EDGE, LEFT, LETTER, Mark, Width};
use crate::report::screen::fitted;

/// Letters of a name.
const MOST: usize = 30;

/// Rows of names above a chart; beyond that a line has none.
const NAMED_ROWS: u8 = 3;

/// What names of lines take at the right, at most.
const NAMES: f64 = 75.0;

/// A line at each moment, in order. A name that reaches over the lines after it stands above their names.
pub(in crate::report) fn boundaries(moments: &[(f64, &str)], x: &Axis) -> Vec<Mark> {
    let plot = f64::from(Width::Half as u16) - LEFT - EDGE - NAMES;
    let mut placed: Vec<(f64, u8)> = Vec::new();
    let place = |&(at, name): &(f64, &str)| {
        let name = fitted(name, Some(MOST));
        let long = LETTER * (name.chars().count() as f64 + 2.0);
        let line = x.share(at) * plot;
        // At the right edge it stands to the left of its line.
        let (start, end) = if line + long > plot + EDGE { (line - long, line) } else { (line, line + long) };
        let covered = placed.iter().filter(|(start, _)| *start < end);
        let row = covered.map(|(_, row)| row + 1).max().unwrap_or(0);
        if row >= NAMED_ROWS {
            return Mark::Boundary(at, String::new(), 0);
        }
        placed.push((start, row));
        Mark::Boundary(at, name, row)
    };
    moments.iter().rev().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_above_those_that_it_would_cover() {
        let x = Axis::between("", -20.0..45.0);
        let marks = boundaries(&[(0.0, "kill"), (0.1, "new session"), (30.0, "recovered")], &x);
        let placed = |mark: &Mark| match mark {
            Mark::Boundary(_, name, row) => (name.clone(), *row),
            other => panic!("{other:?}"),
        };
        let rows =
            [("recovered", 0), ("new session", 0), ("kill", 1)].map(|(name, row)| (name.to_owned(), row));
        assert_eq!(marks.iter().map(placed).collect::<Vec<_>>(), rows);
        let crowd: Vec<(f64, &str)> = (0..9).map(|at| (f64::from(at) / 10.0, "a long name")).collect();
        let named = boundaries(&crowd, &x).iter().map(placed).filter(|(name, _)| !name.is_empty()).count();
        assert_eq!(named, usize::from(NAMED_ROWS));
    }
}
