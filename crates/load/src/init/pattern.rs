//! Texts that a regular expression accepts.
//!
//! Schemas write ECMAScript's expressions. They are put into this field's other dialect, in which a text is made from
//! their syntax tree; what looks ahead or behind is left out of that, and decides by matching what was made.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::dialect::translated;

/// A regular expression.
pub(super) struct Pattern {
    matcher: fancy_regex::Regex,
    /// Without what looks ahead or behind.
    plain: Hir,
    /// What is looked for ahead.
    ahead: Vec<Hir>,
}

/// Characters tried first, so that texts can be read.
const PREFERRED: &str =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890-_. /:@+,;=!?#$%&*()'\"<>[]{}|~^`\\";
/// How often what may be repeated is.
const REPEATED: [u32; 20] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 24, 32, 36, 40, 64, 128];
/// A made text is no longer.
const LONGEST: usize = 70_000;

/// What is chosen where an expression leaves a choice.
#[derive(Clone, Copy)]
struct Choice {
    repeated: u32,
    variant: usize,
}

impl Pattern {
    /// # Errors
    ///
    /// Why it cannot be read.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let unreadable = |error: fancy_regex::Error| {
            let why = error.to_string();
            format!("its pattern '{text}' cannot be read: {}", why.lines().last().unwrap_or_default())
        };
        let dialect = translated(text);
        let matcher = fancy_regex::Regex::new(&dialect.whole).map_err(unreadable)?;
        // One that repeats what a group has found has no tree, and no text is made for it.
        let plain = regex_syntax::parse(&dialect.plain).unwrap_or_else(|_| Hir::empty());
        let ahead = dialect.ahead.iter().filter_map(|part| regex_syntax::parse(part).ok()).collect();
        Ok(Self { matcher, plain, ahead })
    }

    /// One that takes too long to decide does not match.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.matcher.is_match(text).unwrap_or(false)
    }

    /// Different texts that it accepts, the shortest first. `least` is the length that is wanted.
    pub(super) fn texts(&self, least: usize, most: usize, wanted: usize) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let exact = [least, least.saturating_sub(1), least / 2].map(|length| length as u32);
        for repeated in REPEATED.into_iter().chain(exact) {
            for variant in 0..wanted + 4 {
                for text in self.guesses(Choice { repeated, variant }) {
                    let fits = (least..=most).contains(&text.chars().count());
                    if fits && !found.contains(&text) && self.is_match(&text) {
                        found.push(text);
                    }
                    if found.len() >= wanted {
                        return found;
                    }
                }
            }
        }
        found
    }

    fn guesses(&self, choice: Choice) -> Vec<String> {
        let text = made(&self.plain, choice);
        let once = Choice { repeated: 0, ..choice };
        let ahead: String = self.ahead.iter().map(|hir| made(hir, once)).collect();
        // What is looked for may stand before the rest, or in the place of its beginning.
        let replaced = ahead.chars().chain(text.chars().skip(ahead.chars().count())).collect();
        // An expression that is not anchored accepts more than it says.
        let longer = format!("{text}{}", "a".repeat(choice.repeated as usize));
        vec![replaced, format!("{ahead}{text}"), text, longer]
    }
}

fn made(hir: &Hir, choice: Choice) -> String {
    let mut text = String::new();
    make(hir, choice, &mut text);
    text
}

fn make(hir: &Hir, choice: Choice, text: &mut String) {
    if text.len() > LONGEST {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => *text += &String::from_utf8_lossy(&literal.0),
        HirKind::Class(Class::Unicode(class)) => {
            let has = |c: &char| class.iter().any(|range| (range.start()..=range.end()).contains(c));
            let readable: Vec<char> = PREFERRED.chars().filter(has).collect();
            let first = class.iter().next().map(|range| range.start());
            text.extend(readable.get(choice.variant % readable.len().max(1)).copied().or(first));
        }
        HirKind::Class(Class::Bytes(class)) => {
            text.extend(class.iter().next().map(|range| char::from(range.start())));
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            for _ in 0..choice.repeated.clamp(repetition.min, most) {
                if text.len() > LONGEST {
                    break;
                }
                make(&repetition.sub, choice, text);
            }
        }
        HirKind::Capture(capture) => make(&capture.sub, choice, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| make(part, choice, text)),
        HirKind::Alternation(branches) => make(&branches[choice.variant % branches.len()], choice, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expected: &[&str]) {
        let found = Pattern::read(pattern).unwrap().texts(0, usize::MAX, expected.len());
        assert_eq!(found, expected, "{pattern}");
    }

    #[test]
    fn texts_are_short_and_can_be_read() {
        check("^[A-Z]{3}$", &["AAA", "BBB"]);
        check(r"^https?://", &["http://", "https://"]);
        check(r"^\d{4}-\d{2}$", &["1111-11"]);
        check("^(red|green)$", &["red", "green"]);
        check(r"^[^\s@]+@[^\s@]+\.[a-z]{2,}$", &["a@a.aa"]);
        check("", &[""]);
        check(r"^\/[\w-.]+\/$", &["/a/"]);
        check(r"^\{\{[a-z]*\}\}{2$", &["{{}}{2"]);
        check(r"^[[\]]$", &["["]);
        check(r"^\p{Lu}\p{Ll}$", &["Aa"]);
        check(r"^(?<year>\d)\k<year>$", &[]);
    }

    #[test]
    fn what_is_looked_for_ahead_is_there() {
        check(r"^(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$", &["A1aaaaaa"]);
        check(r"^(?=.*[A-Z])(?=.*\d).{8}$", &["A1aaaaaa"]);
        check("^(?!a)[a-z]+$", &["b"]);
        check(r"^(?!\.)(?!.*\.\.)[a-z.]+@([a-z]+\.)+[a-z]{2,}$", &["a@a.aa"]);
        check(r"^\w+(?<!admin)$", &["a"]);
    }

    #[test]
    fn texts_have_the_length_asked_for() {
        let length = |pattern: &str, least, most| {
            let found = Pattern::read(pattern).unwrap().texts(least, most, 1);
            found.first().map(|text| text.chars().count())
        };
        assert_eq!(length("^[a-z]+$", 10, 20), Some(10));
        assert_eq!(length("^[a-z]*$", 100, 100), Some(100));
        assert_eq!(length("[0-9]", 30, 40), Some(33));
        assert_eq!(length("^(ab)+$", 11, 12), Some(12));
        assert_eq!(length("^a$", 2, 9), None);
    }

    #[test]
    fn what_cannot_be_read_is_said_in_a_line() {
        let why = |pattern| Pattern::read(pattern).err().unwrap();
        assert!(why("(").starts_with("its pattern '(' cannot be read: "), "{}", why("("));
        assert!(!why("[b-a]").contains('\n'));
    }
}
