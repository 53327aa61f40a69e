//! `source_type="text"`: note names separated by white space, each a quarter note, as music21's
//! `Note` reads a name (`C4`, `f#5`, `B-3`, `Bb3`, `Ees2`).

use music21_mcp_score::{
    Clef, Measure, NoteFlags, Notes, Part, Pitch, Score, Step, Tick, TimeSignature, Timed, Tuplet,
};

/// Ticks of a quarter note in a score made from text: divisible by three, and by the 1024th note.
pub(crate) const DIVISIONS: u32 = 3 * 256;

/// A score of the notes in order, in common time.
///
/// # Errors
///
/// The first word that is not a note name.
pub(crate) fn read(text: &str) -> Result<Score, String> {
    let mut line = Line::new();
    for word in text.split_whitespace() {
        let pitch = pitch(word).ok_or_else(|| format!("invalid note: {word}"))?;
        line.push(Event { pitch: Some(pitch), ticks: DIVISIONS, tie: NoteFlags::default(), tuplet: None });
    }
    Ok(line.finish())
}

/// music21's reading of a pitch name: a letter, an accidental, digits anywhere after the letter.
fn pitch(name: &str) -> Option<Pitch> {
    let letter = *name.as_bytes().first()?;
    let step = Step::from_letter(letter.to_ascii_uppercase())?;
    let digits: String = name[1..].chars().filter(char::is_ascii_digit).collect();
    let accidental: String = name[1..].chars().filter(|c| !c.is_ascii_digit()).collect();
    let alter = match accidental.to_ascii_lowercase().as_str() {
        "" | "n" | "natural" => 0,
        "#" | "is" | "sharp" => 1,
        "##" | "isis" | "double-sharp" => 2,
        "###" | "isisis" | "triple-sharp" => 3,
        "####" | "isisisis" | "quadruple-sharp" => 4,
        "-" | "b" | "es" | "flat" => -1,
        "--" | "eses" | "double-flat" => -2,
        "---" | "eseses" | "triple-flat" => -3,
        "----" | "eseseses" | "quadruple-flat" => -4,
        _ => return None,
    };
    let octave: i8 = if digits.is_empty() { 4 } else { digits.parse::<u32>().ok()?.min(100) as i8 };
    let mut pitch = Pitch::new(step, alter, octave);
    // music21 folds what MIDI cannot name into its highest octave.
    while pitch.midi() > 127 {
        pitch.octave -= 1;
    }
    Some(pitch)
}

/// A note or rest of a [`Line`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) pitch: Option<Pitch>,
    pub(super) ticks: Tick,
    pub(super) tie: NoteFlags,
    pub(super) tuplet: Option<Tuplet>,
}

