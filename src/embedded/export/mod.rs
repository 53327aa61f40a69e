//! Export formats: a score in, a file's bytes out.

mod marks;
mod midi;

use crate::score::Score;

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
    Format { name: "musicxml", extension: ".xml", write: None },
    Format { name: "abc", extension: ".abc", write: None },
    Format { name: "lilypond", extension: ".ly", write: None },
    Format { name: "lily", extension: ".ly", write: None },
    Format { name: "pdf", extension: ".pdf", write: None },
    Format { name: "png", extension: ".png", write: None },
    Format { name: "braille", extension: ".brl", write: None },
    Format { name: "text", extension: ".txt", write: None },
];
