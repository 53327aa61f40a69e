//! What other programs read of a run, written beside its result.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::{csv, dashboards, hdr_log, junit, prometheus};
use crate::result::RunFile;

/// Writes `results.junit.xml`, `metrics.prom`, `tools.csv`, `timeline.csv`, `latency.hlog`, `bencher.json` and
/// `github-benchmark.json` into a directory.
///
/// # Errors
///
/// Where one cannot be written, or a histogram of the result cannot be read.
pub(crate) fn write(file: &RunFile, directory: &Path) -> anyhow::Result<()> {
    let metrics = dashboards::of_run(file);
    let texts = [
        ("results.junit.xml", junit::of_run(file)?.into_bytes()),
        ("metrics.prom", prometheus::text(file).into_bytes()),
        ("tools.csv", csv::tools(file).into_bytes()),
        ("timeline.csv", csv::timeline(file).into_bytes()),
        ("latency.hlog", hdr_log::log(file)?),
        ("bencher.json", dashboards::bencher(&metrics).into_bytes()),
        ("github-benchmark.json", dashboards::github(&metrics).into_bytes()),
    ];
    for (name, text) in texts {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("failed to write '{}'", path.display()))?;
    }
    Ok(())
}
