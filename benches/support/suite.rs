//! The suites: which tools on which scores. A bench program runs one of them by name.

use std::process::ExitCode;

use music21_mcp_bench::baseline::criterion::{Home, forget_unmeasured, restore_committed};

use super::{BenchScore, Harness, Operation, baseline};

struct Suite {
    name: &'static str,
    /// Calls take milliseconds even on a fast server: ten samples, one or a few calls each.
    slow: bool,
    operations: &'static [Operation],
    scores: fn(&Harness) -> Vec<BenchScore>,
}

const SUITES: [Suite; 2] = [
    Suite {
        name: "tools",
        slow: false,
        operations: &Operation::ALL,
        scores: |_| BenchScore::bundled().into(),
    },
    Suite {
        name: "orchestral",
        slow: true,
        operations: &[
            Operation::Import,
            Operation::Info,
            Operation::Key,
            Operation::Harmony,
            Operation::ExportMusicXml,
            Operation::ExportMidi,
        ],
        scores: |harness| harness.settings.presets.iter().map(|preset| BenchScore::preset(preset)).collect(),
    },
];

/// Runs a suite with Criterion's command line.
pub(crate) fn run(name: &str) -> ExitCode {
    let Some(suite) = SUITES.iter().find(|suite| suite.name == name) else {
        eprintln!("error: no suite '{name}'");
        return ExitCode::from(2);
    };
    let mut harness = match Harness::start(suite.name) {
        Ok(harness) => harness,
        Err(line) => {
            eprintln!("error: {line}");
            return ExitCode::from(4);
        }
    };
    let server = harness.target.spec().named();
    let home = Home::of(harness.target.spec());
    for line in restore_committed(&home) {
        eprintln!("{line}");
    }
    if let Err(line) = baseline::check(&home) {
        harness.stop();
        eprintln!("error: {line}");
        return ExitCode::from(2);
    }
    let mut criterion = harness.criterion();
    if server.is_some() {
        eprintln!("Criterion's report: {}", home.as_path().join("report/index.html").display());
        // Hidden in Criterion's docs, and the only way: its own variable is read before `main`'s first line could set it
        // without `unsafe`.
        criterion = criterion.output_directory(home.as_path());
    }
    let mut group = criterion.benchmark_group(suite.name);
    harness.suit(&mut group, suite.slow);
    for score in &(suite.scores)(&harness) {
        for &operation in suite.operations {
            harness.bench(&mut group, suite.name, operation, score);
        }
    }
    forget_unmeasured(&home, suite.name);
    group.finish();
    criterion.final_summary();
    harness.finish()
}
