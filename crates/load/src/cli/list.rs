//! `list` and `explain`: what scenarios there are, and what each does.

use std::io::Write;

use clap::Args;

use super::support::select::shipped;
use super::support::template::template;
use super::{Exit, Usage};
use crate::scenario::{Options, QUICK, SCENARIOS, Scenario};

/// Lists the scenarios.
pub(super) fn list() -> anyhow::Result<Exit> {
    let mut stdout = std::io::stdout();
    for scenario in &SCENARIOS {
        writeln!(stdout, "{:<14} {}", scenario.name, scenario.about)?;
    }
    writeln!(stdout, "{:<14} {}, in short", "quick", QUICK.join(", "))?;
    writeln!(stdout, "{:<14} all of the above", "all")?;
    Ok(Exit::Ok)
}

/// Explain a scenario: what it does, how it judges, what it cannot show.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The scenario; `quick` or `all` for several.
    scenario: String,
    /// Print it as a TOML file to start from, with comments. Under its own name it is judged as the scenario is.
    #[arg(long)]
    toml: bool,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let scenarios = shipped(&self.scenario).map_err(Usage)?;
        let mut stdout = std::io::stdout();
        if self.toml {
            let [scenario] = scenarios[..] else {
                return Err(
                    Usage(format!("'{}' is several scenarios; a file holds one", self.scenario)).into()
                );
            };
            let definition = scenario.definition(&Options { all_sizes: true, ..Options::default() });
            write!(stdout, "{}", template(&definition)?)?;
        } else {
            writeln!(stdout, "{}", explanation(&scenarios))?;
        }
        Ok(Exit::Ok)
    }
}

fn explanation(scenarios: &[&Scenario]) -> String {
    let of = |one: &&Scenario| format!("{}: {}\n\n{}", one.name, one.about, one.explanation);
    scenarios.iter().map(of).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_explained() {
        insta::assert_snapshot!(explanation(&shipped("all").unwrap()));
    }
}
