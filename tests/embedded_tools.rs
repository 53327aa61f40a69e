//! The embedded server's tools through the MCP protocol, in-process.

mod embedded;

use embedded::{Session, config};
use serde_json::json;

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
