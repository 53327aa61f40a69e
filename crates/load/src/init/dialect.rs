//! ECMAScript's regular expressions in the dialect of this language's libraries.

use std::iter::Peekable;
use std::str::Chars;

/// An expression in the other dialect.
pub(super) struct Dialect {
    pub(super) whole: String,
    /// Without what looks ahead or behind.
    pub(super) plain: String,
    /// What is looked for ahead.
    pub(super) ahead: Vec<String>,
}

/// What means something outside of brackets.
const META: &str = r"\.+*?()|[]{}^$";

pub(super) fn translated(text: &str) -> Dialect {
    let whole = Writer { rest: text.chars().peekable(), out: String::new() }.write();
    let (plain, ahead) = without_looks(&whole);
    Dialect { whole, plain, ahead }
}

struct Writer<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

impl Writer<'_> {
    fn write(mut self) -> String {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => {
                    self.escape(false);
                }
                '[' => self.class(),
                // A brace is itself where it counts nothing.
                '{' if !self.counts() => self.out += r"\{",
                _ => self.out.push(c),
            }
        }
        self.out
    }

    /// Whether what follows a brace is a count, as in `{2,5}`.
    fn counts(&self) -> bool {
        let count: String = self.rest.clone().take_while(|c| *c != '}').collect();
        let is_closed = self.rest.clone().any(|c| c == '}');
        let is_count = count.starts_with(|c: char| c.is_ascii_digit())
            && count.chars().all(|c| c.is_ascii_digit() || c == ',')
            && count.matches(',').count() < 2;
        is_closed && is_count
    }

    /// What follows a backslash. Whether it stands for several characters.
    fn escape(&mut self, in_class: bool) -> bool {
        let Some(c) = self.rest.next() else {
            self.out += r"\\";
            return false;
        };
        // There they mean these characters and no others.
        let class = match c {
            'd' => "0-9",
            'w' => "0-9A-Za-z_",
            _ => "",
        };
        match c {
            'd' | 'w' if in_class => self.out += class,
            'd' | 'w' => self.out += &format!("[{class}]"),
            'c' => {
                let control = self.rest.next().map_or(0, |letter| letter as u32 % 32);
                self.out += &format!(r"\x{control:02x}");
            }
            'D' | 'W' | 's' | 'S' | 'b' | 'B' | 'p' | 'P' | 'x' | 'u' | 'n' | 'r' | 't' | 'f' | 'v' | 'k' => {
                self.out.push('\\');
                self.out.push(c);
                // The braces of a property or a code point.
                if "pPux".contains(c) && self.rest.peek() == Some(&'{') {
                    let braces = self.rest.by_ref().take_while(|c| *c != '}');
                    self.out.extend(braces.chain(['}']));
                }
            }
            '0' => self.out += r"\x00",
            // A group of before.
            '1'..='9' if !in_class => self.out += &format!(r"\{c}"),
            _ => self.literal(c, in_class),
        }
        "dDwWsSpP".contains(c)
    }

    fn literal(&mut self, c: char, in_class: bool) {
        if META.contains(c) || (in_class && "-&~^".contains(c)) {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    /// Between brackets, of which the first is read.
    fn class(&mut self) {
        let is_negated = self.rest.next_if_eq(&'^').is_some();
        // All, or nothing: there a bracket may close at once.
        if self.rest.next_if_eq(&']').is_some() {
            self.out += if is_negated { r"[\s\S]" } else { r"[^\s\S]" };
            return;
        }
        self.out += if is_negated { "[^" } else { "[" };
        let mut is_after_several = false;
        let mut is_first = true;
        while let Some(c) = self.rest.next() {
            match c {
                ']' => break,
                '\\' => is_after_several = self.escape(true),
                // No range begins with several characters or ends there, and a dash at an edge is one.
                '-' if is_first || is_after_several || matches!(self.rest.peek(), Some(']')) => {
                    self.out += r"\-";
                    is_after_several = false;
                }
                '-' if self.is_before_several() => self.out += r"\-",
                '-' => self.out.push('-'),
                _ => {
                    self.literal(c, true);
                    is_after_several = false;
                }
            }
            is_first = false;
        }
        self.out.push(']');
    }

    fn is_before_several(&self) -> bool {
        let mut rest = self.rest.clone();
        rest.next() == Some('\\') && rest.next().is_some_and(|c| "dDwWsSpP".contains(c))
    }
}

/// An expression without its groups that look ahead or behind, and what is looked for ahead.
fn without_looks(text: &str) -> (String, Vec<String>) {
    let (mut plain, mut ahead, mut rest) = (String::new(), Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let look = ["(?=", "(?!", "(?<=", "(?<!"].into_iter().find(|start| rest.starts_with(start));
        let length = match look {
            Some(start) => {
                let group = &rest[..group_length(rest)];
                let content = group[start.len()..].strip_suffix(')').unwrap_or_default();
                ahead.extend((start == "(?=").then(|| content.to_owned()));
                group.len()
            }
            None => {
                let length = unit_length(rest, first);
                plain += &rest[..length];
                length
            }
        };
        rest = &rest[length..];
    }
    (plain, ahead)
}

/// Bytes of one character, escape or class.
fn unit_length(rest: &str, first: char) -> usize {
    match first {
        '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        '[' => {
            let mut length = 1;
            while let Some(c) = rest[length..].chars().next() {
                length += if c == '\\' { unit_length(&rest[length..], c) } else { c.len_utf8() };
                if c == ']' {
                    break;
                }
            }
            length
        }
        c => c.len_utf8(),
    }
}

/// Bytes of a group with what it holds.
fn group_length(rest: &str) -> usize {
    let (mut length, mut depth) = (0, 0);
    while let Some(c) = rest[length..].chars().next() {
        length += unit_length(&rest[length..], c);
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    length
}
