//! Ids that an agent made up and used again: many clients that use the same one would get in each other's way.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::result::Step;

/// Where an id was first used, and by how many steps.
#[derive(Debug, Default)]
struct Use {
    first: usize,
    steps: usize,
}

/// Puts this iteration's nonce behind ids that the agent made up. `is_the_servers` tells of an id whether the server had
/// written it before a step. Says what was done.
pub(super) fn replace(steps: &mut [Step], is_the_servers: impl Fn(&str, usize) -> bool) -> Vec<String> {
    let mut used: BTreeMap<String, Use> = BTreeMap::new();
    for (number, step) in steps.iter().enumerate() {
        let mut here = Vec::new();
        step.arguments.iter().for_each(|(name, value)| collect(name, value, &mut here));
        here.sort();
        here.dedup();
        for id in here {
            let one = used.entry(id).or_insert(Use { first: number, steps: 0 });
            one.steps += 1;
        }
    }
    let mut notes = Vec::new();
    for (id, _) in used.iter().filter(|(_, one)| one.steps > 1) {
        if is_the_servers(id, used[id].first) {
            notes.push(format!(
                "'{id}' came from the server: a replay sends the same, which may not be there"
            ));
            continue;
        }
        let own = format!("{id}-{{{{nonce}}}}");
        steps
            .iter_mut()
            .flat_map(|step| step.arguments.iter_mut())
            .for_each(|(name, value)| put(name, value, id, &own));
        notes.push(format!("'{id}' is an id of the agent's: each iteration has one of its own"));
    }
    notes
}

/// An argument that holds an id, by its name.
fn is_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower == "id"
        || lower == "ids"
        || lower.ends_with("_id")
        || lower.ends_with("_ids")
        || name.ends_with("Id")
}

fn collect(name: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_id(name) && !text.is_empty() => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect(name, value, found)),
        Value::Object(below) => below.iter().for_each(|(name, value)| collect(name, value, found)),
        _ => {}
    }
}

fn put(name: &str, value: &mut Value, id: &str, own: &str) {
    match value {
        Value::String(text) if is_id(name) && text == id => own.clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(|value| put(name, value, id, own)),
        Value::Object(below) => below.iter_mut().for_each(|(name, value)| put(name, value, id, own)),
        _ => {}
    }
}
