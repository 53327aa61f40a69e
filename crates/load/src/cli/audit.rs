//! `audit`: this program's detectors and its generator against known truths.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;

use super::Exit;
use super::support::files;
use crate::audit::{AUDITS, Audit as Entry, AuditVerdict, Finding, Length};
use crate::report::screen::Screen;

/// Check that this program can be trusted: run its detectors and its load generator against known truths and print
/// what they found.
///
/// Exits with 0 if all passed, 1 if one failed, 3 if none failed and one could not be decided.
#[derive(Debug, Args)]
pub(super) struct Audit {
    /// Which audits to run; `all` or none for all of them.
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(
        AUDITS.iter().map(|audit| audit.name).chain(["all"])
    ))]
    names: Vec<String>,
    /// Take five minutes instead of 24: shorter runs, and only simulation where a run would take long.
    #[arg(long)]
    quick: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Write the findings as a Markdown table into FILE, between its lines `<!-- audit -->` and `<!-- /audit -->`. The rows
    /// of audits that are not run stay as they are.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
}

/// One audit's findings.
#[derive(Serialize)]
struct Done {
    audit: &'static str,
    tests: &'static str,
    about: &'static str,
    seconds: f64,
    findings: Vec<Finding>,
}

impl Audit {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        // Before minutes of work whose end could not be written.
        let document = self.into.as_deref().map(Document::read).transpose()?;
        let length = if self.quick { Length::Quick } else { Length::Full };
        let mut out = std::io::stdout();
        let mut all = Vec::new();
        for audit in AUDITS.iter().filter(|audit| self.wants(audit)) {
            if !self.json {
                writeln!(out, "{}: {}", audit.name, audit.about)?;
            }
            let start = Instant::now();
            let findings =
                audit.run(length).with_context(|| format!("audit '{}' could not run", audit.name))?;
            if !self.json {
                print(&findings, &mut out)?;
            }
            let Entry { name, tests, about, .. } = *audit;
            all.push(Done { audit: name, tests, about, seconds: start.elapsed().as_secs_f64(), findings });
        }
        if self.json {
            serde_json::to_writer_pretty(&mut out, &all)?;
            writeln!(out)?;
        } else {
            legend(&all, &mut out)?;
        }
        if let Some(document) = document {
            document.write(&all)?;
        }
        let exit_of = |finding: &Finding| match finding.verdict {
            AuditVerdict::Pass => Exit::Ok,
            AuditVerdict::Fail => Exit::Regression,
            AuditVerdict::Inconclusive => Exit::Inconclusive,
        };
        Ok(all.iter().flat_map(|done| &done.findings).map(exit_of).fold(Exit::Ok, Exit::worst))
    }

    fn wants(&self, audit: &Entry) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == "all" || name == audit.name)
    }
}

fn count(all: &[Done], verdict: AuditVerdict) -> usize {
    all.iter().flat_map(|done| &done.findings).filter(|finding| finding.verdict == verdict).count()
}

fn print(findings: &[Finding], out: &mut impl Write) -> std::io::Result<()> {
    let row = |finding: &Finding| {
        let word = match finding.verdict {
            AuditVerdict::Pass => "ok  ",
            AuditVerdict::Fail => "FAIL",
            AuditVerdict::Inconclusive => "?   ",
        };
        let doubt = match (finding.verdict, &finding.doubt) {
            (AuditVerdict::Inconclusive, Some(doubt)) => {
                format!("; inconclusive on this machine now: {doubt}")
            }
            _ => String::new(),
        };
        [
            format!("  {word}  {}", finding.what),
            format!("required {}", finding.required),
            format!("found {}{doubt}", finding.found),
        ]
    };
    let rows: Vec<_> = findings.iter().map(row).collect();
    write!(out, "{}", Screen::stdout().columns(&rows))
}

const BEGIN: &str = "<!-- audit -->";
const END: &str = "<!-- /audit -->";

/// A file with the two lines between which the findings go.
struct Document {
    path: PathBuf,
    head: String,
    table: String,
    tail: String,
}

impl Document {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = files::read(path)?;
        let split = text.split_once(BEGIN).and_then(|(head, rest)| {
            let (table, tail) = rest.split_once(END)?;
            Some([head, table, tail].map(str::to_owned))
        });
        let Some([head, table, tail]) = split else {
            bail!("'{}' has no lines '{BEGIN}' and '{END}' to write between", path.display());
        };
        Ok(Self { path: path.to_owned(), head, table, tail })
    }

    fn write(&self, all: &[Done]) -> anyhow::Result<()> {
        let text = format!("{}{BEGIN}\n{}{END}{}", self.head, merged(&self.table, all), self.tail);
        files::write(&self.path, text)
    }
}

/// The table with the rows of the audits that were run; those of the others stay.
fn merged(table: &str, all: &[Done]) -> String {
    let mut text = String::from("| test | audit | what | required | found | |\n|---|---|---|---|---|---|\n");
    for audit in AUDITS {
        let is_its = |row: &&str| row.split('|').nth(2).is_some_and(|cell| cell.trim() == audit.name);
        match all.iter().find(|done| done.audit == audit.name) {
            Some(done) => text += &markdown(done),
            None => table.lines().filter(is_its).for_each(|row| text += &format!("{row}\n")),
        }
    }
    text
}

fn markdown(Done { audit, tests, findings, .. }: &Done) -> String {
    let row = |Finding { verdict, what, required, found, doubt, .. }: &Finding| {
        let word = match (verdict, doubt) {
            (AuditVerdict::Pass, _) => "ok".to_owned(),
            (AuditVerdict::Fail, _) => "FAIL".to_owned(),
            (AuditVerdict::Inconclusive, doubt) => {
                format!("inconclusive: {}", doubt.as_deref().unwrap_or(""))
            }
        };
        let cells = [*tests, *audit, what, required, found, &word];
        let row: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", row.join(" | "))
    };
    findings.iter().map(row).collect()
}

fn legend(all: &[Done], out: &mut impl Write) -> std::io::Result<()> {
    let seconds: f64 = all.iter().map(|done| done.seconds).sum();
    let text = format!(
        "\n{} ok (the number was reached), {} FAIL (it was not), {} ? (it was not, on a machine that was busy \
         with something else: run it again) in {seconds:.0} s",
        count(all, AuditVerdict::Pass),
        count(all, AuditVerdict::Fail),
        count(all, AuditVerdict::Inconclusive)
    );
    write!(out, "{}", Screen::stdout().wrapped(&text, 0))
}
