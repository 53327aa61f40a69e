//! Which call a sampled moment belongs to.

use std::collections::{BTreeMap, BTreeSet};

use music21_mcp_bench::profile::change::Sampled;

/// Calls shorter than this are not told apart: a sampler's clock is aligned with ours to one of its samples, half of
/// this.
pub(super) const SHORTEST_NS: u64 = 40_000_000;
/// The share of calls that counts as the slowest.
const SLOWEST: usize = 20;

/// A call on the stage's clock, nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallSpan {
    /// The tool.
    pub tool: String,
    /// When it was sent.
    pub sent_ns: u64,
    /// When its reply was complete.
    pub done_ns: u64,
}

/// What a sampler saw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// When each thread did what.
    pub(super) slices: Vec<Slice>,
    /// From its first sample until it was told to end.
    pub(super) window: Window,
    /// The time that one sample stands for.
    pub(super) period_ns: u64,
}

/// A stretch of one thread's time, on the stage's clock, in which its stack stayed as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) from_ns: u64,
    pub(super) until_ns: u64,
    /// `outer;…;inner`.
    pub(super) stack: String,
}

/// From when until when, nanoseconds.
pub(super) type Window = (u64, u64);

/// The times in which calls of one tool were under way, one at a time and no other call beside it.
pub(super) fn alone(calls: &[CallSpan]) -> BTreeMap<&str, Vec<Window>> {
    let mut moments: Vec<(u64, bool, usize)> = Vec::with_capacity(calls.len() * 2);
    for (index, call) in calls.iter().enumerate() {
        moments.extend([(call.sent_ns, true, index), (call.done_ns, false, index)]);
    }
    // At one moment ends come first: one call after the other is not two at once.
    moments.sort_unstable();
    let mut windows: BTreeMap<&str, Vec<Window>> = BTreeMap::new();
    let (mut under_way, mut since) = (BTreeSet::new(), 0);
    for (at, begins, index) in moments {
        if under_way.len() == 1
            && at - since >= SHORTEST_NS
            && let Some(&only) = under_way.first()
        {
            let call: &CallSpan = &calls[only];
            windows.entry(&call.tool).or_default().push((since, at));
        }
        if begins {
            under_way.insert(index);
        } else {
            under_way.remove(&index);
        }
        since = at;
    }
    windows
}

/// The times of the slowest twentieth of the calls, and the shortest service time among them in nanoseconds;
/// `None` if those are too short to be told apart.
pub(super) fn slowest(calls: &[CallSpan]) -> Option<(Vec<Window>, u64)> {
    let mut by_time: Vec<&CallSpan> = calls.iter().collect();
    by_time.sort_by_key(|call| std::cmp::Reverse(call.done_ns - call.sent_ns));
    by_time.truncate(calls.len().div_ceil(SLOWEST));
    let shortest = by_time.last().map(|call| call.done_ns - call.sent_ns).filter(|&ns| ns >= SHORTEST_NS)?;
    let mut windows: Vec<Window> = by_time.iter().map(|call| (call.sent_ns, call.done_ns)).collect();
    windows.sort_unstable();
    Some((joined(&windows), shortest))
}

/// Sorted windows without overlap.
fn joined(sorted: &[Window]) -> Vec<Window> {
    let mut joined: Vec<Window> = Vec::new();
    for &(from, until) in sorted {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    joined
}

/// The stacks while calls were under way that the sampler saw, and how many calls those are: of one that it saw for half
/// its time, half.
pub(crate) fn sampled(seen: &Seen, calls: &[CallSpan]) -> Sampled {
    let (from, until) = seen.window;
    let clipped = calls.iter().map(|call| (call.sent_ns.max(from), call.done_ns.min(until)));
    let within: Vec<(Window, u64)> = clipped
        .zip(calls)
        .filter(|((from, until), _)| from < until)
        .map(|(window, call)| (window, call.done_ns - call.sent_ns))
        .collect();
    let mut windows: Vec<Window> = within.iter().map(|(window, _)| *window).collect();
    windows.sort_unstable();
    Sampled {
        folded: fold(&seen.slices, &joined(&windows)),
        calls: within.iter().map(|((from, until), whole)| (until - from) as f64 / *whole as f64).sum(),
        period_ns: seen.period_ns as f64,
    }
}

/// Microseconds by stack within windows, which are sorted and do not overlap.
pub(super) fn fold(slices: &[Slice], windows: &[Window]) -> Vec<String> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for slice in slices {
        let first = windows.partition_point(|&(_, until)| until <= slice.from_ns);
        let overlapping = windows[first..].iter().take_while(|&&(from, _)| from < slice.until_ns);
        let inside = overlapping.map(|&(from, until)| until.min(slice.until_ns) - from.max(slice.from_ns));
        *sums.entry(&slice.stack).or_default() += inside.sum::<u64>();
    }
    let line = |(stack, ns): (&str, u64)| (ns >= 1000).then(|| format!("{stack} {}", ns / 1000));
    sums.into_iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn call(tool: &str, from_ms: u64, until_ms: u64) -> CallSpan {
        CallSpan { tool: tool.into(), sent_ns: from_ms * MS, done_ns: until_ms * MS }
    }

    #[test]
    fn time_with_two_calls_under_way_belongs_to_neither() {
        let calls = [call("a", 0, 100), call("b", 60, 200), call("a", 200, 210)];
        let windows = alone(&calls);
        assert_eq!(windows["a"], [(0, 60 * MS)], "the last call is too short to be told apart");
        assert_eq!(windows["b"], [(100 * MS, 200 * MS)]);
    }

    #[test]
    fn the_slowest_twentieth_is_one_call_of_twenty() {
        let mut calls: Vec<CallSpan> = (0..19).map(|i| call("a", i * 100, i * 100 + 30)).collect();
        calls.push(call("b", 500, 900));
        assert_eq!(slowest(&calls), Some((vec![(500 * MS, 900 * MS)], 400 * MS)));
        assert_eq!(slowest(&[call("a", 0, 5)]), None);
        assert_eq!(slowest(&[]), None);
    }

    #[test]
    fn a_slice_counts_only_inside_the_windows() {
        let slice = |from, until, stack: &str| Slice {
            from_ns: from * MS,
            until_ns: until * MS,
            stack: stack.into(),
        };
        let slices = [slice(0, 50, "f;g"), slice(50, 100, "f"), slice(100, 300, "f;g")];
        let windows = [(10 * MS, 60 * MS), (250 * MS, 400 * MS)];
        assert_eq!(fold(&slices, &windows), ["f 10000", "f;g 90000"]);
    }

    #[test]
    fn calls_count_as_far_as_they_were_sampled() {
        let slice = |from, until| Slice { from_ns: from * MS, until_ns: until * MS, stack: "f".into() };
        let seen = Seen {
            slices: vec![slice(100, 300), slice(350, 400)],
            window: (100 * MS, 400 * MS),
            period_ns: 20 * MS,
        };
        // The first began before the sampler, the last ended after it, and the one before both is none.
        let calls = [call("a", 0, 90), call("a", 0, 200), call("a", 200, 320), call("a", 380, 400 + 60)];
        let found = sampled(&seen, &calls);
        assert!((found.calls - (0.5 + 1.0 + 0.25)).abs() < 1e-9, "{}", found.calls);
        assert_eq!(found.folded, ["f 220000"], "nothing of the time between two calls");
    }
}
