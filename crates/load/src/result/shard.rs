//! One load from several machines: each takes its share of the clients or of the arrival rate. What they measured is
//! put together by `merge`.

use std::fmt;
use std::str::FromStr;

use music21_mcp_bench::baseline::file::sha256_hex;
use serde::{Deserialize, Serialize};

use crate::measure::validity::Reason;
use crate::result::{AccountsBy, Definition, StageResult};

/// Which of how many shares a process takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Shard {
    /// From 1 on.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

/// What a result says of the whole it is a part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ShardFacts {
    /// Which part.
    pub shard: Shard,
    /// SHA-256 of the whole's definitions and seed: parts of one whole have the same.
    pub whole_sha256: String,
}

/// What one shard had of a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ShardShare {
    /// Which part.
    pub shard: Shard,
    /// Sessions.
    pub clients: usize,
    /// Every call in its class.
    pub accounts: AccountsBy,
    /// Calls answered per second.
    pub calls_per_s: f64,
    /// The quantile 0.99 of dispatched − due, nanoseconds.
    #[serde(alias = "gen_lag_p99_ns")]
    pub scheduling_delay_p99_ns: Option<u64>,
    /// Why it is INVALID; empty if it is valid.
    pub invalid: Vec<Reason>,
}

/// How many shards a Kubernetes Indexed Job has; Kubernetes itself tells only the index.
const COUNT: &str = "MUSIC21_SHARDS";

impl Shard {
    /// From the variables of a Slurm job array (`SLURM_ARRAY_TASK_ID`, `…_MIN`, `…_COUNT`) or of a Kubernetes
    /// Indexed Job (`JOB_COMPLETION_INDEX`, and `MUSIC21_SHARDS` for the number of completions).
    ///
    /// # Errors
    ///
    /// A line that says which variable is missing or no number.
    pub(crate) fn from_variables(read: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let number = |name: &str| -> Result<Option<u32>, String> {
            let Some(text) = read(name) else { return Ok(None) };
            text.trim().parse().map(Some).map_err(|_| format!("{name}: '{text}' is no number"))
        };
        let needed = |name: &str| {
            number(name)?.ok_or_else(|| format!("{name} is not set; it is the number of shards"))
        };
        if let Some(id) = number("SLURM_ARRAY_TASK_ID")? {
            let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
            return Self::new(id.saturating_sub(first) + 1, needed("SLURM_ARRAY_TASK_COUNT")?);
        }
        match number("JOB_COMPLETION_INDEX")? {
            Some(index) => Self::new(index + 1, needed(COUNT)?),
            None => {
                Err("neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID is set; give --shard i/n".into())
            }
        }
    }

    fn new(index: u32, count: u32) -> Result<Self, String> {
        if (1..=count).contains(&index) {
            Ok(Self { index, count })
        } else {
            Err(format!("there is no shard {index} of {count}"))
        }
    }

    /// The seed of this share: no other share has the same arrivals.
    pub(crate) fn seed(self, seed: u64) -> u64 {
        seed.wrapping_add(u64::from(self.index - 1) << 32)
    }

    /// This share of a number of things; the shares of all shards add up to it.
    fn of(self, whole: u64) -> u64 {
        let until = |index: u32| u128::from(whole) * u128::from(index) / u128::from(self.count);
        // No share is larger than the whole.
        (until(self.index) - until(self.index - 1)) as u64
    }

    /// A scenario with this share of its clients, calls and arrival rate.
    ///
    /// # Errors
    ///
    /// Where a share would be empty, or there is nothing to share.
    pub(crate) fn take(self, mut definition: Definition) -> Result<Definition, String> {
        let (name, count) = (&definition.name, self.count);
        if definition.probe.is_some() || definition.search.is_some() {
            return Err(format!("'{name}' decides what to send by what came back, and has no shards"));
        }
        for stage in &mut definition.stages {
            let clients = self.of(stage.clients as u64) as usize;
            if clients == 0 {
                return Err(format!(
                    "stage '{}' of '{name}' has too few clients ({}) for {count} shards; raise --clients",
                    stage.name, stage.clients
                ));
            }
            stage.clients = clients;
            stage.rate_per_s = stage.rate_per_s.map(|rate| rate / f64::from(count));
            // Each shard would decide for itself, and they would not end together.
            stage.extend_to_s = None;
            if let Some(calls) = stage.calls {
                stage.calls = Some(self.of(calls)).filter(|&calls| calls > 0);
                if stage.calls.is_none() {
                    return Err(format!("stage '{}' of '{name}' has fewer calls than shards", stage.name));
                }
            }
        }
        Ok(definition)
    }

