//! Runs as a record: each run, with a server started for it, is one round of every stage and every tool in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use music21_mcp_bench::baseline::file::InputError;
use music21_mcp_bench::client::ServerInfo;
use music21_mcp_bench::server::ServerSpec;
use music21_mcp_proc::Conditions;

use super::{Entry, Kind, Load, Origin, Parts, Record, rounds};
use crate::measure::validity::{Figures, Standing, Validity};
use crate::result::{RunFile, ServerFacts, Stage, workload_sha256};

/// Runs of the same scenarios on the same server, in the order of time.
#[derive(Debug)]
pub(crate) struct Runs(Vec<(PathBuf, RunFile)>);

impl Runs {
    /// Reads the `result.json` of each of these directories.
    ///
    /// # Errors
    ///
    /// The first that is no finished run, or that is no round of the same measurement as the first.
    pub(crate) fn load(directories: &[PathBuf]) -> Result<Self, InputError> {
        let mut runs = Vec::new();
        for directory in directories {
            let path = if directory.is_dir() { directory.join("result.json") } else { directory.clone() };
            let file = RunFile::read(&path)?;
            if !file.complete {
                return Err(InputError::unusable(format!(
                    "run '{}' did not end by itself; what is missing was not measured",
                    path.display()
                )));
            }
            runs.push((path, file));
        }
        runs.sort_by(|(_, a), (_, b)| a.created_utc.cmp(&b.created_utc));
        for (i, (second, b)) in runs.iter().enumerate() {
            let names = |first: &Path| format!("runs '{}' and '{}' are", first.display(), second.display());
            if let Some((first, _)) = runs[..i].iter().find(|(_, a)| a == b) {
                let same = format!("{} the same run; a round is a run of its own", names(first));
                return Err(InputError::unusable(same));
            }
            let (first, a) = &runs[0];
            if let Some(field) = difference(a, b) {
                let apart = format!("{} no rounds of one measurement: their {field} differs", names(first));
                return Err(InputError::unusable(apart));
            }
        }
        Ok(Self(runs))
    }

    /// The record, and a line about each round of a stage that is not all that it could be.
    ///
    /// # Errors
    ///
    /// If nothing is left or a histogram cannot be read.
    pub(crate) fn record(&self, target: Option<String>) -> Result<(Record, Vec<String>), InputError> {
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        let mut doubts = Doubts::default();
        for (number, (path, file)) in self.0.iter().enumerate() {
            for scenario in &file.scenarios {
                for (stage, defined) in scenario.stages.iter().zip(&scenario.definition.stages) {
                    let name = format!("{}/{}", scenario.name, stage.name);
                    doubts.add(&format!("round {number} of {name}"), &stage.validity);
                    if stage.validity.of(Figures::Counts) != Standing::Valid {
                        continue;
                    }
                    let damaged = |(entry, reason)| {
                        let path = path.display();
                        InputError::unusable(format!(
                            "run '{path}': the histogram of {entry} is damaged: {reason}"
                        ))
                    };
                    let rounds =
                        rounds::of_stage(&name, number as u32, stage, defined, file).map_err(damaged)?;
                    for (name, round) in rounds {
                        entries.entry(name).or_default().rounds.push(round);
                    }
                }
            }
        }
        match self.0.last() {
            Some((_, last)) if !entries.is_empty() => {
                Ok((self.around(last, target, entries), doubts.lines()))
            }
            _ => {
                let why = doubts.lines().first().map(|why| format!(": {why}")).unwrap_or_default();
                Err(InputError::unusable(format!("no stage of these runs can be compared{why}")))
            }
        }
    }

    fn around(&self, last: &RunFile, target: Option<String>, entries: BTreeMap<String, Entry>) -> Record {
        let spec = if last.server.spec.is_empty() { "embedded" } else { &last.server.spec };
        let (id, sha256) = workload(last);
        let ServerFacts { name, version, protocol, .. } = last.server.clone();
        Record::from(Parts {
            kind: Kind::Load,
            origin: Origin {
                created_utc: last.created_utc.clone(),
                tool: last.tool.clone(),
                machine: last.machine.clone(),
                conditions: self.conditions(),
            },
            target: target.unwrap_or_else(|| spec.to_owned()),
            launch_sha256: launch(last),
            transport: &last.server.transport,
            identity: Some(ServerInfo { name, version, protocol }),
            workload: (&id, sha256),
            load: load_of(last),
            entries,
        })
    }

