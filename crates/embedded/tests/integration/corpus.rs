//! Works of an installed music21's corpus that are not MusicXML, on the embedded server.
//!
//! Needs `music21` in the Python named by `MUSIC21_PYTHON` (`python3` if not set); without it the test says
//! that it is skipped.

use std::process::Command;

use music21_mcp_embedded::Config;
use serde_json::{Value, json};

use crate::session::{Session, config};
use crate::skip::skip;

/// In Kern, and nothing else in music21's corpus bears its name.
const WORK: &str = "palestrina/Agnus_00";

/// Parts and notes as music21 itself counts them; `None` without a music21.
fn music21s_counts() -> Option<Value> {
    const COUNT: &str = "import json, sys\nfrom music21 import corpus\n\
                         score = corpus.parse(sys.argv[1])\n\
                         print(json.dumps([len(score.parts), len(score.flatten().notes)]))";
    let python = std::env::var("MUSIC21_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let asked = Command::new(&python).args(["-c", COUNT, WORK]).output().ok().filter(|o| o.status.success());
    if asked.is_none() {
        skip("no-music21", "PyPI's music21; MUSIC21_PYTHON names an interpreter that has it");
    }
    Some(serde_json::from_slice(&asked?.stdout).unwrap())
}

#[tokio::test]
async fn a_kern_work_is_imported_with_music21s_counts() {
    let Some(expected) = music21s_counts() else { return };
    let session = Session::start(Config { installed_corpus: true, ..config() }).await;
    let reply = session.call("import_score", json!({"score_id": "agnus", "source": WORK})).await;
    assert_eq!(json!([reply["num_parts"], reply["num_notes"]]), expected, "{reply}");
    session.end().await;
}

#[tokio::test]
async fn without_an_installed_music21_such_a_work_is_unknown() {
    let session = Session::start(config()).await;
    let reply = session.call("import_score", json!({"score_id": "agnus", "source": WORK})).await;
    assert_eq!(reply["status"], "error", "{reply}");
    session.end().await;
}
