//! What sessions and probes leave, of servers that leave a known part, or nothing.

use super::harness::{CHEAP, Server, run_as_user};
use super::{Finding, Length};
use crate::result::{SessionMemory, StageResult};

const ABANDONED: &str = "an abandoned session";
/// What is left each time, KB.
const LEFT_KB: f64 = 20.48;
/// Of it, how far a figure may lie from it: an allocator rounds up, and leaves holes.
const SLACK: f64 = 0.1;
/// What a sound server may seem to leave, KB: half of what fails.
const NOTHING_KB: f64 = 0.5;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let seconds = length.of(6, 12);
    let sound = left(&[], seconds).await?;
    let leaking = left(&["--fault", "leak=20KiB", "--fault", "probe-leak=20KiB"], seconds).await?;
    let mut findings: Vec<Finding> =
        sound.iter().filter(|stage| stage.name != ABANDONED).map(|stage| finding(stage, 0.0, 0.0)).collect();
    // A server keeps what nobody has told it is over, and leaks besides.
    let kept = |stage: &StageResult| if stage.name == ABANDONED { kb(stage) } else { Ok(0.0) };
    for (sound, leaking) in sound.iter().zip(&leaking) {
        findings.push(finding(leaking, LEFT_KB, kept(sound).unwrap_or(f64::NAN)));
    }
    Ok(findings)
}

/// The stages against a server with these arguments, but for the first, which warms up.
async fn left(arguments: &[&str], seconds: u32) -> anyhow::Result<Vec<StageResult>> {
    let server = Server::start(arguments).await?;
    let result = run_as_user(&scenario(seconds), &server.url).await;
    server.stop().await;
    Ok(result?.stages.into_iter().skip(1).collect())
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
        stage(ABANDONED, "sessions = 'abandoned'\n", &call),
        stage("a probe", "", "request = 'probe_get'"),
    ];
    format!("name = 'known'\nthresholds = {{ min_success = 0.0 }}\n{}", stages.concat())
}

/// `kept_kb` is what it keeps without any leak.
fn finding(stage: &StageResult, left_kb: f64, kept_kb: f64) -> Finding {
    let slack = (left_kb * SLACK).max(NOTHING_KB);
    let beside = if kept_kb == 0.0 { "" } else { ", beside what a sound server keeps" };
    let what = format!("{}, {left_kb} KB left each time", stage.name);
    let required = format!("{left_kb} KB ± {slack:.1}{beside}");
    match kb(stage) {
        Ok(found) => {
            let left = found - kept_kb;
            Finding::new(what, required, format!("{left:.2} KB"), (left - left_kb).abs() <= slack)
        }
        Err(why) => Finding::new(what, required, why, false),
    }
}

fn kb(stage: &StageResult) -> Result<f64, String> {
    match &stage.session_memory {
        Some(SessionMemory::Kb(kb)) => Ok(kb.estimate),
        Some(SessionMemory::Unknown(why)) => Err(why.to_string()),
        Some(SessionMemory::OfItsProcess) | None => Err("no figure".to_owned()),
    }
}
