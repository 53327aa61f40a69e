//! What was seen that a sound server does not do: counted by the sessions, and in words.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What sessions saw that a sound server does not do; none of it is the answer to a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProtocolViolations {
    /// Replies to calls given up before.
    pub late: u64,
    /// Replies to no call of this session.
    pub unmatched: u64,
    /// Second replies to one call.
    pub duplicates: u64,
    /// Lines or events that are not JSON-RPC, or are too large.
    pub bad_frames: u64,
    /// Requests sent again, because the kept connection that they went out on was closed without a byte of an answer.
    pub resent: u64,
    /// Calls that the server refused for their headers, and that were made again with those that its list of tools then asked
    /// for.
    #[serde(default)]
    pub relisted: u64,
    /// Lines on a child's stdout that are no frames: not JSON, or JSON of another kind (MCP forbids them).
    pub noise_lines: u64,
    /// The first three of them.
    pub noise: Vec<String>,
}

impl ProtocolViolations {
    /// Whether nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What two groups of sessions saw together.
    #[must_use]
    pub fn plus(mut self, more: Self) -> Self {
        self.noise.extend(more.noise);
        self.noise.truncate(QUOTED_LINES);
        Self {
            late: self.late + more.late,
            unmatched: self.unmatched + more.unmatched,
            duplicates: self.duplicates + more.duplicates,
            bad_frames: self.bad_frames + more.bad_frames,
            resent: self.resent + more.resent,
            relisted: self.relisted + more.relisted,
            noise_lines: self.noise_lines + more.noise_lines,
            noise: self.noise,
        }
    }

    /// What of it was seen after `earlier`, a state of the same sessions before.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            late: self.late - earlier.late,
            unmatched: self.unmatched - earlier.unmatched,
            duplicates: self.duplicates - earlier.duplicates,
            bad_frames: self.bad_frames - earlier.bad_frames,
            resent: self.resent - earlier.resent,
            relisted: self.relisted - earlier.relisted,
            noise_lines: self.noise_lines - earlier.noise_lines,
            noise: self.noise.iter().skip(earlier.noise.len()).cloned().collect(),
        }
    }

    /// Replies that no call waited for, and that none had given up, in words; `None` without any.
    #[must_use]
    pub fn stray(&self) -> Option<String> {
        let Self { duplicates, unmatched, .. } = self;
        let text =
            || format!("{duplicates} calls were answered twice, {unmatched} replies answer no call of ours");
        (duplicates + unmatched > 0).then(text)
    }

    /// What else a sound server does not do, and what harms no call, in words.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let quoted = self.noise.first().map_or_else(String::new, |line| format!(", such as '{line}'"));
        let noise = format!("lines on stdout are no MCP messages{quoted}: the protocol wants them on stderr");
        let relisted =
            "calls were refused for their headers, and made again as the server's list of tools then asked";
        let all = [
            (self.noise_lines, noise.as_str()),
            (self.bad_frames, "messages were malformed"),
            (self.late, "replies came after their calls had been given up"),
            (self.relisted, relisted),
            (self.resent, "requests were sent again, since the server had closed the kept connection"),
        ];
        let seen = all.into_iter().filter(|(count, _)| *count > 0);
        seen.map(|(count, what)| format!("{count} {what}")).collect()
    }
}

/// The live form of [`ProtocolViolations`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub late: AtomicU64,
    pub unmatched: AtomicU64,
    pub duplicates: AtomicU64,
    pub bad_frames: AtomicU64,
    pub resent: AtomicU64,
    pub relisted: AtomicU64,
    noise_lines: AtomicU64,
    noise: Mutex<Vec<String>>,
}

/// Noise lines are quoted this many times, and up to this many characters each.
const QUOTED_LINES: usize = 3;
const QUOTED_CHARS: usize = 120;

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn noise(&self, line: &[u8]) {
        if self.noise_lines.fetch_add(1, Ordering::Relaxed) < QUOTED_LINES as u64 {
            let quoted = String::from_utf8_lossy(line).chars().take(QUOTED_CHARS).collect();
            self.noise.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(quoted);
        }
    }

    /// The noise, to be put behind a reason; empty without any.
    pub(super) fn stdout_words(&self) -> String {
        match self.snapshot().noise {
            lines if lines.is_empty() => String::new(),
            lines => format!(", stdout: {}", lines.join(" | ")),
        }
    }

    pub(crate) fn snapshot(&self) -> ProtocolViolations {
        let Self { late, unmatched, duplicates, bad_frames, resent, relisted, noise_lines, noise } = self;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProtocolViolations {
            late: get(late),
            unmatched: get(unmatched),
            duplicates: get(duplicates),
            bad_frames: get(bad_frames),
            resent: get(resent),
            relisted: get(relisted),
            noise_lines: get(noise_lines),
            noise: noise.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone(),
        }
    }
}
