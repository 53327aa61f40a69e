//! The command line: one file per verb.

use std::process::ExitCode;

/// Parses the process's arguments, runs the verb, and returns its exit code.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
