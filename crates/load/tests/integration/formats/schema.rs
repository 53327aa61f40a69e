//! The schemas of `result.json` and `repeats.json`, made from the types that write them.

use std::process::Command;

use music21_mcp_load::result::{Repeats, RunFile, SCHEMA_VERSION};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use crate::python::{has, python};
use crate::run;
use crate::skip::skip;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/run.schema.json");
const REPEATS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/repeats.schema.json");
/// Set it to write the files instead of comparing with them.
const WRITE: &str = "MUSIC21_WRITE_SCHEMA";

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    check::<RunFile>(FILE);
    check::<Repeats>(REPEATS);
}

fn check<T: JsonSchema>(file: &str) {
    // As it is written and not as it is read: what is always there is required.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    schema["properties"]["schema_version"]["const"] = SCHEMA_VERSION.into();
    let made = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file, &made).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed == made,
        "'{file}' is not up to date; {WRITE}=1 cargo test --test integration schema writes it"
    );
}

#[test]
fn a_real_result_is_valid_and_a_damaged_one_is_not() {
    if !has("jsonschema") {
        return skip("no-jsonschema", "PyPI's jsonschema; MUSIC21_PYTHON names an interpreter that has it");
    }
    let script = "import json, sys, jsonschema
schema, result = (json.load(open(path)) for path in sys.argv[1:])
validator = jsonschema.Draft202012Validator(schema)
validator.check_schema(schema)
print([error.message for error in validator.iter_errors(result)])
result['scenarios'][0]['stages'][0]['elapsed_ns'] = 'long'
print(len(list(validator.iter_errors(result))))";
    let output = Command::new(python())
        .args(["-c", script, FILE])
        .arg(super::files::file("result.json"))
        .output()
        .unwrap();
    assert_eq!(run::text(&output.stdout), "[]\n1\n", "{}", run::text(&output.stderr));
}
