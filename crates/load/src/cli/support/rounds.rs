//! Which measurements make up a record.

use crate::record::this_tool;
use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;

use crate::record::Runs;
use crate::record::criterion::{self, LAST};
use crate::record::{Kind, Load, Protocol, Record, SCHEMA_VERSION, Server, Workload, sha256_hex, utc};
use crate::result::Tool;
use music21_mcp_bench::baseline::criterion::Home;
use music21_mcp_bench::server::ServerSpec;
use music21_mcp_proc::{Machine, Watch};

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
        if self.from.is_empty() { self.of_criterion() } else { self.of_runs() }
    }

    fn of_runs(&self) -> anyhow::Result<Record> {
        let (record, left_out) = Runs::load(&self.from)?.record(self.target.clone())?;
        for line in left_out {
            writeln!(std::io::stderr(), "left out: {line}")?;
        }
        Ok(record)
    }

    fn of_criterion(&self) -> anyhow::Result<Record> {
        let spec = ServerSpec::from_environment()?;
        let named = spec.named();
        let entries = criterion::read(&Home::of(named.as_deref()), &self.rounds)?;
        let target = self.target.clone().or(named).unwrap_or_else(|| "embedded".to_owned());
        // Benches are always built with optimisation, whatever this program was built with.
        let tool = Tool { profile: "release".to_owned(), ..this_tool() };
        Ok(Record {
            schema_version: SCHEMA_VERSION,
            kind: Kind::Criterion,
            created_utc: utc(SystemTime::now()),
            tool,
            server: Server {
                target,
                name: None,
                version: None,
                launch_sha256: sha256_hex(spec.to_string().as_bytes()),
            },
            protocol: Protocol { transport: spec.transport().to_owned(), mcp_version: None },
            // What a benchmark is fed with is known from its throughput, which each entry carries.
            workload: Workload {
                id: "cargo-bench".to_owned(),
                version: 1,
                sha256: sha256_hex(b"cargo-bench"),
            },
            load: Load { model: "closed".to_owned(), rate_per_s: None, sessions: 1, deadline_ms: None },
            machine: Machine::here(),
            conditions: Watch::start().stop(),
            reference: None,
            invalid: None,
            entries,
        })
    }
}
