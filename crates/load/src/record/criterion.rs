//! Criterion's results, read into records.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, bail};
use music21_mcp_bench::baseline::criterion::{FILES, Home, Samples};
use music21_mcp_bench::baseline::file::InputError;
use music21_mcp_bench::server::ServerSpec;
use music21_mcp_proc::Watch;
use serde::Deserialize;
use serde_json::Value;

use super::{Entry, Kind, Load, Origin, Parts, Record, Round, sha256_hex};
use crate::measure::stats::median;

/// The baseline into which every run of `cargo bench` is written.
pub(crate) const LAST: &str = "new";

#[derive(Deserialize)]
struct BenchmarkId {
    full_id: String,
}

#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// What `cargo bench` measured of a server, as a record in which each of Criterion's baselines is a round.
///
/// # Errors
///
/// As those of [`read`].
pub(crate) fn record(
    spec: &ServerSpec,
    baselines: &[String],
    target: Option<String>,
) -> anyhow::Result<Record> {
    let named = spec.named();
    let entries = read(&Home::of(spec), baselines)?;
    let mut origin = Origin::here(Watch::start().stop());
    // Benches are always built with optimisation, whatever this program was built with.
    origin.tool.profile = "release".to_owned();
    Ok(Record::from(Parts {
        kind: Kind::Criterion,
        origin,
        target: target.or(named).unwrap_or_else(|| "embedded".to_owned()),
        launch_sha256: spec.digest(),
        transport: spec.transport(),
        identity: None,
        // What a benchmark is fed with is known from its throughput, which each entry carries.
        workload: ("cargo-bench", sha256_hex(b"cargo-bench")),
        load: Load::closed(None),
        entries,
    }))
}

/// Reads baselines of `cargo bench`, each of which is one round of every entry it has. The
/// samples of the last are kept word for word.
///
/// # Errors
///
/// If there is none of that name, or if one of its files is not what Criterion writes.
fn read(home: &Home, baselines: &[String]) -> anyhow::Result<BTreeMap<String, Entry>> {
    let directories = home
        .benchmarks()
        .with_context(|| format!("no results in '{}'; run cargo bench first", home.as_path().display()))?;
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for (round, baseline) in baselines.iter().enumerate() {
        let mut found = false;
        for directory in &directories {
            let path = home.path(directory, baseline);
            if path.join(FILES[0]).is_file() {
                found = true;
                read_one(home, directory, baseline, round as u32, &mut entries)
                    .with_context(|| format!("failed to read '{}'", path.display()))?;
            }
        }
        if !found {
            let home = home.as_path().display();
            return Err(InputError::unknown(format!(
                "Criterion has no baseline '{baseline}' in '{home}'; \
                 'cargo bench -- --save-baseline {baseline}' makes one"
            ))
            .into());
        }
    }
    Ok(entries)
}

fn read_one(
    home: &Home,
    directory: &str,
    baseline: &str,
    round: u32,
    entries: &mut BTreeMap<String, Entry>,
) -> anyhow::Result<()> {
    let [benchmark, estimates, sample, tukey] = FILES.map(|file| -> anyhow::Result<Value> {
        let text = fs::read(home.path(directory, baseline).join(file)).with_context(|| file)?;
        serde_json::from_slice(&text).with_context(|| file)
    });
    let (benchmark, sample) = (benchmark?, sample?);
    let BenchmarkId { full_id } = BenchmarkId::deserialize(&benchmark).context(FILES[0])?;
    let Sample { iters, times } = Sample::deserialize(&sample).context(FILES[2])?;
    let per_iteration: Vec<f64> = times.iter().zip(&iters).map(|(time, iters)| time / iters).collect();
    let Some(median) = median(&per_iteration).filter(|ns| ns.is_finite() && *ns > 0.0) else {
        bail!("sample.json holds no times");
    };
    let entry = entries.entry(full_id).or_default();
    entry.rounds.push(Round {
        round,
        wall_log: Some(median.ln()),
        p50_ns: Some(median.round() as u64),
        ..Round::default()
    });
    entry.criterion = Some(Samples {
        directory: directory.to_owned(),
        benchmark,
        estimates: estimates?,
        sample,
        tukey: tukey?,
    });
    Ok(())
}
