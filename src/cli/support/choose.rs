//! Scenarios by name, `quick`, `all`, or TOML files.

use std::path::Path;

use crate::scenario::{Check, Definition, Options, QUICK, SCENARIOS, ScenarioResult, find};

/// A scenario, from the table or from a file.
pub(crate) struct Chosen {
    pub(crate) define: Box<dyn Fn(&Options) -> Definition>,
    pub(crate) judge: fn(&ScenarioResult) -> Vec<Check>,
}

/// What the words of the command line mean, in order; `quick` without any.
pub(crate) fn choose(words: &[String]) -> Result<Vec<Chosen>, String> {
    let names: Vec<&str> = match words {
        [] => QUICK.to_vec(),
        given => given.iter().flat_map(|name| expand(name)).collect(),
    };
    names.into_iter().map(choose_one).collect()
}

fn expand(name: &str) -> Vec<&str> {
    match name {
        "quick" => QUICK.to_vec(),
        "all" => SCENARIOS.iter().map(|scenario| scenario.name).collect(),
        other => vec![other],
    }
}

fn choose_one(name: &str) -> Result<Chosen, String> {
    if let Some(scenario) = find(name) {
        return Ok(Chosen {
            define: Box::new(move |options| scenario.definition(options)),
            judge: scenario.judge,
        });
    }
    if Path::new(name).extension().is_none_or(|end| end != "toml") {
        let known: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        return Err(format!(
            "unknown scenario '{name}'; use one of {}, quick, all, or a .toml file",
            known.join(", ")
        ));
    }
    let text = std::fs::read_to_string(name).map_err(|error| format!("cannot read '{name}': {error}"))?;
    let definition = Definition::from_toml(&text).map_err(|error| format!("'{name}': {error}"))?;
    let define = move |options: &Options| overridden(definition.clone(), options);
    Ok(Chosen { define: Box::new(define), judge: |_| Vec::new() })
}

/// A file's definition with what the command line says instead.
fn overridden(mut definition: Definition, options: &Options) -> Definition {
    for stage in &mut definition.stages {
        stage.clients = options.clients.unwrap_or(stage.clients);
        stage.extend_to_s = stage.extend_to_s.filter(|_| options.duration_s.is_none());
        stage.duration_s = options.duration_s.or(stage.duration_s);
        stage.deadline_s = options.deadline_s.unwrap_or(stage.deadline_s);
        stage.rate_per_s = stage.rate_per_s.map(|rate| options.rate_per_s.unwrap_or(rate));
    }
    definition
}
