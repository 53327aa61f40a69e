//! A text of a server's, out of its JSON in one copy: serde_json makes two of a text with escapes, and an answer of megabytes
//! is mostly one text.

use bytes::Bytes;
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

impl<'a> Text<'a> {
    /// What is between its quotes.
    pub(super) fn escaped(self) -> &'a str {
        self.0
    }
}

/// What a JSON string says, from what is between its quotes. It takes the place of that where nobody else holds it: fresh
/// memory costs more than the work. Half a surrogate pair, which stands for nothing, becomes the character for that.
pub(super) fn unescaped(escaped: Bytes) -> String {
    let mut text = Vec::from(escaped);
    // No escape is shorter than what it stands for: what was read is written to the left of what is not.
    let (mut read, mut written) = (0, 0);
    while let Some(plain) = memchr::memchr(b'\\', &text[read..]) {
        if written < read {
            text.copy_within(read..read + plain, written);
        }
        (read, written) = (read + plain, written + plain);
        let (one, length) = escape(&text[read..]);
        written += one.encode_utf8(&mut text[written..]).len();
        read += length;
    }
    if written < read {
        text.copy_within(read.., written);
        text.truncate(text.len() - (read - written));
    }
    // It was read as JSON, which is text.
    String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The character of the escape with which the text begins, and the bytes that it takes: two at least, as sound JSON has.
fn escape(text: &[u8]) -> (char, usize) {
    let one = match text.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text),
        Some(&other) => char::from(other),
        None => return ('\\', 1),
    };
    (one, 2)
}

fn unicode(text: &[u8]) -> (char, usize) {
    let unit = |from: usize| {
        let digits = std::str::from_utf8(text.get(from..from + 6)?).ok()?.strip_prefix("\\u")?;
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
            r#""\u0041\u00e4\u4e16\n\ud83c\udfb5 and the rest""#,
        ] {
            let text: Text<'_> = serde_json::from_str(json).unwrap();
            let escaped = Bytes::copy_from_slice(text.escaped().as_bytes());
            assert_eq!(unescaped(escaped), serde_json::from_str::<String>(json).unwrap(), "{json}");
        }
    }

    #[test]
    fn a_text_that_is_nobody_elses_takes_no_memory_of_its_own() {
        let (alone, shared) = (Bytes::from(br#"a \"b\" "#.repeat(100)), Bytes::from(vec![b'x'; 100]));
        let (at, also_at, other) = (alone.as_ptr(), shared.as_ptr(), shared.clone());
        let text = unescaped(alone);
        assert_eq!((text.as_ptr(), text), (at, "a \"b\" ".repeat(100)));
        let copied = unescaped(shared);
        assert!(copied.as_ptr() != also_at && other.len() == 100, "{copied}");
    }

    #[test]
    fn half_a_pair_is_a_character_all_the_same_and_a_number_is_no_text() {
        let text = |json: &'static str| {
            let text: Text<'_> = serde_json::from_str(json)?;
            Ok::<_, serde_json::Error>(unescaped(Bytes::from_static(text.escaped().as_bytes())))
        };
        assert_eq!(text(r#""a\ud83cb""#).unwrap(), "a\u{FFFD}b");
        assert_eq!(text(r#""\udfb5\ud83c""#).unwrap(), "\u{FFFD}\u{FFFD}");
        assert!(text("17").is_err());
    }
}
