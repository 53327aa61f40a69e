//! Exports are read back by programs that know nothing of this one's writers.

use std::path::{Path, PathBuf};
use std::process::Command;

use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use music21_mcp_embedded::{Config, bundled};
use music21_mcp_score::{NoteFlags, ReadLimits, Score};
use serde_json::json;

use crate::session::{Session, config};
use crate::skip::skip;

/// A session that exports to a directory which goes with it.
async fn session() -> (Session, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let export_directory = directory.path().to_owned();
    (Session::start(Config { export_directory, ..config() }).await, directory)
}

async fn export(session: &Session, id: &str, format: &str) -> PathBuf {
    let reply = session.call("export_score", json!({"score_id": id, "format": format})).await;
    assert_eq!(reply["message"], format!("Successfully exported to {format}"), "{reply}");
    let path = PathBuf::from(reply["file_path"].as_str().unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), reply["file_size"]);
    path
}

async fn import(session: &Session, work: &str) -> Score {
    let reply = session.call("import_score", json!({"score_id": work, "source": work})).await;
    assert_eq!(reply["status"], "success", "{reply}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(work).with_extension("mxl");
    music21_mcp_score::read_file(&file, &ReadLimits::default()).unwrap()
}

#[tokio::test]
async fn an_export_goes_with_its_score_and_no_sooner() {
    let (session, _directory) = session().await;
    for id in ["a", "b"] {
        session.call("import_score", json!({"score_id": id, "source": "C4 D4", "source_type": "text"})).await;
    }
    let [a, again, b] = [
        export(&session, "a", "midi").await,
        export(&session, "a", "abc").await,
        export(&session, "b", "midi").await,
    ];
    assert!(a.exists() && again.exists());
    session.call("delete_score", json!({"score_id": "a"})).await;
    assert_eq!([a.exists(), again.exists(), b.exists()], [false, false, true]);
    session.call("import_score", json!({"score_id": "b", "source": "E4", "source_type": "text"})).await;
    session.call("delete_score", json!({"score_id": "*"})).await;
    assert!(!b.exists());
}

/// (part, start, end, key) of every note of a MIDI file, in quarter notes.
fn notes_of(path: &PathBuf) -> Vec<(usize, f64, f64, u8)> {
    let bytes = std::fs::read(path).unwrap();
    let smf = Smf::parse(&bytes).unwrap();
    let Timing::Metrical(per_quarter) = smf.header.timing else { panic!("not metrical") };
    let quarters = |ticks: u32| f64::from(ticks) / f64::from(per_quarter.as_int());
    let mut notes = Vec::new();
    for (part, track) in smf.tracks.iter().enumerate() {
        let mut now = 0;
        let mut open: Vec<(u8, u32)> = Vec::new();
        for event in track {
            now += event.delta.as_int();
            let (key, on) = match event.kind {
                TrackEventKind::Midi { message: MidiMessage::NoteOn { key, vel }, .. } => (key, vel > 0),
                TrackEventKind::Midi { message: MidiMessage::NoteOff { key, .. }, .. } => (key, false),
                TrackEventKind::Meta(MetaMessage::EndOfTrack) => break,
                _ => continue,
            };
            if on {
                open.push((key.as_int(), now));
            } else {
                let begun = open.iter().position(|(known, _)| *known == key.as_int()).unwrap();
                notes.push((part, quarters(open.remove(begun).1), quarters(now), key.as_int()));
            }
        }
    }
    notes.sort_by(|a, b| a.partial_cmp(b).unwrap());
    notes
}

/// What a MIDI file of the score has to hold, worked out plainly.
fn expected(score: &Score) -> Vec<(usize, f64, f64, u8)> {
    let mut expected: Vec<(usize, f64, f64, u8)> = Vec::new();
    for (index, part) in score.parts.iter().enumerate() {
        let quarters = |ticks: u32| f64::from(ticks) / f64::from(score.divisions);
        let notes = &part.notes;
        let mut open: Vec<usize> = Vec::new();
        for row in 0..notes.len() {
            let (flags, start) = (notes.flags[row], notes.onset[row]);
            if flags.has(NoteFlags::REST) || notes.duration[row] == 0 {
                continue;
            }
            let by = part.transpositions.iter().rfind(|mark| mark.at <= start);
            let key = notes.pitch[row].midi() + by.map_or(0, |mark| i32::from(mark.value.chromatic));
            let (start, end) = (quarters(start), quarters(start + notes.duration[row]));
            let before =
                open.iter().position(|&note| expected[note].2 == start && i32::from(expected[note].3) == key);
            let note = match before.filter(|_| flags.has(NoteFlags::TIE_STOP)) {
                Some(position) => {
                    let note = open.remove(position);
                    expected[note].2 = end;
                    note
                }
                None => {
                    expected.push((index + 1, start, end, u8::try_from(key).unwrap()));
                    expected.len() - 1
                }
            };
            if flags.has(NoteFlags::TIE_START) {
                open.push(note);
            }
        }
    }
    expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
    expected
}

fn assert_same(
    seen: &[(usize, f64, f64, u8)],
    expected: &[(usize, f64, f64, u8)],
    tolerance: f64,
    what: &str,
) {
    assert_eq!(seen.len(), expected.len(), "{what}");
    for (seen, expected) in seen.iter().zip(expected) {
        let near = |a: f64, b: f64| (a - b).abs() <= tolerance;
        let same = (seen.0, seen.3) == (expected.0, expected.3)
            && near(seen.1, expected.1)
            && near(seen.2, expected.2);
        assert!(same, "{what}: {seen:?} instead of {expected:?}");
    }
}

#[tokio::test]
async fn midi_has_every_note_at_its_time_and_pitch() {
    let (session, _directory) = session().await;
    for work in bundled() {
        let score = import(&session, work).await;
        let notes = notes_of(&export(&session, work, "midi").await);
        assert_same(&notes, &expected(&score), 1e-9, work);
    }
    session.end().await;
}

/// `abc2midi` has its own ideas of grace notes and overlays, so the work is one without either.
#[tokio::test]
async fn abc_is_played_by_abc2midi_as_the_score() {
    let (session, directory) = session().await;
    if Command::new("abc2midi").output().is_err() {
        skip("no-abc2midi", "Debian's package abcmidi");
        return session.end().await;
    }
    let work = "lusitano/allor_che_ignuda";
    let score = import(&session, work).await;
    let abc = export(&session, work, "abc").await;
    let midi = directory.path().join("from-abc.mid");
    let output = Command::new("abc2midi").arg(&abc).arg("-o").arg(&midi).output().unwrap();
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    // The work has one measure of six quarter notes in common time, of which abc2midi warns.
    assert!(!log.contains("Error"), "{log}");
    // abc2midi's track 0 is the tempo's, as ours is; it shortens notes by a tick.
    assert_same(&notes_of(&midi), &expected(&score), 0.01, "abc");
    session.end().await;
}

#[tokio::test]
async fn lilypond_and_text_hold_every_note() {
    let (session, _directory) = session().await;
    for work in bundled() {
        let score = import(&session, work).await;
        let rows = score.parts.iter().map(|part| part.notes.len()).sum::<usize>();
        let text = std::fs::read_to_string(export(&session, work, "text").await).unwrap();
        assert_eq!(text.lines().filter(|line| line.starts_with("    {")).count(), rows, "{work}");

        let lilypond = std::fs::read_to_string(export(&session, work, "lily").await).unwrap();
        let count = |text: &str| lilypond.matches(text).count();
        assert_eq!((count("{"), count("<<")), (count("}"), count(">>")), "{work}");
        assert_eq!(count("\\new Staff"), score.parts.len(), "{work}");
        let measures = score.parts.iter().map(|part| part.measures.len()).sum::<usize>();
        assert_eq!(lilypond.lines().filter(|line| line.ends_with('|')).count(), measures, "{work}");
    }
    session.end().await;
}

#[tokio::test]
async fn musicxml_is_read_back_with_every_note() {
    let (session, _directory) = session().await;
    for work in bundled() {
        let score = import(&session, work).await;
        let file = export(&session, work, "musicxml").await;
        let again = music21_mcp_score::read_file(&file, &ReadLimits::default()).unwrap();
        let pitches =
            |score: &Score| score.parts.iter().map(|part| part.notes.pitch.clone()).collect::<Vec<_>>();
        assert_eq!(pitches(&again), pitches(&score), "{work}");
    }
    session.end().await;
}

#[tokio::test]
async fn an_unknown_format_and_one_that_needs_lilypond_are_refused() {
    let (session, directory) = session().await;
    let text = json!({"score_id": "t", "source": "C4", "source_type": "text"});
    session.call("import_score", text).await;
    for (id, format, message) in [
        (
            "t",
            "bad",
            "Unsupported format: bad. Supported formats: midi, musicxml, abc, lilypond, lily, pdf, png, braille, text",
        ),
        ("t", "pdf", "Export to pdf failed"),
        ("u", "midi", "Score with ID 'u' not found"),
    ] {
        let reply = session.call("export_score", json!({"score_id": id, "format": format})).await;
        assert_eq!(reply, json!({"status": "error", "message": message}));
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "a refused export leaves no file");
    let reply = session.call("export_score", json!({"score_id": "t", "format": "MIDI"})).await;
    assert_eq!(reply["format"], "midi");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    session.end().await;
}
