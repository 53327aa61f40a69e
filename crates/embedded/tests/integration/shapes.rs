//! Replies have the fields and types of the real server's, as the fixture has them.

use music21_mcp_embedded::{Config, bundled};
use serde_json::{Value, json};

use crate::session::{Session, config};

/// What every tool of the fixture answers here, on every bundled work and on text.
#[tokio::test]
async fn replies_have_the_real_servers_shapes() {
    let shapes: Value = serde_json::from_str(include_str!("../fixtures/reply-shapes.json")).unwrap();
    let session = Session::start(Config { export_directory: export_directory(), ..config() }).await;
    let sources = bundled()
        .map(|work| (work, "corpus"))
        .chain([("tinyNotation: 3/4 E4 r f# g=lastG trip{b-8 a g} c4~ c", "text"), ("C4 E4 G4 C5", "text")]);
    for (source, kind) in sources {
        let import = json!({"score_id": source, "source": source, "source_type": kind});
        let id = json!({"score_id": source});
        let export = json!({"score_id": source, "format": "midi"});
        for (tool, arguments) in [
            ("import_score", &import),
            ("list_scores", &json!({})),
            ("score_info", &id),
            ("key_analysis", &id),
            ("chord_analysis", &id),
            ("harmony_analysis", &id),
            ("export_score", &export),
            ("health_check", &json!({})),
        ] {
            let reply = session.call(tool, arguments.clone()).await;
            conforms(&reply, &shapes[tool], &format!("{tool} of {source}"));
        }
    }
    let reply = session.call("delete_score", json!({"score_id": "*"})).await;
    conforms(&reply, &shapes["delete_score"], "delete_score");
    let reply = session.call("delete_score", json!({"score_id": "gone"})).await;
    conforms(&reply, &shapes["refusal"], "refusal");
    session.end().await;
}

fn export_directory() -> std::path::PathBuf {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("exports");
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn conforms(seen: &Value, shape: &Value, path: &str) {
    match (seen, shape) {
        (Value::Object(seen), Value::Object(shape)) if shape.is_empty() => {
            assert!(!seen.is_empty(), "{path}");
        }
        (Value::Object(seen), Value::Object(shape)) => {
            for name in seen.keys() {
                let known = shape.contains_key(name) || shape.contains_key(&format!("{name}?"));
                assert!(known, "{path} has '{name}', which the real server's has not");
            }
            for (name, shape) in shape {
                let path = format!("{path}.{name}");
                match seen.get(name.trim_end_matches('?')) {
                    Some(value) => conforms(value, shape, &path),
                    None => assert!(name.ends_with('?'), "{path} is missing"),
                }
            }
        }
        (Value::Array(seen), Value::Array(shape)) => {
            seen.iter().for_each(|item| conforms(item, &shape[0], &format!("{path}[]")));
        }
        (seen, Value::String(kinds)) => {
            let kind = match seen {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                _ => "structure",
            };
            assert!(kinds.split('|').any(|known| known == kind), "{path} is {seen}, not {kinds}");
        }
        _ => panic!("{path} is {seen}, not {shape}"),
    }
}
