//! Shards run as processes of their own, and merged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::measure::Latency;
use music21_mcp_load::measure::histogram::Histogram;
use music21_mcp_load::measure::quantile::Quantile;
use music21_mcp_load::measure::summary::Summary;
use music21_mcp_load::measure::validity::Validity;
use music21_mcp_load::merge::{self, MergeError};
use music21_mcp_load::result::{RunFile, ToolResult, Verdict};
use music21_mcp_load::scenario::conclude_by_name;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");
const SHARDS: u32 = 8;
const SCENARIO: &str = "name = 'shared'\n[[stages]]\nname = 'all'\nclients = 8\ncalls = 240\n\
    [[stages.workload.flows]]\nsteps = [{ tool = 'list_scores' }]\n";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(origin: &Path) -> RunFile {
    serde_json::from_slice(&std::fs::read(origin.join("result.json")).unwrap()).unwrap()
}

/// Runs shards beside each other, each with the embedded server of its own process.
fn run_shards(directory: &Path, scenario: &Path, seed: &str, shards: &[u32]) -> Vec<PathBuf> {
    let started: Vec<_> = shards
        .iter()
        .map(|index| {
            let out = directory.join(format!("{seed}-{index}"));
            let mut command = Command::new(PROGRAM);
            command.arg("run").arg(scenario).args([
                "--server",
                "in-process",
                "--seed",
                seed,
                "--shard",
                "auto",
            ]);
            command.env("JOB_COMPLETION_INDEX", (index - 1).to_string());
            command.env("MUSIC21_SHARDS", SHARDS.to_string()).arg("--out").arg(&out);
            (command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(), out)
        })
        .collect();
    let wait = |(mut child, out): (std::process::Child, PathBuf)| {
        child.wait().unwrap();
        out
    };
    started.into_iter().map(wait).collect()
}

fn scenario(directory: &TempDir) -> PathBuf {
    let path = directory.path().join("shared.toml");
    std::fs::write(&path, SCENARIO).unwrap();
    path
}

fn merge(runs: &[PathBuf], out: &Path) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM).arg("merge").args(runs).arg("--out").arg(out).output().unwrap();
    (output.status.code(), text(&output.stderr))
}

