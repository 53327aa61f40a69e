//! The command line: one file for each verb or two that belong together, and how an error is shown.

mod ab;
mod audit;
mod baseline;
mod compare;
mod exit;
mod generate;
mod history;
mod init;
mod list;
mod manual;
mod merge;
mod null_server;
mod record;
mod repeat;
mod report;
mod run;
mod serve;
mod support;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use exit::Exit;
use exit::Usage;

/// Benchmarks and load tests for the music21 MCP server.
#[derive(Debug, Parser)]
#[command(name = "music21-mcp-bench", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Ab(Box<ab::Ab>),
    Audit(audit::Audit),
    Baseline(baseline::Baseline),
    Compare(compare::Compare),
    Completions(manual::Completions),
    Explain(list::Explain),
    Generate(generate::Generate),
    History(history::Show),
    Init(init::Init),
    /// List the scenarios.
    List,
    Man(manual::Man),
    Merge(merge::Merge),
    #[command(hide = true, name = "null-server")]
    Null(null_server::Null),
    Record(record::RecordCalls),
    Report(report::Report),
    Run(Box<run::Run>),
    Serve(Box<serve::Serve>),
}

/// Parses the process's arguments, runs the verb, and returns its exit code.
pub fn main() -> ExitCode {
    let result: anyhow::Result<Exit> = match Cli::parse().verb {
        Verb::Ab(verb) => verb.run(),
        Verb::Audit(verb) => verb.run(),
        Verb::Baseline(verb) => verb.run(),
        Verb::Compare(verb) => verb.run(),
        Verb::Completions(verb) => verb.run(),
        Verb::Explain(verb) => verb.run(),
        Verb::Generate(verb) => verb.run(),
        Verb::History(verb) => verb.run(),
        Verb::Init(verb) => verb.run(),
        Verb::List => list::list(),
        Verb::Man(verb) => verb.run(),
        Verb::Merge(verb) => verb.run(),
        Verb::Null(verb) => verb.run(),
        Verb::Record(verb) => verb.run(),
        Verb::Report(verb) => verb.run(),
        Verb::Run(verb) => verb.run(),
        Verb::Serve(verb) => verb.run(),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            let is_pipe = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
            // 'list | head' has read all that it wants.
            if !error.chain().any(|cause| cause.downcast_ref().is_some_and(is_pipe)) {
                // There is nobody to say it to if stderr is gone.
                let _ = writeln!(io::stderr(), "music21-mcp-bench: {error:#}");
            }
            Exit::of_error(&error, Exit::Environment).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;

    /// The help of a verb and of those below it, as a terminal of 100 columns shows it.
    fn check(mut verb: Command, name: &str) {
        let help = verb.clone().term_width(100).render_long_help();
        insta::assert_snapshot!(name.replace(' ', "-"), help);
        for below in verb.get_subcommands_mut().filter(|below| below.get_name() != "help") {
            let name = format!("{name} {}", below.get_name());
            check(below.clone(), &name);
        }
    }

    /// The help of all verbs, one after the other, as a terminal of that width shows it.
    fn at(width: usize, mut verb: Command, out: &mut String) {
        *out += &verb.clone().term_width(width).render_long_help().to_string();
        for below in verb.get_subcommands_mut().filter(|below| below.get_name() != "help") {
            *out += &format!("\n== {}\n", below.get_name());
            at(width, below.clone(), out);
        }
    }

    #[test]
    fn every_verb_fits_a_narrow_and_a_wide_terminal() {
        for width in [60, 120] {
            let mut program = Cli::command();
            program.build();
            let mut shown = String::new();
            at(width, program, &mut shown);
            // A usage line holds the words that must be given, which clap does not break.
            let too_long = |line: &&str| line.chars().count() > width && !line.starts_with("Usage: ");
            assert_eq!(shown.lines().find(too_long), None, "at {width}");
            insta::assert_snapshot!(format!("all-help-{width}"), shown);
        }
    }

    #[test]
    fn every_verb_says_what_it_does() {
        let mut program = Cli::command();
        program.build();
        check(program, "help");
    }
}
