//! W3C trace context, so that a call is found in the server's own traces.
//!
//! Format: <https://www.w3.org/TR/trace-context/#traceparent-header>; over MCP it stands in `_meta`, as
//! <https://modelcontextprotocol.io/community/seps/414-request-meta> has it, and over HTTP in a header as well.

use std::hash::{BuildHasher, RandomState};

use http::HeaderName;

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The identity of one call, which is sampled.
pub(super) struct Trace {
    /// 32 hexadecimal digits.
    pub(super) id: String,
    /// The whole header.
    pub(super) parent: String,
}

impl Trace {
    /// One that nobody else has.
    pub(super) fn new() -> Self {
        // Each state has keys of its own, from the system's randomness. 0 is no id.
        let random = || RandomState::new().hash_one(0_u8).max(1);
        let id = format!("{:016x}{:016x}", random(), random());
        let parent = format!("00-{id}-{:016x}-01", random());
        Self { id, parent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_has_the_form_of_the_standard_and_is_like_no_other() {
        let [one, other] = [Trace::new(), Trace::new()];
        assert_ne!(one.id, other.id);
        let parts: Vec<&str> = one.parent.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2]);
        assert!(parts[0] == "00" && parts[1] == one.id && parts[3] == "01");
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        assert!(parts.concat().chars().all(is_hex), "{}", one.parent);
    }
}
