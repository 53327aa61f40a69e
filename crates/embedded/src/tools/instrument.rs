//! What `score_info` says of an instrument: music21 takes it from the MIDI program, and from the name
//! where the program is a piano's, as programs write that for whatever they do not know.

use music21_mcp_score::Part;
use serde::Serialize;

/// As in replies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Described<'a> {
    instrument: Option<&'a str>,
    abbreviation: Option<&'a str>,
    /// General MIDI, from 0, where MusicXML counts from 1.
    midi_program: Option<u8>,
}

/// Programs from which on name and abbreviation hold.
const PROGRAMS: [(u8, &str, &str); 73] = [
    (0, "Piano", "Pno"),
    (2, "Electric Piano", "E.Pno"),
    (3, "Piano", "Pno"),
    (4, "Electric Piano", "E.Pno"),
    (6, "Harpsichord", "Hpschd"),
    (7, "Clavichord", "Clv"),
    (8, "Celesta", "Clst"),
    (9, "Glockenspiel", "Gsp"),
    (11, "Vibraphone", "Vbp"),
    (12, "Marimba", "Mar"),
    (13, "Xylophone", "Xyl."),
    (14, "Tubular Bells", "Tbells"),
    (15, "Dulcimer", "Dlc"),
    (16, "Electric Organ", "Elec Org"),
    (19, "Pipe Organ", "P Org"),
    (20, "Reed Organ", "R Org"),
    (21, "Accordion", "Acc"),
    (22, "Harmonica", "Hmca"),
    (23, "Accordion", "Acc"),
    (24, "Acoustic Guitar", "Ac Gtr"),
    (26, "Electric Guitar", "Elec Gtr"),
    (32, "Acoustic Bass", "Ac b"),
    (33, "Electric Bass", "Elec b"),
    (35, "Fretless Bass", "Fretl b"),
    (36, "Electric Bass", "Elec b"),
    (40, "Violin", "Vln"),
    (41, "Viola", "Vla"),
    (42, "Violoncello", "Vc"),
    (43, "Contrabass", "Cb"),
    (44, "StringInstrument", "Str"),
    (46, "Harp", "Hp"),
    (47, "Timpani", "Timp"),
    (48, "StringInstrument", "Str"),
    (52, "Choir", "Ch"),
    (53, "Voice", "V"),
    (55, "Sampler", "Samp"),
    (56, "Trumpet", "Tpt"),
    (57, "Trombone", "Trb"),
    (58, "Tuba", "Tba"),
    (59, "Trumpet", "Tpt"),
    (60, "Horn", "Hn"),
    (61, "Brass", "Brs"),
    (64, "Soprano Saxophone", "S Sax"),
    (65, "Alto Saxophone", "A Sax"),
    (66, "Tenor Saxophone", "T Sax"),
    (67, "Baritone Saxophone", "Bar Sax"),
    (68, "Oboe", "Ob"),
    (69, "English Horn", "Eng Hn"),
    (70, "Bassoon", "Bsn"),
    (71, "Clarinet", "Cl"),
    (72, "Piccolo", "Picc"),
    (73, "Flute", "Fl"),
    (74, "Recorder", "Rec"),
    (75, "Pan Flute", "P Fl"),
    (77, "Shakuhachi", "Shk Fl"),
    (78, "Whistle", "Whs"),
    (79, "Ocarina", "Oc"),
    (80, "Sampler", "Samp"),
    (104, "Sitar", "Sit"),
    (105, "Banjo", "Bjo"),
    (106, "Shamisen", "Shmsn"),
    (107, "Koto", "Koto"),
    (108, "Kalimba", "Kal"),
    (109, "Bagpipes", "Bag"),
    (110, "Violin", "Vln"),
    (111, "Shehnai", "Shn"),
    (112, "Glockenspiel", "Gsp"),
    (113, "Agogo", "Ago"),
    (114, "Steel Drum", "St Dr"),
    (115, "Woodblock", "Wd Bl"),
    (116, "Taiko", "Tko"),
    (117, "Tom-Tom", "Tom"),
    (118, "Sampler", "Samp"),
];

/// Percussion keys with an instrument of their own.
const PERCUSSION: [(u8, &str, &str, Option<u8>); 35] = [
    (35, "Bass Drum", "B Dr", None),
    (36, "Bass Drum", "B Dr", None),
    (37, "Snare Drum", "Sn Dr", None),
    (38, "Snare Drum", "Sn Dr", None),
    (40, "Snare Drum", "Sn Dr", None),
    (41, "Tom-Tom", "Tom", None),
    (42, "Hi-Hat Cymbal", "Hi-Hat", None),
    (43, "Tom-Tom", "Tom", None),
    (44, "Hi-Hat Cymbal", "Hi-Hat", None),
    (45, "Tom-Tom", "Tom", None),
    (46, "Hi-Hat Cymbal", "Hi-Hat", None),
    (47, "Tom-Tom", "Tom", None),
    (48, "Tom-Tom", "Tom", None),
    (49, "Crash Cymbals", "Cym", None),
    (50, "Tom-Tom", "Tom", None),
    (54, "Tambourine", "Tmbn", None),
    (56, "Cowbell", "Cwb", None),
    (57, "Crash Cymbals", "Cym", None),
    (58, "Vibraslap", "Vbslp", None),
    (60, "Bongo Drums", "Bgo Dr", None),
    (61, "Bongo Drums", "Bgo Dr", None),
    (62, "Conga Drum", "Cga Dr", None),
    (63, "Conga Drum", "Cga Dr", None),
    (64, "Conga Drum", "Cga Dr", None),
    (65, "Timbales", "Tim", None),
    (66, "Timbales", "Tim", None),
    (67, "Agogo", "Ago", Some(113)),
    (68, "Agogo", "Ago", Some(113)),
    (70, "Maracas", "Mrcs", None),
    (71, "Whistle", "Whs", Some(78)),
    (72, "Whistle", "Whs", Some(78)),
    (76, "Woodblock", "Wd Bl", Some(115)),
    (77, "Woodblock", "Wd Bl", Some(115)),
    (80, "Triangle", "Tri", None),
    (81, "Triangle", "Tri", None),
];

