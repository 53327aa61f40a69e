//! Faults as written on a command line: `delay=20ms,tool=key_analysis`.

use std::str::FromStr;
use std::time::Duration;

use crate::catalog;

/// One fault, of all tools or of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Only in calls of this tool, which alone are counted then. `None`: in all calls.
    pub tool: Option<String>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// `delay=20ms`, `delay=90%10ms+8%50ms+2%200ms,seed=7`: a reply takes at least so long, its own
    /// work included.
    Delay(Delay),
    /// `stall=1s/10s`: in the last second of every ten since the server's start nothing is begun or
    /// answered.
    Stall {
        /// How long nothing happens.
        frozen: Duration,
        /// From one beginning to the next.
        period: Duration,
    },
    /// `serial=4ms`: calls are worked at one after the other, in the order in which they came, and each takes this long.
    Serial(Duration),
    /// `leak=1MiB`, `leak=10MiB,every=10`: memory written to and never given back.
    Leak {
        /// Each time.
        bytes: usize,
        /// Every so many calls.
        every: u64,
    },
    /// `probe-leak=50KiB`: so much is never given back of each request over HTTP that names no session and is refused.
    ProbeLeak(usize),
    /// `slow=10%` or `slow=3x`: burns this fraction of the call's own time more.
    Slow {
        /// 0.1 is 10 % more.
        fraction: f64,
    },
    /// `tool-error=5`: every fifth reply is `{"status":"error"}` inside a success.
    ToolError(u64),
    /// `is-error=5`: every fifth reply has `isError: true`.
    IsError(u64),
    /// `rpc-error=5`: every fifth call is answered with a JSON-RPC error.
    RpcError(u64),
    /// `wrong=5`: every fifth reply is well-formed and not true.
    Wrong(u64),
    /// `swap=5`: every fifth reply is the one to the call before, whosever that was.
    Swap(u64),
    /// `crash=100`: the process exits, with status 70, on the hundredth call.
    Crash(u64),
    /// `hang=100`: from the hundredth call on nothing is answered.
    Hang(u64),
    /// `half-frame=7`: every seventh message to standard output ends in its middle; stdio only.
    HalfFrame(u64),
    /// `noise=3`: a line that is no JSON before every third message; stdio only.
    Noise(u64),
}

/// A mixture of delays.
#[derive(Debug, Clone, PartialEq)]
pub struct Delay {
    /// Probabilities, which add up to 1, and delays.
    pub parts: Vec<(f64, Duration)>,
    /// Chooses among them: the same seed and call number give the same delay.
    pub seed: u64,
}

