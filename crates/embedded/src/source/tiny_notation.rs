//! music21's tinyNotation: `tinyNotation: 3/4 E4 r f# g trip{b-8 a g} c4~ c`.
//!
//! Grammar: <https://www.music21.org/music21docs/moduleReference/moduleTinyNotation.html>. Words that
//! fit no rule are skipped, as music21 does; modifiers (`=id`, `_lyric`, `[…]`, `<…>`, `*…*`) are
//! read and dropped. A note across a barline is split and tied, where music21 lets it stand over.

use music21_mcp_score::{NoteFlags, Pitch, Score, Step, Tick, TimeSignature, Tuplet};

use super::note_names::{DIVISIONS, Event, Line};

/// Reads the text after the `tinyNotation:` prefix.
///
/// # Errors
///
/// The word with a duration that is not a power of two up to 1024, or with an impossible metre.
pub(crate) fn read(text: &str) -> Result<Score, String> {
    let mut state = State { line: Line::new(), ticks: DIVISIONS, tied: false, tuplet: None };
    for word in text.split_whitespace() {
        state.word(word)?;
    }
    Ok(state.line.finish())
}

struct State {
    line: Line,
    /// Of the note before, without its tuplet.
    ticks: Tick,
    tied: bool,
    tuplet: Option<Tuplet>,
}

impl State {
    fn word(&mut self, mut word: &str) -> Result<(), String> {
        for (opening, actual, normal) in [("trip{", 3, 2), ("quad{", 4, 3)] {
            if let Some(rest) = word.strip_prefix(opening) {
                self.tuplet = Some(Tuplet { actual, normal });
                word = rest;
            }
        }
        let closes = word.ends_with('}');
        self.token(word.trim_end_matches('}'))?;
        if closes {
            self.tuplet = None;
        }
        Ok(())
    }

