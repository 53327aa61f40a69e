//! What sessions and probes leave, of servers that leave a known part, or nothing.

use super::harness::{CHEAP, Server, run_as_user};
use super::{Finding, Length};
use crate::result::{SessionMemory, StageResult};

/// What is left each time, KB.
const LEFT_KB: f64 = 20.48;
/// Of it, how far a figure may lie from it.
const SLACK: f64 = 0.05;
/// What a sound server may seem to leave, KB: half of what fails.
const NOTHING_KB: f64 = 0.5;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (faults, left_kb) in [(&["leak=20KiB", "probe-leak=20KiB"][..], LEFT_KB), (&[], 0.0)] {
        let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
        let server = Server::start(&arguments).await?;
        let result = run_as_user(&scenario(length.of(8, 20)), &server.url).await;
        server.stop().await;
        // The first stage warms up.
        findings.extend(result?.stages.iter().skip(1).map(|stage| finding(stage, left_kb)));
    }
    Ok(findings)
}

/// A session makes one call, and so leaves what one call leaves.
fn scenario(seconds: u32) -> String {
    let stage = |name: &str, workload: &str, step: &str| {
        format!(
            "[[stages]]\nname = '{name}'\nclients = 4\nrate_per_s = 40.0\nduration_s = {seconds}.0\nsettle_s = 1.0\n\
             [stages.workload]\n{workload}[[stages.workload.flows]]\nsteps = [{{ {step} }}]\n"
        )
    };
    let call = format!("tool = '{CHEAP}'");
    let ended = |name: &str| stage(name, "sessions = 'ended'\n", &call);
    let stages = [
        ended("warm-up"),
        ended("an ended session"),
        stage("an abandoned session", "sessions = 'abandoned'\n", &call),
        stage("a probe", "", "request = 'probe_get'"),
    ];
    format!("name = 'known'\nthresholds = {{ min_success = 0.0 }}\n{}", stages.concat())
}

fn finding(stage: &StageResult, left_kb: f64) -> Finding {
    let what = format!("{}, {left_kb} KB left each time", stage.name);
    let slack = (left_kb * SLACK).max(NOTHING_KB);
    let required = format!("{left_kb} KB ± {slack:.1}");
    let is_kept = left_kb == 0.0 && stage.name.contains("abandoned");
    match &stage.session_memory {
        // Nobody has told the server that such a session is over.
        Some(SessionMemory::Kb(kb)) if is_kept => {
            Finding::new(what, "a figure", format!("{:.2} KB", kb.estimate), kb.estimate >= 0.0)
        }
        Some(SessionMemory::Kb(kb)) => {
            let found = format!("{:.2} ({:.2} to {:.2}) KB", kb.estimate, kb.lower, kb.upper);
            Finding::new(what, required, found, (kb.estimate - left_kb).abs() <= slack)
        }
        Some(SessionMemory::Unknown(why)) => Finding::new(what, required, why.to_string(), false),
        Some(SessionMemory::OfItsProcess) | None => Finding::new(what, required, "no figure", false),
    }
}
