//! `completions` and `man`: what a package of the program installs beside it, made from the parser itself.

use std::io::{Write, stderr, stdout};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit};

/// Print completions for a shell.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

/// Write manual pages, one for the program and one for each verb.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// The directory they are written to.
    #[arg(value_name = "DIR", default_value = "man")]
    directory: PathBuf,
}

impl Completions {
    pub(super) fn run(&self) -> anyhow::Result<Exit> {
        let mut command = Cli::command();
        let name = command.get_name().to_owned();
        clap_complete::generate(self.shell, &mut command, name, &mut stdout());
        Ok(Exit::Ok)
    }
}

impl Man {
    pub(super) fn run(&self) -> anyhow::Result<Exit> {
        let directory = &self.directory;
        let failed = || format!("failed to write manual pages into '{}'", directory.display());
        std::fs::create_dir_all(directory).with_context(failed)?;
        clap_mangen::generate_to(Cli::command(), directory).with_context(failed)?;
        // What cannot be said is written all the same.
        let _ = writeln!(
            stderr(),
            "wrote a page for the program and one for each verb into {}",
            directory.display()
        );
        Ok(Exit::Ok)
    }
}
