//! Scenarios by name, `quick`, `all`, or TOML files.

use std::collections::BTreeSet;
use std::path::Path;

use crate::result::{Arrivals, Check, Definition, ScenarioResult};
use crate::scenario::{Options, QUICK, SCENARIOS, Scenario, find};

/// A scenario, from the table or from a file.
pub(crate) struct Selected {
    define: Box<dyn Fn(&Options) -> Definition>,
    pub(crate) judge: fn(&ScenarioResult) -> Vec<Check>,
    /// From the user's file.
    pub(crate) is_file: bool,
    /// By the word `quick`, or by no word at all.
    is_quick: bool,
}

impl Selected {
    /// Written down for what the user asked for.
    pub(crate) fn definition(&self, options: &Options) -> Definition {
        (self.define)(&Options { quick: options.quick || self.is_quick, ..options.clone() })
    }
}

/// What the words of the command line mean, in order; `quick` without any.
pub(crate) fn select(words: &[String]) -> Result<Vec<Selected>, String> {
    let quick = ["quick".to_owned()];
    let words = if words.is_empty() { &quick } else { words };
    let of_word = |word| expand(word).into_iter().map(move |name| select_one(name, word == "quick"));
    let selected = words.iter().map(String::as_str).flat_map(of_word).collect::<Result<Vec<_>, _>>()?;
    // Results and records know a scenario by its name.
    let mut names = BTreeSet::new();
    for name in selected.iter().map(|one| one.definition(&Options::default()).name) {
        if !names.insert(name.clone()) {
            return Err(format!(
                "the scenario '{name}' is named twice: name it once, or give files names of their own (--repeat N \
                 makes a run several times)"
            ));
        }
    }
    Ok(selected)
}

fn expand(name: &str) -> Vec<&str> {
    match name {
        "quick" => QUICK.to_vec(),
        "all" => SCENARIOS.iter().map(|scenario| scenario.name).collect(),
        other => vec![other],
    }
}

/// The shipped scenarios that a word names.
pub(crate) fn shipped(word: &str) -> Result<Vec<&'static Scenario>, String> {
    expand(word).into_iter().map(|name| find(name).ok_or_else(|| unknown(name))).collect()
}

/// In thousandths, from which one name may be another one misspelt.
const ALIKE: u32 = 850;

fn likeness(one: &str, other: &str) -> u32 {
    (strsim::jaro_winkler(&one.to_lowercase(), other) * 1e3) as u32
}

/// A tool of somebody's file that the server does not list, with the one that may be meant. Steps that may fail may name
/// any.
pub(crate) fn lacking(selected: &[Selected], options: &Options, listed: &[String]) -> Option<String> {
    let definitions = selected.iter().filter(|one| one.is_file).map(|one| one.definition(options));
    let names: Vec<String> = definitions
        .flat_map(|definition| {
            let calls = definition.steps().filter(|step| step.request.is_none() && step.errors.fail());
            calls.map(|step| step.tool.clone()).collect::<Vec<_>>()
        })
        .collect();
    let name = names.iter().find(|name| !listed.contains(name))?;
    let meant = listed.iter().max_by_key(|known| likeness(name, known));
    let meant = meant.filter(|known| likeness(name, known) >= ALIKE);
    let meant = meant.map_or_else(String::new, |known| format!(" (did you mean '{known}'?)"));
    Some(format!(
        "the server has no tool '{name}'{meant}; it has {}. A step that is meant to fail says errors = \"allowed\"",
        listed.join(", ")
    ))
}

fn unknown(name: &str) -> String {
    let known: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    let meant =
        known.iter().max_by_key(|known| likeness(name, known)).filter(|known| likeness(name, known) >= ALIKE);
    let meant = meant.map_or_else(String::new, |known| format!(" (did you mean '{known}'?)"));
    format!("unknown scenario '{name}'{meant}; use one of {}, quick, all", known.join(", "))
}

fn select_one(name: &str, is_quick: bool) -> Result<Selected, String> {
    if let Some(scenario) = find(name) {
        return Ok(Selected {
            define: Box::new(move |options| scenario.definition(options)),
            judge: scenario.judge,
            is_file: false,
            is_quick,
        });
    }
    if Path::new(name).extension().is_none_or(|end| end != "toml") {
        return Err(unknown(name) + ", or a .toml file");
    }
    let text = std::fs::read_to_string(name).map_err(|error| format!("cannot read '{name}': {error}"))?;
    let definition = Definition::from_toml(&text).map_err(|error| format!("'{name}': {error}"))?;
    // A shipped scenario that somebody has edited.
    let judge: fn(&ScenarioResult) -> Vec<Check> = match find(&definition.name) {
        Some(scenario) => scenario.judge,
        None => |_| Vec::new(),
    };
    let define = move |options: &Options| overridden(definition.clone(), options);
    Ok(Selected { define: Box::new(define), judge, is_file: true, is_quick: false })
}

