//! `--profile [WHAT]`, whose value may be left out even before a scenario's name.

use clap::Args;

use crate::profile::Kinds;

/// What is profiled.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct ProfileArgs {
    /// Write flamegraphs into DIR/flamegraphs: of the CPU time of this process and of the server (`cpu`, or nothing), of
    /// what the server's lines keep in memory (`memory`), or both (`cpu,memory`). The figures then include
    /// the cost of it.
    #[arg(long, value_name = "WHAT", num_args = 0..=1, default_missing_value = "cpu")]
    profile: Vec<String>,
}

impl ProfileArgs {
    /// What is to be profiled, if anything; and the scenarios, with those that stand after a bare `--profile`.
    ///
    /// # Errors
    ///
    /// Where `memory` may be the scenario as well as what to profile.
    pub(in crate::cli) fn split(&self, scenarios: &[String]) -> Result<(Option<Kinds>, Vec<String>), String> {
        let mut kinds = (!self.profile.is_empty()).then(Kinds::default);
        let mut named = Vec::new();
        for word in &self.profile {
            let of_word = kinds_of(word).unwrap_or_else(|| {
                named.push(word.clone());
                Kinds { cpu: true, memory: false }
            });
            kinds =
                kinds.map(|all| Kinds { cpu: all.cpu | of_word.cpu, memory: all.memory | of_word.memory });
        }
        named.extend_from_slice(scenarios);
        if named.is_empty() && kinds.is_some_and(|kinds| kinds.memory) {
            return Err("--profile memory needs a scenario's name before it: `run memory --profile memory` follows the server's \
                        memory in the scenario 'memory', `run quick --profile memory` in the short run, and \
                        `run memory --profile` samples CPU time in the scenario 'memory'"
                .to_owned());
        }
        Ok((kinds, named))
    }
}

/// `None` for what is no list of kinds, and so a scenario's name.
fn kinds_of(word: &str) -> Option<Kinds> {
    word.split(',').try_fold(Kinds::default(), |kinds, kind| match kind {
        "cpu" => Some(Kinds { cpu: true, ..kinds }),
        "memory" => Some(Kinds { memory: true, ..kinds }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        scenarios: Vec<String>,
        #[command(flatten)]
        profile: ProfileArgs,
        #[arg(long)]
        out: Option<String>,
    }

    /// `cpu`, `memory`, and the scenarios.
    fn split(words: &str) -> Result<(Option<(bool, bool)>, String), String> {
        let line = Line::try_parse_from(["run"].into_iter().chain(words.split_whitespace())).unwrap();
        let (kinds, scenarios) = line.profile.split(&line.scenarios)?;
        Ok((kinds.map(|kinds| (kinds.cpu, kinds.memory)), scenarios.join(" ")))
    }

    #[test]
    fn what_is_profiled_may_be_said_or_left_out() {
        let (cpu, memory, both) = (Some((true, false)), Some((false, true)), Some((true, true)));
        for (words, kinds, scenarios) in [
            ("memory", None, "memory"),
            ("memory --profile", cpu, "memory"),
            ("memory --profile --out there", cpu, "memory"),
            ("memory --profile cpu", cpu, "memory"),
            ("memory --profile memory", memory, "memory"),
            ("memory --profile=memory", memory, "memory"),
            ("--profile memory memory", memory, "memory"),
            ("memory --profile cpu,memory", both, "memory"),
            ("memory --profile --profile memory", both, "memory"),
            ("--profile", cpu, ""),
            ("--profile cpu", cpu, ""),
        ] {
            assert_eq!(split(words), Ok((kinds, scenarios.to_owned())), "{words}");
        }
    }

    #[test]
    fn a_scenario_after_a_bare_option_is_a_scenario() {
        assert_eq!(split("--profile tools"), Ok((Some((true, false)), "tools".to_owned())));
        assert_eq!(split("--profile my.toml tools"), Ok((Some((true, false)), "my.toml tools".to_owned())));
    }

    #[test]
    fn memory_alone_may_be_either_and_is_asked_for() {
        let refusal = split("--profile memory").unwrap_err();
        assert!(
            refusal.contains("`run memory --profile memory`") && refusal.contains("`run memory --profile`")
        );
    }
}
