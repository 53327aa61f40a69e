//! What an XML parser must refuse and the tokeniser lets pass, and the entities a document declares.

use std::borrow::Cow;

use super::error::Problem;

type Result<T> = std::result::Result<T, Problem>;

/// How long all that entities stand for may be, so that entities of entities cannot grow without end.
const MAX_EXPANSION: usize = 1 << 16;

/// Refuses control characters, which XML has no place for.
pub(super) fn check_characters(document: &[u8]) -> Result<()> {
    const fn forbidden(byte: u8) -> bool {
        byte < b' ' && byte.wrapping_sub(b'\t') > 1 && byte != b'\r'
    }
    // By blocks without a branch, which compilers turn into wide instructions.
    let bad = |block: &[u8]| block.iter().fold(false, |bad, &byte| bad | forbidden(byte));
    if document.chunks(4096).any(bad) {
        return Err(Problem::Syntax("a control character"));
    }
    Ok(())
}

/// Refuses attributes that are not `name="value"` apart by white space, and names that come twice.
pub(super) fn check_attributes(raw: &str) -> Result<()> {
    // Most elements have one at most, for which nothing is allocated.
    let (mut first, mut more) = (None, Vec::new());
    let mut rest = raw.as_bytes();
    loop {
        let spaced = rest.len();
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Ok(());
        }
        if rest.len() == spaced {
            return Err(Problem::Syntax("attributes without a space between them"));
        }
        let end = rest.iter().position(|&byte| byte == b'=' || byte.is_ascii_whitespace());
        let (name, after) = rest.split_at(end.ok_or(Problem::Syntax("an attribute without a value"))?);
        let value = match after.trim_ascii_start() {
            [b'=', value @ ..] => value.trim_ascii_start(),
            _ => return Err(Problem::Syntax("an attribute without a value")),
        };
        let [quote @ (b'"' | b'\''), value @ ..] = value else {
            return Err(Problem::Syntax("an attribute's value without quotes"));
        };
        let end = value.iter().position(|byte| byte == quote);
        let (value, after) =
            value.split_at(end.ok_or(Problem::Syntax("an attribute's value without an end"))?);
        if value.contains(&b'<') {
            return Err(Problem::Syntax("'<' in an attribute's value"));
        }
        if name.is_empty() || name.iter().any(|byte| b"\"'<>/&".contains(byte)) {
            return Err(Problem::Syntax("an attribute without a name"));
        }
        if first == Some(name) || more.contains(&name) {
            return Err(Problem::Syntax("an attribute that stands twice in one element"));
        }
        match first {
            None => first = Some(name),
            Some(_) => more.push(name),
        }
        rest = &after[1..];
    }
}

/// The general entities of a document's internal subset.
#[derive(Debug, Clone, Default)]
pub(super) struct Entities {
    declared: Vec<(String, String)>,
    /// Bytes put in place of references so far.
    expanded: usize,
}

