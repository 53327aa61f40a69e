//! An HdrHistogram interval log: what its plotters and `HistogramLogProcessor` read. One interval is one tool of one
//! stage, tagged `scenario/stage/tool/response` or `…/service`; values are nanoseconds.

use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::measure::histogram::Histogram;
use crate::scenario::{RunFile, StageResult};

/// The whole log, intervals in order of time.
///
/// # Errors
///
/// If a histogram of the result is damaged.
pub fn log(file: &RunFile) -> anyhow::Result<Vec<u8>> {
    let (mut text, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
    let stages: Vec<(&str, &StageResult)> = file
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.stages.iter().map(|stage| (&*scenario.name, stage)))
        .collect();
    let first_ms = stages.iter().map(|(_, stage)| stage.started_unix_ms).min().unwrap_or(0);
    let start = UNIX_EPOCH + Duration::from_millis(first_ms);
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("music21-mcp-bench: latencies in nanoseconds")
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(1e9)
        .begin_log_with(&mut text, &mut serializer)?;
    for (scenario, stage) in stages {
        let begins = Duration::from_millis(stage.started_unix_ms - first_ms);
        let lasts = Duration::from_nanos(stage.elapsed_ns);
        for (name, tool) in &stage.tools {
            for (kind, encoded) in [("response", &tool.response_hdr), ("service", &tool.service_hdr)] {
                let what = format!("{scenario}/{}/{name}/{kind}", stage.name);
                let histogram =
                    Histogram::decode(encoded).map_err(|error| anyhow::anyhow!("{what}: {error}"))?;
                // A tag ends at a comma or a space.
                let tag = what.replace([',', ' ', '\n', '\r'], "_");
                log.write_histogram(&histogram, begins, lasts, Tag::new(&tag))
                    .map_err(|error| anyhow::anyhow!("{what}: {error:?}"))?;
            }
        }
    }
    drop(log);
    Ok(text)
}
