//! Texts in the formats that JSON Schema and its generators name. Addresses are this machine's own, or nobody's.

/// Formats with a sample, in which `#` is a digit that varies.
const SAMPLES: [(&str, &str); 37] = [
    ("base64", "ZWRp#A=="),
    ("base64url", "ZWRp#A"),
    ("byte", "ZWRp#A=="),
    ("cidrv4", "127.0.0.#/32"),
    ("cidrv6", "::#/128"),
    ("date", "2026-01-0#"),
    ("date-time", "2026-01-01T12:00:0#Z"),
    ("duration", "PT#S"),
    ("e164", "+1555010000#"),
    ("email", "ann#@localhost.example"),
    ("file-path", "./#"),
    ("guid", "6f1c3a52-8d0e-4b7a-9c21-5e3f7a9b1d0#"),
    ("hostname", "host#.localhost"),
    ("http-url", "http://localhost/#"),
    ("idn-email", "ann#@localhost.example"),
    ("idn-hostname", "host#.localhost"),
    ("ip", "127.0.0.#"),
    ("ipv4", "127.0.0.#"),
    ("ipv4-address", "127.0.0.#"),
    ("ipv6", "::#"),
    ("ipv6-address", "::#"),
    ("iri", "http://localhost/#"),
    ("iri-reference", "/#"),
    ("json-pointer", "/#"),
    ("json-string", "#"),
    ("mac", "02:00:00:00:00:0#"),
    ("phone", "+1555010000#"),
    ("regex", "a#"),
    ("relative-json-pointer", "#"),
    ("time", "12:00:0#Z"),
    ("ulid", "01ARZ3NDEKTSV4RRFFQ69G5FA#"),
    ("uri", "http://localhost/#"),
    ("uri-reference", "/#"),
    ("uri-template", "http://localhost/#"),
    ("url", "http://localhost/#"),
    ("uuid", "6f1c3a52-8d0e-4b7a-9c21-5e3f7a9b1d0#"),
    ("decimal", "#.5"),
];

pub(super) fn is_known(format: &str) -> bool {
    of(format).is_some()
}

/// A text in the format, another one for each variant up to the ninth; `None` for an unknown format.
pub(super) fn sample(format: &str, variant: usize) -> Option<String> {
    let digit = char::from(b'1' + (variant % 9) as u8);
    // Where patterns are stricter than their format, they ask for another spelling of it.
    let other = match (format, variant) {
        ("date-time", 6) => Some("2026-01-01T12:00:00.000Z"),
        ("date-time", 7) => Some("2026-01-01T12:00:00+00:00"),
        ("uri" | "url", 6) => Some("https://localhost/"),
        ("uri" | "url", 7) => Some("file:///tmp"),
        _ => None,
    };
    let text = of(format)?.replace('#', &digit.to_string());
    Some(other.map_or(text, str::to_owned))
}

fn of(format: &str) -> Option<&'static str> {
    let format = format.to_ascii_lowercase().replace('_', "-");
    SAMPLES.iter().find(|(name, _)| *name == format).map(|(_, sample)| *sample)
}
