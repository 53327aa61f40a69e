//! Self-audits: the program's detectors against known truths, with the numbers they must reach.

pub mod noise;
pub mod regression;

/// One thing that was audited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was tried.
    pub what: String,
    /// The number it must reach.
    pub required: String,
    /// The number it reached.
    pub found: String,
    /// Whether that is enough.
    pub passed: bool,
}

/// An audit.
#[derive(Debug, Clone, Copy)]
pub struct Audit {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows, in one sentence.
    pub about: &'static str,
    /// Runs it.
    pub run: fn() -> anyhow::Result<Vec<Check>>,
}

/// Every audit, in the order they run.
pub const AUDITS: &[Audit] = &[Audit {
    name: "regression",
    about: "no false alarm on identical servers, and real slowdowns found",
    run: regression::run,
}];
