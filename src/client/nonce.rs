//! The mark of one iteration of one session, which no other call of this run or any other bears.

use std::fmt;
use std::sync::Arc;

/// Run, session and iteration, written with dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce {
    /// Tells this run from any other.
    pub run: Arc<str>,
    /// The session's number.
    pub client: usize,
    /// How many iterations it has begun.
    pub iteration: u64,
}

/// Whose nonces a text holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Belongs {
    /// This iteration's and no other.
    Here,
    /// Another one of the same run.
    Elsewhere(String),
    /// None at all.
    Nowhere,
}

impl Nonce {
    /// Whether a text belongs to this iteration.
    pub(super) fn owns(&self, text: &str) -> Belongs {
        let mark = format!("{}-", self.run);
        let mut found = Belongs::Nowhere;
        for after in text.split(mark.as_str()).skip(1) {
            match read(after) {
                Some((client, iteration)) if (client, iteration) == (self.client, self.iteration) => {
                    found = Belongs::Here;
                }
                Some((client, iteration)) => {
                    return Belongs::Elsewhere(format!("{mark}{client}-{iteration}"));
                }
                None => {}
            }
        }
        found
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.run, self.client, self.iteration)
    }
}

/// The two numbers that a text begins with, to their last digits.
fn read(text: &str) -> Option<(usize, u64)> {
    let (client, rest) = text.split_once('-')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((client.parse().ok()?, rest[..digits].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_belongs_to_the_iteration_whose_nonce_it_holds_to_the_last_digit() {
        let nonce = Nonce { run: "ab1".into(), client: 3, iteration: 1 };
        assert_eq!(nonce.to_string(), "ab1-3-1");
        for (text, expected) in [
            (r#"{"score_id": "b-ab1-3-1"}"#, Belongs::Here),
            ("Deleted 'ab1-3-1' and ab1-3-1", Belongs::Here),
            (r#"{"score_id": "b-ab1-3-12"}"#, Belongs::Elsewhere("ab1-3-12".into())),
            ("ab1-3-1 and ab1-4-1", Belongs::Elsewhere("ab1-4-1".into())),
            ("another run's ab2-3-1, or ab1-x", Belongs::Nowhere),
        ] {
            assert_eq!(nonce.owns(text), expected, "{text}");
        }
    }
}
