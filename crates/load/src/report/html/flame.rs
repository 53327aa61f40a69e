//! Flamegraphs in frames of their own: they bring scripts for zooming, which can reach nothing of the page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

/// Larger ones are only named; a page of many megabytes opens slowly.
const MOST_BYTES: usize = 1_500_000;

/// One flamegraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flamegraph {
    /// The name of its file, without the ending.
    pub name: String,
    /// The SVG document.
    pub svg: String,
}

/// Width and height of a picture as a ratio, so that a small one leaves no empty frame.
fn shape(svg: &str) -> Option<String> {
    let (size, _) = svg.split_once("viewBox=\"0 0 ")?.1.split_once('"')?;
    let is_size = size.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ' ');
    is_size.then(|| size.trim().replace(' ', "/"))
}

/// The picture, scrolled where the page is too narrow for its letters.
pub(super) fn frame(graph: &Flamegraph) -> Markup {
    html! {
        div.scroll {
            iframe.flame sandbox="allow-scripts" loading="lazy" title=(format!("flamegraph of {}", graph.name))
                style=[shape(&graph.svg).map(|shape| format!("aspect-ratio:{shape}"))]
                src=(format!("data:image/svg+xml;base64,{}", STANDARD.encode(&graph.svg))) {}
        }
    }
}

pub(super) fn section(flamegraphs: &[Flamegraph]) -> Markup {
    html! {
        section aria-labelledby="flamegraphs" {
            h2 id="flamegraphs" { "Flamegraphs" }
            p.note { "Click a frame to zoom in; wide is where the time went, or what kept memory." }
            @for graph in flamegraphs {
                h3 { (graph.name) }
                @if graph.svg.len() > MOST_BYTES {
                    p { "Too large to be shown here (" (graph.svg.len() / 1_000_000) " MB): open " code { (graph.name) ".svg" } " itself." }
                } @else {
                    (frame(graph))
                }
            }
        }
    }
}
