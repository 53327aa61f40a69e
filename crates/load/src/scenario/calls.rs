//! The calls that shipped scenarios are made of.

use music21_mcp_bench::client::Tool;
use serde_json::json;

use super::Options;
use crate::result::{Definition, Stage, Step, Workload};

/// A freely licensed hymn of four parts that music21's corpus and the embedded server both have.
pub(super) const WORK: &str = "johnson_j_r/lift_every_voice";
/// No other client, iteration or run uses the same.
pub(super) const ID: &str = "b-{{nonce}}";

pub(super) fn import() -> Step {
    import_from(WORK, "corpus")
}

pub(super) fn import_from(source: &str, source_type: &str) -> Step {
    let arguments = json!({ "score_id": ID, "source": source, "source_type": source_type });
    own(Step::call(Tool::ImportScore, arguments))
}

/// A call whose answer repeats the score's id, so that somebody else's is found out.
pub(super) fn own(step: Step) -> Step {
    Step { must_echo_nonce: true, ..step }
}

/// A call that takes the score's id and nothing else.
pub(super) fn on_score(tool: Tool) -> Step {
    Step::call(tool, json!({ "score_id": ID }))
}

pub(super) fn export(format: &str) -> Step {
    Step::call(Tool::ExportScore, json!({ "score_id": ID, "format": format }))
}

/// Even after a failure: what was imported goes.
pub(super) fn delete() -> Step {
    own(on_score(Tool::DeleteScore)).always()
}

/// One score's life: what a user does with one.
pub(super) fn score_lifecycle() -> Vec<Step> {
    vec![import(), on_score(Tool::KeyAnalysis), on_score(Tool::ChordAnalysis), export("musicxml"), delete()]
}

/// The same once before everything: first imports of one source race on music21's cache.
pub(super) fn warm_up_calls() -> Vec<Step> {
    score_lifecycle()
}

/// A stage of one flow without decoration.
pub(super) fn stage(name: impl Into<String>, clients: usize, steps: Vec<Step>) -> Stage {
    // What the end of the stage interrupts leaves no score behind.
    Stage::new(name, clients, Workload { teardown: vec![on_score(Tool::DeleteScore)], ..Workload::of(steps) })
}

/// The warm-up of a timed stage: 10 s and 100 calls, or a fifth of a shorter one.
pub(super) fn timed(stage: Stage, duration_s: f64) -> Stage {
    let is_short = duration_s < 50.0;
    Stage {
        duration_s: Some(duration_s),
        warm_up_s: if is_short { duration_s / 5.0 } else { 10.0 },
        warm_up_calls: if is_short { 0 } else { 100 },
        ..stage
    }
}

/// Scores' lives as an open loop: 10 calls a second over 8 sessions, where the user does not say otherwise.
pub(super) fn open_loop(name: &str, options: &Options, duration_s: f64) -> Stage {
    Stage {
        rate_per_s: Some(options.rate_per_s.unwrap_or(10.0)),
        deadline_s: options.deadline_s.unwrap_or(30.0),
        ..timed(stage(name, options.clients.unwrap_or(8), score_lifecycle()), duration_s)
    }
}

/// A share of good calls below which a long stage has nothing to show.
const NOTHING_WORKS: f64 = 0.25;

/// One long stage, most of whose calls must end well.
pub(super) fn single_stage(stage: Stage) -> Definition {
    let stage = Stage { abort_below: Some(NOTHING_WORKS), ..stage };
    Definition { prepare: warm_up_calls(), stages: vec![stage], ..Definition::default() }
}
