//! `list` and `explain`: what scenarios there are, and what each does.

use std::io::Write;

use clap::Args;

use super::support::select::shipped;
use super::support::template::template;
use super::{Exit, Usage};
use crate::report::screen::Screen;
use crate::scenario::{Length, Options, QUICK, SCENARIOS, Scenario, find};

/// Lists the scenarios.
pub(super) fn list() -> anyhow::Result<Exit> {
    let mut stdout = std::io::stdout();
    write!(stdout, "{}", listed(Screen::stdout()))?;
    Ok(Exit::Ok)
}

/// A line for each scenario, and for each word that stands for several.
fn listed(screen: Screen) -> String {
    let long = Options::default();
    let short = Options { quick: true, ..Options::default() };
    let length = |scenario: &Scenario, options: &Options| Length::of(&scenario.definition(options));
    let line =
        |name: &str, length: Length, about: &str| [name.to_owned(), length.to_string(), about.to_owned()];
    let each = SCENARIOS.iter().map(|scenario| line(scenario.name, length(scenario, &long), scenario.about));
    let quick = QUICK.iter().filter_map(|name| find(name)).map(|scenario| length(scenario, &short)).sum();
    let all = SCENARIOS.iter().map(|scenario| length(scenario, &long)).sum();
    let several = [
        line("quick", quick, &format!("{}, in short", QUICK.join(", "))),
        line("all", all, "all of the above; --quick shortens them"),
    ];
    screen.columns(&each.chain(several).collect::<Vec<_>>())
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
            write!(stdout, "{}", shown(&explanation(&scenarios), Screen::stdout()))?;
        }
        Ok(Exit::Ok)
    }
}

fn explanation(scenarios: &[&Scenario]) -> String {
    let of = |one: &&Scenario| format!("{}: {}\n\n{}", one.name, one.about, one.explanation);
    scenarios.iter().map(of).collect::<Vec<_>>().join("\n\n")
}

/// Columns that the explanations are written for.
const WRITTEN: usize = 108;

/// The text, on a narrow screen in shorter lines.
fn shown(text: &str, screen: Screen) -> String {
    if screen.has(WRITTEN + 6) {
        return format!("{text}\n");
    }
    let mut lines = Vec::<String>::new();
    let mut last = 0;
    for line in text.lines() {
        let first_word = line.split_whitespace().next().map_or(0, str::len);
        // It goes on with the line before if that one had no room for its first word.
        match lines.last_mut() {
            Some(before) if first_word > 0 && last + 1 + first_word > WRITTEN => {
                *before += &format!(" {}", line.trim_start());
            }
            _ => lines.push(line.to_owned()),
        }
        last = line.len();
    }
    lines.iter().map(|line| screen.wrapped(line, if line.starts_with("- ") { 2 } else { 0 })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_says_how_long_it_takes() {
        insta::assert_snapshot!(listed(Screen::NONE));
        let narrow = listed(Screen::of(60));
        assert!(narrow.starts_with("tools\n    30s · each tool"), "{narrow}");
    }

    #[test]
    fn every_scenario_is_explained() {
        insta::assert_snapshot!(explanation(&shipped("all").unwrap()));
    }
}