    /// From the beginning of the first run to the end of the last, at their worst.
    fn conditions(&self) -> Conditions {
        let all = || self.0.iter().filter_map(|(_, file)| file.conditions);
        let worst = |of: fn(Conditions) -> Option<f64>| all().filter_map(of).reduce(f64::max);
        Conditions {
            load_before: all().next().and_then(|one| one.load_before),
            load_after: all().next_back().and_then(|one| one.load_after),
            steal_percent: worst(|one| one.steal_percent),
            cpu_pressure_percent: worst(|one| one.cpu_pressure_percent),
        }
    }
}

/// Rounds of stages that are not all that they could be, by what is amiss.
#[derive(Default)]
struct Doubts(BTreeMap<&'static str, Vec<String>>);

impl Doubts {
    fn add(&mut self, round: &str, validity: &Validity) {
        let (amiss, figures) = match (validity.of(Figures::Counts), validity.times()) {
            (Standing::Invalid, _) => ("is left out, being INVALID", Figures::Counts),
            (_, Standing::Invalid) => ("has no times, being INVALID", Figures::Times),
            (_, Standing::Disturbed) => ("was disturbed, its times are upper bounds", Figures::Times),
            (_, Standing::Valid) => return,
        };
        let reason = validity.why(figures).map(ToString::to_string).unwrap_or_default();
        self.0.entry(amiss).or_default().push(format!("{round} {amiss}: {reason}"));
    }

    /// The first of each kind, with how many there are more.
    fn lines(self) -> Vec<String> {
        let line = |all: Vec<String>| match all.as_slice() {
            [first, rest @ ..] if !rest.is_empty() => format!("{first}; so with {} more", rest.len()),
            _ => all.concat(),
        };
        self.0.into_values().map(line).collect()
    }
}

/// What keeps two runs from being rounds of one measurement.
fn difference(a: &RunFile, b: &RunFile) -> Option<&'static str> {
    [
        (
            "server",
            launch(a) == launch(b) && a.server.spec == b.server.spec && a.server.version == b.server.version,
        ),
        ("workload", workload(a) == workload(b)),
        ("program", a.tool == b.tool),
        ("machine", a.machine.fingerprint == b.machine.fingerprint),
    ]
    .into_iter()
    .find_map(|(field, is_same)| (!is_same).then_some(field))
}

/// The digest of how the server was started. Files of older programs hold what the user wrote in its place.
fn launch(file: &RunFile) -> String {
    let ServerFacts { launch_sha256, spec, .. } = &file.server;
    match spec.parse::<ServerSpec>() {
        Ok(spec) if launch_sha256.is_empty() => spec.digest(),
        _ => launch_sha256.clone(),
    }
}

/// The names of the scenarios, and SHA-256 of all that they and the seed say.
fn workload(file: &RunFile) -> (String, String) {
    let names: Vec<&str> = file.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let definitions = file.scenarios.iter().map(|scenario| &scenario.definition);
    (names.join("+"), workload_sha256(definitions, file.seed))
}

/// What all stages have in common; the workload's checksum holds each of them.
fn load_of(file: &RunFile) -> Load {
    let stages: Vec<&Stage> = file.scenarios.iter().flat_map(|s| &s.definition.stages).collect();
    let open = stages.iter().filter(|stage| stage.rate_per_s.is_some()).count();
    let rate = stages.first().and_then(|stage| stage.rate_per_s);
    let model = match open {
        0 => "closed",
        _ if open == stages.len() => "open",
        _ => "closed and open",
    };
    let longest = stages.iter().map(|stage| (stage.deadline_s * 1e3) as u64);
    Load {
        model: model.to_owned(),
        rate_per_s: rate.filter(|_| stages.iter().all(|stage| stage.rate_per_s == rate)),
        sessions: stages.iter().map(|stage| stage.clients as u32).max().unwrap_or(0),
        deadline_ms: longest.max(),
    }
}
