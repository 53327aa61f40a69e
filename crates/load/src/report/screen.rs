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

    /// Lines of text; on a screen each is broken between words, and goes on below itself that far from the edge.
    pub(crate) fn wrapped(self, text: &str, indent: usize) -> String {
        let Some(columns) = self.columns else { return format!("{text}\n") };
        let mut out = String::new();
        // An empty text is a line, too.
        for line in text.split('\n') {
            let own = line.len() - line.trim_start().len();
            let mut used = own;
            out.extend(std::iter::repeat_n(' ', own));
            for (at, word) in line.split_whitespace().enumerate() {
                let width = word.chars().count();
                if at > 0 && used + 1 + width > columns {
                    out += &format!("\n{:indent$}{word}", "");
                    used = indent + width;
                } else {
                    let gap = usize::from(at > 0);
                    out += &format!("{:gap$}{word}", "");
                    used += gap + width;
                }
            }
            out.push('\n');
        }
        out
    }

    /// What [`Screen::columns`] takes side by side.
    pub(super) fn width<const N: usize>(rows: &[[String; N]]) -> usize {
        widths(rows).iter().sum::<usize>() + 2 * N.saturating_sub(1)
    }

    /// Rows of cells as columns. On a screen that they do not fit, the first cell of a row stands alone and the others below
    /// it, or on its line if there is room.
    pub(crate) fn columns<const N: usize>(self, rows: &[[String; N]]) -> String {
        let widths = widths(rows);
        let fits = self.has(Self::width(rows));
        let mut out = String::new();
        for row in rows {
            if fits {
                let line: String =
                    row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
                out += &format!("{}\n", printable(line.trim_end()));
            } else {
                let (first, rest) = (printable(&row[0]), &row[1..]);
                let rest: Vec<&str> =
                    rest.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
                let rest = printable(&rest.join(" · "));
                if self.has(first.chars().count() + 2 + rest.chars().count()) {
                    out += &format!("{first}  {rest}\n");
                } else {
                    out += &(self.wrapped(&first, 4) + &self.wrapped(&format!("    {rest}"), 4));
                }
            }
        }
        out
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

/// Columns that the cells take.
fn widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0))
}

/// Without control characters: those of a server would reach the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// At most `most` characters. What is left out is in the middle: names differ at their ends, and what a message comes to
/// stands there.
pub(crate) fn fitted(text: &str, most: Option<usize>) -> String {
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
    fn a_text_is_broken_between_words_on_a_screen_alone() {
        let text = "  one two three\n\nfour";
        assert_eq!(Screen::of(9).wrapped(text, 4), "  one two\n    three\n\nfour\n");
        assert_eq!(Screen::of(2).wrapped("long words", 0), "long\nwords\n");
        assert_eq!(Screen::NONE.wrapped(text, 4), format!("{text}\n"));
    }

    #[test]
    fn rows_stand_in_columns_where_they_fit() {
        let rows = [["a", "long cell", "x"], ["name", "", "y"]].map(|row| row.map(str::to_owned));
        let columns = "a     long cell  x\nname             y\n";
        assert_eq!(Screen::NONE.columns(&rows), columns);
        assert_eq!(Screen::of(18).columns(&rows), columns);
        assert_eq!(Screen::of(17).columns(&rows), "a  long cell · x\nname  y\n");
        assert_eq!(Screen::of(9).columns(&rows), "a\n    long\n    cell\n    · x\nname  y\n");
    }

    #[test]
    fn only_a_terminal_is_sent_colours() {
        let coloured = Screen { colour: true, columns: Some(80) };
        assert_eq!(coloured.paint("FAILED", Tone::Bad), "\x1b[31mFAILED\x1b[0m");
        assert_eq!(Screen::NONE.paint("FAILED", Tone::Bad), "FAILED");
    }
}
