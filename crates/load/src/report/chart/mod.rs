//! Line charts as SVG, for the report and for files of their own. Colours are fixed values that the page's style sheet
//! turns into those of its theme.

mod axis;
mod boundaries;

use maud::{Markup, html};

use crate::report::screen::fitted;

pub(super) use axis::{Axis, Scale, nines};
pub(super) use boundaries::boundaries;

const HEIGHT: f64 = 270.0;
/// Room for what stands outside the plane.
const LEFT: f64 = 68.0;
const BELOW: f64 = 44.0;
const EDGE: f64 = 18.0;
/// A row of text.
const ROW: f64 = 15.0;
/// What a letter of text takes at most.
pub(super) const LETTER: f64 = 6.8;
/// Pixels of a chart's width for each letter of a name at its right edge: a quarter of it is theirs at most.
const LETTERS: usize = 28;

/// People who see no red or green can distinguish them, and they are dark enough on white; `style.css` has the other
/// theme's.
const SERIES: [&str; 8] =
    ["#0072B2", "#D55E00", "#008460", "#9A4E96", "#8A6C00", "#4C5662", "#C2408C", "#7B3F00"];
const INK: &str = "#3A4048";
const GRID: &str = "#DCE0E6";

/// Colours of one chart's series before they repeat.
pub(super) const COLOURS: usize = SERIES.len();

/// What a mark is drawn with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Paint {
    /// As the style sheet names it.
    pub(super) colour: &'static str,
    alpha: f64,
    is_dashed: bool,
}

/// A box from its lower left to its upper right corner, and its share of the paint.
pub(super) type Shade = ((f64, f64), (f64, f64), f64);

/// One thing drawn.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    /// A line through points.
    Line(Vec<(f64, f64)>, Paint),
    /// A filled outline.
    Area(Vec<(f64, f64)>, Paint),
    /// Bars as wide as given, from the bottom up to each point.
    Bars(Vec<(f64, f64)>, f64, Paint),
    /// A dot at each point.
    Dots(Vec<(f64, f64)>, Paint),
    /// A large dot, and what is shown to who points at it.
    Note((f64, f64), String, Paint),
    /// Boxes from one corner to the other, each with its own share of the paint.
    Boxes(Vec<Shade>, Paint),
    /// A name at the right edge, beside the end of a line that is at that height.
    End(f64, String, Paint),
    /// A line from bottom to top, and above that as many rows of text as given, up to a name to its right.
    Boundary(f64, String, u8),
}

/// Pixels of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// Two beside each other.
    Half = 540,
    /// The whole page.
    Whole = 1100,
}

/// A drawing with its axes.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    /// How wide it is drawn: close to how wide it is shown, so that text has one size everywhere.
    pub(super) width: Width,
    /// To the right.
    pub(super) x: Axis,
    /// Upwards.
    pub(super) y: Axis,
    /// In the order of drawing.
    pub(super) marks: Vec<Mark>,
    /// What stands above it, where nothing else on the page says what it is.
    pub(super) title: Option<String>,
}

impl Paint {
    /// The colour of calls that failed.
    pub(super) const ALARM: Self = Self { colour: "#C0202A", alpha: 1.0, is_dashed: false };

    /// The colour of the series of this number.
    pub(super) fn series(number: usize) -> Self {
        Self { colour: SERIES[number % COLOURS], ..Self::ALARM }
    }

    /// In broken lines.
    pub(super) fn dashed(self) -> Self {
        Self { is_dashed: true, ..self }
    }

    /// Less of it.
    pub(super) fn faint(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// The attribute of its lines.
    pub(super) fn dashes(self) -> Option<&'static str> {
        self.is_dashed.then_some("7 5")
    }
}