    fn token(&mut self, token: &str) -> Result<(), String> {
        if let Some((beats, beat_type)) = token.split_once('/') {
            return self.time(beats, beat_type, token);
        }
        let bytes = token.as_bytes();
        let Some(&first) = bytes.first() else { return Ok(()) };
        let (pitch, rest) = match first {
            b'r' => (None, &token[1..]),
            b'a'..=b'g' | b'A'..=b'G' => match pitch(token) {
                Some((pitch, rest)) => (Some(pitch), rest),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        let Some((ticks, rest)) = self.duration(rest, token)? else { return Ok(()) };
        let (ties, rest) = match rest.strip_prefix('~') {
            Some(rest) if pitch.is_some() => (true, rest),
            _ => (false, rest),
        };
        if !rest.is_empty() && !rest.starts_with(['=', '_', '[', '<', '(', '*']) {
            return Ok(());
        }
        self.push(pitch, ticks, ties);
        Ok(())
    }

    fn time(&mut self, beats: &str, beat_type: &str, token: &str) -> Result<(), String> {
        let (Ok(beats), Ok(beat_type)) = (beats.parse::<u16>(), beat_type.parse::<u16>()) else {
            return Ok(());
        };
        if beats == 0 || beats > 1024 || !beat_type.is_power_of_two() || beat_type > 1024 {
            return Err(format!("impossible time signature: {token}"));
        }
        self.line.set_time(TimeSignature::new(beats, beat_type));
        Ok(())
    }

    /// `8.` or nothing: as the note before. `0` is a whole measure. `None`: the word fits no rule.
    fn duration<'a>(&self, text: &'a str, token: &str) -> Result<Option<(Tick, &'a str)>, String> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let after = &text[digits..];
        let rest = after.trim_start_matches('.');
        let dots = after.len() - rest.len();
        let base = match text[..digits].parse::<u32>() {
            Err(_) => self.ticks,
            Ok(0) => self.line.bar_ticks(),
            Ok(number) if number.is_power_of_two() && number <= 1024 => DIVISIONS * 4 / number,
            Ok(_) => return Err(format!("impossible duration: {token}")),
        };
        let shortest = base >> dots.min(31);
        Ok((shortest > 0).then_some((2 * base - shortest, rest)))
    }

    fn push(&mut self, pitch: Option<Pitch>, ticks: Tick, ties: bool) {
        self.ticks = ticks;
        let sounding = match self.tuplet {
            Some(tuplet) => ticks * u32::from(tuplet.normal) / u32::from(tuplet.actual),
            None => ticks,
        };
        let mut tie = NoteFlags::default();
        if self.tied {
            tie = tie.with(NoteFlags::TIE_STOP);
        }
        if ties {
            tie = tie.with(NoteFlags::TIE_START);
        }
        self.tied = ties;
        self.line.push(Event { pitch, ticks: sounding, tie, tuplet: self.tuplet });
    }
}

/// `CC#`, `b-`, `c''`, `f#'`: the pitch and what follows it.
fn pitch(token: &str) -> Option<(Pitch, &str)> {
    let letter = *token.as_bytes().first()?;
    let step = Step::from_letter(letter.to_ascii_uppercase())?;
    if letter.is_ascii_uppercase() {
        let rest = token.trim_start_matches(char::from(letter));
        let octave = 4_i8.checked_sub(i8::try_from(token.len() - rest.len()).ok()?)?;
        let (alter, rest) = accidental(rest)?;
        return Some((Pitch::new(step, alter, octave), rest));
    }
    let (before, rest) = primes(&token[1..])?;
    let (alter, rest) = accidental(rest)?;
    let (after, rest) = primes(rest)?;
    Some((Pitch::new(step, alter, 4 + before + after), rest))
}

fn primes(text: &str) -> Option<(i8, &str)> {
    let rest = text.trim_start_matches('\'');
    let count = i8::try_from(text.len() - rest.len()).ok()?;
    (count <= 5).then_some((count, rest))
}

/// Up to four sharps or flats; in parentheses it is editorial and does not alter the pitch.
fn accidental(text: &str) -> Option<(i8, &str)> {
    if let Some(inner) = text.strip_prefix('(') {
        let (_, rest) = accidental(inner)?;
        return rest.strip_prefix(')').map(|rest| (0, rest));
    }
    for (mark, sign) in [('#', 1), ('-', -1)] {
        let rest = text.trim_start_matches(mark);
        let count = text.len() - rest.len();
        if count > 0 {
            return (count <= 4).then_some((sign * count as i8, rest));
        }
    }
    Some((0, text.strip_prefix('n').unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let seen = match read(text) {
            Err(error) => error,
            Ok(score) => {
                let notes = &score.parts[0].notes;
                let rows = (0..notes.len()).map(|row| {
                    let flags = notes.flags[row];
                    let name = if flags.has(NoteFlags::REST) {
                        "r".to_owned()
                    } else {
                        notes.pitch[row].midi().to_string()
                    };
                    let tie = ["", "~"][usize::from(flags.has(NoteFlags::TIE_START))];
                    format!("{}+{} {name}{tie}", notes.onset[row], notes.duration[row])
                });
                rows.collect::<Vec<_>>().join(", ")
            }
        };
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn the_grammars_own_example_is_read() {
        check(
            "3/4 E4 r f# g=lastG trip{b-8 a g} c4~ c",
            "0+768 52, 768+768 r, 1536+768 66, 2304+768 67, 3072+256 70, 3328+256 69, 3584+256 67, \
             3840+768 60~, 4608+768 60",
        );
    }

    #[test]
    fn octaves_accidentals_and_durations() {
        check(
            "CC4 c''8. c#' c'# b--16 C(#)4",
            "0+768 36, 768+576 84, 1344+576 73, 1920+576 73, 2496+192 69, 2688+384 48~, 3072+384 48",
        );
        check("2/4 c1", "0+1536 60~, 1536+1536 60");
        check("3/8 c0 quad{d16 e}", "0+1152 60, 1152+144 62, 1296+144 64");
    }

    #[test]
    fn what_fits_no_rule_is_skipped_and_an_impossible_duration_is_refused() {
        check("c4 xyz hello d", "0+768 60, 768+768 62");
        check("c5", "impossible duration: c5");
        check("3/7 c", "impossible time signature: 3/7");
        check("", "");
    }
}
