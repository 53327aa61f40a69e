//! What a text is shown on: a terminal with its width, or a file or pipe, in which nothing is cut.

use std::io::IsTerminal;

use super::headline::Tone;

/// Where a text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Whether it shows colours.
    pub colour: bool,
    /// How wide it is; `None` where there is no terminal: somebody reads it later, perhaps by a program.
    pub columns: Option<usize>,
}

impl Screen {
    /// A file or a pipe.
    pub const NONE: Self = Self { colour: false, columns: None };
    /// A terminal that does not say how wide it is.
    const USUAL: usize = 80;

    /// A terminal of that width, without colours.
    #[must_use]
    pub const fn of(columns: usize) -> Self {
        Self { colour: false, columns: Some(columns) }
    }

    /// Standard output; in colours if it is a terminal and `NO_COLOR` does not say otherwise.
    #[must_use]
    pub fn stdout() -> Self {
        let stdout = std::io::stdout();
        if !stdout.is_terminal() {
            return Self::NONE;
        }
        let columns = rustix::termios::tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col));
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { colour, columns: Some(if columns > 0 { columns } else { Self::USUAL }) }
    }

    /// Whether a line of that many columns fits.
    pub(crate) fn has(self, columns: usize) -> bool {
        self.columns.is_none_or(|width| width >= columns)
    }

    /// As many of a kind as a screen has room for, or all.
    pub(super) fn few(self, few: usize) -> usize {
        if self.columns.is_some() { few } else { usize::MAX }
    }

    /// A line, whatever a server's words are; on a screen it may take two.
    pub(super) fn line(self, text: &str) -> String {
        fitted(text, self.columns.map(|columns| 2 * columns)) + "\n"
    }

    /// A name in a column.
    pub(super) fn name(self, name: &str, most: usize) -> String {
        fitted(name, self.columns.map(|_| most))
    }

    /// A word in the colour of its tone.
    pub(super) fn paint(self, word: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Doubtful => "33",
        };
        if self.colour { format!("\x1b[{code}m{word}\x1b[0m") } else { word.to_owned() }
    }
}

/// Without control characters: those of a server would reach the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// At most `most` characters. What is left out is in the middle: names differ at their ends, and what a message comes to
/// stands there.
pub(super) fn fitted(text: &str, most: Option<usize>) -> String {
    let text = printable(text);
    let count = text.chars().count();
    let Some(most) = most.filter(|&most| most < count) else { return text };
    let end = most.saturating_sub(1) / 2;
    let begin = most.saturating_sub(1) - end;
    let chars = || text.chars();
    chars().take(begin).chain(std::iter::once('…')).chain(chars().skip(count - end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_neither_moves_the_cursor_nor_fills_the_screen() {
        assert_eq!(fitted("a\x1b[2J\nb", Some(80)), "a [2J b");
        assert_eq!(fitted("a\x1b[2J\nb", None), "a [2J b");
        assert_eq!(fitted("äöüß", Some(3)), "ä…ß");
        assert_eq!(fitted("äöü", Some(3)), "äöü");
        assert_eq!(fitted("harmony_analysis_of_chords", Some(10)), "harmo…ords");
        assert_eq!(Screen::of(60).line(&"x".repeat(200)).chars().count(), 121);
        assert_eq!(Screen::NONE.line(&"x".repeat(200)).chars().count(), 201);
    }

    #[test]
    fn only_a_terminal_is_sent_colours() {
        let coloured = Screen { colour: true, columns: Some(80) };
        assert_eq!(coloured.paint("FAILED", Tone::Bad), "\x1b[31mFAILED\x1b[0m");
        assert_eq!(Screen::NONE.paint("FAILED", Tone::Bad), "FAILED");
    }
}