    /// What the result says of the whole.
    pub(crate) fn facts(self, whole: &[Definition], seed: u64) -> ShardFacts {
        ShardFacts { shard: self, whole_sha256: workload_sha256(whole, seed) }
    }
}

/// SHA-256 of all that definitions and the seed say but the server, whose name differs from machine to machine and
/// which may be what is compared. Stored records hold it: what it is made of must stay.
pub(crate) fn workload_sha256<'a>(
    definitions: impl IntoIterator<Item = &'a Definition>,
    seed: u64,
) -> String {
    let served_by_any = |one: &Definition| Definition { server: None, ..one.clone() };
    let definitions: Vec<Definition> = definitions.into_iter().map(served_by_any).collect();
    let mut whole = serde_json::json!([seed, definitions]);
    with_first_names(&mut whole);
    sha256_hex(whole.to_string().as_bytes())
}

/// Gives the fields that were renamed since the first layout their first names again: with others a workload that has not
/// changed would have another checksum than in older records.
fn with_first_names(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(values) => values.iter_mut().for_each(with_first_names),
        serde_json::Value::Object(map) => {
            if let Some(echo) = map.remove("must_echo_nonce") {
                map.insert("own_nonce".to_owned(), echo);
            }
            map.values_mut().for_each(with_first_names);
        }
        _ => {}
    }
}

impl ShardShare {
    /// The share that a stage is, as one of `count` in order from 0.
    pub(crate) fn of(index: usize, count: usize, stage: &StageResult) -> Self {
        Self {
            shard: Shard { index: index as u32 + 1, count: count as u32 },
            clients: stage.clients,
            accounts: stage.accounts.clone(),
            calls_per_s: stage.calls_per_s,
            scheduling_delay_p99_ns: stage.generator.scheduling_delay_p99_ns,
            invalid: stage.validity.invalid.clone(),
        }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Self::from_variables(|name| std::env::var(name).ok());
        }
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let (index, count) = numbers.ok_or("give it as i/n, such as 2/8, or as 'auto'")?;
        Self::new(index, count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Stage, Step, Workload};

    fn read(set: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn shares_add_up_to_the_whole_and_differ_by_one_at_most() {
        for (whole, count) in [(100, 8), (8, 8), (7, 3), (u64::MAX, 5)] {
            let shares: Vec<u64> = (1..=count).map(|index| Shard { index, count }.of(whole)).collect();
            assert_eq!(shares.iter().sum::<u64>(), whole);
            assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1, "{shares:?}");
        }
    }

    #[test]
    fn kubernetes_counts_from_zero_and_slurm_from_where_the_array_begins() {
        let kubernetes = read(&[("JOB_COMPLETION_INDEX", "0"), ("MUSIC21_SHARDS", "4")]);
        assert_eq!(Shard::from_variables(kubernetes), Ok(Shard { index: 1, count: 4 }));
        let slurm = read(&[
            ("SLURM_ARRAY_TASK_ID", "12"),
            ("SLURM_ARRAY_TASK_MIN", "10"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
        ]);
        assert_eq!(Shard::from_variables(slurm), Ok(Shard { index: 3, count: 3 }));
    }

    #[test]
    fn a_missing_count_and_a_shard_that_does_not_exist_are_reported() {
        let error = Shard::from_variables(read(&[("JOB_COMPLETION_INDEX", "0")])).unwrap_err();
        assert!(error.contains("MUSIC21_SHARDS"), "{error}");
        assert!(Shard::from_variables(read(&[])).unwrap_err().contains("--shard"));
        assert_eq!("9/8".parse::<Shard>(), Err("there is no shard 9 of 8".into()));
        assert!("0/8".parse::<Shard>().is_err() && "8".parse::<Shard>().is_err());
    }

    #[test]
    fn a_stage_of_fewer_clients_than_shards_says_so() {
        let whole = Definition {
            name: "tools".to_owned(),
            stages: vec![Stage::new("one client", 1, Workload::of(vec![Step::default()]))],
            ..Definition::default()
        };
        let error = Shard { index: 1, count: 8 }.take(whole).unwrap_err();
        assert!(error.contains("'one client' of 'tools' has too few clients (1) for 8 shards"), "{error}");
    }
}
