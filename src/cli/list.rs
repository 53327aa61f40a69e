//! `list` and `explain`: what scenarios there are, and what each does.

use std::io::Write;

use clap::Args;

use super::support::template::template;
use super::{Exit, Usage};
use crate::scenario::{Options, QUICK, SCENARIOS, find};

/// List the scenarios.
#[derive(Debug, Args)]
pub(super) struct List {}

impl List {
    #[expect(clippy::unused_self, reason = "every verb runs the same way")]
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut stdout = std::io::stdout();
        for scenario in &SCENARIOS {
            writeln!(stdout, "{:<14} {}", scenario.name, scenario.about)?;
        }
        writeln!(stdout, "{:<14} {}, in short", "quick", QUICK.join(", "))?;
        writeln!(stdout, "{:<14} all of the above", "all")?;
        Ok(Exit::Ok)
    }
}

/// Explain a scenario: what it does, how it judges, what it cannot show.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The scenario.
    scenario: String,
    /// Print it as a TOML file to start from, with comments. Under its own name it is judged as the scenario is.
    #[arg(long)]
    toml: bool,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let scenario = find(&self.scenario).ok_or_else(|| {
            let known: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            Usage(format!("unknown scenario '{}'; one of {}", self.scenario, known.join(", ")))
        })?;
        let mut stdout = std::io::stdout();
        if self.toml {
            let definition = scenario.definition(&Options { all_sizes: true, ..Options::default() });
            write!(stdout, "{}", template(&definition)?)?;
        } else {
            writeln!(stdout, "{}: {}\n\n{}", scenario.name, scenario.about, scenario.explanation)?;
        }
        Ok(Exit::Ok)
    }
}
