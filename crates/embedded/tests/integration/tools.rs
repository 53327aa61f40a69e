//! The embedded server's tools through the MCP protocol, in-process: counts, messages, limits.

use std::time::Duration;

use music21_mcp_embedded::{Config, Limits, Server};
use rmcp::model::ReadResourceRequestParams;
use serde_json::{Value, json};

use crate::session::{Session, config, text};

#[tokio::test]
async fn a_bundled_work_is_imported_with_music21s_counts() {
    let session = Session::start(config()).await;
    // As the real server counts them: a chord is one note, a staff is one part.
    for (work, notes, parts, range) in [
        ("johnson_j_r/lift_every_voice", 398, 4, 33),
        ("liliuokalani/aloha_oe.mxl", 371, 7, 34),
        ("allor_che_ignuda", 427, 3, 24),
        ("weber/concertino_clarinet", 3312, 3, 55),
    ] {
        let reply = session.call("import_score", json!({"score_id": work, "source": work})).await;
        let expected = json!({
            "status": "success",
            "message": format!("Successfully imported score '{work}' from corpus"),
            "score_id": work,
            "source_type": "corpus",
            "num_notes": notes,
            "num_measures": 0,
            "num_parts": parts,
            "pitch_range": range,
        });
        assert_eq!(reply, expected);
    }
    session.end().await;
}

#[tokio::test]
async fn information_agrees_with_the_real_server() {
    let session = Session::start(config()).await;
    for (work, measures, quarters, meter, sharps, highest) in [
        ("johnson_j_r/lift_every_voice", 32, 93.0, "6/8", -4, 77),
        ("liliuokalani/aloha_oe", 23, 81.0, "4/4", 1, 72),
        ("lusitano/allor_che_ignuda", 46, 186.0, "4/4", 0, 72),
        ("weber/concertino_clarinet", 241, 841.125, "3/4", -1, 89),
    ] {
        session.call("import_score", json!({"score_id": work, "source": work})).await;
        let reply = session.call("score_info", json!({"score_id": work})).await;
        let seen = (&reply["num_measures"], &reply["duration_quarters"], &reply["time_signature"]);
        assert_eq!(seen, (&json!(measures), &json!(quarters), &json!(meter)), "{work}");
        let first = &reply["instruments"][0];
        assert_eq!(
            (&reply["key_signature"], &first["highest_note"]),
            (&json!(sharps), &json!(highest)),
            "{work}"
        );
    }
    session.end().await;
}

#[tokio::test]
async fn what_the_real_server_refuses_is_refused_in_its_words() {
    let session = Session::start(config()).await;
    let notes = |id: &str| json!({"score_id": id, "source": "C4 D4", "source_type": "text"});
    session.call("import_score", notes("b")).await;
    let refused = async |tool: &str, arguments: Value, message: &str| {
        let reply = session.call(tool, arguments).await;
        assert_eq!(reply, json!({"status": "error", "message": message}));
    };
    let import = |source: &str, kind: &str| json!({"score_id": "u", "source": source, "source_type": kind});
    refused("import_score", notes("b"), "Score with ID 'b' already exists").await;
    refused("import_score", notes(""), "score_id cannot be empty").await;
    refused("import_score", import("", "corpus"), "source cannot be empty").await;
    refused("import_score", import("x", "xyz"), "Invalid source_type: xyz").await;
    refused("import_score", import("C4 H4", "text"), "Could not find or import score: C4 H4").await;
    refused("import_score", import("bach/nope", "corpus"), "Could not find or import score: bach/nope").await;
    let outside = "Import failed: Path '/etc/passwd' is outside allowed directories. Files can only be imported \
                   from the current directory or temp directory.";
    refused("import_score", import("/etc/passwd", "file"), outside).await;
    refused("import_score", import("/etc/passwd", "auto"), outside).await;
    refused("score_info", json!({"score_id": "zz"}), "Score with ID 'zz' not found").await;
    refused("key_analysis", json!({"score_id": "zz"}), "Score with ID 'zz' not found").await;
    refused("chord_analysis", json!({"score_id": "zz"}), "Score with ID 'zz' not found").await;
    refused("harmony_analysis", json!({"score_id": "zz"}), "Score 'zz' not found").await;
    refused("harmony_analysis", json!({"score_id": ""}), "score_id is required").await;
    refused("delete_score", json!({"score_id": "zz"}), "Score 'zz' not found").await;
    refused("delete_score", json!({"score_id": ""}), "Score '' not found").await;
    let reply = session.call("delete_score", json!({"score_id": "b"})).await;
    assert_eq!(reply, json!({"status": "success", "message": "Deleted score 'b'", "deleted_count": 1}));
    let reply = session.call("delete_score", json!({"score_id": "*"})).await;
    assert_eq!(reply, json!({"status": "success", "message": "No scores to delete", "deleted_count": 0}));
    session.end().await;
}

