//! Charts as SVG. Colours are fixed values that the page's style sheet turns into those of its theme.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;

/// Pixels of the drawing for one of the page, because plotters draws on whole pixels.
const FINE: i32 = 2;
const HEIGHT: i32 = 270;
/// Pixels of the drawing for a row of text.
const ROW: i32 = 15 * FINE;
/// Pixels of the page; plotters divides sizes of text by 1.24.
const TEXT: f64 = 12.0 * 1.24;

/// Told apart by people who see no red or green, and dark enough on white; `style.css` has the other theme's.
const SERIES: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x84, 0x60),
    RGBColor(0x9A, 0x4E, 0x96),
    RGBColor(0x8A, 0x6C, 0x00),
    RGBColor(0x4C, 0x56, 0x62),
];
const INK: RGBColor = RGBColor(0x3A, 0x40, 0x48);
const GRID: RGBColor = RGBColor(0xDC, 0xE0, 0xE6);
const ALARM: RGBColor = RGBColor(0xC0, 0x20, 0x2A);

/// Colours of one chart's series before they repeat.
pub(in crate::report) const COLOURS: usize = SERIES.len();

/// What a mark is drawn with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::report) struct Paint(RGBAColor);

/// One thing drawn.
#[derive(Debug, Clone)]
pub(in crate::report) enum Mark {
    /// A line through points.
    Line(Vec<(f64, f64)>, Paint),
    /// A filled outline.
    Area(Vec<(f64, f64)>, Paint),
    /// Bars as wide as given, from the bottom up to each point.
    Bars(Vec<(f64, f64)>, f64, Paint),
    /// A dot at each point.
    Dots(Vec<(f64, f64)>, Paint),
    /// A line from bottom to top, and above that as many rows of text as given, up to a name to its right.
    Boundary(f64, String, u8),
}

/// Pixels of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Width {
    /// Two beside each other.
    Half = 540,
    /// The whole page.
    Whole = 1100,
}

/// A drawing with its axes.
#[derive(Debug, Clone)]
pub(in crate::report) struct Chart {
    /// How wide it is drawn: close to how wide it is shown, so that text has one size everywhere.
    pub(in crate::report) width: Width,
    /// What a person who does not see it is told.
    pub(in crate::report) label: String,
    /// To the right.
    pub(in crate::report) x: Axis,
    /// Upwards.
    pub(in crate::report) y: Axis,
    /// In the order of drawing.
    pub(in crate::report) marks: Vec<Mark>,
}

type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

impl Paint {
    /// The colour of calls that failed.
    pub(in crate::report) const ALARM: Self = Self(RGBAColor(ALARM.0, ALARM.1, ALARM.2, 1.0));

    /// The colour of the series of this number.
    pub(in crate::report) fn series(number: usize) -> Self {
        Self(SERIES[number % SERIES.len()].mix(1.0))
    }

    /// Broken lines: the style sheet knows them by a blue that is odd or even by one.
    pub(in crate::report) fn dashed(self) -> Self {
        let RGBAColor(red, green, blue, alpha) = self.0;
        Self(RGBAColor(red, green, blue ^ 1, alpha))
    }

    /// Less of it.
    pub(in crate::report) fn faint(self, alpha: f64) -> Self {
        Self(self.0.mix(alpha))
    }

    /// As the style sheet names it.
    pub(in crate::report) fn hex(self) -> String {
        let RGBAColor(red, green, blue, _) = self.0;
        format!("#{red:02X}{green:02X}{blue:02X}")
    }
}

impl Chart {
    /// The SVG element.
    pub(in crate::report) fn svg(&self) -> String {
        let mut out = String::new();
        // OK because drawing into a string cannot fail.
        self.draw(&mut out).unwrap();
        let label = self.label.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        out.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{label}\" "), 1)
    }

    fn draw(&self, out: &mut String) -> Drawn {
        let size = ((self.width as i32 * FINE) as u32, (HEIGHT * FINE) as u32);
        let area: DrawingArea<SVGBackend<'_>, Shift> = SVGBackend::with_string(out, size).into_drawing_area();
        let mut plane = ChartBuilder::on(&area)
            .margin_top(18 * FINE + self.rows() * ROW)
            .margin_right(18 * FINE)
            .x_label_area_size(44 * FINE)
            .y_label_area_size(68 * FINE)
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        let text = ("sans-serif", TEXT * f64::from(FINE)).into_font().color(&INK);
        plane
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID.stroke_width(FINE as u32))
            .light_line_style(TRANSPARENT)
            .axis_style(INK.stroke_width(FINE as u32))
            .label_style(text.clone())
            .axis_desc_style(text.clone())
            .x_desc(self.x.title.clone())
            .draw()?;
        for mark in &self.marks {
            self.draw_mark(mark, &mut plane, &text)?;
        }
        area.present()
    }

    /// Rows of names above the lowest one.
    fn rows(&self) -> i32 {
        let row = |mark: &Mark| if let Mark::Boundary(_, _, row) = mark { i32::from(*row) } else { 0 };
        self.marks.iter().map(row).max().unwrap_or(0)
    }

    fn draw_mark(&self, mark: &Mark, plane: &mut Plane<'_, '_>, text: &TextStyle<'_>) -> Drawn {
        let wide = (2 * FINE) as u32;
        match mark {
            Mark::Line(points, paint) => {
                plane.draw_series([PathElement::new(points.clone(), paint.0.stroke_width(wide))])?;
            }
            Mark::Area(outline, paint) => {
                plane.draw_series([Polygon::new(outline.clone(), paint.0.filled())])?;
            }
            Mark::Bars(tops, width, paint) => {
                let (bottom, half) = (self.y.range.start, width / 2.0);
                plane.draw_series(tops.iter().map(|&(x, top)| {
                    Rectangle::new([(x - half, top), (x + half, bottom)], paint.0.filled())
                }))?;
            }
            Mark::Dots(points, paint) => {
                plane.draw_series(points.iter().map(|&at| Circle::new(at, 2 * FINE, paint.0.filled())))?;
            }
            Mark::Boundary(x, name, row) => {
                let (bottom, top) = (self.y.range.start, self.y.range.end);
                let (line, above) = (GRID.stroke_width(FINE as u32), -i32::from(*row) * ROW);
                plane.draw_series([PathElement::new(vec![(*x, bottom), (*x, top)], line)])?;
                let style = text.pos(Pos::new(HPos::Left, VPos::Bottom));
                plane.draw_series([EmptyElement::at((*x, top))
                    + PathElement::new(vec![(0, 0), (0, above)], line)
                    + Text::new(format!(" {name}"), (0, above), style)])?;
            }
        }
        Ok(())
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let places = self.ticks.iter().map(|(at, _)| *at);
        // Plotters asks for the fine lines between the ticks as well; there are none.
        if hint.weight().allow_light_points() { Vec::new() } else { places.collect() }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.tick(*value)
    }
}
