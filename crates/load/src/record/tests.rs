use music21_mcp_bench::baseline::file::Fault;

use super::*;
use crate::record::{Entry, Kind, Round};

pub(crate) fn record() -> Record {
    let round = |round| Round {
        round,
        outcomes: [(music21_mcp_bench::client::Outcome::Ok, 10)].into(),
        wall_log: Some(15.3 + f64::from(round) / 7.0),
        p50_ns: Some(4_000_000),
        cpu_log: Some(15.1),
        ..Round::default()
    };
    let entry = Entry { rounds: (0..5).map(round).collect(), ..Entry::default() };
    crate::record::plain_record(Kind::Calls, [("key_analysis".to_owned(), entry)].into())
}

fn load(text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("r.json");
    fs::write(&path, text).unwrap();
    let message = Record::load(&path).unwrap_err().to_string();
    message.replace(path.to_str().unwrap(), "r.json")
}

/// The record's text with its figures changed and a checksum that fits.
fn forged(change: impl FnOnce(&mut Value)) -> String {
    let mut body = serde_json::to_value(record()).unwrap();
    change(&mut body);
    let sum = checksum(&body);
    body[CHECKSUM] = Value::String(sum);
    body.to_string()
}

#[test]
fn a_record_read_and_written_again_is_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let [first, second] = ["a/1.json", "2.json"].map(|name| directory.path().join(name));
    record().save(&first).unwrap();
    let read = Record::load(&first).unwrap();
    assert_eq!(read, record());
    read.save(&second).unwrap();
    assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());
}

#[test]
fn a_record_is_never_overwritten_and_a_failure_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("r.json");
    fs::write(&path, "mine").unwrap();
    let error = record().save(&path).unwrap_err();
    assert_eq!(error.fault, Fault::System);
    assert!(error.to_string().ends_with("exists and is never overwritten; choose another name"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn every_kind_of_damage_has_its_own_reason() {
    let good = record().to_json();
    let texts = [
        String::new(),
        " \n".to_owned(),
        "\u{0}\u{1}".to_owned(),
        good[..good.len() / 2].to_owned(),
        good.replace("4000000", "NaN"),
        good.replace("4000000", "4000001"),
        "[1]".to_owned(),
        r#"{"group_id":"x"}"#.to_owned(),
        r#"{"schema_version":1}"#.to_owned(),
        forged(|body| body["schema_version"] = 3.into()),
        forged(|body| body["load"] = Value::Null),
        forged(|body| body["surprise"] = 1.into()),
        forged(|body| round(body)["wall_log"] = (-8.0).into()),
        forged(|body| round(body)["wall_log"] = 1e9.into()),
        // JSON has no NaN; what serde writes for it is null.
        forged(|body| round(body)["wall_log"] = Value::Null),
        forged(|body| round(body)["p50_ns"] = (-1).into()),
    ];
    insta::assert_snapshot!(texts.map(|text| load(&text)).join("\n"), @r#"
    record 'r.json' is empty
    record 'r.json' is empty
    record 'r.json' is cut off or damaged: expected value at line 1 column 1
    record 'r.json' is cut off or damaged: EOF while parsing a string at line 1 column 836
    record 'r.json' is cut off or damaged: expected value at line 1 column 223
    record 'r.json' was changed after it was written: its checksum does not fit
    'r.json' is no record of this program: it has no schema_version
    'r.json' is no record of this program: it has no schema_version
    'r.json' is no record of this program: it has no sha256_of_body
    record 'r.json' has schema version 3, this program reads 1 to 2; use a newer program
    record 'r.json' is malformed: invalid type: null, expected struct Load
    record 'r.json' is malformed: unknown field `surprise`, expected one of `schema_version`, `kind`, `created_utc`, `tool`, `server`, `protocol`, `workload`, `load`, `machine`, `conditions`, `reference`, `invalid`, `entries`
    record 'r.json', entry 'key_analysis', round 2: wall_log is -8, which no measurement gives
    record 'r.json', entry 'key_analysis', round 2: wall_log is 1000000000, which no measurement gives
    record 'r.json' is malformed: invalid type: null, expected f64
    record 'r.json' is malformed: invalid value: integer `-1`, expected u64
    "#);
    let mut bad = record();
    bad.entries.get_mut("key_analysis").unwrap().rounds[0].cpu_log = Some(f64::NAN);
    let directory = tempfile::tempdir().unwrap();
    let error = bad.save(&directory.path().join("r.json")).unwrap_err();
    assert_eq!(error.fault, Fault::Content);
    assert!(error.to_string().ends_with("round 0: cpu_log is NaN, which no measurement gives"), "{error}");
}

fn round(body: &mut Value) -> &mut Value {
    &mut body["entries"]["key_analysis"]["rounds"][2]
}