#[tokio::test]
async fn files_are_read_below_the_allowed_directories_and_bad_ones_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let inside = root.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let work = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/liliuokalani/aloha_oe.mxl");
    std::fs::copy(work, inside.join("good.mxl")).unwrap();
    std::fs::write(inside.join("empty.musicxml"), "").unwrap();
    std::fs::write(inside.join("text.musicxml"), "no XML").unwrap();
    std::fs::write(inside.join("half.musicxml"), "<score-partwise><part-list>").unwrap();
    std::os::unix::fs::symlink(work, inside.join("link.mxl")).unwrap();

    let session = Session::start(Config { allowed_directories: vec![inside.clone()], ..config() }).await;
    let import = async |name: &str| {
        let source = inside.join(name);
        let arguments = json!({"score_id": name, "source": source, "source_type": "file"});
        let reply = session.call("import_score", arguments).await;
        let message = reply["message"].as_str().unwrap().replace(source.to_str().unwrap(), "FILE");
        (reply["num_notes"].as_u64(), message)
    };
    assert_eq!(import("good.mxl").await.0, Some(371));
    for name in ["empty.musicxml", "text.musicxml", "half.musicxml", "missing.musicxml"] {
        assert_eq!(import(name).await, (None, "Could not find or import score: FILE".to_owned()), "{name}");
    }
    assert!(import("link.mxl").await.1.contains("outside allowed directories"));
    session.end().await;
}

