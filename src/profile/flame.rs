//! Folded stacks drawn as an SVG: the root at the bottom, a frame as wide as its share, siblings by name.
//!
//! Drawn here because the usual library's licence (CDDL) is not a permissive one. A click widens a frame to the whole
//! width, a click on the root's row brings everything back; without scripts the picture is the same and stands still.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::change::Side;
use super::paint::Paint;
use super::stack::parse;

/// Width of the picture, and of the root.
const WIDTH: f64 = 1200.0;
/// Height of a frame and the gap above it.
const ROW: f64 = 18.0;
/// Above the frames: title and subtitle.
const HEAD: f64 = 56.0;
/// A letter, about; the font is monospaced.
const LETTER: f64 = 7.2;
/// Frames narrower than this share, a pixel, are left out, with all above them: they would be most of the file.
const NARROWEST: f64 = 0.001;

const STYLE: &str = "
svg{max-width:100%;min-width:930px;height:auto;background:#fff;font:12px ui-monospace,Menlo,Consolas,monospace}
.t{font:600 16px system-ui,sans-serif}.s{font:13px system-ui,sans-serif}
.t,.s{fill:#1b1b1b}.f text{fill:#1b1b1b;pointer-events:none}.f{cursor:pointer}.f:hover rect{stroke:#1b1b1b}
@media(prefers-color-scheme:dark){svg{background:#16181c}.t,.s{fill:#e8e8e8}.f rect,.l{filter:brightness(.82)}
.f:hover rect{stroke:#fff}}";

/// An SVG is XML, in which `<` and `&` begin something. Scales what is above the frame that was clicked, and below it shows the path to the root.
const SCRIPT: &str = "//<![CDATA[
{const svg=document.currentScript.closest('svg'),frames=[...svg.querySelectorAll('.f')],W=+svg.dataset.w;
const box=f=>({x:+f.dataset.x,w:+f.dataset.w,d:+f.dataset.d});
const show=z=>frames.forEach(f=>{const b=box(f),path=b.d<=z.d&&b.x<=z.x&&b.x+b.w>=z.x+z.w;
const x=path?0:(b.x-z.x)/z.w*W,w=path?W:b.w/z.w*W,on=path||(b.d>z.d&&b.x>=z.x&&b.x+b.w<=z.x+z.w+1e-6);
f.style.display=on?'':'none';const [r,t]=[f.querySelector('rect'),f.querySelector('text')];
r.setAttribute('x',x);r.setAttribute('width',Math.max(w-.5,.1));t.setAttribute('x',x+3);
const n=f.dataset.n,fit=Math.floor((w-6)/7.2);t.textContent=fit<3?'':n.length<=fit?n:n.slice(0,fit-1)+'…'});
frames.forEach(f=>f.addEventListener('click',()=>show(box(f))))}
//]]>";

/// A function as called from the one below it.
#[derive(Debug, Default)]
struct Frame {
    count: u64,
    /// The counts in the function itself, of the baseline and of what is drawn.
    own: [u64; 2],
    callees: BTreeMap<String, Frame>,
}

/// Draws folded stacks (`outer;inner count`), whose counts are of `unit`; `None` where there is no sample to draw.
///
/// # Errors
///
/// The first line that is no folded stack.
pub fn draw(folded: &[String], title: &str, subtitle: &str, unit: &str) -> std::io::Result<Option<Vec<u8>>> {
    let mut root = Frame::default();
    for line in folded {
        let (stack, count) = parse(line)?;
        root.add(stack.split(';'), 1, count);
    }
    Ok(drawn(&root, title, subtitle, &Paint::ByName { unit }))
}

/// Draws what changed from a baseline to a candidate: as wide as the candidate's time a call, red where a function's
/// own time grew, blue where it shrank. `None` where the candidate has no sample to draw.
#[must_use]
pub fn draw_change(sides: &[Side; 2], title: &str, subtitle: &str) -> Option<Vec<u8>> {
    let mut root = Frame::default();
    for (at, side) in sides.iter().enumerate() {
        for (stack, ns) in side.stacks() {
            root.add(stack.split(';'), at, ns.round() as u64);
        }
    }
    let most_ns = root.largest_change();
    drawn(&root, title, subtitle, &Paint::ByChange { most_ns })
}

fn drawn(root: &Frame, title: &str, subtitle: &str, paint: &Paint<'_>) -> Option<Vec<u8>> {
    if root.count == 0 {
        return None;
    }
    let (legend, legend_height) = paint.legend(HEAD);
    let head = HEAD + legend_height;
    let drawing = Drawing { total: root.count, depth: root.depth(root.count), head, paint };
    let height = head + ROW * (drawing.depth + 1) as f64 + 6.0;
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {height}")) data-w=(WIDTH)
            width=(WIDTH) height=(height) role="img"
            aria-label=(format!("{title}, {subtitle}")) {
            style { (PreEscaped(STYLE)) }
            text.t x="8" y="22" { (title) }
            text.s x="8" y="43" { (subtitle) }
            (legend)
            (drawing.frame("all", root, 0, 0))
            script { (PreEscaped(SCRIPT)) }
        }
    };
    Some(svg.into_string().into_bytes())
}

impl Frame {
    /// Adds to the side `at`; 1 is the one that is drawn.
    fn add<'a>(&mut self, mut stack: impl Iterator<Item = &'a str>, at: usize, count: u64) {
        if at == 1 {
            self.count += count;
        }
        match stack.next() {
            Some(name) => self.callees.entry(name.to_owned()).or_default().add(stack, at, count),
            None => self.own[at] += count,
        }
    }

    /// Rows above this one that are wide enough to be drawn.
    fn depth(&self, total: u64) -> usize {
        let seen = self.callees.values().filter(|frame| is_seen(frame.count, total));
        seen.map(|frame| 1 + frame.depth(total)).max().unwrap_or(0)
    }

    /// The largest change of own time among the frames that have a width.
    fn largest_change(&self) -> u64 {
        let drawn = self.callees.values().filter(|frame| frame.count > 0);
        let above = drawn.map(Self::largest_change).max().unwrap_or(0);
        above.max(self.own[1].abs_diff(self.own[0]))
    }
}

fn is_seen(count: u64, total: u64) -> bool {
    count > 0 && count as f64 >= NARROWEST * total as f64
}

/// What all frames of a picture share.
struct Drawing<'a> {
    total: u64,
    depth: usize,
    head: f64,
    paint: &'a Paint<'a>,
}

impl Drawing<'_> {
    /// A frame that begins after `before` of the counts, and all above it.
    fn frame(&self, name: &str, frame: &Frame, before: u64, depth: usize) -> Markup {
        let scale = WIDTH / self.total as f64;
        let (x, width) = (before as f64 * scale, frame.count as f64 * scale);
        let y = self.head + ROW * (self.depth - depth) as f64;
        let mut next = before;
        html! {
            g.f data-n=(name) data-x=(format!("{x:.3}")) data-w=(format!("{width:.3}")) data-d=(depth) {
                title { (name) " (" (self.paint.words(frame.count, frame.own, self.total)) ")" }
                rect x=(format!("{x:.2}")) y=(y) width=(format!("{:.2}", (width - 0.5).max(0.1))) height=(ROW - 1.0)
                    rx="2" fill=(self.paint.colour(name, frame.own)) {}
                text x=(format!("{:.2}", x + 3.0)) y=(y + 13.0) { (fitted(name, width)) }
            }
            @for (name, callee) in &frame.callees {
                @if is_seen(callee.count, self.total) { (self.frame(name, callee, next, depth + 1)) }
                ({ next += callee.count; PreEscaped("") })
            }
        }
    }
}

/// What fits into a frame; nothing if that is too little to read.
fn fitted(name: &str, width: f64) -> String {
    let letters = ((width - 6.0) / LETTER).max(0.0) as usize;
    match letters {
        0..3 => String::new(),
        _ if name.chars().count() <= letters => name.to_owned(),
        _ => name.chars().take(letters - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(folded: &[&str]) -> String {
        let folded: Vec<String> = folded.iter().map(ToString::to_string).collect();
        let svg = draw(&folded, "title", "subtitle", "samples").unwrap().unwrap();
        String::from_utf8(svg).unwrap()
    }

    #[test]
    fn a_frame_is_as_wide_as_its_share_and_above_its_caller() {
        let svg = drawn(&["main;parse 30", "main;write 10", "main 20"]);
        assert!(svg.contains("main (60 samples, 100.00 %)"), "{svg}");
        assert!(svg.contains("parse (30 samples, 50.00 %)") && svg.contains("write (10 samples, 16.67 %)"));
        assert!(svg.contains(r#"data-n="parse" data-x="0.000" data-w="600.000" data-d="2""#), "{svg}");
        assert!(svg.contains(r#"data-n="write" data-x="600.000" data-w="200.000" data-d="2""#), "{svg}");
    }

    #[test]
    fn what_a_function_is_called_cannot_break_the_picture() {
        let svg = drawn(&["<T as Trait>::call;\"quoted\" & more 5"]);
        assert!(svg.contains("&lt;T as Trait&gt;::call") && !svg.contains("<T as"), "{svg}");
    }

    #[test]
    fn no_samples_are_no_picture_and_a_line_that_is_no_stack_is_named() {
        assert!(draw(&[], "t", "s", "samples").unwrap().is_none());
        let error = draw(&["main;parse many".into()], "t", "s", "µs").unwrap_err();
        assert_eq!(error.to_string(), "'main;parse many' is no folded stack");
    }

    #[test]
    fn frames_that_nobody_could_hit_are_left_out() {
        let svg = drawn(&["main;wide 9999", "main;thin;thinner 1"]);
        assert!(svg.contains("wide") && !svg.contains("thin"), "{svg}");
    }
}
