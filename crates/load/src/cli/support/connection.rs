//! How sessions are opened, whatever verb opens them.

use std::path::PathBuf;

use clap::Args;
use music21_mcp_bench::client::{ClientOptions, headers};

#[derive(Debug, Args)]
pub(in crate::cli) struct ConnectionArgs {
    /// Send a header with every request over HTTP, such as `Authorization: Bearer env:TOKEN`: `env:NAME` stands for a
    /// variable of the environment, `file:PATH` for what is in a file. It may be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A PEM file with the authorities by which a server behind `https://` is known; those of the system without it. Needs
    /// a program that was built with `--features tls`.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl ConnectionArgs {
    /// The settings; what scenario files say comes first, so that the command line wins.
    ///
    /// # Errors
    ///
    /// Where a header is none, or names what is not there.
    pub(in crate::cli) fn options(&self, of_files: &[String]) -> Result<ClientOptions, String> {
        let written = of_files.iter().chain(&self.headers).map(String::as_str);
        let headers = headers(written).map_err(|error| error.to_string())?;
        Ok(ClientOptions { headers, authorities: self.ca.clone(), ..ClientOptions::default() })
    }
}
