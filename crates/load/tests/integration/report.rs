//! Runs made up for reports: ten minutes of ten calls a second on a server whose memory grows.

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::measure::histogram::Histogram;
use music21_mcp_load::measure::summary::summarize;
use music21_mcp_load::measure::token_bucket::{Limit, RoundTrip, simulate};
use music21_mcp_load::measure::trend::{MemoryReading, judge_leak};
use music21_mcp_load::measure::{Latency, validity};
use music21_mcp_load::result::{RunFile, ScenarioResult};
use music21_mcp_load::scenario::find;
use serde_json::{Map, Value, json};

const MS: u64 = 1_000_000;
const TOOLS: [(&str, u64); 5] = [
    ("import_score", 120 * MS),
    ("key_analysis", 35 * MS),
    ("chord_analysis", 220 * MS),
    ("export_score", 60 * MS),
    ("delete_score", 2 * MS),
];

/// A leak-testing scenario of `seconds`, passed, on a server that says `name` of itself.
pub(crate) fn memory_run(seconds: u64, name: &str) -> RunFile {
    let scenario = json!({
        "name": "memory", "verdict": "pass", "error": null, "rate_limit": null,
        "notes": ["made up for a test"],
        "checks": [{ "name": "steady load: success", "verdict": "pass", "text": "5400 of 5400 calls" }],
        "definition": find("memory").unwrap().definition(&music21_mcp_load::scenario::Options::default()),
        "stages": [stage(seconds)],
    });
    let file = json!({
        "schema_version": 1, "complete": true, "created_utc": "2026-11-24T12:00:00Z", "seed": 1,
        "command_line": ["target/release/music21-mcp-bench", "run", "memory", "--server", "python -m server"],
        "tool": { "version": "0.1.0", "git_rev": "0".repeat(40), "dirty": false, "profile": "release", "rustc": null },
        "machine": {
            "cpu_model": "a processor", "cores": 2, "memory_bytes": 8_u64 << 30, "kernel": "6.1.0",
            "virtual_machine": true, "governor": null, "fingerprint": "f".repeat(64),
        },
        "conditions": { "load_before": 0.4, "load_after": 1.1, "steal_percent": 0.0, "cpu_pressure_percent": 2.0 },
        "server": {
            "spec": "python -m server", "name": name, "version": "1.2", "protocol": "2025-06-18", "transport": "stdio",
            "shares_our_process": false, "tools": TOOLS.map(|(tool, _)| tool), "start_retries": 0,
        },
        "scenarios": [scenario],
    });
    serde_json::from_value(file).unwrap()
}

fn stage(seconds: u64) -> Value {
    let mut tools = Map::new();
    for (number, (tool, level)) in TOOLS.into_iter().enumerate() {
        tools.insert(tool.to_owned(), figures(number as u64, level, seconds * 2));
    }
    let timeline: Vec<Value> = (0..seconds).map(second).collect();
    let resources: Vec<Value> = (0..seconds).map(reading).collect();
    let memory: Vec<MemoryReading> = (0..seconds)
        .map(|s| MemoryReading { at_ns: s * 1000 * MS, calls: s * 10, rss_anon_bytes: rss(s) })
        .collect();
    let facts = validity::GeneratorFacts { achieved_per_s: 10.0, ..validity::GeneratorFacts::default() };
    json!({
        "name": "steady load", "clients": 4, "open_loop": true, "stopped_by": "duration",
        "elapsed_ns": seconds * 1000 * MS, "calls_per_s": 10.0,
        "accounts": { "scheduled": seconds * 10, "sent": seconds * 10, "ended": { "ok": seconds * 10 } },
        "tools": tools, "phases": {}, "timeline": timeline, "resources": resources, "settled": null,
        "scores_held": 0, "exports": { "made": 0, "made_bytes": 0, "left": 0, "left_bytes": 0 },
        "leak": judge_leak(&memory), "reopened": 0, "generator": facts,
        "validity": validity::judge_generator(&facts), "ratings": { "success": null, "p95": null, "memory": null },
        "server_lost": null,
    })
}

