//! How much of a bench's figure is this client's own work, by the samples of the bench's profile.

use super::own::FREQUENCY;

/// The most that it may be, as a share.
const MOST: f64 = 0.05;
/// Parts of the client that are at work before a request is sent, or after its reply's last byte has come.
const OUTSIDE: [&str; 16] = [
    "answer",
    "doubt",
    "elided",
    "expect",
    "failure_text",
    "frame",
    "mirror",
    "music21",
    "nonce",
    "reply",
    "session",
    "text",
    "tool",
    "tool_result",
    "trace",
    "waiting",
];
/// What a call took is given back when it has ended.
const GIVING_BACK: &str = "drop_in_place";
/// The server's end of a session within this process.
const SERVER: &str = "in_process";
/// The normal distribution's quantile for 95 %, one-sided.
const Z: f64 = 1.645;

/// Samples of a bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientShare {
    /// Those in the client, between the request's being sent and the reply's last byte.
    pub client: u64,
    /// All but those in which the client writes a request or judges a reply, which are in no figure.
    pub all: u64,
    /// Calls that were made meanwhile.
    pub calls: u64,
}

impl ClientShare {
    /// Of folded stacks, as [`super::OwnSamples`] has them. Samples inside libc are missing from both counts.
    #[must_use]
    pub fn of(folded: &[String], calls: u64) -> Self {
        let mut share = Self { client: 0, all: 0, calls };
        for (stack, count) in folded.iter().filter_map(|line| super::stack::parse(line).ok()) {
            let frames: Vec<&str> = stack.split(';').collect();
            // The innermost of the client: what calls it waits for it.
            let within = frames.iter().enumerate().rev().find_map(|(at, frame)| Some((at, module(frame)?)));
            if let Some((at, module)) = within.filter(|(_, module)| *module != SERVER) {
                let gives_back = || frames[at..].iter().any(|frame| frame.starts_with(GIVING_BACK));
                if OUTSIDE.contains(&module) || gives_back() {
                    continue;
                }
                share.client += count;
            }
            share.all += count;
        }
        share
    }

    /// The share is at least this, with 95 % confidence: E. B. Wilson, *Probable inference, the law of succession, and
    /// statistical inference* (1927). 0 without samples.
    #[must_use]
    pub fn at_least(self) -> f64 {
        let (count, all) = (self.client as f64, self.all as f64);
        if self.client == 0 {
            return 0.0;
        }
        let (share, z) = (count / all, Z * Z / all);
        let spread = Z * (share * (1.0 - share) / all + z / (4.0 * all)).sqrt();
        (share + z / 2.0 - spread) / (1.0 + z)
    }

    /// CPU time of the client for each call, microseconds; none without calls.
    #[must_use]
    pub fn us_a_call(self) -> Option<f64> {
        let us = self.client as f64 / f64::from(FREQUENCY) * 1e6;
        (self.calls > 0).then(|| us / self.calls as f64)
    }

    /// Whether a figure is the client's as well as the server's, beyond doubt: more than a twentieth of it.
    #[must_use]
    pub fn is_too_much(self) -> bool {
        self.at_least() > MOST
    }
}

impl std::fmt::Display for ClientShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.all == 0 {
            return f.write_str("no samples tell the client's share");
        }
        let percent = self.client as f64 / self.all as f64 * 100.0;
        write!(f, "the client's work is {percent:.1} % ({} of {} samples)", self.client, self.all)?;
        self.us_a_call().map_or(Ok(()), |us| write!(f, ", {us:.1} µs a call"))
    }
}

/// The file of the client in which a frame's function is. A function known by its last name only has its file beside it.
fn module(frame: &str) -> Option<&str> {
    let path = frame.split_once("_bench::client::").map(|(_, path)| path);
    let file = || frame.split_once("(client/").map(|(_, file)| file);
    path.or_else(file)?.split([':', '.']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_no_figure_counts_on_neither_side() {
        let folded = [
            "main;time (operation.rs);encode (client/frame.rs);to_vec 3",
            "main;{async_block#0} (client/music21.rs);the_bench::client::line::LineWire::exchange;poll 4",
            "main;{async_fn#0} (client/line.rs);drop_in_place (core/ptr/mod.rs);drop_slow 7",
            "main;the_bench::client::in_process::InProcess::send;to_vec 6",
            "main;the_bench::client::frame::decode;from_slice 50",
            "main;decode (client/frame.rs) 10",
            "main;{async_block#0} (client/session.rs);classify (client/reply.rs);judge 20",
            "main;<music21_mcp_embedded::Server as rmcp::ServerHandler>::call_tool;analyze_key 90",
        ];
        let share = ClientShare::of(&folded.map(str::to_owned), 2000);
        assert_eq!(share, ClientShare { client: 4, all: 100, calls: 2000 });
        assert_eq!(share.to_string(), "the client's work is 4.0 % (4 of 100 samples), 8.0 µs a call");
    }

    #[test]
    fn it_is_too_much_once_chance_does_not_explain_it() {
        for (client, all, calls, too_much) in [
            (0, 0, 0, false),
            (0, 300, 100, false),
            (20, 300, 100, false),
            (24, 300, 100, true),
            (24, 300, 0, true),
            (24, 300, 24_000, true),
            (8, 100, 100, false),
            (60, 1000, 100, false),
            (65, 1000, 100, true),
        ] {
            let share = ClientShare { client, all, calls };
            assert_eq!(share.is_too_much(), too_much, "{share}");
        }
        let bound = ClientShare { client: 10, all: 100, calls: 0 }.at_least();
        assert!((bound - 0.060_716).abs() < 1e-6, "{bound}");
    }
}
