//! A text of a server's, out of its JSON in one copy: serde_json makes two of a text with escapes, and an answer of megabytes
//! is mostly one text.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A JSON string as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a>(&'a str);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.map(Self).ok_or_else(|| D::Error::custom("a text that is no string"))
    }
}

impl Text<'_> {
    /// What it says. Half a surrogate pair, which stands for nothing, becomes the character for that.
    pub(super) fn unescaped(self) -> String {
        let mut left = self.0;
        let mut text = String::with_capacity(left.len());
        while let Some(at) = memchr::memchr(b'\\', left.as_bytes()) {
            text.push_str(&left[..at]);
            let (one, length) = escape(&left[at..]);
            text.push(one);
            left = &left[at + length..];
        }
        text.push_str(left);
        text
    }
}

/// The character of the escape with which the text begins, and the bytes that it takes. The text is sound JSON.
fn escape(text: &str) -> (char, usize) {
    let one = match text.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text),
        Some(&other) => char::from(other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (one, text.len().min(2))
}

fn unicode(text: &str) -> (char, usize) {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(0).unwrap_or(0xFFFD);
    let pair = unit(6).and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    match pair.filter(|_| (0xD800..0xDC00).contains(&first)) {
        Some(both) => (both, 12),
        None => (char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER), text.len().min(6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_serde_reads_in_it() {
        for json in [
            r#""""#,
            r#""plain ä 世界""#,
            r#""{\"status\": \"ok\"}""#,
            r#""\\ \/ \b\f\n\r\t end\n""#,
            r#""\u00e4\u4e16 \ud83c\udfb5!""#,
            r#""\\u00e4""#,
        ] {
            let text: Text<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(text.unescaped(), serde_json::from_str::<String>(json).unwrap(), "{json}");
        }
    }

    #[test]
    fn half_a_pair_is_a_character_all_the_same_and_a_number_is_no_text() {
        let text = |json| serde_json::from_str::<Text<'_>>(json).map(Text::unescaped);
        assert_eq!(text(r#""a\ud83cb""#).unwrap(), "a\u{FFFD}b");
        assert_eq!(text(r#""\udfb5\ud83c""#).unwrap(), "\u{FFFD}\u{FFFD}");
        assert!(text("17").is_err());
    }
}