/// Where the axes stand, in pixels of the page.
struct Plane<'a> {
    chart: &'a Chart,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Chart {
    /// Of two beside each other.
    pub(super) fn half(x: Axis, y: Axis, marks: impl IntoIterator<Item = Mark>) -> Self {
        Self { width: Width::Half, x, y, marks: marks.into_iter().collect(), title: None }
    }

    /// As wide as the page.
    pub(super) fn whole(x: Axis, y: Axis, marks: impl IntoIterator<Item = Mark>) -> Self {
        Self { width: Width::Whole, ..Self::half(x, y, marks) }
    }

    /// The SVG element, with a label for who does not see it.
    pub(super) fn svg(&self, label: &str) -> Markup {
        let view = format!("0 0 {} {HEIGHT}", self.width());
        html! {
            @let plane = self.plane();
            svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label=(label) viewBox=(view) font-family="sans-serif" font-size="12"
                data-scale=[self.x.scale.name()] data-from=(self.x.range.start) data-until=(self.x.range.end)
                data-left=(LEFT) data-right=(plane.right) data-top=(plane.top) data-bottom=(plane.bottom) {
                (plane.axes())
                @for mark in &self.marks { (plane.mark(mark)) }
                (plane.names())
                @if let Some(title) = &self.title {
                    text x=(LEFT) y=(EDGE - 4.0) fill=(INK) font-weight="bold" { (title) }
                }
            }
        }
    }

    /// The names at the right edge.
    fn ends(&self) -> impl Iterator<Item = (f64, String, Paint)> {
        // The names of other servers' tools may be as long as the chart is wide.
        let most = self.width as usize / LETTERS;
        self.marks.iter().filter_map(move |mark| match mark {
            Mark::End(at, name, paint) => Some((*at, fitted(name, Some(most)), *paint)),
            _ => None,
        })
    }

    fn width(&self) -> f64 {
        f64::from(self.width as u16)
    }

    fn plane(&self) -> Plane<'_> {
        let row = |mark: &Mark| if let Mark::Boundary(_, _, row) = mark { f64::from(*row) } else { 0.0 };
        let rows =
            self.marks.iter().map(row).fold(0.0, f64::max) + if self.title.is_some() { 1.0 } else { 0.0 };
        let longest = self.ends().map(|(_, name, _)| name.chars().count()).max();
        let beside = longest.map_or(0.0, |letters| LETTER * letters as f64);
        let (top, right) = (EDGE + ROW * rows, self.width() - EDGE - beside);
        Plane { chart: self, top, right, bottom: HEIGHT - BELOW }
    }
}

impl Plane<'_> {
    fn x(&self, value: f64) -> f64 {
        tenths(LEFT + self.chart.x.share(value) * (self.right - LEFT))
    }

    fn y(&self, value: f64) -> f64 {
        tenths(self.bottom - self.chart.y.share(value) * (self.bottom - self.top))
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let place = |&(x, y): &(f64, f64)| format!("{},{}", self.x(x), self.y(y));
        points.iter().map(place).collect::<Vec<_>>().join(" ")
    }

    fn axes(&self) -> Markup {
        let Chart { x, y, .. } = self.chart;
        let (top, right, bottom) = (self.top, self.right, self.bottom);
        html! {
            g stroke=(GRID) { @for (at, _) in &y.ticks {
                line x1=(LEFT) x2=(right) y1=(self.y(*at)) y2=(self.y(*at)) {}
            } }
            g stroke=(INK) {
                line x1=(LEFT) x2=(right) y1=(bottom) y2=(bottom) {}
                line x1=(LEFT) x2=(LEFT) y1=(top) y2=(bottom) {}
                @for (at, _) in &x.ticks { line x1=(self.x(*at)) x2=(self.x(*at)) y1=(bottom) y2=(bottom + 4.0) {} }
                @for (at, _) in &y.ticks { line x1=(LEFT - 4.0) x2=(LEFT) y1=(self.y(*at)) y2=(self.y(*at)) {} }
                @for at in &x.minor { line x1=(self.x(*at)) x2=(self.x(*at)) y1=(bottom) y2=(bottom + 2.0) {} }
                @for at in &y.minor { line x1=(LEFT - 2.0) x2=(LEFT) y1=(self.y(*at)) y2=(self.y(*at)) {} }
            }
            g fill=(INK) text-anchor="middle" {
                @for (at, name) in &x.ticks {
                    @let at = self.x(*at);
                    text x=(at) y=(bottom + ROW + 3.0) text-anchor=[self.leaning(at, name)] { (name) }
                }
                text x=(f64::midpoint(LEFT, right)) y=(HEIGHT - 6.0) { (x.title) }
            }
            g fill=(INK) text-anchor="end" { @for (at, name) in &y.ticks {
                text x=(LEFT - 8.0) y=(self.y(*at)) dy=".35em" { (name) }
            } }
        }
    }

    /// How a name below `at` keeps within the chart, where its middle cannot stand there.
    fn leaning(&self, at: f64, name: &str) -> Option<&'static str> {
        let half = LETTER * name.chars().count() as f64 / 2.0;
        if at < half {
            Some("start")
        } else if at + half > self.chart.width() {
            Some("end")
        } else {
            None
        }
    }

    /// Names beside the ends of lines, each in a row of its own.
    fn names(&self) -> Markup {
        let mut ends: Vec<(f64, String, Paint)> =
            self.chart.ends().map(|(at, name, paint)| (self.y(at), name, paint)).collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        // From the top down each is moved below the one before it, then from the bottom up those that fell out.
        let (highest, lowest) = (self.top, self.bottom);
        ends.iter_mut().fold(highest - ROW, |last, (y, ..)| {
            *y = y.max(last + ROW);
            *y
        });
        ends.iter_mut().rev().fold(lowest + ROW, |next, (y, ..)| {
            *y = y.min(next - ROW);
            *y
        });
        html! {
            @for (y, name, paint) in ends {
                text x=(self.right + 6.0) y=(tenths(y)) dy=".35em" fill=(paint.colour) { (name) }
            }
        }
    }

    fn mark(&self, mark: &Mark) -> Markup {
        match mark {
            Mark::Line(points, paint) => html! {
                polyline points=(self.path(points)) fill="none" stroke=(paint.colour) stroke-width="2"
                    stroke-opacity=(paint.alpha) stroke-dasharray=[paint.dashes()] {}
            },
            Mark::Area(outline, paint) => html! {
                polygon points=(self.path(outline)) fill=(paint.colour) fill-opacity=(paint.alpha) {}
            },
            Mark::Bars(tops, width, paint) => html! {
                g fill=(paint.colour) fill-opacity=(paint.alpha) { @for &(x, top) in tops {
                    @let (left, right) = (self.x(x - width / 2.0), self.x(x + width / 2.0));
                    rect x=(left) y=(self.y(top)) width=(tenths(right - left)) height=(tenths(self.bottom - self.y(top))) {}
                } }
            },
            Mark::Boxes(boxes, paint) => html! {
                g fill=(paint.colour) { @for &((left, low), (right, high), alpha) in boxes {
                    @let (x, y) = (self.x(left), self.y(high));
                    rect x=(x) y=(y) width=(tenths(self.x(right) - x)) height=(tenths(self.y(low) - y)) fill-opacity=(hundredths(alpha)) {}
                } }
            },
            Mark::End(..) => html! {},
            Mark::Dots(points, paint) => html! {
                g fill=(paint.colour) { @for &(x, y) in points { circle cx=(self.x(x)) cy=(self.y(y)) r="2" {} } }
            },
            Mark::Note((x, y), text, paint) => html! {
                circle cx=(self.x(*x)) cy=(self.y(*y)) r="5" fill=(paint.colour) { title { (text) } }
            },
            Mark::Boundary(x, name, row) => {
                let (x, above) = (self.x(*x), self.top - f64::from(*row) * ROW);
                let is_outside = x + LETTER * (name.chars().count() as f64 + 1.0) > self.chart.width();
                let (anchor, beside) = if is_outside { (Some("end"), x - 4.0) } else { (None, x + 4.0) };
                html! {
                    line x1=(x) x2=(x) y1=(above) y2=(self.bottom) stroke=(GRID) {}
                    @if !name.is_empty() {
                        text x=(beside) y=(above - 3.0) fill=(INK) text-anchor=[anchor] { (name) }
                    }
                }
            }
        }
    }
}

