//! JSON without the inside of its long strings: a picture in base64, a score on one line. To find where a string ends takes
//! a fraction of the time in which it is read as one, and a large answer is read twice, as a frame and as what its text says.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr2, memrchr2};

/// Bytes from one place where a long string is looked for to the next.
const STEP: usize = 8 * 1024;
/// Bytes that are looked at there: without a quote or a backslash they may be part of one.
const LOOK: usize = 64;
/// What is kept of a string at either end: whole escapes, and what tells it from numbers.
const KEPT: usize = 64;

/// A JSON text and a shorter one: it is read as JSON where the first is, and as the same but for the inside of strings.
pub(super) struct Elided<'a> {
    whole: &'a str,
    short: Cow<'a, str>,
    /// What was left out of the whole.
    cuts: Vec<Range<usize>>,
}

impl<'a> Elided<'a> {
    pub(super) fn of(whole: &'a str) -> Self {
        let bytes = whole.as_bytes();
        let (mut cuts, mut from, mut at) = (Vec::new(), 0, STEP);
        while let Some(look) = bytes.get(at..at + LOOK) {
            if memchr2(b'"', b'\\', look).is_none() {
                let start = memrchr2(b'"', b'\\', &bytes[from..at]).map_or(from, |last| from + last + 1);
                let end = memchr2(b'"', b'\\', &bytes[at..]).map_or(bytes.len(), |next| at + next);
                cuts.extend(inside(whole, start..end));
                (from, at) = (end, end);
            }
            at += STEP;
        }
        Self { whole, short: without(whole, &cuts), cuts }
    }

    /// The shorter one.
    pub(super) fn json(&self) -> &str {
        &self.short
    }

    /// Whether anything was left out.
    pub(super) fn is_short(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// What a part of the shorter one is in the whole. It begins and ends with what was kept.
    pub(super) fn whole(&self, part: &str) -> &'a str {
        let start = part.as_ptr() as usize - self.short.as_ptr() as usize;
        &self.whole[self.in_whole(start)..self.in_whole(start + part.len())]
    }

    fn in_whole(&self, mut at: usize) -> usize {
        for cut in &self.cuts {
            if at <= cut.start {
                break;
            }
            at += cut.len();
        }
        at
    }
}

/// What may be left out of a run without quotes and backslashes: its inside, if the beginning that is kept holds a byte that
/// stands in strings alone. Outside a string that byte shows, as before, that the JSON is unsound.
fn inside(whole: &str, run: Range<usize>) -> Option<Range<usize>> {
    let bytes = &whole.as_bytes()[run.clone()];
    let is_long = bytes.len() > 2 * KEPT + STEP / 2;
    let is_a_strings = || bytes[..KEPT].iter().any(|byte| !b" 0123456789+-.,:[]{}Etruefalsn".contains(byte));
    // Not `any`, which stops where it finds one and so looks at one byte at a time.
    let has_control = || bytes.iter().fold(false, |found, byte| found | (*byte < b' '));
    if !is_long || !is_a_strings() || has_control() {
        return None;
    }
    let mut within = (run.start + KEPT..run.end - KEPT).filter(|at| whole.is_char_boundary(*at));
    Some(within.next()?..within.next_back()?)
}

fn without<'a>(whole: &'a str, cuts: &[Range<usize>]) -> Cow<'a, str> {
    if cuts.is_empty() {
        return Cow::Borrowed(whole);
    }
    let mut short = String::new();
    let mut from = 0;
    for cut in cuts {
        short.push_str(&whole[from..cut.start]);
        from = cut.end;
    }
    short.push_str(&whole[from..]);
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::value::RawValue;

    use super::*;

    type Parts<'a> = BTreeMap<&'a str, &'a RawValue>;

    /// What serde reads in the whole, and what it reads in the shorter one with each part found again in the whole.
    fn both(whole: &str) -> [Option<Vec<String>>; 2] {
        let elided = Elided::of(whole);
        let plain: Option<Parts<'_>> = serde_json::from_str(whole).ok();
        let short: Option<Parts<'_>> = serde_json::from_str(elided.json()).ok();
        let found = |raw: &RawValue| elided.whole(raw.get()).to_owned();
        [
            plain.map(|parts| parts.values().map(|raw| raw.get().to_owned()).collect()),
            short.map(|parts| parts.values().map(|raw| found(raw)).collect()),
        ]
    }

    #[test]
    fn the_inside_of_a_long_string_is_left_out_and_found_again() {
        for inside in ["x".repeat(100_000), "xä世𝄞".repeat(9_000), "TVRoZA+/".repeat(9_000)] {
            for around in [
                r#"{"a": 1, "b": "*", "c": [true, "d"]}"#,
                r#"{"a":"*","b":"*"}"#,
                r#"{"a":{"b":["*\n*",{"c":"\u00e4*\\"}]},"d":null,"e":"*"}"#,
                r#"{"a": [1.5e3, "*"], "*": {}}"#,
            ] {
                let whole = around.replace('*', &inside);
                let elided = Elided::of(&whole);
                assert!(elided.is_short() && elided.json().len() < 60_000, "{around}");
                let [plain, found] = both(&whole);
                assert!(plain.is_some() && plain == found, "{around}");
            }
        }
    }

    #[test]
    fn what_is_unsound_stays_so_and_what_is_no_string_is_kept() {
        let (long, digits, list) = ("x".repeat(50_000), "7".repeat(50_000), "true,".repeat(10_000));
        for (is_sound, whole) in [
            (true, format!(r#"{{"a": [{list}1], "b": "{digits}", "c": {digits}}}"#)),
            (true, format!(r#"{{"a": {}1, "b": "{long}"}}"#, "\n".repeat(30_000))),
            (false, format!(r#"{{"a": "{long}{}{long}"}}"#, '\n')),
            (false, format!(r#"{{"a": {long}}}"#)),
            (false, format!(r#"{{"a": 1 {long} }}"#)),
            (false, format!(r#"{{"a": [{list}{long}{list}1]}}"#)),
            (false, format!(r#"{{"a": "{long}"#)),
            (false, format!(r#"{{"a": "\{long}"}}"#)),
            (false, format!(r#"{{"a": "\u12{long}"}}"#)),
            (false, format!(r#"{{"a": "{long}\"}}"#)),
        ] {
            let [plain, found] = both(&whole);
            assert_eq!((plain.is_some(), plain == found), (is_sound, true), "{}", &whole[..40]);
        }
    }

    #[test]
    fn of_a_short_text_nothing_is_left_out() {
        let whole = r#"{"a": "text", "b": 1}"#;
        let elided = Elided::of(whole);
        assert!(!elided.is_short() && std::ptr::eq(elided.json(), whole));
        assert_eq!(both(whole)[0], both(whole)[1]);
    }
}
