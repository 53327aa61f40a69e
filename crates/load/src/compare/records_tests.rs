use music21_mcp_bench::client::Outcome;

use super::*;
use crate::audit::records::REFUSED;
use crate::compare::outcome::Counts;
use crate::record::{Reference, ReferenceRound, Round, plain_record, sha256_hex};

/// Rounds around `log` that alternate by ±`spread`.
fn entry(log: f64, spread: f64, rounds: u32, reference: Option<f64>) -> Entry {
    let round = |round| {
        let wall_log = log + spread * if round % 2 == 0 { 1.0 } else { -1.0 };
        let reference = reference.map(|wall_log| ReferenceRound { wall_log, cpu_log: None, p95_ns: None });
        let outcomes = [(Outcome::Ok, 100)].into();
        Round { round, outcomes, wall_log: Some(wall_log), reference, ..Round::default() }
    };
    Entry { rounds: (0..rounds).map(round).collect(), ..Entry::default() }
}

fn record(key: Entry) -> Record {
    plain_record(Kind::Calls, [("key_analysis".to_owned(), key)].into())
}

fn verdict(baseline: &Record, candidate: &Record) -> ChangeVerdict {
    compare(baseline, candidate, &LimitTable::default()).unwrap().rows.remove(0).verdict
}

#[test]
fn a_record_beside_itself_is_a_ratio_of_one() {
    let same = record(entry(15.0, 0.01, 10, None));
    let comparison = compare(&same, &same, &LimitTable::default()).unwrap();
    let wall = &comparison.rows[0];
    assert_eq!((wall.ratio.unwrap().estimate, &wall.verdict), (1.0, &ChangeVerdict::Unchanged));
    assert_eq!(comparison.counts(), Counts { unchanged: 2, not_measured: 1, ..Counts::default() });
    assert_eq!(comparison.entries(), [("key_analysis", &ChangeVerdict::Unchanged)]);
}

#[test]
fn a_slowdown_of_a_fifth_is_found_and_noise_is_not() {
    let base = record(entry(15.0, 0.02, 10, None));
    assert_eq!(verdict(&base, &record(entry(15.0 + 0.2f64.ln_1p(), 0.02, 10, None))), ChangeVerdict::FAIL);
    assert_eq!(verdict(&base, &record(entry(15.0 - 0.2, 0.02, 10, None))), ChangeVerdict::Improved);
    assert!(matches!(verdict(&base, &record(entry(15.1, 0.5, 10, None))), ChangeVerdict::Inconclusive(_)));
    let few = record(entry(16.0, 0.01, 4, None));
    assert_eq!(verdict(&base, &few), ChangeVerdict::Inconclusive(Why::TooFewRounds { have: 4, need: 5 }));
}

#[test]
fn another_machine_is_compared_by_the_reference_or_not_at_all() {
    let on = |machine: &[u8], log: f64, reference: Option<f64>| {
        let mut record = record(entry(log, 0.01, 10, reference));
        record.machine.fingerprint = sha256_hex(machine);
        record.reference = reference.map(|_| Reference { id: "r".to_owned(), sha256: sha256_hex(b"r") });
        record
    };
    // Twice as slow a machine: the server and its reference both take twice as long.
    let (fast, slow) = (on(b"fast", 15.0, Some(12.0)), on(b"slow", 15.7, Some(12.7)));
    let comparison = compare(&fast, &slow, &LimitTable::default()).unwrap();
    assert_eq!(comparison.rows[0].verdict, ChangeVerdict::Unchanged);
    assert!(comparison.notes[0].starts_with("different machine"));

    let verdict = verdict(&on(b"fast", 15.0, None), &on(b"slow", 15.7, None));
    assert!(verdict.to_string().contains("different machine and no reference"), "{verdict}");
}

