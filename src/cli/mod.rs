//! The command line: one file for each verb or two that belong together, the exit codes, and how an error is shown.

mod ab;
mod audit;
mod bare;
mod baseline;
mod compare;
mod generate;
mod history;
mod init;
mod list;
mod manual;
mod merge;
mod report;
mod run;
mod serve;
mod support;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// How the program ends, as a process's exit code. clap itself exits with 2 on a wrong command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The verb did what was asked.
    Ok = 0,
    /// A regression was found, or a check failed.
    Regression = 1,
    /// The command line asks for something that does not exist or contradicts itself.
    Usage = 2,
    /// No verdict: not comparable, invalid, or too noisy to tell.
    Inconclusive = 3,
    /// The machine refused: a file that cannot be written, a port in use, a missing program.
    Environment = 4,
    /// Ctrl-C; what was measured up to then is written.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Benchmarks and load tests for the music21 MCP server.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Ab(Box<ab::Ab>),
    Audit(audit::Audit),
    #[command(hide = true, name = "bare-server")]
    Bare(bare::Bare),
    Baseline(baseline::Baseline),
    Compare(compare::Compare),
    Completions(manual::Completions),
    Explain(list::Explain),
    Generate(generate::Generate),
    History(history::Show),
    Init(init::Init),
    List(list::List),
    Man(manual::Man),
    Merge(merge::Merge),
    Report(report::Report),
    Run(Box<run::Run>),
    Serve(Box<serve::Serve>),
}

/// Parses the process's arguments, runs the verb, and returns its exit code.
pub fn main() -> ExitCode {
    let result: anyhow::Result<Exit> = match Cli::parse().verb {
        Verb::Ab(verb) => verb.run(),
        Verb::Audit(verb) => verb.run(),
        Verb::Bare(verb) => verb.run(),
        Verb::Baseline(verb) => verb.run(),
        Verb::Compare(verb) => verb.run(),
        Verb::Completions(verb) => verb.run(),
        Verb::Explain(verb) => verb.run(),
        Verb::Generate(verb) => verb.run(),
        Verb::History(verb) => verb.run(),
        Verb::Init(verb) => verb.run(),
        Verb::List(verb) => verb.run(),
        Verb::Man(verb) => verb.run(),
        Verb::Merge(verb) => verb.run(),
        Verb::Report(verb) => verb.run(),
        Verb::Run(verb) => verb.run(),
        Verb::Serve(verb) => verb.run(),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            // Nothing is left to tell if stderr is gone.
            let _ = writeln!(std::io::stderr(), "music21-mcp-bench: {error:#}");
            Exit::Environment.into()
        }
    }
}
