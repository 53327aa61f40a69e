//! Scores of several sizes: one chart over them, beside the table.

use super::colours::Colours;
use super::figure::{Figure, Table};
use crate::report::chart::{Axis, Chart, Mark};
use crate::report::sizes::Sizes;
use crate::report::units::{count, duration};

/// The mean of each operation over the cells of a score, parts × measures; `None` of a single size.
pub(super) fn figure(sizes: &Sizes<'_>, colours: &Colours) -> Option<Figure> {
    let cells = |at: usize| f64::from(sizes.scores[at].0.parts) * f64::from(sizes.scores[at].0.measures);
    let all = 0..sizes.scores.len();
    if all.len() < 2 {
        return None;
    }
    let places: Vec<(f64, String)> = all
        .clone()
        .map(|at| (cells(at), format!("{}×{}", sizes.scores[at].0.parts, sizes.scores[at].0.measures)))
        .collect();
    let line = |tool: &str| -> Vec<(f64, f64)> {
        all.clone()
            .filter_map(|at| Some((cells(at).log2(), sizes.mean_ns(at, tool)?.max(1.0).log10())))
            .collect()
    };
    let marks = sizes.tools.iter().flat_map(|tool| {
        let (points, paint) = (line(tool), colours.paint(tool));
        let end = points.last().map(|&(_, at)| Mark::End(at, (*tool).to_owned(), paint));
        [Some(Mark::Line(points.clone(), paint)), Some(Mark::Dots(points, paint)), end].into_iter().flatten()
    });
    let means = all.clone().flat_map(|at| sizes.tools.iter().filter_map(move |tool| sizes.mean_ns(at, tool)));
    let rows = all.clone().map(|at| {
        let cell = |tool: &&str| sizes.mean_ns(at, tool).map_or_else(|| "–".to_owned(), duration);
        [count(cells(at) as u64)].into_iter().chain(sizes.tools.iter().map(cell)).collect()
    });
    let head: Vec<&str> = ["parts × measures"].into_iter().chain(sizes.tools.iter().copied()).collect();
    Some(Figure {
        title: "Time of each operation by the size of the score".to_owned(),
        caption:
            "The mean; both axes are logarithmic, so that what grows as the score does is a straight line."
                .to_owned(),
        legend: Vec::new(),
        table: Table::new(&head, rows.collect()),
        chart: Chart::whole(
            Axis::named("parts × measures", &places),
            Axis::durations(means),
            marks.collect::<Vec<_>>(),
        ),
    })
}