#[test]
fn an_entry_on_one_side_only_is_said_to_be_missing() {
    let mut both = record(entry(15.0, 0.01, 10, None));
    let one = both.clone();
    both.entries.insert("list_scores".to_owned(), entry(12.0, 0.01, 10, None));
    let rows = compare(&both, &one, &LimitTable::default()).unwrap().rows;
    let missing = rows.iter().find(|row| row.entry == "list_scores").unwrap();
    assert_eq!(missing.verdict.to_string(), "inconclusive: not in the candidate");
}

#[test]
fn every_refused_field_is_refused_by_name() {
    let base = record(entry(15.0, 0.01, 10, None));
    for (field, change) in REFUSED {
        let mut other = base.clone();
        change(&mut other);
        let error = compare(&base, &other, &LimitTable::default()).unwrap_err().to_string();
        assert!(error.starts_with(field), "{field}: {error}");
    }
    let mut load = base.clone();
    load.kind = Kind::Load;
    let error = compare(&base, &load, &LimitTable::default()).unwrap_err().to_string();
    assert_eq!(error, "kind is 'calls' in the baseline and 'load' in the candidate");

    let mut dirty = base.clone();
    dirty.tool.dirty = Some(true);
    assert_eq!(compare(&dirty, &base, &LimitTable::default()), Err(NotComparable::Dirty));
    assert!(compare(&base, &dirty, &LimitTable::default()).is_ok(), "the candidate may be work in progress");
}

#[test]
fn why_there_is_no_p95_is_said_as_it_is() {
    let why = |calls: u64| {
        let mut record = record(entry(15.0, 0.01, 10, None));
        let rounds = record.entries.values_mut().flat_map(|entry| &mut entry.rounds);
        rounds.for_each(|round| round.outcomes = [(Outcome::Ok, calls)].into());
        let rows = compare(&record, &record, &LimitTable::default()).unwrap().rows;
        rows.into_iter().find(|row| row.figure == Figure::P95).unwrap().verdict.to_string()
    };
    assert_eq!(why(199), "not measured: too few calls (199 of 200 in a round)");
    assert_eq!(why(7278), "not measured: these records hold no p95");

    let (without, mut with) = (record(entry(15.0, 0.01, 10, None)), record(entry(15.0, 0.01, 10, None)));
    with.entries.values_mut().flat_map(|entry| &mut entry.rounds).for_each(|round| round.p95_ns = Some(9));
    let rows = compare(&without, &with, &LimitTable::default()).unwrap().rows;
    let p95 = rows.into_iter().find(|row| row.figure == Figure::P95).unwrap();
    assert_eq!(p95.verdict.to_string(), "inconclusive: no p95 in the baseline");
}

#[test]
fn a_baseline_of_an_unknown_revision_is_compared_and_the_reader_knows() {
    let base = record(entry(15.0, 0.01, 10, None));
    let mut unknown = base.clone();
    (unknown.tool.git_rev, unknown.tool.dirty) = (None, None);
    let notes = |baseline| compare(baseline, &base, &LimitTable::default()).unwrap().notes.join("\n");
    assert!(notes(&unknown).contains("which revision of this program took the baseline is not known"));
    assert!(!notes(&base).contains("revision"));
}

#[test]
fn the_newest_comparable_record_of_the_target_is_the_default() {
    let at = |second: u64, change: fn(&mut Record)| {
        let mut record = record(entry(15.0, 0.01, 10, None));
        record.created_utc =
            crate::record::utc(std::time::UNIX_EPOCH + std::time::Duration::from_secs(second));
        change(&mut record);
        record
    };
    let records = [
        at(1, |_| {}),
        at(3, |_| {}),
        at(2, |_| {}),
        at(4, |r| r.server.target = "other".to_owned()),
        at(5, |r| r.workload.version = 9),
    ];
    let newest = newest_comparable(&records, &at(9, |_| {})).unwrap();
    assert_eq!(newest.created_utc, "1970-01-01T00:00:03Z");
}
