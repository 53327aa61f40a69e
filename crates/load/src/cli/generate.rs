//! `generate`: writes an orchestral score, part by part.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use music21_mcp_score::{OrchestraSpec, write_generated, write_generated_mxl};

use super::Exit;
use crate::report::units::{digits, megabytes};

/// Write a seeded orchestral score as MusicXML.
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Parts, 1 to 1000
    #[arg(long, required_unless_present = "preset", value_parser = clap::value_parser!(u32).range(1..=i64::from(OrchestraSpec::MAX_PARTS)))]
    parts: Option<u32>,
    /// Measures of every part, 1 to 100000
    #[arg(long, required_unless_present = "preset", value_parser = clap::value_parser!(u32).range(1..=i64::from(OrchestraSpec::MAX_MEASURES)))]
    measures: Option<u32>,
    /// A size by name, parts by measures
    #[arg(long, conflicts_with_all = ["parts", "measures"], value_parser = ["20x100", "50x200", "100x300", "150x500"])]
    preset: Option<String>,
    /// Decides every note: the same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write; '-' is stdout, and the extension .mxl compresses
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl Generate {
    fn spec(&self) -> anyhow::Result<OrchestraSpec> {
        let spec = match (&self.preset, self.parts, self.measures) {
            (Some(name), ..) => OrchestraSpec::preset(name, self.seed),
            (None, parts, measures) => {
                OrchestraSpec::new(parts.unwrap_or(0), measures.unwrap_or(0), self.seed)
            }
        };
        Ok(spec?)
    }

    /// Runs the verb. A reader of stdout that closes it ends the verb without an error.
    pub(super) fn run(&self) -> anyhow::Result<Exit> {
        let spec = self.spec()?;
        let output = self.output.as_path();
        if output == Path::new("-") {
            return match write_generated(&spec, &mut io::stdout().lock(), progress(&spec)) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(error).context("cannot write the score to stdout")
                }
                _ => Ok(Exit::Ok),
            };
        }
        let failed =
            || format!("cannot write score '{}'; check the folder and its free space", output.display());
        let mut file = BufWriter::new(File::create(output).with_context(failed)?);
        let compressed = output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mxl"));
        let written = if compressed {
            write_generated_mxl(&spec, &mut file, progress(&spec))
        } else {
            write_generated(&spec, &mut file, progress(&spec))
        };
        written.and_then(|()| file.flush()).with_context(failed)?;
        let bytes = output.metadata().with_context(failed)?.len();
        let size =
            format!("{} parts of {} measures, {} MB", spec.parts, spec.measures, digits(megabytes(bytes)));
        // What cannot be said is written all the same.
        let _ = writeln!(io::stderr(), "wrote {}: {size}", output.display());
        Ok(Exit::Ok)
    }
}

/// Counts the parts on stderr if somebody watches it.
fn progress(spec: &OrchestraSpec) -> impl FnMut(u32) + use<> {
    let parts = spec.parts;
    let watched = io::stderr().is_terminal();
    move |done| {
        if watched {
            let end = if done == parts { '\n' } else { '\r' };
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(io::stderr(), "part {done} of {parts}{end}");
        }
    }
}
