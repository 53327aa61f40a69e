use super::*;
use crate::{NoteFlags, ReadLimits, read, write};

/// The presets up to a size that a debug build writes at once, and odd ones.
fn specs() -> impl Iterator<Item = OrchestraSpec> {
    let sizes = [(1, 1), (3, 7), (40, 20), (20, 100), (7, 64)];
    sizes.into_iter().flat_map(|(parts, measures)| {
        (0..4).map(move |seed| OrchestraSpec::new(parts, measures, seed).expect("the sizes are in range"))
    })
}

fn document(score: &Score) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(score, &mut bytes).expect("memory is writable");
    bytes
}

#[test]
fn what_is_written_reads_back_equal() {
    for spec in specs() {
        let score = generate(&spec);
        let read = read(&document(&score), &ReadLimits::default()).expect("our own document");
        assert!(read == score, "{spec:?} changed in the round trip");
    }
}

#[test]
fn the_streamed_document_is_that_of_the_whole_score() {
    for spec in specs() {
        let mut streamed = Vec::new();
        let mut told = Vec::new();
        write_generated(&spec, &mut streamed, |parts| told.push(parts)).expect("memory is writable");
        assert!(streamed == document(&generate(&spec)), "{spec:?}");
        assert_eq!(told, (1..=spec.parts).collect::<Vec<_>>());
    }
}

#[test]
fn every_measure_is_filled_and_all_parts_have_as_many() {
    for spec in specs() {
        let score = generate(&spec);
        assert_eq!(score.parts.len(), spec.parts as usize);
        for part in &score.parts {
            assert_eq!(part.measures.len(), spec.measures as usize);
            for measure in &part.measures {
                let mut at = measure.start;
                for row in measure.notes.clone().map(|row| row as usize) {
                    if !part.notes.flags[row].has(NoteFlags::CHORD) {
                        assert_eq!(part.notes.onset[row], at, "{spec:?} {} {}", part.name, measure.number);
                        at += part.notes.duration[row];
                    }
                }
                assert_eq!(at, measure.start + measure.length, "{spec:?} {} {}", part.name, measure.number);
            }
        }
    }
}

#[test]
fn every_note_lies_in_the_range_of_its_instrument() {
    for spec in specs() {
        for (player, part) in roster::players(spec.parts).iter().zip(generate(&spec).parts) {
            let (low, high) = player.model.range;
            let notes = &part.notes;
            for row in (0..notes.len()).filter(|&row| !notes.flags[row].has(NoteFlags::REST)) {
                assert!(
                    (low..=high).contains(&notes.pitch[row].diatonic()),
                    "{}: {:?}",
                    part.name,
                    notes.pitch[row]
                );
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_every_machine() {
    let spec = OrchestraSpec::preset("20x100", 7).expect("a preset");
    let bytes = document(&generate(&spec));
    // FNV-1a; a change here changes every recorded baseline.
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    assert_eq!((bytes.len(), hash), (1_569_221, 17_015_202_473_670_766_262));
    let other = document(&generate(&OrchestraSpec { seed: 8, ..spec }));
    assert_ne!(bytes, other);
}

#[test]
fn a_long_score_changes_key_and_metre_and_has_all_families() {
    let score = generate(&OrchestraSpec::preset("20x100", 7).expect("a preset"));
    assert!(score.parts[0].keys.len() > 1 && score.parts[0].times.len() > 1);
    let names: Vec<&str> = score.parts.iter().map(|part| part.name.as_str()).collect();
    for name in ["Flute", "Clarinet in Bb", "Horn in F", "Timpani", "Snare Drum", "Violin I 1", "Contrabass"]
    {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    assert!(
        score.parts.iter().any(|part| part.notes.flags.iter().any(|flags| flags.has(NoteFlags::UNPITCHED)))
    );
    assert!(score.parts.iter().any(|part| !part.transpositions.is_empty()));
}

#[test]
fn sizes_out_of_range_and_unknown_presets_say_what_is_possible() {
    let error = OrchestraSpec::new(0, 5, 1).expect_err("no parts");
    assert_eq!(error.to_string(), "cannot generate 0 parts; give 1 to 1000");
    let error = OrchestraSpec::preset("5x5", 1).expect_err("no preset");
    assert!(error.to_string().contains("150x500"));
}

/// Keeps nothing but the size of the largest piece written.
struct Largest(usize);

impl io::Write for Largest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.max(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_more_than_one_part_of_the_document_is_held() {
    let spec = OrchestraSpec::preset("20x100", 7).expect("a preset");
    let mut largest = Largest(0);
    write_generated(&spec, &mut largest, |_| ()).expect("nothing can fail");
    // The largest of twenty parts, which differ by a factor of three.
    assert!(largest.0 < document(&generate(&spec)).len() / 6, "{} bytes at once", largest.0);
}