/// A single melodic line under construction; notes that cross a barline are split and tied.
#[derive(Debug)]
pub(super) struct Line {
    notes: Notes,
    measures: Vec<Measure>,
    times: Vec<Timed<TimeSignature>>,
    now: Tick,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { notes: Notes::default(), measures: Vec::new(), times: Vec::new(), now: 0 }
    }

    /// From here on; an unfinished measure is closed short.
    pub(super) fn set_time(&mut self, value: TimeSignature) {
        self.close_measure();
        self.times.retain(|time| time.at != self.now);
        self.times.push(Timed { at: self.now, value });
    }

    pub(super) fn bar_ticks(&self) -> Tick {
        let time = self.time();
        DIVISIONS * 4 * u32::from(time.beats) / u32::from(time.beat_type)
    }

    fn time(&self) -> TimeSignature {
        self.times.last().map_or(TimeSignature::new(4, 4), |time| time.value)
    }

    pub(super) fn push(&mut self, event: Event) {
        let mut left = event.ticks;
        let mut tie = event.tie;
        while left > 0 {
            if self.measures.last().is_none_or(|measure| measure.start + measure.length == self.now) {
                self.open_measure();
            }
            // OK because a measure was opened if there was none.
            let measure = self.measures.last_mut().expect("a measure is open");
            let room = measure.start + measure.length - self.now;
            let ticks = left.min(room);
            left -= ticks;
            let mut flags = tie;
            if left > 0 && event.pitch.is_some() {
                flags = flags.with(NoteFlags::TIE_START);
                tie = tie.with(NoteFlags::TIE_STOP);
            }
            measure.notes.end += 1;
            self.add_row(event, ticks, flags);
        }
    }

    fn add_row(&mut self, event: Event, ticks: Tick, flags: NoteFlags) {
        let row = self.notes.len() as u32;
        self.notes.onset.push(self.now);
        self.notes.duration.push(ticks);
        let rest = Pitch::new(Step::B, 0, 4);
        self.notes.pitch.push(event.pitch.unwrap_or(rest));
        self.notes.flags.push(if event.pitch.is_some() { flags } else { NoteFlags::REST });
        self.notes.voice.push(1);
        self.notes.tuplets.extend(event.tuplet.map(|tuplet| (row, tuplet)));
        self.now += ticks;
    }

    fn open_measure(&mut self) {
        let row = self.notes.len() as u32;
        self.measures.push(Measure {
            number: (self.measures.len() + 1).to_string(),
            start: self.now,
            length: self.bar_ticks(),
            notes: row..row,
            ..Measure::default()
        });
    }

    fn close_measure(&mut self) {
        if let Some(measure) = self.measures.last_mut() {
            measure.length = self.now - measure.start;
        }
    }

    pub(super) fn finish(mut self) -> Score {
        self.close_measure();
        if self.times.is_empty() {
            self.times.push(Timed { at: 0, value: self.time() });
        }
        if let Some(last) = self.measures.last_mut() {
            last.barred.final_bar = true;
        }
        let pitched = self.notes.pitch.iter().zip(&self.notes.flags);
        let low = pitched.filter(|(pitch, flags)| !flags.has(NoteFlags::REST) && pitch.midi() < 60).count();
        let clef = if low * 2 > self.notes.len() {
            Clef { sign: b'F', line: 4, octave_change: 0 }
        } else {
            Clef { sign: b'G', line: 2, octave_change: 0 }
        };
        let part = Part {
            id: "P1".to_owned(),
            clefs: vec![Timed { at: 0, value: clef }],
            times: self.times,
            measures: self.measures,
            notes: self.notes,
            ..Part::default()
        };
        Score { divisions: DIVISIONS, parts: vec![part], ..Score::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_music21_reads_them() {
        // Accepted and refused by music21 10.5.1.
        let cases = [
            ("C4", Some(60)),
            ("c4", Some(60)),
            ("Bb4", Some(70)),
            ("B-4", Some(70)),
            ("B--4", Some(69)),
            ("C####4", Some(64)),
            ("C#####4", None),
            ("Bbb4", None),
            ("C", Some(60)),
            ("E--", Some(62)),
            ("C4#", Some(61)),
            ("Cis4", Some(61)),
            ("Cflat4", Some(59)),
            ("C-1", Some(23)),
            ("C44", Some(120)),
            ("H4", None),
            ("R4", None),
            ("4C", None),
            ("60", None),
            ("C4.5", None),
            ("C#b4", None),
            ("é4", None),
            ("", None),
        ];
        for (name, midi) in cases {
            assert_eq!(pitch(name).map(Pitch::midi), midi, "{name}");
        }
    }

    #[test]
    fn notes_fill_measures_of_four_quarters() {
        let score = read("C4 D4 E4 F4 G4").unwrap();
        let part = &score.parts[0];
        assert_eq!(part.notes.onset, [0, 768, 1536, 2304, 3072]);
        assert_eq!(
            part.measures.iter().map(|m| (m.start, m.length, m.notes.clone())).collect::<Vec<_>>(),
            [(0, 3072, 0..4), (3072, 768, 4..5)]
        );
        assert_eq!(read("C4 H4").unwrap_err(), "invalid note: H4");
        assert!(read("  ").unwrap().parts[0].notes.is_empty());
    }
}
