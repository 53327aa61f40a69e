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
    assert!(matches!(error, RecordError::Exists { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn every_kind_of_damage_has_its_own_reason() {
    let good = record().to_json();
    assert_eq!(load(""), "record 'r.json' is empty");
    assert_eq!(load(" \n"), "record 'r.json' is empty");
    assert!(load(&good[..good.len() / 2]).contains("cut off or damaged: EOF"));
    assert!(load(&good.replace("4000000", "NaN")).contains("cut off or damaged: expected"));
    assert!(load(&good.replace("4000000", "4000001")).contains("changed after it was written"));
    assert!(load("[1]").contains("is no record of this program"));
    assert!(load(r#"{"group_id":"x"}"#).contains("is no record of this program: it has no schema_version"));
    assert!(load(r#"{"schema_version":1}"#).contains("it has no sha256_of_body"));
    assert!(load("\u{0}\u{1}").contains("damaged"));
    assert!(load(&forged(|body| body["schema_version"] = 3.into())).contains("has schema version 3"));
    assert!(load(&forged(|body| body["load"] = Value::Null)).contains("is malformed"));
    assert!(load(&forged(|body| body["surprise"] = 1.into())).contains("unknown field `surprise`"));
}

#[test]
fn figures_that_no_measurement_gives_are_refused() {
    for (value, figure) in [(-8.0, "wall_log is -8"), (1e9, "wall_log is 1000000000")] {
        let text = forged(|body| body["entries"]["key_analysis"]["rounds"][2]["wall_log"] = value.into());
        assert!(load(&text).contains(&format!("entry 'key_analysis', round 2: {figure}")), "{}", load(&text));
    }
    // JSON has no NaN; what serde writes for it is null.
    let text = forged(|body| body["entries"]["key_analysis"]["rounds"][2]["wall_log"] = Value::Null);
    assert!(load(&text).contains("malformed: invalid type: null, expected f64"), "{}", load(&text));
    let text = forged(|body| body["entries"]["key_analysis"]["rounds"][2]["p50_ns"] = (-1).into());
    assert!(load(&text).contains("malformed: invalid value"), "{}", load(&text));

    let mut bad = record();
    bad.entries.get_mut("key_analysis").unwrap().rounds[0].cpu_log = Some(f64::NAN);
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(bad.save(&directory.path().join("r.json")), Err(RecordError::Impossible { .. })));
}
