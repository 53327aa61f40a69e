//! Export formats: a score in, a file's bytes out.

mod abc;
mod abc_pitch;
mod lilypond;
mod marks;
mod midi;
mod repeats;
mod text;
mod voices;

use music21_mcp_score::Score;

/// A format that the real server lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    /// As asked for.
    pub(crate) name: &'static str,
    /// With its dot.
    pub(crate) extension: &'static str,
    /// `None`: refused, as by a real server without the LilyPond program.
    pub(crate) write: Option<fn(&Score) -> Vec<u8>>,
}

/// In the real server's order, which its refusal of another format lists.
pub(crate) const FORMATS: [Format; 9] = [
    Format { name: "midi", extension: ".mid", write: Some(midi::write) },
    Format { name: "musicxml", extension: ".xml", write: Some(musicxml) },
    Format { name: "abc", extension: ".abc", write: Some(abc::write) },
    Format { name: "lilypond", extension: ".ly", write: Some(lilypond::write) },
    Format { name: "lily", extension: ".ly", write: Some(lilypond::write) },
    Format { name: "pdf", extension: ".pdf", write: None },
    Format { name: "png", extension: ".png", write: None },
    Format { name: "braille", extension: ".brl", write: None },
    Format { name: "text", extension: ".txt", write: Some(text::write) },
];

fn musicxml(score: &Score) -> Vec<u8> {
    let mut document = Vec::new();
    // OK because memory takes whatever is written.
    music21_mcp_score::write(score, &mut document).expect("memory takes the document");
    document
}
