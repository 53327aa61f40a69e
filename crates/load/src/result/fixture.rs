//! Results made up for tests of judgements.

use music21_mcp_proc::ResourceSample;
use serde_json::{Value, json};

use crate::result::{
    Definition, ResourceAt, RunFile, SCHEMA_VERSION, ScenarioResult, ServerFacts, StageResult,
};

/// A stage of that name in which nothing happened.
pub(crate) fn stage_named(name: &str) -> StageResult {
    stage(&json!({ "name": name }))
}

/// A stage with some of its fields set, as in its file.
pub(crate) fn stage(fields: &Value) -> StageResult {
    let mut all = json!({
        "name": "s", "clients": 1, "open_loop": false, "stopped_by": "duration", "elapsed_ns": 1,
        "accounts": { "scheduled": 0, "sent": 0, "ended": {} }, "calls_per_s": 0.0, "tools": {}, "phases": {},
        "timeline": [], "resources": [], "settled": null, "scores_held": null,
        "exports": { "made": 0, "made_bytes": 0, "left": 0, "left_bytes": 0 }, "leak": null,
        "reopened": 0, "generator": crate::measure::validity::GeneratorFacts::default(),
        "validity": { "invalid": [], "warnings": [], "saturated": false },
        "ratings": { "success": null, "p95": null, "memory": null }, "server_lost": null
    });
    // OK because both are objects.
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

/// The server's processes at one moment.
pub(crate) fn reading(at_ns: u64, calls: u64, sample: ResourceSample) -> ResourceAt {
    ResourceAt { at_ns, calls, restarts: 0, sample, temp_bytes: None, temp_files: None }
}

/// A server with that many descriptors.
pub(crate) fn sample(fds: u64) -> ResourceSample {
    ResourceSample { processes: 1, fds: Some(fds), threads: 3, ..ResourceSample::default() }
}

/// A scenario of which nothing has been run.
pub(crate) fn scenario(definition: Definition) -> ScenarioResult {
    ScenarioResult { capacity: None, rate_capacity: None, ..ScenarioResult::begun(definition) }
}

/// A finished run of these scenarios.
pub(crate) fn run(scenarios: &[ScenarioResult]) -> RunFile {
    let file = json!({
        "schema_version": SCHEMA_VERSION, "complete": true, "created_utc": "1970-01-01T00:00:00Z", "command_line": [],
        "seed": 1, "conditions": null, "scenarios": scenarios,
        "tool": { "version": "0.1.0", "git_rev": null, "dirty": null, "profile": "release", "rustc": null },
        "machine": {
            "cpu_model": "cpu", "cores": 2, "memory_bytes": null, "kernel": null, "virtual_machine": true, "governor": null,
            "fingerprint": "f"
        },
        "server": ServerFacts { name: "a \"server\"".to_owned(), ..ServerFacts::default() }
    });
    serde_json::from_value(file).unwrap()
}
