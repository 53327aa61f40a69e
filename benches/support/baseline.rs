//! Criterion's `--baseline NAME`, looked up before anything is measured: Criterion itself panics at the first bench.

use std::collections::BTreeSet;

use music21_mcp_bench::baseline::criterion::Home;

/// Whether the baseline that the command line compares with is there.
///
/// # Errors
///
/// One line with those that are.
pub(super) fn check(home: &Home) -> Result<(), String> {
    let Some(wanted) = wanted(std::env::args().skip(1)) else { return Ok(()) };
    let directories = home.benchmarks().unwrap_or_default().into_iter();
    let entries =
        directories.flat_map(|one| std::fs::read_dir(home.as_path().join(one)).into_iter().flatten());
    let named = entries.flatten().filter(|entry| entry.path().join("estimates.json").is_file());
    let mut known: BTreeSet<String> =
        named.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    known.remove("change");
    if known.contains(&wanted) {
        return Ok(());
    }
    let names = known.into_iter().collect::<Vec<_>>().join(", ");
    let hint = if names.is_empty() { "there is none yet".to_owned() } else { format!("there are {names}") };
    Err(format!(
        "there is no baseline '{wanted}' in '{}'; {hint}; --save-baseline makes one",
        home.as_path().display()
    ))
}

/// The value of `--baseline` or `-b`.
fn wanted(mut arguments: impl Iterator<Item = String>) -> Option<String> {
    while let Some(argument) = arguments.next() {
        if argument == "--baseline" || argument == "-b" {
            return arguments.next();
        }
        if let Some(name) = argument.strip_prefix("--baseline=") {
            return Some(name.to_owned());
        }
    }
    None
}