/// By line: class, the classes it is a kind of, abbreviation, program, words of its usual name, and the
/// names it goes by in seven languages, as music21 10.5.1 knows them.
const NAMES: &str = include_str!("instrument_names.txt");

/// A part's instrument.
pub(super) fn describe(part: &Part) -> Described<'_> {
    let instrument = &part.instrument;
    let mut found = match (instrument.midi_unpitched, instrument.midi_program) {
        (Some(key), _) => percussion(key.saturating_sub(1)),
        (None, Some(program)) => by_program(program.saturating_sub(1)),
        (None, None) => Described::default(),
    };
    let is_piano = instrument.midi_unpitched.is_none() && matches!(found.midi_program, Some(0 | 1 | 3));
    if !instrument.name.is_empty() && instrument.midi_unpitched.is_none() {
        let named = by_name(&instrument.name);
        if is_piano || named.midi_program == found.midi_program {
            found = named;
        }
    }
    let given = |text: &'_ str| !text.is_empty();
    if given(&instrument.name) {
        found.instrument = Some(&instrument.name);
    }
    if given(&instrument.abbreviation) {
        found.abbreviation = Some(&instrument.abbreviation);
    }
    found
}

fn by_program(program: u8) -> Described<'static> {
    let row = PROGRAMS.partition_point(|row| row.0 <= program);
    let named = row.checked_sub(1).filter(|_| program < 128).map(|row| PROGRAMS[row]);
    named.map_or_else(Described::default, |(_, name, abbreviation)| Described {
        instrument: Some(name),
        abbreviation: Some(abbreviation),
        midi_program: Some(program),
    })
}

fn percussion(key: u8) -> Described<'static> {
    let known = PERCUSSION.iter().find(|row| row.0 == key);
    let &(_, name, abbreviation, midi_program) = known.unwrap_or(&(key, "Percussion", "Perc", None));
    Described { instrument: Some(name), abbreviation: Some(abbreviation), midi_program }
}

/// The instrument that words of a name mean: of several the one whose usual name has most words, the
/// longest and last words first.
fn by_name(name: &str) -> Described<'static> {
    let plain: String = name.to_lowercase().replace('.', " ");
    let plain: String = plain.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let mut best: Option<[&'static str; 5]> = None;
    for size in 1..=words.len() {
        for few in words.windows(size) {
            let Some(row) = named(&few.join(" ")) else { continue };
            let better = best.is_none_or(|[class, kinds, .., words]| {
                let is_kind = class == row[0] || kinds.split(' ').any(|kind| kind == row[0]);
                row[4] >= words && !is_kind
            });
            if better {
                best = Some(row);
            }
        }
    }
    best.map_or_else(Described::default, |[_, _, abbreviation, program, _]| Described {
        instrument: None,
        abbreviation: (!abbreviation.is_empty()).then_some(abbreviation),
        midi_program: program.parse().ok(),
    })
}

/// The line of an instrument, without its names.
fn named(name: &str) -> Option<[&'static str; 5]> {
    NAMES.lines().find_map(|line| {
        let (row, names) = line.rsplit_once('|')?;
        names.split(';').find(|known| *known == name)?;
        let mut fields = row.split('|');
        Some([(); 5].map(|()| fields.next().unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use music21_mcp_score::Instrument;

    use super::*;

    /// music21 10.5.1's `instrumentAbbreviation` and `midiProgram`.
    #[test]
    fn instruments_are_music21s() {
        for (name, program, key, abbreviation, midi) in [
            ("Violin", Some(41), None, Some("Vln"), Some(40)),
            ("Soprano", Some(1), None, Some("S"), Some(53)),
            ("Keys", Some(1), None, None, None),
            ("Violin I", Some(1), None, Some("Vln"), Some(40)),
            ("Foo", Some(61), None, Some("Hn"), Some(60)),
            ("Flute", None, None, None, None),
            ("", Some(1), None, Some("Pno"), Some(0)),
            ("Snare", None, Some(39), Some("Sn Dr"), None),
            ("Cabasa", None, Some(70), Some("Perc"), None),
        ] {
            let instrument = Instrument {
                name: name.to_owned(),
                midi_program: program,
                midi_unpitched: key,
                ..Instrument::default()
            };
            let part = Part { instrument, ..Part::default() };
            let described = describe(&part);
            assert_eq!((described.abbreviation, described.midi_program), (abbreviation, midi), "{name}");
        }
    }
}
