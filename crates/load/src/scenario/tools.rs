//! Each tool by itself.

use music21_mcp_bench::client::Tool;
use serde_json::json;

use super::calls::{delete, export, import, on_score, stage, timed};
use super::{Options, Scenario, nothing_more};
use crate::result::{Definition, Flow, Step, Workload};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "tools",
    about: "each tool one at a time, its first call apart from the warm ones",
    explanation: "\
One client makes one call at a time. Each iteration imports a hymn of four parts, makes one call of one
tool (chosen by the seed, all equally often) and deletes the score, so that no call profits from what
another has computed. The first call of each tool is cold and stands apart; nothing is warmed before.

Reported: service times by tool. A quantile is printed only if ten samples are expected above it (p95
from 200 calls on, p99 from 1000), else an upper bound or nothing.
Fails if fewer than 90 % of the calls end well. --duration seconds (30).

It cannot show what load does: that is 'concurrent'.",
    define,
    judge: nothing_more,
};

fn define(options: &Options) -> Definition {
    let tools: [Step; 7] = [
        Step::call(Tool::ListScores, json!({})),
        on_score(Tool::ScoreInfo),
        on_score(Tool::KeyAnalysis),
        on_score(Tool::ChordAnalysis),
        on_score(Tool::HarmonyAnalysis),
        export("musicxml"),
        export("midi"),
    ];
    let flow = |tool| Flow { weight: 1.0, steps: vec![import(), tool, delete()] };
    let mut stage = stage("one client", 1, Vec::new());
    stage.workload = Workload { flows: tools.map(flow).into(), ..stage.workload };
    stage.deadline_s = options.deadline_s.unwrap_or(30.0);
    let duration_s = options.duration_s.unwrap_or(if options.quick { 10.0 } else { 30.0 });
    let mut stage = timed(stage, duration_s);
    // Cold calls are apart already; one client needs no time to fill the server.
    (stage.warm_up_s, stage.warm_up_calls) = (0.0, 0);
    Definition { stages: vec![stage], ..Definition::default() }
}
