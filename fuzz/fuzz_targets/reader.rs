//! Any bytes are a score or an error. A score is written, and what was written reads again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use music21_mcp_score::{ReadLimits, read, write};

fuzz_target!(|bytes: &[u8]| {
    let limits = ReadLimits { bytes: 1 << 20, rows: 20_000, depth: 50 };
    let Ok(score) = read(bytes, &limits) else { return };
    for part in &score.parts {
        for measure in &part.measures {
            let rows = measure.notes.start as usize..measure.notes.end as usize;
            let ends = rows.map(|row| part.notes.onset[row] + part.notes.duration[row]);
            assert!(ends.max().is_some_and(|end| end <= u32::MAX && end >= measure.start));
        }
    }
    let mut document = Vec::new();
    write(&score, &mut document).expect("memory is writable");
    // What is written may be longer than what was read: other limits.
    let again = read(&document, &ReadLimits::default()).expect("our own document");
    assert_eq!(again.note_count(), score.note_count());
});
