//! Results of shards merged into the result of the whole. Counts add up; latencies are the merged histograms', so
//! that their quantiles are those of all calls together, to the histograms' three digits.

mod stage;

use crate::result::{RunFile, ScenarioResult, ShardFacts, Verdict};

/// Why results are not merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("no results to merge")]
    Nothing,
    /// A result is of a whole run.
    #[error("'{0}' is no shard; it was run without --shard")]
    NoShard(String),
    /// Shards of another whole.
    #[error("'{0}' and '{1}' are shards of different workloads, seeds or numbers of shards")]
    OtherWhole(String, String),
    /// They measured different things.
    #[error("'{0}' and '{1}' measured different servers")]
    OtherServer(String, String),
    /// One share is there twice.
    #[error("'{0}' and '{1}' are both shard {2}")]
    Twice(String, String, u32),
    /// A share is not there.
    #[error("shard {0} is missing")]
    Missing(String),
    /// A shard ended before others.
    #[error("'{0}' ended early: it has other scenarios or stages than '{1}'")]
    EndedEarly(String, String),
    /// A histogram cannot be read.
    #[error("'{0}': damaged histogram of {1}: {2}")]
    Damaged(String, String, String),
}

/// A result and where it is from.
struct Part<'a, T> {
    origin: &'a str,
    of: &'a T,
}

/// Merges all shards of one whole, each given with its origin for messages.
///
/// # Errors
///
/// If they are not exactly the shards of one whole, each of them there once and run to the same end.
pub fn merge(
    files: &[(String, RunFile)],
    conclude: &dyn Fn(&mut ScenarioResult, bool),
) -> Result<RunFile, MergeError> {
    let mut parts: Vec<(&ShardFacts, Part<'_, RunFile>)> = Vec::new();
    for (origin, file) in files {
        let facts = file.shard.as_ref().ok_or_else(|| MergeError::NoShard(origin.clone()))?;
        parts.push((facts, Part { origin, of: file }));
    }
    parts.sort_by_key(|(facts, _)| facts.shard.index);
    check(&parts)?;
    let runs: Vec<Part<'_, RunFile>> = parts.into_iter().map(|(_, part)| part).collect();
    let first = runs.first().ok_or(MergeError::Nothing)?.of;
    let mut scenarios = Vec::new();
    for index in 0..first.scenarios.len() {
        let same: Vec<Part<'_, ScenarioResult>> =
            runs.iter().map(|run| Part { origin: run.origin, of: &run.of.scenarios[index] }).collect();
        scenarios.push(scenario(&same, conclude)?);
    }
    Ok(RunFile {
        complete: runs.iter().all(|run| run.of.complete),
        created_utc: runs.iter().map(|run| run.of.created_utc.clone()).min().unwrap_or_default(),
        shard: None,
        scenarios,
        schema_version: first.schema_version,
        command_line: first.command_line.clone(),
        seed: first.seed,
        tool: first.tool.clone(),
        machine: first.machine.clone(),
        conditions: first.conditions,
        server: first.server.clone(),
    })
}

fn check(parts: &[(&ShardFacts, Part<'_, RunFile>)]) -> Result<(), MergeError> {
    let Some((facts, first)) = parts.first() else { return Err(MergeError::Nothing) };
    let names = |a: &Part<'_, RunFile>| (first.origin.to_owned(), a.origin.to_owned());
    for (others, part) in parts {
        let (a, b) = names(part);
        if others.whole_sha256 != facts.whole_sha256 || others.shard.count != facts.shard.count {
            return Err(MergeError::OtherWhole(a, b));
        }
        let (one, other) = (&first.of.server, &part.of.server);
        if (&one.name, &one.version, &one.protocol) != (&other.name, &other.version, &other.protocol) {
            return Err(MergeError::OtherServer(a, b));
        }
        let shape = |file: &RunFile| -> Vec<(String, usize)> {
            file.scenarios.iter().map(|one| (one.name.clone(), one.stages.len())).collect()
        };
        if shape(part.of) != shape(first.of) {
            return Err(MergeError::EndedEarly(b, a));
        }
    }
    for pair in parts.windows(2) {
        if pair[0].0.shard.index == pair[1].0.shard.index {
            let (a, b) = (pair[0].1.origin.to_owned(), pair[1].1.origin.to_owned());
            return Err(MergeError::Twice(a, b, pair[0].0.shard.index));
        }
    }
    let is_there = |index: &u32| parts.iter().any(|(facts, _)| facts.shard.index == *index);
    match (1..=facts.shard.count).find(|index| !is_there(index)) {
        Some(index) => Err(MergeError::Missing(format!("{index}/{}", facts.shard.count))),
        None => Ok(()),
    }
}

fn scenario(
    parts: &[Part<'_, ScenarioResult>],
    conclude: &dyn Fn(&mut ScenarioResult, bool),
) -> Result<ScenarioResult, MergeError> {
    let first = parts[0].of;
    let mut merged = ScenarioResult {
        name: first.name.clone(),
        // Both are made by `conclude`.
        verdict: first.verdict,
        checks: Vec::new(),
        rate_limit: first.rate_limit.clone(),
        capacity: first.capacity.clone(),
        rate_capacity: first.rate_capacity.clone(),
        clients: None,
        notes: vec![format!(
            "merged from {} shards: latencies from the merged histograms, resources of one shard, no quantiles by second",
            parts.len()
        )],
        error: parts.iter().find_map(|part| part.of.error.clone()),
        definition: stage::definition(parts),
        stages: Vec::new(),
    };
    for note in parts.iter().flat_map(|part| &part.of.notes) {
        if !merged.notes.contains(note) {
            merged.notes.push(note.clone());
        }
    }
    for index in 0..first.stages.len() {
        let same: Vec<_> =
            parts.iter().map(|part| Part { origin: part.origin, of: &part.of.stages[index] }).collect();
        merged.stages.push(stage::merge(&same, merged.definition.stages.get(index))?);
    }
    let was_interrupted = parts.iter().any(|part| part.of.verdict == Verdict::Interrupted);
    conclude(&mut merged, was_interrupted);
    Ok(merged)
}
