//! A growing UTF-8 text with the few things a document needs to append.

/// Text being written.
#[derive(Debug, Clone, Default)]
pub(super) struct Text(Vec<u8>);

impl Text {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    #[inline]
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A number in decimal.
    pub(super) fn number(&mut self, number: impl Into<i64>) -> &mut Self {
        let number: i64 = number.into();
        if number < 0 {
            self.0.push(b'-');
        }
        let mut rest = number.unsigned_abs();
        // 20 digits hold any u64.
        let mut digits = [0_u8; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.0.extend_from_slice(&digits[at..]);
        self
    }

    /// Half of a whole number: `1`, `0.5`, `-1.5`.
    pub(super) fn halves(&mut self, number: i32) -> &mut Self {
        if number < 0 {
            self.0.push(b'-');
        }
        self.number(number.unsigned_abs() / 2).push(if number % 2 == 0 { "" } else { ".5" })
    }

    /// Text with the characters escaped that mean something in XML. Control characters, which XML
    /// cannot hold, are left out.
    pub(super) fn escaped(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            match character {
                '&' => self.push("&amp;"),
                '<' => self.push("&lt;"),
                '>' => self.push("&gt;"),
                '"' => self.push("&quot;"),
                '\t' => self.push(" "),
                '\n' => self.push("&#10;"),
                '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self,
                _ => self.push(character.encode_utf8(&mut [0; 4])),
            };
        }
        self
    }

    /// `<name>number</name>` on a line of its own.
    pub(super) fn element(&mut self, name: &str, number: impl Into<i64>) -> &mut Self {
        self.push("<").push(name).push(">").number(number);
        self.push("</").push(name).push(">\n")
    }
}
