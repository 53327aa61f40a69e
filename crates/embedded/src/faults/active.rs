//! Faults at work: what happens to a call before and after it is answered.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock, ErrorCode};
use serde_json::Value;

use super::spec::{Fault, FaultKind};
use super::timer::Timer;
use crate::reply::{Failure, pretty};

/// The exit status of a crash on request.
const CRASH_STATUS: i32 = 70;

/// The faults of one server.
#[derive(Debug)]
pub(crate) struct Active {
    faults: Vec<Fault>,
    /// The calls that each fault has seen. Under one lock, so that calls at the same time are numbered in one order
    /// by all faults: else the calls that two faults concern at once would be another number in every run.
    seen: Mutex<Vec<u64>>,
    start: Instant,
    timer: Timer,
    leaked: Mutex<Vec<Vec<u8>>>,
    /// When the last call that came will have been worked at.
    free_at: Mutex<Instant>,
    /// The answer to the call before, for somebody else.
    before: Mutex<Option<CallToolResult>>,
}

/// The faults that concern one call, each with the number of this call, from 1.
pub(crate) type Concerned<'a> = Vec<(&'a FaultKind, u64)>;

impl Active {
    /// No call has been seen.
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self {
            seen: Mutex::new(vec![0; faults.len()]),
            faults,
            start: Instant::now(),
            free_at: Mutex::new(Instant::now()),
            timer: Timer::default(),
            leaked: Mutex::default(),
            before: Mutex::default(),
        }
    }

    /// Counts a call of `tool`.
    pub(crate) fn concerning(&self, tool: &str) -> Concerned<'_> {
        let concerns = |fault: &Fault| fault.tool.as_deref().is_none_or(|only| only == tool);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = self.faults.iter().zip(seen.iter_mut()).filter(|(fault, _)| concerns(fault));
        counted
            .map(|(fault, calls)| {
                *calls += 1;
                (&fault.kind, *calls)
            })
            .collect()
    }

    /// Before the work: crash, hang, stall, wait for one's turn, refuse.
    pub(crate) async fn before(&self, concerned: &Concerned<'_>) -> Result<(), ErrorData> {
        for (kind, call) in concerned {
            match kind {
                FaultKind::Crash(n) if call >= n => std::process::exit(CRASH_STATUS),
                FaultKind::Hang(n) if call >= n => std::future::pending().await,
                FaultKind::Stall { frozen, period } => self.sit_out(*frozen, *period).await,
                FaultKind::Serial(work) => self.timer.sleep_until(self.end_of_turn(*work)).await,
                FaultKind::RpcError(n) if call % n == 0 => {
                    return Err(ErrorData::new(ErrorCode::INTERNAL_ERROR, "injected protocol error", None));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// After the work, which took `took`: spoil the answer, leak, burn, and hold it back.
    pub(crate) async fn after(
        &self,
        concerned: &Concerned<'_>,
        arrived: Instant,
        took: Duration,
        result: &mut CallToolResult,
    ) {
        for (kind, call) in concerned {
            match kind {
                FaultKind::ToolError(n) if call % n == 0 => *result = failed(false),
                FaultKind::IsError(n) if call % n == 0 => *result = failed(true),
                FaultKind::Wrong(n) if call % n == 0 => falsify(result),
                FaultKind::Swap(n) => self.swap(result, call % n == 0),
                FaultKind::Leak { bytes, every } if call % every == 0 => self.leak(*bytes),
                FaultKind::Slow { fraction } => burn(took.mul_f64(*fraction)).await,
                _ => {}
            }
        }
        // Last, so that they end when they say.
        for (kind, call) in concerned {
            match kind {
                FaultKind::Delay(delay) => self.timer.sleep_until(arrived + delay.of_call(call - 1)).await,
                FaultKind::Stall { frozen, period } => self.sit_out(*frozen, *period).await,
                _ => {}
            }
        }
    }

    /// A request that belongs to no session was refused.
    pub(crate) fn after_refusal(&self) {
        for fault in &self.faults {
            if let FaultKind::ProbeLeak(bytes) = fault.kind {
                self.leak(bytes);
            }
        }
    }

    fn leak(&self, bytes: usize) {
        // Ones, because the kernel gives untouched zeros away for nothing.
        let leaked = vec![1; bytes];
        self.leaked.lock().unwrap_or_else(PoisonError::into_inner).push(leaked);
    }

    /// Remembers the answer, and gives out the one before instead if it `is_due`.
    fn swap(&self, result: &mut CallToolResult, is_due: bool) {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).replace(result.clone());
        if let Some(before) = before.filter(|_| is_due) {
            *result = before;
        }
    }

    /// When a call that comes now has been worked at. No time is lost between two calls, whenever they wake up.
    fn end_of_turn(&self, work: Duration) -> Instant {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        *free_at = (*free_at).max(Instant::now()) + work;
        *free_at
    }

    async fn sit_out(&self, frozen: Duration, period: Duration) {
        let left = left_of_stall(self.start.elapsed(), frozen, period);
        self.timer.sleep_until(Instant::now() + left).await;
    }
}

/// How long the server is still frozen, at a time since its start; the frozen time is the last of
/// each period.
fn left_of_stall(since_start: Duration, frozen: Duration, period: Duration) -> Duration {
    // OK for 584 years.
    let into = Duration::from_nanos((since_start.as_nanos() % period.as_nanos()) as u64);
    if into >= period - frozen { period - into } else { Duration::ZERO }
}

fn failed(is_error: bool) -> CallToolResult {
    let text = Failure::refused("injected tool error").text();
    let content = vec![ContentBlock::text(text)];
    if is_error { CallToolResult::error(content) } else { CallToolResult::success(content) }
}

/// Another key and other counts, in the same shape.
fn falsify(result: &mut CallToolResult) {
    let Some(ContentBlock::Text(text)) = result.content.first_mut() else { return };
    let Ok(Value::Object(mut fields)) = serde_json::from_str(&text.text) else { return };
    for (name, value) in &mut fields {
        match value {
            Value::Number(number) => {
                if let Some(count) = number.as_u64() {
                    *value = (count + 1).into();
                }
            }
            Value::String(key) if name == "key" => {
                let wrong = if key == "D major" { "E- minor" } else { "D major" };
                *value = wrong.into();
            }
            _ => {}
        }
    }
    text.text = pretty(&fields);
}

/// Keeps a processor busy.
async fn burn(time: Duration) {
    let spin = move || {
        let end = Instant::now() + time;
        while black_box(Instant::now()) < end {}
    };
    // Where the work itself would have been done; a panic is impossible.
    if time < Duration::from_millis(1) {
        spin();
    } else {
        let _ = tokio::task::spawn_blocking(spin).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_at_the_same_time_are_numbered_alike_by_all_faults() {
        let faults = ["tool-error=7", "rpc-error=11"].map(|fault| fault.parse().unwrap());
        let active = Active::new(faults.to_vec());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5000 {
                        let numbers: Vec<u64> =
                            active.concerning("any").iter().map(|(_, call)| *call).collect();
                        assert_eq!(numbers[0], numbers[1]);
                    }
                });
            }
        });
    }

    #[test]
    fn a_stall_is_the_end_of_each_period() {
        let ms = Duration::from_millis;
        for (at, left) in [(0, 0), (89, 0), (90, 10), (99, 1), (100, 0), (195, 5)] {
            assert_eq!(left_of_stall(ms(at), ms(10), ms(100)), ms(left), "{at}");
        }
    }

    #[tokio::test]
    async fn burning_takes_its_time() {
        for time in [Duration::from_micros(300), Duration::from_millis(2)] {
            let start = Instant::now();
            burn(time).await;
            assert!(start.elapsed() >= time);
        }
    }
}