/// Latencies that no two shards draw from the same distribution.
fn latencies(shard: u64) -> Vec<u64> {
    let mut state = shard;
    let mut uniform = || {
        // Knuth's MMIX generator; its upper bits are good enough here.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    (0..2_000).map(|_| ((1.0 + shard as f64) * 1e6 * (1.0 - uniform()).powi(-1)) as u64).collect()
}

#[test]
fn eight_shards_merge_into_the_whole() {
    let directory = tempfile::tempdir().unwrap();
    let indices: Vec<u32> = (1..=SHARDS).collect();
    let runs = run_shards(directory.path(), &scenario(&directory), "1", &indices);
    let out = directory.path().join("merged");
    let (exit, told) = merge(&runs, &out);
    let merged = file(&out);
    // On a busy machine a shard's times may be INVALID.
    assert!(exit == Some(0) || merged.scenarios[0].verdict == Verdict::Invalid, "{exit:?} {told}");
    let (definition, stage) = (&merged.scenarios[0].definition.stages[0], &merged.scenarios[0].stages[0]);
    assert_eq!((definition.clients, definition.calls, stage.clients), (8, Some(240), 8));
    assert_eq!((stage.accounts.scheduled, stage.accounts.count(Outcome::Ok)), (240, 240));
    let parts: Vec<RunFile> = runs.iter().map(|run| file(run)).collect();
    let timed = |file: &RunFile| file.scenarios[0].stages[0].tools["list_scores"].clone();
    let counted = |text: &str| Histogram::from_base64(text, None).unwrap().count();
    let of_parts: u64 = parts.iter().map(|part| counted(&timed(part).response_hdr)).sum();
    assert_eq!(counted(&timed(&merged).response_hdr), of_parts);
    assert!(out.join("report.html").exists() && out.join("latency.hlog").exists());
    percentiles_are_those_of_the_union(parts);
}

/// The shards' real results with latencies that are known exactly.
fn percentiles_are_those_of_the_union(mut parts: Vec<RunFile>) {
    let mut union = Vec::new();
    for (shard, part) in parts.iter_mut().enumerate() {
        let drawn = latencies(shard as u64);
        let mut histogram = Histogram::default();
        drawn.iter().for_each(|&ns| histogram.record(Latency { ns, censored: false }));
        // Whatever else the machine did.
        part.scenarios[0].stages[0].validity = Validity::default();
        let tool = part.scenarios[0].stages[0].tools.get_mut("list_scores").unwrap();
        tool.response_hdr = histogram.to_base64();
        union.extend(drawn);
    }
    union.sort_unstable();
    let parts: Vec<(String, RunFile)> =
        parts.into_iter().enumerate().map(|(index, part)| (index.to_string(), part)).collect();
    let merged = merge::merge(&parts, &conclude_by_name).unwrap();
    let summary = merged.scenarios[0].stages[0].tools["list_scores"].response.clone().unwrap();
    assert_eq!(summary.count, union.len() as u64);
    let quantiles = BTreeMap::from([(500, summary.median), (950, summary.p95), (990, summary.p99)]);
    for (thousandths, quantile) in quantiles {
        let Quantile::Value { ns, .. } = quantile else { panic!("{thousandths}: {quantile:?}") };
        let exact = union[union.len() * thousandths / 1000 - 1];
        let error = (ns as f64 / exact as f64 - 1.0).abs();
        assert!(error <= 0.001, "{thousandths}/1000: {ns}, exactly {exact}");
    }
}

#[test]
fn merged_shards_are_judged_and_shown_as_a_run_is() {
    let directory = tempfile::tempdir().unwrap();
    let toml = format!(
        "name = 'strict'\nserver = \"'{PROGRAM}' serve --stdio --quiet --fault tool-error=2\"\n[thresholds]\n\
         min_success = 0.9\n[[stages]]\nname = 's'\nclients = 2\ncalls = 60\n[[stages.workload.flows]]\n\
         steps = [{{ tool = 'list_scores' }}]\n"
    );
    let path = directory.path().join("strict.toml");
    std::fs::write(&path, toml).unwrap();
    let runs = ["1/2", "2/2"].map(|shard| {
        let out = directory.path().join(&shard[..1]);
        let mut run = Command::new(PROGRAM);
        run.arg("run").arg(&path).args(["--shard", shard, "--out"]).arg(&out);
        assert_eq!(run.output().unwrap().status.code(), Some(1));
        out
    });
    let all = directory.path().join("all");
    std::fs::create_dir_all(all.join("flamegraphs")).unwrap();
    let of_another_run = all.join("flamegraphs/old.svg");
    std::fs::write(&of_another_run, "<svg/>").unwrap();
    let mut merge = Command::new(PROGRAM);
    let output = merge.arg("merge").args(&runs).arg("--out").arg(&all).output().unwrap();
    assert!(!of_another_run.exists());
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    let tool = |directory: &Path| file(directory).scenarios[0].stages[0].tools["list_scores"].clone();
    let (merged, parts) = (tool(&all), runs.map(|run| tool(&run)));
    let counted = |times: &Option<Summary>| times.as_ref().map_or(0, |times| times.count);
    let failed = |tool: &ToolResult| counted(&tool.failures);
    let counts = |tool: &ToolResult| [failed(tool), counted(&tool.first_byte), tool.reply_bytes];
    let of_parts = parts.each_ref().map(counts);
    assert_eq!(counts(&merged), std::array::from_fn(|at| of_parts[0][at] + of_parts[1][at]));
    assert!(counted(&merged.first_byte) > 0, "{merged:?}");
    assert!(failed(&merged) >= 28, "{merged:?}");
    let page = std::fs::read_to_string(all.join("report.html")).unwrap();
    for part in [
        "Until the first byte, median: list_scores ",
        "Replies, envelopes included: list_scores ",
        "otherwise than by their deadline: list_scores ",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        shown.starts_with("scenario ") && shown.contains("\nstrict ") && shown.contains("report: "),
        "{shown}"
    );
}

#[test]
fn shards_that_do_not_belong_together_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let scenario = scenario(&directory);
    let mut runs = run_shards(directory.path(), &scenario, "1", &[1, 2]);
    runs.extend(run_shards(directory.path(), &scenario, "2", &[2]));
    let out = directory.path().join("merged");
    let (exit, message) = merge(&runs[..2], &out);
    assert_eq!(exit, Some(3));
    assert!(message.contains("shard 3/8 is missing"), "{message}");
    let (_, message) = merge(&[runs[0].clone(), runs[2].clone()], &out);
    assert!(message.contains("different workloads, seeds or numbers of shards"), "{message}");
    assert!(!out.exists());
    let mut whole = file(&runs[0]);
    whole.shard = None;
    assert_eq!(merge::merge(&[("a".into(), whole)], &conclude_by_name), Err(MergeError::NoShard("a".into())));
    let twice = [("a".to_owned(), file(&runs[0])), ("b".to_owned(), file(&runs[0]))];
    assert_eq!(merge::merge(&twice, &conclude_by_name), Err(MergeError::Twice("a".into(), "b".into(), 1)));
}

#[test]
fn a_limiter_is_not_probed_from_two_places() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["run", "rate-limit", "--shard", "1/2", "--out"]).arg(directory.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("has no shards"));
}
