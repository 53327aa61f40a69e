//! A chart with its title, its legend, and the same figures as a table.

use maud::{Markup, html};

use crate::report::chart::{Chart, Paint, Width};

/// Rows of a chart's table; a longer one is thinned out evenly.
const ROWS: usize = 60;

/// A chart and everything that explains it.
pub(super) struct Figure {
    /// What it shows.
    pub(super) title: String,
    /// How to read it; may be empty.
    pub(super) caption: String,
    /// Series by name.
    pub(super) legend: Vec<(Paint, String)>,
    /// The drawing.
    pub(super) chart: Chart,
    /// The same in figures.
    pub(super) table: Table,
}

/// Rows under headings; the first cell of a row names it.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Headings.
    pub(super) head: Vec<String>,
    /// As many cells as headings in each.
    pub(super) rows: Vec<Vec<String>>,
}

impl Figure {
    /// As HTML.
    pub(super) fn html(&self) -> Markup {
        self.markup(false)
    }

    /// The same with its table shown, where that has few rows and each of them matters.
    pub(super) fn html_with_table(&self) -> Markup {
        self.markup(true)
    }

    fn markup(&self, shows_table: bool) -> Markup {
        html! {
            figure.wide[self.chart.width == Width::Whole] {
                figcaption {
                    strong { (self.title) }
                    @let note = [self.caption.as_str(), self.chart.y.warning().unwrap_or_default()].join(" ");
                    @if !note.trim().is_empty() { " " span.note { (note.trim()) } }
                }
                @if !self.legend.is_empty() {
                    ul.legend {
                        @for (paint, name) in &self.legend { li { (swatch(*paint)) (name) } }
                    }
                }
                div.scroll tabindex="0" role="group" aria-label=(format!("chart: {}", self.title)) {
                    (self.chart.svg(&format!("{}; the figures are in the table below", self.title)))
                }
                details open[shows_table] {
                    summary { "Figures of “" (self.title) "”" }
                    (self.table.thinned().html(&self.title))
                }
            }
        }
    }
}

/// A line of the series' colour. Its attributes are those of the chart, so that one style serves both.
fn swatch(paint: Paint) -> Markup {
    html! {
        svg.swatch width="24" height="8" viewBox="0 0 24 8" aria-hidden="true" {
            line x1="0" x2="24" y1="4" y2="4" stroke=(paint.colour) stroke-width="3" stroke-dasharray=[paint.dashes()] {}
        }
    }
}

impl Table {
    /// A table of these headings.
    pub(super) fn new(head: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { head: head.iter().map(|&head| head.to_owned()).collect(), rows }
    }

    fn thinned(&self) -> Self {
        let every = self.rows.len().div_ceil(ROWS).max(1);
        Self { head: self.head.clone(), rows: self.rows.iter().step_by(every).cloned().collect() }
    }

    /// A column of words and not of figures: each begins with letters, which `n<59` does not.
    fn is_words(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column)).filter(|cell| *cell != "–");
        cells.clone().next().is_some() && cells.all(|cell| cell.chars().take(2).all(char::is_alphabetic))
    }

    /// As HTML, with a caption that is only spoken.
    pub(super) fn html(&self, caption: &str) -> Markup {
        let words: Vec<bool> = (0..self.head.len()).map(|column| self.is_words(column)).collect();
        html! {
            div.scroll tabindex="0" role="group" aria-label=(format!("table: {caption}")) {
                table {
                    caption.spoken { (caption) }
                    thead { tr { @for (head, words) in self.head.iter().zip(&words) {
                        th class=[words.then_some("word")] scope="col" { (head) }
                    } } }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for (at, (cell, words)) in row.iter().zip(&words).enumerate() {
                                    @if at == 0 { th scope="row" { (cell) } } @else { td class=[words.then_some("word")] { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
