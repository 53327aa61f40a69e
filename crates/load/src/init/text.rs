//! Texts that a schema accepts: what its format, its description or its name suggests, else one to edit.

use serde_json::Value;

use super::document::{Object, count};
use super::formats;
use super::make::{Found, Maker, Place, Why};

/// A text of which nothing is known.
pub(super) const EDIT_ME: &str = "edit me";
/// What is tried where that is refused.
const PLAIN: [&str; 5] = ["edit-me", "a", "A", "1", ""];
/// Characters that a schema may ask for.
const MOST: usize = 65_536;

/// What a name suggests. No address of somebody else is called unasked.
const BY_NAME: [(&str, &str); 20] = [
    ("path", "."),
    ("directory", "."),
    ("dir", "."),
    ("folder", "."),
    ("cwd", "."),
    ("branch", "HEAD"),
    ("commit", "HEAD"),
    ("ref", "HEAD"),
    ("revision", "HEAD"),
    ("uri", "http://localhost/"),
    ("url", "http://localhost/"),
    ("href", "http://localhost/"),
    ("email", "ann@localhost.example"),
    ("date", "2026-01-01"),
    ("time", "12:00"),
    ("timezone", "UTC"),
    ("tz", "UTC"),
    ("language", "en"),
    ("lang", "en"),
    ("locale", "en"),
];

impl<'a> Maker<'a> {
    pub(super) fn texts(&self, all: &[&'a Object], place: &Place<'a>, found: &mut Found<'_, 'a>) {
        let named = |key: &'static str| all.iter().filter_map(move |map| map.get(key)?.as_str());
        let least = all.iter().filter_map(|map| count(map, "minLength")).max().unwrap_or(0);
        let most = all.iter().filter_map(|map| count(map, "maxLength")).min().unwrap_or(MOST);
        if least > MOST {
            return found.refuse(Why::new(format!("it needs {least} characters")));
        }
        let mut offer = |text: String| found.offer(Value::String(text));
        let encoded = named("contentEncoding").filter(|encoding| *encoding == "base64").map(|_| "byte");
        let formats: Vec<&str> =
            named("format").chain(encoded).filter(|name| formats::is_known(name)).collect();
        for format in &formats {
            (0..8).filter_map(|variant| formats::sample(format, variant)).for_each(&mut offer);
        }
        if formats.is_empty() {
            let described = named("description").filter_map(example);
            let last = words(place.name).pop().unwrap_or_default();
            // A list has its members' name in the plural.
            let is_it = |word: &str| last == word || last.strip_suffix('s') == Some(word);
            let by_name = BY_NAME.iter().filter(|(word, _)| is_it(word));
            // A statement that reads nothing and fails nowhere.
            let is_sql =
                last == "sql" || (last == "query" && named("description").any(|text| text.contains("SQL")));
            let by_name = by_name.map(|(_, text)| *text).chain(is_sql.then_some("SELECT 1"));
            let suggested = described.map(str::to_owned).chain(by_name.map(str::to_owned));
            suggested.for_each(&mut offer);
        }
        let mut is_free = formats.is_empty();
        for text in named("pattern") {
            is_free = false;
            let texts =
                self.document.pattern(text).map(|pattern| pattern.texts(least, most, found.wanted + 4));
            match texts {
                Ok(texts) if texts.is_empty() => {
                    found.refuse(Why::new(format!("no text was found for its pattern '{text}'")));
                }
                Ok(texts) => texts.into_iter().for_each(|text| found.offer(Value::String(text))),
                Err(why) => found.refuse(Why::new(why)),
            }
        }
        if is_free {
            let free = (0..found.wanted + 1).map(|variant| fitted(variant, least, most));
            free.chain(PLAIN.map(str::to_owned)).for_each(|text| found.offer(Value::String(text)));
        }
    }
}

/// The text to edit, long enough and short enough.
fn fitted(variant: usize, least: usize, most: usize) -> String {
    let text = if variant == 0 { EDIT_ME.to_owned() } else { format!("{} {EDIT_ME}", variant + 1) };
    let padded = text.chars().chain(" ".chars().chain(EDIT_ME.chars()).cycle());
    padded.take(text.chars().count().max(least).min(most)).collect()
}

/// The words of a name, in lower case, however they are joined.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut found: Vec<String> = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            found.push(String::new());
        }
        if let (true, Some(last)) = (c.is_alphanumeric(), found.last_mut()) {
            last.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase() || c.is_numeric();
    }
    found.retain(|word| !word.is_empty());
    found
}

