//! The figures that documents take from records are those of the records.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::documents::{PROGRAM, ROOT, read};

/// Two digits are this far from what they stand for, at most.
const ROUNDED: f64 = 0.051;

/// Milliseconds of each entry, as `baseline show` prints them.
fn record(name: &str) -> BTreeMap<String, f64> {
    let output = Command::new(PROGRAM).args(["baseline", "show", name]).current_dir(ROOT).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let entry = |line: &str| {
        let mut words = line.split_whitespace();
        let (entry, number, unit) = (words.next()?, words.next()?.parse::<f64>().ok()?, words.next()?);
        let unit_ms = match unit {
            "µs" => 1e-3,
            "ms" => 1.0,
            "s" => 1e3,
            _ => return None,
        };
        Some((entry.to_owned(), number * unit_ms))
    };
    text.lines().filter_map(entry).collect()
}

/// The rows of the first table below a heading, without its head.
fn rows(document: &str, heading: &str) -> Vec<Vec<String>> {
    let text = read(Path::new(document));
    let (_, below) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let table =
        below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    table.skip(2).map(cells).collect()
}

/// Holds a column against a record; a row's first cell and `entry` name the record's entry.
fn check(document: &str, heading: &str, column: usize, name: &str, entry: fn(&str) -> String) {
    let (rows, record) = (rows(document, heading), record(name));
    assert!(rows.len() > 3, "{document}, {heading}: {rows:?}");
    for row in rows {
        let (printed, entry) = (row[column].parse::<f64>(), entry(&row[0]));
        let measured = record.get(&entry).unwrap_or_else(|| panic!("{name} has no {entry}: {record:?}"));
        let is_it = printed.as_ref().is_ok_and(|printed| (printed / measured - 1.0).abs() < ROUNDED);
        assert!(is_it, "{document}, {heading}, {}: {printed:?} for {measured} ms", row[0]);
    }
}

/// `export MusicXML` is the bench `export-musicxml`.
fn bench(row: &str, score: &str) -> String {
    format!("tools/{}/{score}", row.to_lowercase().replace(' ', "-"))
}

#[test]
fn the_embedded_servers_times_in_findings_are_those_of_its_record() {
    let check = |column, entry: fn(&str) -> String| {
        let name = "embedded-criterion-quiet-2026-11-30";
        check("docs/findings.md", "One call at a time", column, name, entry);
    };
    check(3, |row| bench(row, "small-aloha-oe"));
    check(6, |row| bench(row, "large-concertino"));
}

#[test]
fn the_real_servers_times_beside_the_embedded_one_are_those_of_its_record() {
    let heading = "In turn with the embedded server";
    check("docs/findings.md", heading, 1, "music21-quiet-2026-11-29", str::to_owned);
}
