//! Line charts as SVG, for the report and for files of their own. Colours are fixed values that the page's style sheet
//! turns into those of its theme.

mod axis;

use maud::{Markup, html};

pub(super) use axis::{Axis, Scale, nines};

const HEIGHT: f64 = 270.0;
/// Room for what stands outside the plane.
const LEFT: f64 = 68.0;
const BELOW: f64 = 44.0;
const EDGE: f64 = 18.0;
/// A row of text.
const ROW: f64 = 15.0;

/// People who see no red or green can distinguish them, and they are dark enough on white; `style.css` has the other
/// theme's.
const SERIES: [&str; 6] = ["#0072B2", "#D55E00", "#008460", "#9A4E96", "#8A6C00", "#4C5662"];
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
        Self { width: Width::Half, x, y, marks: marks.into_iter().collect() }
    }

    /// As wide as the page.
    pub(super) fn whole(x: Axis, y: Axis, marks: impl IntoIterator<Item = Mark>) -> Self {
        Self { width: Width::Whole, ..Self::half(x, y, marks) }
    }

    /// The SVG element, with a label for who does not see it, and with a list of names and their colours at its right.
    pub(super) fn svg(&self, label: &str, names: &[(Paint, &str)]) -> Markup {
        const LEGEND: f64 = 240.0;
        let room = if names.is_empty() { 0.0 } else { LEGEND };
        let height = HEIGHT.max(EDGE + ROW * names.len() as f64);
        let (width, view) = (self.width(), format!("0 0 {} {height}", self.width() + room));
        html! {
            @let plane = self.plane();
            svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label=(label) viewBox=(view) font-family="sans-serif" font-size="12"
                data-scale=[self.x.scale.name()] data-from=(self.x.range.start) data-until=(self.x.range.end)
                data-left=(LEFT) data-right=(plane.right) data-top=(plane.top) data-bottom=(plane.bottom) {
                (plane.axes())
                @for mark in &self.marks { (plane.mark(mark)) }
                @for (row, (paint, name)) in names.iter().enumerate() {
                    text x=(width) y=(EDGE + ROW * row as f64) fill=(paint.colour) { (name) }
                }
            }
        }
    }

    fn width(&self) -> f64 {
        f64::from(self.width as u16)
    }

    fn plane(&self) -> Plane<'_> {
        let row = |mark: &Mark| if let Mark::Boundary(_, _, row) = mark { f64::from(*row) } else { 0.0 };
        let rows = self.marks.iter().map(row).fold(0.0, f64::max);
        let (top, right) = (EDGE + ROW * rows, self.width() - EDGE);
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
            }
            g fill=(INK) text-anchor="middle" {
                @for (at, name) in &x.ticks { text x=(self.x(*at)) y=(bottom + ROW + 3.0) { (name) } }
                text x=(f64::midpoint(LEFT, right)) y=(HEIGHT - 6.0) { (x.title) }
            }
            g fill=(INK) text-anchor="end" { @for (at, name) in &y.ticks {
                text x=(LEFT - 8.0) y=(self.y(*at)) dy=".35em" { (name) }
            } }
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
            Mark::Dots(points, paint) => html! {
                g fill=(paint.colour) { @for &(x, y) in points { circle cx=(self.x(x)) cy=(self.y(y)) r="2" {} } }
            },
            Mark::Note((x, y), text, paint) => html! {
                circle cx=(self.x(*x)) cy=(self.y(*y)) r="5" fill=(paint.colour) { title { (text) } }
            },
            Mark::Boundary(x, name, row) => {
                let (x, above) = (self.x(*x), self.top - f64::from(*row) * ROW);
                html! {
                    line x1=(x) x2=(x) y1=(above) y2=(self.bottom) stroke=(GRID) {}
                    text x=(x + 4.0) y=(above - 3.0) fill=(INK) { (name) }
                }
            }
        }
    }
}

/// Finer than a screen shows, and short in a file.
fn tenths(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ];
        let ticks = vec![(0.0, "0".to_owned()), (10.0, "10".to_owned())];
        let axis = Axis { title: "s".to_owned(), range: 0.0..10.0, ticks, scale: Scale::Linear };
        let svg = Chart::half(axis.clone(), axis, marks).svg("a & b", &[(blue, "key")]).into_string();
        insta::assert_snapshot!(svg.replace("><", ">\n<").replace(">\n</", "></"), @r##"
        <svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="a &amp; b" viewBox="0 0 780 270" font-family="sans-serif" font-size="12" data-scale="linear" data-from="0" data-until="10" data-left="68" data-right="522" data-top="33" data-bottom="226">
        <g stroke="#DCE0E6">
        <line x1="68" x2="522" y1="226" y2="226"></line>
        <line x1="68" x2="522" y1="33" y2="33"></line></g>
        <g stroke="#3A4048">
        <line x1="68" x2="522" y1="226" y2="226"></line>
        <line x1="68" x2="68" y1="33" y2="226"></line>
        <line x1="68" x2="68" y1="226" y2="230"></line>
        <line x1="522" x2="522" y1="226" y2="230"></line>
        <line x1="64" x2="68" y1="226" y2="226"></line>
        <line x1="64" x2="68" y1="33" y2="33"></line></g>
        <g fill="#3A4048" text-anchor="middle">
        <text x="68" y="244">0</text>
        <text x="522" y="244">10</text>
        <text x="295" y="264">s</text></g>
        <g fill="#3A4048" text-anchor="end">
        <text x="60" y="226" dy=".35em">0</text>
        <text x="60" y="33" dy=".35em">10</text></g>
        <polyline points="68,226 295,129.5 522,33" fill="none" stroke="#0072B2" stroke-width="2" stroke-opacity="1" stroke-dasharray="7 5"></polyline>
        <polygon points="68,226 295,129.5 522,33" fill="#0072B2" fill-opacity="0.25"></polygon>
        <g fill="#C0202A" fill-opacity="1">
        <rect x="272.3" y="129.5" width="45.4" height="96.5"></rect></g>
        <g fill="#0072B2">
        <circle cx="522" cy="33" r="2"></circle></g>
        <circle cx="295" cy="129.5" r="5" fill="#0072B2">
        <title>+9 %</title></circle>
        <line x1="295" x2="295" y1="18" y2="226" stroke="#DCE0E6"></line>
        <text x="299" y="15" fill="#3A4048">a&lt;b&gt;</text>
        <text x="540" y="18" fill="#0072B2">key</text></svg>
        "##);
    }
}