impl Delay {
    /// The delay of a call, counted from 0.
    pub(crate) fn of_call(&self, call: u64) -> Duration {
        let mut point = uniform(self.seed, call);
        for (probability, delay) in &self.parts {
            if point < *probability {
                return *delay;
            }
            point -= probability;
        }
        // Rounding may leave the last part a hair short of 1.
        self.parts.last().map_or(Duration::ZERO, |(_, delay)| *delay)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014) at one counter value, as a fraction of 1.
fn uniform(seed: u64, counter: u64) -> f64 {
    let mut z = seed.wrapping_add(counter.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no fault: {reason}")]
pub struct FaultError {
    text: String,
    reason: String,
}

const FORMS: &str = "write delay=20ms, delay=90%10ms+10%50ms, stall=1s/10s, serial=4ms, leak=1MiB, probe-leak=1KiB, \
                     slow=10%, tool-error=N, \
                     is-error=N, rpc-error=N, wrong=N, swap=N, crash=N, hang=N, half-frame=N or noise=N, \
                     then ',tool=NAME', ',every=N' or ',seed=N'";

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let fail = |reason: &str| FaultError { text: text.to_owned(), reason: reason.to_owned() };
        let mut fields = text.split(',').map(|field| field.split_once('='));
        let (name, value) = fields.next().flatten().ok_or_else(|| fail(FORMS))?;
        let (mut tool, mut every, mut seed) = (None, None, None);
        for field in fields {
            match field.ok_or_else(|| fail(FORMS))? {
                ("tool", name) => tool = Some(known(name).map_err(|reason| fail(&reason))?),
                ("every", n) => every = Some(count(n).ok_or_else(|| fail("'every' needs a number above 0"))?),
                ("seed", n) => seed = Some(n.parse().map_err(|_| fail("'seed' needs a number"))?),
                _ => return Err(fail(FORMS)),
            }
        }
        let kind = kind(name, value, every, seed).map_err(fail)?;
        if every.is_some() && !matches!(kind, FaultKind::Leak { .. }) {
            return Err(fail("'every' goes with leak only"));
        }
        if tool.is_some() && matches!(kind, FaultKind::ProbeLeak(_)) {
            return Err(fail("a probe calls no tool"));
        }
        if seed.is_some() && !matches!(kind, FaultKind::Delay(_)) {
            return Err(fail("'seed' goes with delay only"));
        }
        Ok(Self { kind, tool })
    }
}

/// A tool that the server has.
fn known(name: &str) -> Result<String, String> {
    let names = catalog::TOOLS.iter().map(|tool| tool.name);
    match catalog::find(name) {
        Some(tool) => Ok(tool.name.to_owned()),
        None => {
            Err(format!("there is no tool '{name}'; use one of {}", names.collect::<Vec<_>>().join(", ")))
        }
    }
}

fn kind(name: &str, value: &str, every: Option<u64>, seed: Option<u64>) -> Result<FaultKind, &'static str> {
    let n = || count(value).ok_or("it needs a number of calls above 0");
    Ok(match name {
        "delay" => {
            let parts =
                delays(value).ok_or("delays are such as 20ms, or 90%10ms+10%50ms adding up to 100 %")?;
            FaultKind::Delay(Delay { parts, seed: seed.unwrap_or(0) })
        }
        "stall" => {
            let (frozen, period) = value.split_once('/').ok_or("a stall is such as 1s/10s")?;
            match (duration(frozen), duration(period)) {
                (Some(frozen), Some(period)) if frozen < period => FaultKind::Stall { frozen, period },
                _ => return Err("a stall is such as 1s/10s, the first shorter than the second"),
            }
        }
        "serial" => FaultKind::Serial(duration(value).ok_or("work is such as 4ms")?),
        "leak" => {
            let bytes = bytes(value).ok_or("a leak is such as 64KiB, 1MiB or 1000")?;
            FaultKind::Leak { bytes, every: every.unwrap_or(1) }
        }
        "probe-leak" => FaultKind::ProbeLeak(bytes(value).ok_or("a leak is such as 64KiB, 1MiB or 1000")?),
        "slow" => FaultKind::Slow { fraction: fraction(value).ok_or("slow is such as 10% or 3x")? },
        "tool-error" => FaultKind::ToolError(n()?),
        "is-error" => FaultKind::IsError(n()?),
        "rpc-error" => FaultKind::RpcError(n()?),
        "wrong" => FaultKind::Wrong(n()?),
        "swap" => FaultKind::Swap(n()?),
        "crash" => FaultKind::Crash(n()?),
        "hang" => FaultKind::Hang(n()?),
        "half-frame" => FaultKind::HalfFrame(n()?),
        "noise" => FaultKind::Noise(n()?),
        _ => return Err(FORMS),
    })
}

fn count(text: &str) -> Option<u64> {
    text.parse().ok().filter(|&n| n > 0)
}

