//! One stage of all shards, as one.

use std::collections::BTreeMap;

use super::{MergeError, Part};
use crate::measure::histogram::Histogram;
use crate::measure::steady::Steadiness;
use crate::measure::summary::Summary;
use crate::measure::trend::{self, LeakVerdict};
use crate::measure::validity::{GeneratorFacts, Reason, Validity};
use crate::result::{
    AccountsBy, Definition, Doubtful, EXAMPLES, Exports, PhaseResult, Ratings, ResourceAt, ScenarioResult,
    Second, SessionMemory, ShardShare, Stage, StageResult, StoppedBy, ToolResult, Traced,
};

/// The whole's definition: what the shards shared is added up again.
pub(super) fn definition(parts: &[Part<'_, ScenarioResult>]) -> Definition {
    let mut whole = parts[0].of.definition.clone();
    for (index, stage) in whole.stages.iter_mut().enumerate() {
        let shares = || parts.iter().filter_map(|part| part.of.definition.stages.get(index));
        stage.clients = shares().map(|stage| stage.clients).sum();
        stage.calls = stage.calls.map(|_| shares().filter_map(|stage| stage.calls).sum());
        // A share is the rate divided by the number of shards.
        stage.rate_per_s = stage.rate_per_s.map(|rate| rate * parts.len() as f64);
    }
    whole
}

pub(super) fn merge(
    parts: &[Part<'_, StageResult>],
    defined: Option<&Stage>,
) -> Result<StageResult, MergeError> {
    let stages: Vec<&StageResult> = parts.iter().map(|part| part.of).collect();
    let mut tools = BTreeMap::new();
    for name in stages.iter().flat_map(|stage| stage.tools.keys()) {
        if !tools.contains_key(name) {
            tools.insert(
                name.clone(),
                tool(parts, name, defined.map_or(0, |stage| stage.shortest_deadline_ns(name)))?,
            );
        }
    }
    let resources = resources(&stages);
    let generator = generator(&stages);
    // Every field is named, so that a new one does not compile before it is decided how shards of it add up.
    let whole = StageResult {
        name: stages[0].name.clone(),
        open_loop: stages[0].open_loop,
        clients: stages.iter().map(|stage| stage.clients).sum(),
        stopped_by: stopped_by(&stages),
        started_unix_ms: stages.iter().map(|stage| stage.started_unix_ms).min().unwrap_or(0),
        elapsed_ns: stages.iter().map(|stage| stage.elapsed_ns).max().unwrap_or(0),
        accounts: accounts(stages.iter().map(|stage| &stage.accounts)),
        goodput: None,
        calls_per_s: stages.iter().map(|stage| stage.calls_per_s).sum(),
        tools,
        phases: phases(&stages),
        due_by_hour: sums(&stages, |stage| &stage.due_by_hour),
        backlog_after_ramps: sums(&stages, |stage| &stage.backlog_after_ramps),
        timeline: timeline(&stages),
        leak: trend::judge_leak(&ResourceAt::memory(&resources)),
        peak_rss_bytes: stages.iter().filter_map(|stage| stage.peak_rss_bytes).max(),
        resources,
        settled: stages.iter().find_map(|stage| stage.settled),
        // Each shard sees the scores of all that run meanwhile.
        scores_before: None,
        scores_held: stages.iter().filter_map(|stage| stage.scores_held).max(),
        exports: exports(&stages),
        reopened: stages.iter().map(|stage| stage.reopened).sum(),
        violations: stages
            .iter()
            .map(|stage| stage.violations.clone())
            .reduce(|sum, more| sum.plus(more))
            .unwrap_or_default(),
        session_memory: stages[0].session_memory.as_ref().map(|_| {
            let why = "each shard sees the memory of all shards' sessions and counts its own";
            SessionMemory::Unknown(why.to_owned())
        }),
        // Each shard counts its own calls alone.
        kept_memory: None,
        validity: Validity::default(),
        generator: generator.clone(),
        ratings: Ratings::default(),
        fault: stages[0].fault.clone(),
        server_lost: stages.iter().find_map(|stage| stage.server_lost.clone()),
        // Each shard has a server of its own, or a part of one that others loaded as well.
        profile: None,
        shards: shares(&stages),
    };
    Ok(whole.judged(validity(&stages, &generator)))
}

/// All shards are there, in their order.
fn shares(stages: &[&StageResult]) -> Vec<ShardShare> {
    stages.iter().enumerate().map(|(index, stage)| ShardShare::of(index, stages.len(), stage)).collect()
}

/// What any shard's own judgement says, once: pressure on one machine and other work on another are no contention.
fn validity(stages: &[&StageResult], all: &GeneratorFacts) -> Validity {
    let once = |reasons: fn(&Validity) -> &Vec<Reason>| {
        stages.iter().flat_map(|stage| reasons(&stage.validity)).fold(Vec::new(), |mut all, reason| {
            if !all.contains(reason) {
                all.push(reason.clone());
            }
            all
        })
    };
    let [invalid, disturbed, warnings] =
        [once(|one| &one.invalid), once(|one| &one.disturbed), once(|one| &one.warnings)];
    Validity { invalid, disturbed, warnings, saturated: all.is_saturated() }
}

/// Shards of one server all see the same processes; the one that looked longest saw the most. The calls are those of
/// all shards by then, each by its own clock from its own beginning.
fn resources(stages: &[&StageResult]) -> Vec<ResourceAt> {
    let watched = stages.iter().max_by_key(|stage| stage.resources.len()).unwrap_or(&stages[0]);
    let calls_of = |stage: &&StageResult, at_ns: u64| {
        let by_then = stage.resources.partition_point(|at| at.at_ns <= at_ns);
        by_then.checked_sub(1).map_or(0, |last| stage.resources[last].calls)
    };
    let with_all_calls = |at: &ResourceAt| ResourceAt {
        calls: stages.iter().map(|stage| calls_of(stage, at.at_ns)).sum(),
        ..*at
    };
    watched.resources.iter().map(with_all_calls).collect()
}

fn sums(stages: &[&StageResult], counts: fn(&StageResult) -> &Vec<u64>) -> Vec<u64> {
    let longest = stages.iter().map(|stage| counts(stage).len()).max().unwrap_or(0);
    let sum = |at: usize| stages.iter().filter_map(|stage| counts(stage).get(at)).sum();
    (0..longest).map(sum).collect()
}

fn stopped_by(stages: &[&StageResult]) -> StoppedBy {
    let early = |stage: &&&StageResult| matches!(stage.stopped_by, StoppedBy::Interrupt | StoppedBy::Lost);
    stages.iter().find(early).unwrap_or(&stages[0]).stopped_by
}

fn accounts<'a>(parts: impl Iterator<Item = &'a AccountsBy>) -> AccountsBy {
    let mut sum = AccountsBy::default();
    for part in parts {
        sum.scheduled += part.scheduled;
        sum.sent += part.sent;
        for (&outcome, count) in &part.ended {
            *sum.ended.entry(outcome).or_default() += count;
        }
    }
    sum
}

fn tool(parts: &[Part<'_, StageResult>], name: &str, deadline_ns: u64) -> Result<ToolResult, MergeError> {
    let [mut response, mut service, mut first_byte, mut failures] = [(); 4].map(|()| Histogram::default());
    let (mut first_calls_ns, mut examples, mut lag1) = (Vec::new(), Vec::new(), 0.0_f64);
    let shards = || parts.iter().filter_map(|part| Some((part.origin, part.of.tools.get(name)?)));
    for (origin, tool) in shards() {
        let damaged = |why| MergeError::Damaged(origin.to_owned(), name.to_owned(), why);
        response.merge(&tool.responses(deadline_ns).map_err(damaged)?);
        service.merge(&tool.services(deadline_ns).map_err(damaged)?);
        first_byte.merge(&tool.first_bytes().map_err(damaged)?);
        failures.merge(&tool.failures().map_err(damaged)?);
        first_calls_ns.extend(&tool.first_calls_ns);
        for example in &tool.examples {
            if examples.len() < EXAMPLES && !examples.contains(example) {
                examples.push(example.clone());
            }
        }
        lag1 = tool.response.as_ref().map_or(lag1, |summary| lag1.max(summary.lag1));
    }
    let mut slowest = Vec::new();
    for one in shards().flat_map(|(_, tool)| &tool.slowest) {
        Traced::keep(&mut slowest, one.clone());
    }
    Ok(ToolResult {
        slowest,
        accounts: accounts(shards().map(|(_, tool)| &tool.accounts)),
        first_calls_ns,
        response: Summary::of_histogram(&response, lag1),
        service: Summary::of_histogram(&service, lag1),
        // Where the warm-up ended is each shard's own; that one never settled is true of all.
        steadiness: shards()
            .map(|(_, tool)| tool.steadiness)
            .find(|steadiness| matches!(steadiness, Some(Steadiness::Unsteady)))
            .flatten(),
        response_hdr: response.to_base64(),
        service_hdr: service.to_base64(),
        first_byte: Summary::of_histogram(&first_byte, lag1),
        first_byte_hdr: first_byte.to_base64_if_any(),
        failures: Summary::of_histogram(&failures, 0.0),
        failures_hdr: failures.to_base64_if_any(),
        reply_bytes: shards().map(|(_, tool)| tool.reply_bytes).sum(),
        intervals: Vec::new(),
        examples,
        doubtful: doubtful(shards().map(|(_, tool)| tool)),
        good_example: shards().find_map(|(_, tool)| tool.good_example.clone()),
    })
}

fn doubtful<'a>(shards: impl Iterator<Item = &'a ToolResult>) -> Option<Doubtful> {
    let all = shards.filter_map(|tool| tool.doubtful.clone());
    all.reduce(|sum, more| Doubtful { calls: sum.calls + more.calls, ..sum })
}

/// Response times of a phase are kept as quantiles only, which do not merge. The server's memory is the same for all.
fn phases(stages: &[&StageResult]) -> BTreeMap<String, PhaseResult> {
    let mut phases = BTreeMap::new();
    for name in stages.iter().flat_map(|stage| stage.phases.keys()) {
        let parts = || stages.iter().filter_map(|stage| stage.phases.get(name));
        let phase = PhaseResult {
            accounts: accounts(parts().map(|phase| &phase.accounts)),
            response: None,
            memory_mb_per_min: parts().find_map(|phase| phase.memory_mb_per_min),
        };
        phases.insert(name.clone(), phase);
    }
    phases
}

fn timeline(stages: &[&StageResult]) -> Vec<Second> {
    let mut seconds: BTreeMap<u64, Second> = BTreeMap::new();
    for second in stages.iter().flat_map(|stage| &stage.timeline) {
        let sum =
            seconds.entry(second.at_s).or_insert_with(|| Second { at_s: second.at_s, ..Second::default() });
        sum.ok += second.ok;
        for (&outcome, count) in &second.errors {
            *sum.errors.entry(outcome).or_default() += count;
        }
        for (&bin, count) in &second.by_time {
            *sum.by_time.entry(bin).or_default() += count;
        }
        sum.max_ns = sum.max_ns.max(second.max_ns);
        sum.in_flight += second.in_flight;
    }
    seconds.into_values().collect()
}

fn exports(stages: &[&StageResult]) -> Exports {
    stages.iter().fold(Exports::default(), |sum, stage| Exports {
        made: sum.made + stage.exports.made,
        made_bytes: sum.made_bytes + stage.exports.made_bytes,
        left: sum.left + stage.exports.left,
        left_bytes: sum.left_bytes + stage.exports.left_bytes,
    })
}

/// The worst that any generator did, and what all of them offered together.
fn generator(stages: &[&StageResult]) -> GeneratorFacts {
    let facts = || stages.iter().map(|stage| &stage.generator);
    let worst = |of: fn(&GeneratorFacts) -> Option<f64>| facts().filter_map(of).max_by(f64::total_cmp);
    let any_leak = facts().find_map(|one| one.own_leak.filter(|leak| *leak == LeakVerdict::Leak));
    GeneratorFacts {
        scheduling_delay_p99_ns: facts().filter_map(|one| one.scheduling_delay_p99_ns).max(),
        late_share: worst(|one| Some(one.late_share)).unwrap_or(0.0),
        undelivered_share: worst(|one| one.undelivered_share),
        p95_ns: facts().filter_map(|one| one.p95_ns).min(),
        loop_lag_p99_ns: facts().filter_map(|one| one.loop_lag_p99_ns).max(),
        longest_gap_ns: facts().map(|one| one.longest_gap_ns).max().unwrap_or(0),
        own_cpu_share: worst(|one| one.own_cpu_share),
        own_leak: any_leak.or_else(|| stages[0].generator.own_leak),
        descriptors_left: facts().filter_map(|one| one.descriptors_left).max(),
        due: facts().map(|one| one.due).sum(),
        offered_per_s: stages[0]
            .generator
            .offered_per_s
            .map(|_| facts().filter_map(|one| one.offered_per_s).sum()),
        achieved_per_s: facts().map(|one| one.achieved_per_s).sum(),
        // Little's law would need the times of all calls, and not their quantiles.
        little_gap: None,
        internal_errors: facts().map(|one| one.internal_errors).sum(),
        imbalance: facts().find_map(|one| one.imbalance.clone()),
        others_cpu_share: worst(|one| one.others_cpu_share),
        steal_share: worst(|one| one.steal_share),
        cpu_pressure_percent: worst(|one| one.cpu_pressure_percent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::validity;
    use crate::result::fixture::{reading, sample, stage_named};

    #[test]
    fn pressure_on_one_machine_and_others_work_on_another_are_no_contention() {
        let shard = |cpu_pressure_percent, others_cpu_share| {
            let generator = GeneratorFacts {
                cpu_pressure_percent: Some(cpu_pressure_percent),
                others_cpu_share: Some(others_cpu_share),
                ..GeneratorFacts::default()
            };
            StageResult { validity: validity::judge_generator(&generator), generator, ..stage_named("s") }
        };
        let (waits, shares, both) = (shard(30.0, 0.0), shard(0.0, 0.25), shard(30.0, 0.25));
        let merged = validity(&[&waits, &shares], &GeneratorFacts::default());
        assert_eq!((merged.is_valid(), merged.warnings.len()), (true, 1));
        let merged = validity(&[&waits, &both, &both], &GeneratorFacts::default());
        assert_eq!(merged.disturbed, [Reason::OthersBusy(0.25)]);
    }

    #[test]
    fn the_servers_readings_are_beside_the_calls_of_all_shards() {
        let stage = |calls: &[(u64, u64)]| {
            let at = |&(at_ns, calls): &(u64, u64)| reading(at_ns, calls, sample(9));
            StageResult { resources: calls.iter().map(at).collect(), ..stage_named("s") }
        };
        let (long, short) = (stage(&[(10, 1), (20, 5), (30, 9)]), stage(&[(12, 2), (22, 4)]));
        let calls: Vec<u64> = resources(&[&short, &long]).iter().map(|at| at.calls).collect();
        assert_eq!(calls, [1, 7, 13]);
    }
}