/// Between 0 and 1, the same every time.
fn chance(number: u64) -> f64 {
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Times with a long tail above `level`.
fn figures(seed: u64, level: u64, calls: u64) -> Value {
    let service = |i: u64| (level as f64 * (1.0 + 0.3 / (1.0 - 0.99 * chance(seed * 100_000 + i)))) as u64;
    let waited = |i: u64| service(i) + if i.is_multiple_of(97) { 300 * MS } else { MS / 2 };
    let of = |time: &dyn Fn(u64) -> u64| -> Vec<Latency> {
        (0..calls).map(|i| Latency { ns: time(i), censored: false }).collect()
    };
    let (service, response) = (of(&service), of(&waited));
    let hdr = |latencies: &[Latency]| {
        let mut histogram = Histogram::default();
        latencies.iter().for_each(|&latency| histogram.record(latency));
        histogram.to_base64()
    };
    json!({
        "accounts": { "scheduled": calls, "sent": calls, "ended": { "ok": calls } },
        "first_calls_ns": [level * 5], "steadiness": null, "examples": [],
        "response": summarize(&response), "service": summarize(&service),
        "response_hdr": hdr(&response), "service_hdr": hdr(&service),
    })
}

fn second(at_s: u64) -> Value {
    let p50 = 60 * MS + (chance(at_s) * 20e6) as u64;
    let refused = if at_s % 120 == 60 { json!({ "rate_limited": 3 }) } else { json!({}) };
    json!({
        "at_s": at_s, "ok": 10, "errors": refused, "p50_ns": p50, "p95_ns": p50 * 4, "max_ns": p50 * 6,
        "in_flight": 1.0 + chance(at_s + 7),
    })
}

fn rss(second: u64) -> u64 {
    120_000_000 + second * 20_000 + (chance(second + 99) * 400_000.0) as u64
}

fn reading(second: u64) -> Value {
    json!({ "at_ns": second * 1000 * MS, "calls": second * 10, "sample": {
        "processes": 1, "rss_bytes": rss(second) + 40_000_000, "rss_anon_bytes": rss(second),
        "cpu_ns": second * 400 * MS, "fds": 9, "threads": 12,
    } })
}

/// A probed limiter that lets through what it declares.
pub(crate) fn probed() -> ScenarioResult {
    let limit = Limit { capacity: 10, per_second: 1.0 };
    let (mut tokens, mut last_ns) = (10.0, 0);
    let report = simulate(
        limit,
        || RoundTrip { there_ns: MS, back_ns: MS },
        |now_ns| {
            tokens = f64::min(10.0, tokens + (now_ns - last_ns) as f64 / 1e9);
            last_ns = now_ns;
            let admitted = tokens >= 1.0;
            tokens -= f64::from(u8::from(admitted));
            admitted
        },
    );
    let definition = find("rate-limit").unwrap().definition(&music21_mcp_load::scenario::Options::default());
    let scenario = json!({
        "name": "rate-limit", "verdict": "pass", "error": null, "rate_limit": report, "notes": [], "checks": [],
        "definition": definition, "stages": [],
    });
    serde_json::from_value(scenario).unwrap()
}

/// The same run with every call having ended as `outcome`, with these words.
pub(crate) fn all_ended(mut file: RunFile, outcome: Outcome, words: &str) -> RunFile {
    for stage in file.scenarios.iter_mut().flat_map(|scenario| &mut scenario.stages) {
        stage.accounts.ended = [(outcome, stage.accounts.sent)].into();
        for tool in stage.tools.values_mut() {
            tool.accounts.ended = [(outcome, tool.accounts.sent)].into();
            (tool.response, tool.service) = (None, None);
            (tool.response_hdr, tool.service_hdr) = (String::new(), String::new());
            tool.examples =
                serde_json::from_value(json!([{ "outcome": outcome, "message": words }])).unwrap();
        }
        for second in &mut stage.timeline {
            second.errors = [(outcome, std::mem::take(&mut second.ok))].into();
            (second.p50_ns, second.p95_ns, second.max_ns) = (None, None, None);
        }
    }
    file
}