/// A file's definition with what the command line says instead.
fn overridden(mut definition: Definition, options: &Options) -> Definition {
    for stage in &mut definition.stages {
        stage.clients = options.clients.unwrap_or(stage.clients);
        stage.extend_to_s = stage.extend_to_s.filter(|_| options.duration_s.is_none());
        // What is watched of a fault comes after it.
        let before_s = stage.fault.map_or(0.0, |fault| fault.at_s);
        if let Some(watched_s) = options.duration_s {
            let duration_s = before_s + watched_s;
            stage.duration_s = Some(duration_s);
            // A warm-up for a longer stage would leave few calls to be in a figure, or none.
            let is_warm_up_short = stage.warm_up_s <= duration_s / 2.0;
            stage.warm_up_s = if is_warm_up_short { stage.warm_up_s } else { duration_s / 5.0 };
        }
        stage.deadline_s = options.deadline_s.unwrap_or(stage.deadline_s);
        stage.rate_per_s = stage.rate_per_s.map(|rate| options.rate_per_s.unwrap_or(rate));
        if let Some(speed) = options.speed {
            let steps = stage.workload.flows.iter_mut().flat_map(|flow| &mut flow.steps);
            steps.for_each(|step| step.think_ms = step.think_ms.faster(speed));
        }
        if let Arrivals::Day { hours, .. } = &mut stage.arrivals {
            *hours = options.hours.unwrap_or(*hours);
        }
    }
    definition.probe = definition.probe.map(|declared| options.limit.unwrap_or(declared));
    if let Some(search) = &mut definition.search {
        search.max_p95_ms = options.objective_ms.unwrap_or(search.max_p95_ms);
        search.max_clients = search.max_clients.map(|most| options.max_clients.unwrap_or(most));
        search.max_rate_per_s = search.max_rate_per_s.map(|most| options.max_rate_per_s.unwrap_or(most));
    }
    definition
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::support::template::template;
    use crate::result::fixture;

    /// What is judged of an empty stage of this scenario, under the words of the command line.
    fn checks(word: &str) -> Vec<Check> {
        let selected = select(&[word.to_owned()]).unwrap().remove(0);
        let definition = selected.definition(&Options::default());
        let stages = definition.stages.iter().map(|stage| fixture::stage_named(&stage.name)).collect();
        (selected.judge)(&ScenarioResult { stages, ..fixture::scenario(definition) })
    }

    #[test]
    fn a_scenario_is_named_once() {
        let words = |words: &[&str]| select(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(words(&["memory", "quick"]).is_ok());
        for twice in [&["tools", "tools"], &["quick", "tools"]] {
            assert!(words(twice).err().unwrap().starts_with("the scenario 'tools' is named twice"));
        }
    }

    #[test]
    fn a_duration_leaves_calls_behind_the_warm_up() {
        let mut file = find("tools").unwrap().definition(&Options::default());
        file.stages[0].warm_up_s = 5.0;
        let warm_up_s = |duration_s| {
            let options = Options { duration_s, ..Options::default() };
            overridden(file.clone(), &options).stages[0].warm_up_s
        };
        assert_eq!([None, Some(60.0), Some(10.0), Some(5.0)].map(warm_up_s), [5.0, 5.0, 5.0, 1.0]);
    }

    #[test]
    fn a_shipped_scenario_from_a_file_is_judged_alike() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("edited.toml");
        let file = path.to_str().unwrap();
        for scenario in &SCENARIOS {
            let mut definition = scenario.definition(&Options::default());
            std::fs::write(&path, template(&definition).unwrap()).unwrap();
            assert_eq!(checks(file), checks(scenario.name), "{}", scenario.name);
            definition.name = "mine".to_owned();
            std::fs::write(&path, template(&definition).unwrap()).unwrap();
            assert!(checks(file).is_empty(), "{}", scenario.name);
        }
        assert!(!checks("memory").is_empty(), "there is something to lose");
    }
}
