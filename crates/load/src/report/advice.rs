//! What a reader can do about a finding: where to look, or what to type.

use crate::result::{Check, Verdict};

/// What helps, by what was judged and what came of it; `None` for what is well, and where nothing general can be said.
pub(crate) fn next(check: &Check) -> Option<&'static str> {
    let what = check.name.rsplit(": ").next().unwrap_or(&check.name);
    match (check.verdict, what) {
        (Verdict::Pass, _) => None,
        (Verdict::Invalid, _) => Some(
            "these figures are unknown: free the machine, lower --rate or --clients, or run the generator on another machine",
        ),
        (_, "success") => Some(
            "what was answered stands below, in the server’s words; where scores are not found that had been \
             imported, they were evicted: use fewer clients, or raise the server’s limit",
        ),
        (Verdict::Fail, "leak" | "memory growth") => Some(
            "‘run memory --profile memory’ names the lines of a Python server that keep it: caches without a bound, scores that \
             are never deleted, sessions that never end; ‘run sessions’ tells the last from the others",
        ),
        (_, "leak" | "memory growth") => Some("run it longer: --duration 12m lets the trend be told"),
        (_, "evidence") => {
            Some("too little came back to say anything: see the answers below, and try a single call first")
        }
        (_, "good answers") => {
            Some("say in the file what a good answer has: expect, expect_not, or errors = \"allowed\"")
        }
        (_, "misrouted answers" | "replies") => Some(
            "the server mixes up sessions or requests: look at what it shares among them; ‘run isolation’ finds the tool",
        ),
        (_, "limiter") => Some(
            "compare the declared limit (--rate-limit) with the one found; refused calls should cost no tokens",
        ),
        (_, "throughput") => Some("‘run tools --profile’ shows where the server’s time goes"),
        (Verdict::Fail, _) if check.text.contains("p95") => Some(
            "‘run tools --profile’ shows where the server’s time goes; ‘run capacity’ how many clients it serves in time",
        ),
        (Verdict::Inconclusive, _) if check.text.contains("p95") => {
            Some("more calls narrow the bounds: raise --duration, or measure on a quieter machine")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, verdict: Verdict, text: &str) -> Option<&'static str> {
        next(&Check { name: name.to_owned(), verdict, text: text.to_owned() })
    }

    #[test]
    fn what_went_wrong_says_where_to_look() {
        assert_eq!(of("steady load: leak", Verdict::Pass, ""), None);
        assert!(of("steady load: leak", Verdict::Fail, "").unwrap().contains("caches"));
        assert!(of("steady load: leak", Verdict::Inconclusive, "").unwrap().contains("--duration"));
        assert!(of("s: key_analysis", Verdict::Fail, "p95 ≥ 9 ms").unwrap().contains("--profile"));
        assert!(of("s: success", Verdict::Invalid, "").unwrap().contains("free the machine"));
        assert_eq!(of("s: files", Verdict::Fail, "3 left"), None);
    }
}
