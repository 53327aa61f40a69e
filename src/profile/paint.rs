//! What the colours of a flamegraph say: which function it is, or how it changed.

use maud::{Markup, html};

/// The row that says what colours of a change mean.
const LEGEND: f64 = 22.0;

/// What a frame's colour says, and what is said of it besides.
pub(super) enum Paint<'a> {
    /// Nothing but which function it is; counts are of `unit`.
    ByName { unit: &'a str },
    /// How its own time changed; counts are nanoseconds a call.
    ByChange { most_ns: u64 },
}

impl Paint<'_> {
    /// Below a height: what colours mean, where they say more than a name, and how high that is.
    pub(super) fn legend(&self, y: f64) -> (Markup, f64) {
        match self {
            Self::ByName { .. } => (html! {}, 0.0),
            Self::ByChange { most_ns } => (legend(*most_ns, y), LEGEND),
        }
    }

    /// Of a frame with so much in the function itself, in the baseline and in what is drawn.
    pub(super) fn colour(&self, name: &str, own: [u64; 2]) -> String {
        match self {
            Self::ByName { .. } => colour(name),
            Self::ByChange { most_ns } => change_colour(own[1] as i64 - own[0] as i64, *most_ns),
        }
    }

    /// What is said of a frame of such a count, of `all`.
    pub(super) fn words(&self, count: u64, own: [u64; 2], all: u64) -> String {
        let share = count as f64 / all as f64 * 100.0;
        match self {
            Self::ByName { unit } => format!("{count} {unit}, {share:.2} %"),
            Self::ByChange { .. } => {
                let [before, after] = own.map(ms);
                let total = ms(count);
                format!("own time a call here {before} → {after}; total {total}, {share:.2} %")
            }
        }
    }
}

fn ms(ns: u64) -> String {
    if ns < 100_000 { format!("{:.1} µs", ns as f64 / 1e3) } else { format!("{:.2} ms", ns as f64 / 1e6) }
}

/// What the colours of a change mean.
fn legend(most_ns: u64, y: f64) -> Markup {
    let most = most_ns as i64;
    let words = [
        (-most, "blue: faster, own time a call shrank".to_owned()),
        (0, "grey: as before".to_owned()),
        (most, format!("red: slower, own time a call grew; deepest: {}", ms(most_ns))),
    ];
    html! {
        @for ((change, words), x) in words.iter().zip([8.0, 330.0, 500.0]) {
            rect.l x=(x) y=(y - 2.0) width="16" height="12" rx="2" fill=(change_colour(*change, most_ns)) {}
            text.s x=(x + 22.0) y=(y + 9.0) { (words) }
        }
    }
}

/// The same function has the same colour in every flamegraph, so that two can be held side by side. FNV-1a.
fn colour(name: &str) -> String {
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("hsl({},{}%,{}%)", hash % 50, 70 + hash / 50 % 20, 62 + hash / 1000 % 12)
}

/// From grey to red or blue; the deepest for the largest change of a picture. Light enough for dark letters.
fn change_colour(change_ns: i64, most_ns: u64) -> String {
    let depth = if most_ns == 0 { 0.0 } else { change_ns as f64 / most_ns as f64 };
    let hue = if depth > 0.0 { 8 } else { 212 };
    format!("hsl({hue},{:.0}%,{:.0}%)", 95.0 * depth.abs().sqrt(), 88.0 - 26.0 * depth.abs())
}

#[cfg(test)]
mod tests {
    use crate::profile::change::{Sampled, Side};
    use crate::profile::flame::draw_change;

    fn changed(before: &[&str], after: &[&str]) -> String {
        let side = |folded: &[&str]| {
            let folded = folded.iter().map(ToString::to_string).collect();
            Side::of(&[Sampled { folded, calls: 10.0, period_ns: 1e6 }]).unwrap()
        };
        let svg = draw_change(&[side(before), side(after)], "title", "subtitle").unwrap();
        String::from_utf8(svg).unwrap()
    }

    /// The colour of a function's frame.
    fn fill<'a>(svg: &'a str, name: &str) -> &'a str {
        let frame = svg.split(&format!("data-n=\"{name}\"")).nth(1).unwrap();
        frame.split("fill=\"").nth(1).unwrap().split('"').next().unwrap()
    }

    #[test]
    fn a_change_is_as_wide_as_the_candidate_and_coloured_by_own_time() {
        let svg = changed(
            &["main;slow 10000", "main;fast 40000", "main;gone 9000", "main 30000"],
            &["main;slow 50000", "main;fast 20000", "main 30000"],
        );
        assert!(
            svg.contains("slow (own time a call here 1.00 ms → 5.00 ms; total 5.00 ms, 50.00 %)"),
            "{svg}"
        );
        assert_eq!(fill(&svg, "slow"), "hsl(8,95%,62%)", "the largest change is the deepest red");
        assert!(fill(&svg, "fast").starts_with("hsl(212,67%,75%"), "{}", fill(&svg, "fast"));
        assert_eq!(fill(&svg, "main"), "hsl(212,0%,88%)", "its own time is as before, whatever it calls");
        assert!(!svg.contains("data-n=\"gone\""), "what the candidate does not do has no width");
        assert!(svg.contains("red: slower, own time a call grew; deepest: 4.00 ms"), "{svg}");
    }

    #[test]
    fn two_alike_are_grey_throughout() {
        let svg = changed(&["main;work 10"], &["main;work 10"]);
        assert_eq!(svg.matches("hsl(212,0%,88%)").count(), 3 + 3, "legend and frames");
    }
}
