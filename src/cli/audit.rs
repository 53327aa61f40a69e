//! `audit`: this program's detectors against known truths.

use std::io::Write;

use anyhow::Context;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::Exit;
use crate::audit::{AUDITS, Check};

/// Shows that the detectors detect: runs them against known truths and prints what they found.
#[derive(Debug, Args)]
pub(super) struct Audit {
    /// Which audits to run; all of them if none is named.
    #[arg(value_parser = PossibleValuesParser::new(AUDITS.iter().map(|audit| audit.name)))]
    names: Vec<String>,
}

impl Audit {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut passed = true;
        let mut out = std::io::stdout().lock();
        let wanted = |name: &str| self.names.is_empty() || self.names.iter().any(|n| n == name);
        for audit in AUDITS.iter().filter(|audit| wanted(audit.name)) {
            writeln!(out, "{}: {}", audit.name, audit.about)?;
            let checks = (audit.run)().with_context(|| format!("audit '{}' could not run", audit.name))?;
            passed &= checks.iter().all(|check| check.passed);
            print(&checks, &mut out)?;
        }
        Ok(if passed { Exit::Ok } else { Exit::Regression })
    }
}

fn print(checks: &[Check], out: &mut impl Write) -> std::io::Result<()> {
    let width = checks.iter().map(|check| check.what.chars().count()).max().unwrap_or(0);
    for Check { what, required, found, passed } in checks {
        let word = if *passed { "ok  " } else { "FAIL" };
        writeln!(out, "  {word}  {what:<width$}  required {required:<7}  found {found}")?;
    }
    Ok(())
}