#[tokio::test]
async fn auto_guesses_as_the_real_server_does() {
    let session = Session::start(config()).await;
    for (source, kind) in [
        ("C4 E4", Some("text")),
        ("C4", None),
        ("weber/concertino_clarinet", None),
        (concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/liliuokalani/aloha_oe.mxl"), Some("file")),
    ] {
        let arguments = json!({"score_id": source, "source": source, "source_type": "auto"});
        let reply = session.call("import_score", arguments).await;
        assert_eq!(reply["source_type"].as_str(), kind, "{source}: {reply}");
    }
    session.end().await;
}

#[tokio::test]
async fn a_call_that_fits_no_schema_is_an_error_result() {
    let session = Session::start(config()).await;
    let violation = async |tool: &str, arguments: Value, message: &str| {
        let result = session.result(tool, arguments).await;
        assert_eq!((result.is_error, text(&result)), (Some(true), message));
    };
    violation("score_info", json!({}), "Input validation error: 'score_id' is a required property").await;
    violation("score_info", json!({"score_id": 5}), "Input validation error: 5 is not of type 'string'")
        .await;
    violation("voice_leading_analysis", json!({}), "Unknown tool: voice_leading_analysis").await;
    session.end().await;
}

#[tokio::test]
async fn a_score_too_many_evicts_the_oldest_and_one_too_big_is_refused() {
    let limits = Limits { scores: 2, memory_mib: 3, ..Limits::default() };
    let session = Session::start(Config { limits, ..config() }).await;
    for id in ["b", "a", "c"] {
        let arguments = json!({"score_id": id, "source": "C4", "source_type": "text"});
        assert_eq!(session.call("import_score", arguments).await["status"], "success");
    }
    let reply = session.call("list_scores", json!({})).await;
    let ids: Vec<&str> =
        reply["scores"].as_array().unwrap().iter().map(|score| score["score_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "c"]);
    let reply = session.call("import_score", json!({"score_id": "w", "source": "weber"})).await;
    let error = "Import failed: Adding score 'w' would exceed memory limit (3MB). Current usage: 0.1MB";
    let expected =
        json!({"status": "error", "tool": "import_score", "error": error, "message": "import_score failed"});
    assert_eq!(reply, expected);
    session.end().await;
}

#[tokio::test]
async fn an_import_that_takes_too_long_stores_nothing() {
    let limits = Limits { operation: Duration::ZERO, ..Limits::default() };
    let session = Session::start(Config { limits, ..config() }).await;
    let reply = session.call("import_score", json!({"score_id": "w", "source": "weber"})).await;
    assert_eq!(reply["message"], "Could not find or import score: weber");
    assert_eq!(session.call("list_scores", json!({})).await["count"], 0);
    session.end().await;
}

#[tokio::test]
async fn analysis_agrees_with_the_real_server() {
    let session = Session::start(config()).await;
    for (work, key, votes_against, slices, chords, tonic) in [
        ("johnson_j_r/lift_every_voice", "A- major", 0, 104, 2, 0),
        ("liliuokalani/aloha_oe", "G major", 1, 150, 71, 35),
        ("lusitano/allor_che_ignuda", "C major", 1, 229, 229, 82),
        ("weber/concertino_clarinet", "F major", 1, 2175, 982, 361),
    ] {
        let id = json!({"score_id": work});
        session.call("import_score", json!({"score_id": work, "source": work})).await;
        let reply = session.call("key_analysis", id.clone()).await;
        let against = reply["alternatives"].as_array().unwrap().len();
        assert_eq!((reply["key"].as_str(), against), (Some(key), votes_against), "{work}");
        assert_eq!(reply["algorithm_results"].as_object().unwrap().len(), 4, "{work}");
        let reply = session.call("chord_analysis", id.clone()).await;
        let listed = reply["chord_progression"].as_array().unwrap().len();
        assert_eq!((reply["total_chords"].as_u64(), listed), (Some(slices), 50), "{work}");
        let reply = session.call("harmony_analysis", id).await;
        let functions = &reply["functional_analysis"];
        let seen = (reply["chord_count"].as_u64(), functions["tonic_function"].as_u64());
        assert_eq!(seen, (Some(chords), Some(tonic)), "{work}");
    }
    session.end().await;
}

#[tokio::test]
async fn a_score_without_a_note_is_answered_as_the_real_server_does() {
    let session = Session::start(config()).await;
    let id = json!({"score_id": "silence"});
    let import = json!({"score_id": "silence", "source": " ", "source_type": "text"});
    assert_eq!(session.call("import_score", import).await["num_notes"], 0);
    let reply = session.call("key_analysis", id.clone()).await;
    let seen = (&reply["key"], &reply["confidence"], &reply["algorithm_results"]);
    assert_eq!(seen, (&json!("C major"), &json!(0.0), &json!({})));
    let reply = session.call("chord_analysis", id.clone()).await;
    let error = "Chord analysis failed: failed to get likely keys for Stream component";
    let expected = json!({"status": "error", "tool": "chord_analysis", "error": error, "message": "chord_analysis failed"});
    assert_eq!(reply, expected);
    let reply = session.call("harmony_analysis", id).await;
    assert_eq!((&reply["message"], &reply["chord_count"]), (&json!("No chords found in score"), &json!(0)));
    session.end().await;
}

#[tokio::test]
async fn grace_notes_alone_have_a_key_and_no_chord() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("grace.musicxml");
    let note = "<note><grace/><pitch><step>C</step><octave>4</octave></pitch></note>";
    let score = format!(
        "<score-partwise><part-list><score-part id='P1'><part-name/></score-part></part-list><part id='P1'>\
         <measure number='1'>{note}</measure></part></score-partwise>"
    );
    std::fs::write(&file, score).unwrap();
    let allowed = vec![directory.path().to_owned()];
    let session = Session::start(Config { allowed_directories: allowed, ..config() }).await;
    session.call("import_score", json!({"score_id": "x", "source": file, "source_type": "file"})).await;
    let reply = session.call("chord_analysis", json!({"score_id": "x"})).await;
    assert_eq!((&reply["status"], &reply["total_chords"]), (&json!("success"), &json!(0)));
    let still = json!({"average_duration": 0.0, "changes_per_measure": 0.0});
    assert_eq!(reply["harmonic_rhythm"], still);
    session.end().await;
}

#[tokio::test]
async fn sessions_of_one_server_share_its_scores() {
    let server = Server::new(config());
    let (first, second) = (Session::join(&server).await, Session::join(&server).await);
    first.call("import_score", json!({"score_id": "x", "source": "C4", "source_type": "text"})).await;
    assert_eq!(second.call("list_scores", json!({})).await["count"], 1);
    assert_eq!(server.calls(), 2);
    first.end().await;
    second.end().await;
}

#[tokio::test]
async fn only_what_is_done_is_listed_with_the_real_servers_schemas() {
    let session = Session::start(config()).await;
    let tools = session.client.list_all_tools().await.unwrap();
    let import = tools.iter().find(|tool| tool.name == "import_score").unwrap();
    let string = |title: &str| json!({"title": title, "type": "string"});
    let source_type = json!({"default": "corpus", "title": "Source Type", "type": "string"});
    let expected = json!({
        "properties": {
            "score_id": string("Score Id"),
            "source": string("Source"),
            "source_type": source_type,
        },
        "required": ["score_id", "source"],
        "type": "object",
    });
    assert_eq!(json!(import.input_schema), expected);
    let health = tools.iter().find(|tool| tool.name == "health_check").unwrap();
    assert_eq!(json!(health.input_schema), json!({"properties": {}, "type": "object"}));
    for tool in &tools {
        let result = session.result(&tool.name, json!({"unknown": 1})).await;
        assert!(!text(&result).starts_with("Unknown tool"), "{} is listed and unknown", tool.name);
    }
    session.end().await;
}

#[tokio::test]
async fn resources_list_the_scores_and_describe_one() {
    let session = Session::start(config()).await;
    session.call("import_score", json!({"score_id": "x", "source": "C4", "source_type": "text"})).await;
    let read = async |uri: &str| -> Value {
        let result = session.client.read_resource(ReadResourceRequestParams::new(uri)).await.unwrap();
        let contents = serde_json::to_value(&result.contents[0]).unwrap();
        assert_eq!(contents["mimeType"], "text/plain");
        serde_json::from_str(contents["text"].as_str().unwrap()).unwrap()
    };
    assert_eq!(session.client.list_all_resources().await.unwrap()[0].uri, "music21://scores");
    let templates = session.client.list_all_resource_templates().await.unwrap();
    assert_eq!(templates[0].uri_template, "music21://scores/{score_id}");
    assert_eq!(read("music21://scores").await["contents"][0]["uri"], "music21://scores/x");
    let one = read("music21://scores/x").await;
    let info: Value = serde_json::from_str(one["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(info["num_notes"], 1);
    session.end().await;
}
