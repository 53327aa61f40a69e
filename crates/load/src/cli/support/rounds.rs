//! Which measurements make up a record.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use music21_mcp_bench::server::ServerSpec;

use crate::record::criterion::{self, LAST};
use crate::record::{Record, Runs};

/// Which runs of `cargo bench` or of `run` make up a record.
#[derive(Debug, Args)]
pub(crate) struct Rounds {
    /// Criterion's baselines, one for each round: several runs of `cargo bench -- --save-baseline r1`
    /// (r2, r3, …) show how much a run differs from the next. At least five are needed for a verdict.
    #[arg(long, value_name = "BASELINE", value_delimiter = ',', default_values_t = [LAST.to_owned()])]
    rounds: Vec<String>,
    /// Directories that `run --out DIR` wrote, instead of `cargo bench`. Each is one round: the same scenarios, on a
    /// server that was started for it.
    #[arg(long, value_name = "DIR", num_args = 1.., value_delimiter = ',', conflicts_with = "rounds")]
    from: Vec<PathBuf>,
    /// The name of what was measured; by default `embedded`, or the server's command or URL.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
}

impl Rounds {
    /// What Criterion has, or the runs named, as a record.
    pub(crate) fn record(&self) -> anyhow::Result<Record> {
        if self.from.is_empty() {
            let spec = ServerSpec::from_environment()?;
            return criterion::record(&spec, &self.rounds, self.target.clone());
        }
        let (record, left_out) = Runs::load(&self.from)?.record(self.target.clone())?;
        for line in left_out {
            writeln!(std::io::stderr(), "note: {line}")?;
        }
        Ok(record)
    }
}
