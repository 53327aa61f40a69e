//! Folded stacks drawn as an SVG that opens in any browser and can be searched and zoomed there.

use inferno::flamegraph::{Options, from_lines};

/// What the counts are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Samples,
    Microseconds,
}

/// Draws folded stacks (`outer;inner count`); `None` where there is no sample to draw.
///
/// # Errors
///
/// If the stacks are not folded lines.
pub(super) fn draw(
    folded: &[String],
    title: &str,
    subtitle: &str,
    unit: Unit,
) -> std::io::Result<Option<Vec<u8>>> {
    if folded.is_empty() {
        return Ok(None);
    }
    let mut options = Options::default();
    options.title = title.to_owned();
    options.subtitle = Some(subtitle.to_owned());
    options.count_name = match unit {
        Unit::Samples => "samples",
        Unit::Microseconds => "µs",
    }
    .to_owned();
    // Percent; what is narrower is a pixel wide and would be most of the file.
    options.min_width = 0.1;
    // The same function has the same colour in every flamegraph, so that two can be held side by side.
    options.hash = true;
    let mut svg = Vec::new();
    from_lines(&mut options, folded.iter().map(String::as_str), &mut svg).map_err(std::io::Error::other)?;
    Ok(Some(svg))
}
