//! The profiles of a run beside those of a baseline, stage by stage.

use std::path::Path;

use music21_mcp_bench::profile::change::Sampled;

use super::files;
use crate::cli::report::{FLAMEGRAPHS, result_of};
use crate::compare::profile::ProfileChange;
use crate::report::html::{Flamegraph, Profiles, StageChange};
use crate::result::{RunFile, StageProfile, StageResult, Workload};

/// A stage, and what is called in it.
struct Staged<'a> {
    scenario: &'a str,
    workload: Option<&'a Workload>,
    stage: &'a StageResult,
}

/// What changed in each stage that both have sampled; `graphs` is the run's directory of flamegraphs.
pub(crate) fn compared(run: &RunFile, graphs: &Path, name: &str) -> Profiles {
    let path = Path::new(name);
    let mut found = Profiles::default();
    if !path.is_dir() && !path.ends_with("result.json") {
        if let Some(one) = stages(run).find(|one| one.stage.profile.is_some()) {
            let again = again(one.scenario);
            found.lines.push(format!(
                "a record has no profile: compare with the directory of a run, made with {again}"
            ));
        }
        return found;
    }
    let result = result_of(path);
    // One that cannot be read is named already.
    let Ok(baseline) = RunFile::read(&result) else { return found };
    let graphs = [&result.with_file_name(FLAMEGRAPHS), graphs];
    for after in stages(run) {
        let same = |one: &Staged<'_>| one.scenario == after.scenario && one.stage.name == after.stage.name;
        let Some(before) = stages(&baseline).find(same) else { continue };
        let title = format!("{} · {}", after.scenario, after.stage.name);
        match change([&before, &after], graphs, &title) {
            Ok(Some(change)) => found.stages.push(change),
            Ok(None) => {}
            Err(why) => found.lines.push(format!("{title}: {why}")),
        }
    }
    found
}

fn stages(file: &RunFile) -> impl Iterator<Item = Staged<'_>> {
    file.scenarios.iter().flat_map(|scenario| {
        scenario.stages.iter().map(|stage| {
            let defined = scenario.definition.stages.iter().find(|defined| defined.name == stage.name);
            Staged { scenario: &scenario.name, workload: defined.map(|defined| &defined.workload), stage }
        })
    })
}

/// `None` where neither was sampled.
fn change(sides: [&Staged<'_>; 2], graphs: [&Path; 2], title: &str) -> Result<Option<StageChange>, String> {
    let [before, after] = sides.map(|side| side.stage.profile.as_ref());
    let (before, after) = match (before, after) {
        (None, None) => return Ok(None),
        (Some(before), Some(after)) => (before, after),
        (None, Some(_)) => {
            return Err(format!("the baseline has no profile: make it with {}", again(sides[0].scenario)));
        }
        (Some(_), None) => {
            return Err(format!("this run has no profile: make it with {}", again(sides[1].scenario)));
        }
    };
    if sides[0].workload != sides[1].workload {
        return Err("its calls are not those of the baseline: time a call would not compare".to_owned());
    }
    if before.sampler != after.sampler {
        let (before, after) = (&before.sampler, &after.sampler);
        return Err(format!(
            "the baseline was sampled by {before}, this run by {after}: they do not compare"
        ));
    }
    let parts = [[sampled(before, graphs[0])?], [sampled(after, graphs[1])?]];
    let (change, svg) = ProfileChange::of(&after.sampler, [&parts[0], &parts[1]], title)
        .map_err(|error| format!("its stacks are damaged: {error}"))?;
    let svg = svg.map(|svg| String::from_utf8_lossy(&svg).into_owned());
    let flamegraph = svg.map(|svg| Flamegraph { name: format!("{title}, what changed"), svg });
    Ok(Some(StageChange { name: title.to_owned(), change, flamegraph }))
}

fn sampled(profile: &StageProfile, directory: &Path) -> Result<Sampled, String> {
    // Its last part alone: a result may come from anywhere.
    let file = Path::new(&profile.folded).file_name().unwrap_or_default();
    let text = files::read(&directory.join(file)).map_err(|error| format!("{error:#}"))?;
    Ok(Sampled {
        folded: text.lines().map(str::to_owned).collect(),
        calls: profile.calls,
        period_ns: profile.period_ns as f64,
    })
}

fn again(scenario: &str) -> String {
    format!("‘run {scenario} --profile --out DIR’")
}