/// Finer than a screen shows, and short in a file.
fn tenths(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}

fn hundredths(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_leaves_the_chart_its_room() {
        let end = Mark::End(1.0, "a_tool_of_sixty_four_letters_".repeat(3), Paint::series(0));
        let chart = Chart::half(Axis::from_zero("", [1.0]), Axis::from_zero("", [1.0]), [end]);
        assert!(chart.plane().right > 0.65 * chart.width(), "{}", chart.plane().right);
        let svg = chart.svg("").into_string();
        assert!(svg.contains(">a_tool_of") && svg.contains('…'), "{svg}");
    }

    #[test]
    fn every_mark_stands_where_the_axes_say() {
        let (blue, points) = (Paint::series(0), vec![(0.0, 0.0), (5.0, 5.0), (10.0, 10.0)]);
        let marks = vec![
            Mark::Line(points.clone(), blue.dashed()),
            Mark::Area(points.clone(), blue.faint(0.25)),
            Mark::Bars(vec![(5.0, 5.0)], 1.0, Paint::ALARM),
            Mark::Dots(vec![(10.0, 10.0)], blue),
            Mark::Note((5.0, 5.0), "+9 %".to_owned(), blue),
            Mark::Boundary(5.0, "a<b>".to_owned(), 1),
            Mark::Boxes(vec![((0.0, 0.0), (5.0, 5.0), 0.123)], blue),
            Mark::End(10.0, "up".to_owned(), blue),
            Mark::End(9.9, "dn".to_owned(), blue),
        ];
        let ticks = vec![(0.0, "0".to_owned()), (10.0, "10".to_owned())];
        let (title, minor) = ("s".to_owned(), vec![5.0]);
        let axis = Axis { title, range: 0.0..10.0, ticks, minor, scale: Scale::Linear };
        let chart = Chart { title: Some("t".to_owned()), ..Chart::half(axis.clone(), axis, marks) };
        let svg = chart.svg("a & b").into_string();
        insta::assert_snapshot!(svg.replace("><", ">\n<").replace(">\n</", "></"));
    }
}