/// What a description gives as an example.
fn example(description: &str) -> Option<&str> {
    marked(description).or_else(|| first_of_several(description))
}

/// The first of several words in quotes, which are what there is to choose from.
fn first_of_several(description: &str) -> Option<&str> {
    let mut parts = description.split(['\'', '"', '`']);
    let mut words = Vec::new();
    let mut before = parts.next()?;
    while let (Some(quoted), Some(after)) = (parts.next(), parts.next()) {
        // No apostrophe, which stands behind a letter.
        let is_word = |c: char| c.is_alphanumeric() || "_-./:".contains(c);
        let is_quote =
            !before.ends_with(char::is_alphanumeric) && !quoted.is_empty() && quoted.chars().all(is_word);
        words.extend(is_quote.then_some(quoted));
        before = after;
    }
    words.first().copied().filter(|_| words.len() > 1)
}

/// What follows words such as "for example".
fn marked(description: &str) -> Option<&str> {
    const MARKS: [&str; 6] = ["e.g.", "for example", "for instance", "such as", "example:", "one of"];
    const QUOTES: [(char, char); 6] =
        [('\'', '\''), ('"', '"'), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»')];
    /// Characters between the mark and the example.
    const NEAR: usize = 12;
    // Only ASCII changes, so that places stay where they are.
    let lower = description.to_ascii_lowercase();
    let (at, mark) = MARKS.iter().filter_map(|mark| Some((lower.find(mark)?, mark))).min()?;
    let after = &description[at + mark.len()..];
    let opened = after.char_indices().take(NEAR).find_map(|(at, c)| {
        let close = QUOTES.iter().find(|(open, _)| *open == c)?.1;
        Some((&after[at + c.len_utf8()..], close))
    });
    if let Some((quoted, close)) = opened {
        return Some(&quoted[..quoted.find(close)?]).filter(|text| !text.is_empty());
    }
    // A word by itself, as in "(e.g. Europe/London)".
    let bare = after.trim_start_matches([' ', ',', ':']);
    let word = &bare[..bare.find([' ', ',', ';', ')', '\n']).unwrap_or(bare.len())];
    let is_telling = *mark == "e.g." && word.contains(|c: char| "/_-:0123456789".contains(c));
    is_telling.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_gives_an_example() {
        for (description, expected) in [
            ("IANA timezone name (e.g., 'America/New_York', 'Europe/London').", Some("America/New_York")),
            ("A colour, for example \"red\"", Some("red")),
            ("A zone (e.g. Europe/London)", Some("Europe/London")),
            ("A name, e.g. of a person or 'a thing'", None),
            ("One of `fast`, `slow`", Some("fast")),
            ("Such as “ein Wort”", Some("ein Wort")),
            ("e.g. 'open", None),
            ("Local ones ('local'), others ('remote') or all ('all').", Some("local")),
            ("The repository's path, don't leave it out, it's needed", None),
            ("The name 'x'", None),
            ("nothing", None),
        ] {
            assert_eq!(example(description), expected, "{description}");
        }
    }

    #[test]
    fn names_have_words() {
        assert_eq!(words("repo_path"), ["repo", "path"]);
        assert_eq!(words("deleteAllFiles.v2-x"), ["delete", "all", "files", "v2", "x"]);
        assert!(words("=| /").is_empty());
    }

    #[test]
    fn the_text_to_edit_fits() {
        assert_eq!(fitted(0, 0, 100), "edit me");
        assert_eq!(fitted(0, 10, 100), "edit me ed");
        assert_eq!(fitted(0, 0, 4), "edit");
        assert_eq!(fitted(1, 0, 100), "2 edit me");
        assert_eq!(fitted(0, 0, 0), "");
    }
}
