//! Encodings of single bytes: what the bytes from 128 on mean.

/// Decodes one byte, unless it means nothing.
type Decode = Box<dyn Fn(u8) -> Option<char>>;

/// Other names of the encodings below.
const ALIASES: [(&str, &str); 45] = [
    ("cp1250", "windows-1250"),
    ("cp1251", "windows-1251"),
    ("cp1252", "windows-1252"),
    ("cp1253", "windows-1253"),
    ("cp1254", "windows-1254"),
    ("cp1255", "windows-1255"),
    ("cp1256", "windows-1256"),
    ("cp1257", "windows-1257"),
    ("cp1258", "windows-1258"),
    ("latin2", "iso-8859-2"),
    ("iso8859-2", "iso-8859-2"),
    ("latin3", "iso-8859-3"),
    ("iso8859-3", "iso-8859-3"),
    ("latin4", "iso-8859-4"),
    ("iso8859-4", "iso-8859-4"),
    ("cyrillic", "iso-8859-5"),
    ("iso8859-5", "iso-8859-5"),
    ("arabic", "iso-8859-6"),
    ("iso8859-6", "iso-8859-6"),
    ("greek", "iso-8859-7"),
    ("iso8859-7", "iso-8859-7"),
    ("hebrew", "iso-8859-8"),
    ("iso8859-8", "iso-8859-8"),
    ("latin5", "iso-8859-9"),
    ("iso8859-9", "iso-8859-9"),
    ("latin6", "iso-8859-10"),
    ("iso8859-10", "iso-8859-10"),
    ("tis-620", "iso-8859-11"),
    ("iso8859-11", "iso-8859-11"),
    ("latin7", "iso-8859-13"),
    ("iso8859-13", "iso-8859-13"),
    ("latin8", "iso-8859-14"),
    ("iso8859-14", "iso-8859-14"),
    ("latin9", "iso-8859-15"),
    ("iso8859-15", "iso-8859-15"),
    ("latin10", "iso-8859-16"),
    ("iso8859-16", "iso-8859-16"),
    ("mac-roman", "macintosh"),
    ("cp437", "ibm437"),
    ("cp850", "ibm850"),
    ("cp852", "ibm852"),
    ("cp855", "ibm855"),
    ("cp857", "ibm857"),
    ("cp858", "ibm858"),
    ("cp866", "ibm866"),
];

/// For each encoding its name and, on the next line, the code points of the bytes 128 to 255; FFFD where
/// there is none. As numbers: no editor shows all of them alike.
const UPPER: &str = include_str!("encodings.txt");

/// The decoder of an encoding, by its name in small letters.
pub(super) fn upper_half(name: &str) -> Option<Decode> {
    if matches!(name, "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" | "l1") {
        return Some(Box::new(|byte| Some(char::from(byte))));
    }
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
    let mut tables = UPPER.lines();
    tables.find(|line| *line == name)?;
    let upper: Vec<char> = tables.next()?.split(' ').filter_map(character).collect();
    Some(Box::new(move |byte| match byte.checked_sub(128) {
        None => Some(char::from(byte)),
        Some(row) => upper.get(usize::from(row)).copied().filter(|&c| c != '\u{fffd}'),
    }))
}

/// From its number in hexadecimal.
fn character(number: &str) -> Option<char> {
    u32::from_str_radix(number, 16).ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_whole() {
        let lines: Vec<&str> = UPPER.lines().collect();
        for table in lines.chunks(2) {
            assert_eq!(table[1].split(' ').filter_map(character).count(), 128, "{}", table[0]);
        }
        for (alias, name) in ALIASES {
            assert!(lines.contains(&name), "{alias}");
        }
        let decoded = |name, byte| upper_half(name).unwrap()(byte);
        assert_eq!(decoded("windows-1252", 0x80), Some('€'));
        assert_eq!(decoded("cp1252", 0x81), None);
        assert_eq!(decoded("iso-8859-15", 0xBD), Some('œ'));
        assert_eq!(decoded("latin1", 0xE9), Some('é'));
        assert_eq!(decoded("koi8-r", b'A'), Some('A'));
        assert!(upper_half("ebcdic").is_none());
    }
}
