//! An HdrHistogram interval log: what its plotters and `HistogramLogProcessor` read. An interval is one tool in one
//! tenth of a stage, tagged `scenario/stage/tool/response` or `…/service`; values are nanoseconds.
//!
//! Those of a tag add up to the histogram of the stage. Where they would not, the stage is one interval: one that ends
//! by a count of calls has no tenths, and a result that was written while it ran lacks the last.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::anyhow;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::measure::histogram::Histogram;
use crate::result::{Interval, RunFile, ToolResult};

/// One line of the log.
struct Line {
    tag: String,
    from: Duration,
    lasts: Duration,
    histogram: Hdr<u32>,
}

/// The whole log, intervals in order of time.
///
/// # Errors
///
/// If a histogram of the result is damaged.
pub(crate) fn log(file: &RunFile) -> anyhow::Result<Vec<u8>> {
    let (mut text, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
    let first_ms = file.stages().map(|(_, stage)| stage.started_unix_ms).min().unwrap_or(0);
    let start = UNIX_EPOCH + Duration::from_millis(first_ms);
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("music21-mcp-bench: latencies in nanoseconds")
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(1e9)
        .begin_log_with(&mut text, &mut serializer)?;
    let mut lines = Vec::new();
    for (scenario, stage) in file.stages() {
        let began = Duration::from_millis(stage.started_unix_ms - first_ms);
        for (name, tool) in &stage.tools {
            let name = format!("{scenario}/{}/{name}", stage.name);
            lines.extend(of_tool(&name, tool, began, stage.elapsed_ns)?);
        }
    }
    lines.sort_by_key(|line| line.from);
    for Line { tag, from, lasts, histogram } in lines {
        log.write_histogram(&histogram, from, lasts, Tag::new(&tag))
            .map_err(|error| anyhow!("{tag}: {error:?}"))?;
    }
    drop(log);
    Ok(text)
}

/// Response and service times of a tool whose stage `began` so long after the log.
fn of_tool(name: &str, tool: &ToolResult, began: Duration, elapsed_ns: u64) -> anyhow::Result<Vec<Line>> {
    type Read = fn(&Interval) -> &str;
    let kinds: [(&str, &str, Read); 2] = [
        ("response", &tool.response_hdr, |interval| &interval.response_hdr),
        ("service", &tool.service_hdr, |interval| &interval.service_hdr),
    ];
    let mut lines = Vec::new();
    for (kind, all, part) in kinds {
        let what = format!("{name}/{kind}");
        let decode = |text: &str| Histogram::decode(text).map_err(|error| anyhow!("{what}: {error}"));
        // A tag ends at a comma or a space.
        let tag = what.replace([',', ' ', '\n', '\r'], "_");
        let line = |from_ns: u64, until_ns: u64, histogram| Line {
            tag: tag.clone(),
            from: began + Duration::from_nanos(from_ns),
            lasts: Duration::from_nanos(until_ns - from_ns),
            histogram,
        };
        let parts = tool
            .intervals
            .iter()
            .map(|one| decode(part(one)).map(|histogram| line(one.from_ns, one.until_ns, histogram)));
        let parts: Vec<Line> = parts.collect::<anyhow::Result<_>>()?;
        let all = decode(all)?;
        let is_complete = parts.iter().map(|line| line.histogram.len()).sum::<u64>() == all.len();
        lines.extend(if is_complete && !parts.is_empty() { parts } else { vec![line(0, elapsed_ns, all)] });
    }
    Ok(lines)
}