impl Entities {
    /// Takes them from what stands between `<!DOCTYPE` and `>`. The first of a name holds.
    pub(super) fn declare(&mut self, doctype: &str) {
        let mut plain = String::new();
        let mut after = doctype;
        // What stands in a comment is not declared.
        while let Some((before, comment)) = after.split_once("<!--") {
            plain.push_str(before);
            after = comment.split_once("-->").map_or("", |(_, after)| after);
        }
        plain.push_str(after);
        let mut rest = plain.as_str();
        while let Some((_, declaration)) = rest.split_once("<!ENTITY") {
            rest = declaration;
            let declaration = declaration.trim_ascii_start();
            let Some((name, after)) = declaration.split_once(|c: char| c.is_ascii_whitespace()) else {
                continue;
            };
            let after = after.trim_ascii_start();
            // `%`: a parameter entity; no quote: an external one, which is never fetched.
            let Some(quote) = after.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
                continue;
            };
            let Some((value, after)) = after[1..].split_once(quote) else { continue };
            rest = after;
            if name != "%" && self.declared.iter().all(|(known, _)| known != name) {
                self.declared.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.declared.is_empty()
    }

    /// The text an entity stands for, with the references in it resolved.
    ///
    /// # Errors
    /// If it is not declared, holds elements or itself, or is too long.
    pub(super) fn text(&mut self, name: &str) -> Result<String> {
        let mut text = String::new();
        self.expand(name, 0, &mut text)?;
        Ok(text)
    }

    fn expand(&mut self, name: &str, depth: usize, into: &mut String) -> Result<()> {
        /// Entities in entities; one that holds itself never ends.
        const MAX_DEPTH: usize = 16;
        if let Some(character) = predefined(name)? {
            into.push(character);
            return Ok(());
        }
        let unknown = || Problem::Entity(name.to_owned());
        let value = self.declared.iter().find(|(known, _)| known == name).ok_or_else(unknown)?.1.clone();
        self.expanded += value.len();
        if depth > MAX_DEPTH || self.expanded > MAX_EXPANSION || value.contains('<') {
            return Err(unknown());
        }
        let mut rest = value.as_str();
        while let Some((before, reference)) = rest.split_once('&') {
            into.push_str(before);
            let (inner, after) = reference.split_once(';').ok_or_else(unknown)?;
            self.expand(inner, depth + 1, into)?;
            rest = after;
        }
        into.push_str(rest);
        Ok(())
    }

    /// Attributes with the declared entities replaced by their text, escaped.
    pub(super) fn in_attributes<'t>(&mut self, raw: &'t str) -> Result<Cow<'t, str>> {
        let mut resolved = String::new();
        let mut rest = raw;
        while let Some((before, reference)) = rest.split_once('&') {
            resolved.push_str(before);
            let (name, after) = reference.split_once(';').ok_or(Problem::Syntax("'&' without ';'"))?;
            resolved.push_str(&quick_xml::escape::escape(&self.text(name)?));
            rest = after;
        }
        resolved.push_str(rest);
        Ok(Cow::Owned(resolved))
    }
}

/// The character of a reference that needs no declaration: `amp`, `#233`, `#xE9`.
fn predefined(name: &str) -> Result<Option<char>> {
    let code = match name {
        "amp" => return Ok(Some('&')),
        "lt" => return Ok(Some('<')),
        "gt" => return Ok(Some('>')),
        "quot" => return Ok(Some('"')),
        "apos" => return Ok(Some('\'')),
        _ => name.strip_prefix('#'),
    };
    let Some(code) = code else { return Ok(None) };
    let number = match code.strip_prefix('x') {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => code.parse(),
    };
    let character = number.ok().and_then(char::from_u32);
    let allowed = character.filter(|&c| c >= ' ' || matches!(c, '\t' | '\n' | '\r'));
    allowed.map(Some).ok_or_else(|| Problem::Entity(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_checked() {
        for good in ["", " ", " a='1'", " a=\"1\"\n b = '>' "] {
            assert!(check_attributes(good).is_ok(), "{good}");
        }
        for bad in [" a='1' a='2'", " a='1'b='2'", " a", " a=1", " a='1", " a='<'", " ='1'", " a b='1'"] {
            assert!(check_attributes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn entities_stand_for_their_text_and_never_grow_without_end() {
        let mut entities = Entities::default();
        entities.declare(
            "score-partwise [ <!ENTITY a \"A&b;\"><!ENTITY b 'B&#33;'> <!ENTITY b 'no'> <!ENTITY c SYSTEM 'x'>\
             <!ENTITY % d 'x'><!ENTITY e '&e;'><!ENTITY f '<g/>'>\
             <!-- <!ENTITY g 'x'> --> ]",
        );
        assert_eq!(entities.text("a").unwrap(), "AB!");
        assert_eq!(entities.in_attributes(" x='&b;&lt;'").unwrap(), " x='B!&lt;'");
        for bad in ["c", "d", "e", "f", "g", "#0", "#x"] {
            assert!(entities.text(bad).is_err(), "{bad}");
        }
        let mut bomb = Entities::default();
        bomb.declare("s [<!ENTITY a '0123456789'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'><!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'><!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>]");
        assert!(bomb.text("f").is_err());
    }
}