fn delays(text: &str) -> Option<Vec<(f64, Duration)>> {
    if !text.contains('%') {
        return Some(vec![(1.0, duration(text)?)]);
    }
    let part = |part: &str| {
        let (percent, delay) = part.split_once('%')?;
        let percent: f64 = percent.parse().ok()?;
        (percent >= 0.0).then_some((percent / 100.0, duration(delay)?))
    };
    let parts: Vec<(f64, Duration)> = text.split('+').map(part).collect::<Option<_>>()?;
    let sum: f64 = parts.iter().map(|(probability, _)| probability).sum();
    ((sum - 1.0).abs() < 1e-9).then_some(parts)
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..unit].parse().ok()?;
    let seconds = match &text[unit..] {
        "us" => number / 1e6,
        "ms" => number / 1e3,
        "s" => number,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

fn bytes(text: &str) -> Option<usize> {
    let (number, unit) = match text {
        _ if text.ends_with("KiB") => (text.trim_end_matches("KiB"), 1 << 10),
        _ if text.ends_with("MiB") => (text.trim_end_matches("MiB"), 1 << 20),
        _ => (text, 1),
    };
    number.parse::<usize>().ok()?.checked_mul(unit).filter(|&bytes| bytes > 0)
}

fn fraction(text: &str) -> Option<f64> {
    let fraction = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().ok()? / 100.0,
        None => text.strip_suffix('x')?.parse::<f64>().ok()? - 1.0,
    };
    (fraction > 0.0 && fraction <= 1e4).then_some(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &FaultKind) {
        assert_eq!(text.parse::<Fault>().map(|fault| fault.kind).as_ref(), Ok(expected), "{text}");
    }

    #[test]
    fn faults_are_read_from_the_command_line() {
        let ms = Duration::from_millis;
        check("delay=20ms", &FaultKind::Delay(Delay { parts: vec![(1.0, ms(20))], seed: 0 }));
        check(
            "delay=90%10ms+8%50ms+2%0.2s,seed=7",
            &FaultKind::Delay(Delay { parts: vec![(0.9, ms(10)), (0.08, ms(50)), (0.02, ms(200))], seed: 7 }),
        );
        check("stall=1s/10s", &FaultKind::Stall { frozen: ms(1000), period: ms(10_000) });
        check("serial=4ms", &FaultKind::Serial(ms(4)));
        check("leak=64KiB,every=10", &FaultKind::Leak { bytes: 65_536, every: 10 });
        check("probe-leak=1KiB", &FaultKind::ProbeLeak(1024));
        check("slow=10%", &FaultKind::Slow { fraction: 0.1 });
        check("slow=3x", &FaultKind::Slow { fraction: 2.0 });
        check("crash=100", &FaultKind::Crash(100));
        let fault: Fault = "tool-error=5,tool=key_analysis".parse().unwrap();
        assert_eq!(fault, Fault { kind: FaultKind::ToolError(5), tool: Some("key_analysis".to_owned()) });
    }

    #[test]
    fn what_is_no_fault_is_told_with_its_remedy() {
        for (text, reason) in [
            ("delay", "write delay=20ms"),
            ("earthquake=7", "write delay=20ms"),
            ("delay=20", "delays are such as"),
            ("delay=90%10ms+8%50ms", "100 %"),
            ("stall=10s/1s", "the first shorter"),
            ("serial=4", "work is such as"),
            ("leak=0", "a leak is such as"),
            ("hang=0", "above 0"),
            ("probe-leak=1KiB,tool=key_analysis", "calls no tool"),
            ("hang=5,every=2", "leak only"),
            ("hang=5,seed=2", "delay only"),
            ("hang=5,tool=typo", "there is no tool 'typo'; use one of import_score, list_scores, "),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_mixture_has_its_shares_and_is_the_same_each_time() {
        let Ok(Fault { kind: FaultKind::Delay(delay), .. }) = "delay=90%10ms+8%50ms+2%200ms".parse() else {
            panic!("no delay");
        };
        let drawn: Vec<Duration> = (0..100_000).map(|call| delay.of_call(call)).collect();
        let share =
            |ms| drawn.iter().filter(|delay| **delay == Duration::from_millis(ms)).count() as f64 / 1e5;
        // Four standard deviations.
        assert!((share(10) - 0.9).abs() < 0.004, "{}", share(10));
        assert!((share(200) - 0.02).abs() < 0.002, "{}", share(200));
        assert!((0..100).all(|call| delay.of_call(call) == drawn[call as usize]));
    }
}
