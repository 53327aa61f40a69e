//! What the benches that call a server share: the target, one bench of one tool, the closing report.
//!
//! A call is checked before it is timed. A server too slow for Criterion's ten samples within the
//! budget is measured by as many plain calls as fit; a call cut by its deadline is reported as cut. No
//! bench is lost because another one failed. With `--test` each call is made once.

mod baseline;
mod operation;
mod presets;
mod profiler;
mod report;
mod score;
mod settings;
mod suite;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use music21_mcp_bench::client::{ClientOptions, Music21Client, Outcome, Reply};
use music21_mcp_bench::server::{ServerOptions, ServerSpec, ServerUnderTest};
use tokio::runtime::Runtime;

pub(crate) use suite::run;

use operation::Operation;
use report::{Report, Row};
use score::BenchScore;
use settings::Settings;

/// Criterion takes ten samples at least, after a warm-up call and our own checked one.
const CALLS_PER_BENCH: u32 = 12;

/// A started target and what is known about its benches so far.
struct Harness {
    session: Option<Music21Client>,
    target: ServerUnderTest,
    runtime: Runtime,
    settings: Settings,
    report: Report,
}

/// Why a bench ends early; it unwinds through Criterion, which knows no other way out.
enum Stop {
    /// One call takes so long that Criterion's ten samples do not fit the budget.
    Slow,
    /// A call did not answer what it must.
    Failed(Box<Reply>),
    /// No session with the server, or no score to send.
    Prevented(String),
}

impl Harness {
    /// Starts the target named by `MUSIC21_MCP_SERVER` and checks that it has the tools benched.
    ///
    /// # Errors
    ///
    /// One line that says which setting or server is at fault and what to do.
    fn start(bench: &'static str) -> Result<Self, String> {
        let spec = ServerSpec::from_environment().map_err(|e| e.to_string())?;
        let settings = Settings::from_environment(spec == ServerSpec::InProcess)?;
        // One caller at a time: the multi-thread runtime would add a hop between threads to every call.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
        let headers = ServerSpec::headers_from_environment().map_err(|e| e.to_string())?;
        let client = ClientOptions { headers, ..ClientOptions::default() };
        let options = ServerOptions { client, require_tools: operation::tools(), ..ServerOptions::default() };
        let target = runtime.block_on(ServerUnderTest::start(spec, options)).map_err(|e| e.to_string())?;
        let report = Report::new(bench, &target);
        Ok(Self { session: None, target, runtime, settings, report })
    }

    /// Criterion with what suits the target; the command line has the last word.
    fn criterion(&self) -> Criterion {
        let (warm_up, measurement) = if self.is_embedded() { (500, 1500) } else { (100, 3000) };
        Criterion::default()
            .warm_up_time(Duration::from_millis(warm_up))
            .measurement_time(Duration::from_millis(measurement))
            // Criterion's own test gives no verdict here (`compare` does), so its bounds are wide.
            .noise_threshold(0.05)
            .significance_level(0.01)
            .with_profiler(profiler::Sampling::new(
                self.is_embedded().then(|| Rc::clone(&self.report.shares)),
            ))
            .configure_from_args()
    }

    /// Makes the group's samples as few and even as slow calls need.
    fn suit(&self, group: &mut BenchmarkGroup<'_, WallTime>, slow: bool) {
        if slow || !self.is_embedded() {
            group.sample_size(10).sampling_mode(SamplingMode::Flat);
        }
    }

    /// Benches one tool on one score, as `group/tool/score`.
    fn bench(
        &mut self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        name: &str,
        operation: Operation,
        score: &BenchScore,
    ) {
        group.throughput(match operation {
            Operation::List | Operation::Delete => Throughput::Elements(1),
            _ => Throughput::Elements(score.notes()),
        });
        let id = criterion::BenchmarkId::new(operation.name(), score.label());
        let checked = Cell::new(false);
        let budget = self.settings.budget;
        let run = catch_unwind(AssertUnwindSafe(|| {
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|iterations| {
                    if !checked.replace(true) {
                        let started = Instant::now();
                        let time = self.timed(operation, score, 1);
                        if self.settings.only_tested {
                            return time;
                        }
                        // With its import: that is what ten samples would cost.
                        if started.elapsed() * CALLS_PER_BENCH > budget {
                            resume_unwind(Box::new(Stop::Slow));
                        }
                    }
                    self.timed(operation, score, iterations)
                });
            });
        }));
        let Err(panic) = run else { return };
        // Any other panic is a bug of ours or of Criterion's, and no result of the server's.
        let stop = panic.downcast::<Stop>().unwrap_or_else(|panic| resume_unwind(panic));
        let row = self.settle(operation, score, *stop);
        self.report.add(format!("{name}/{}/{}", operation.name(), score.label()), row);
    }

    /// Stops the target and prints what Criterion cannot show.
    fn finish(self) -> ExitCode {
        self.stop().print()
    }

    /// Ends the session and the target. What is left is the report.
    fn stop(mut self) -> Report {
        self.renew();
        self.report.seen = self.target.protocol_violations();
        self.runtime.block_on(self.target.shutdown());
        self.report
    }

    fn is_embedded(&self) -> bool {
        *self.target.spec() == ServerSpec::InProcess
    }

    fn timed(&mut self, operation: Operation, score: &BenchScore, iterations: u64) -> Duration {
        self.sample(operation, score, iterations).unwrap_or_else(|stop| resume_unwind(Box::new(stop)))
    }

    /// Times `iterations` checked calls on a freshly imported score, so that a server that caches, or
    /// whose calls slow each other down, starts every sample alike.
    fn sample(
        &mut self,
        operation: Operation,
        score: &BenchScore,
        iterations: u64,
    ) -> Result<Duration, Stop> {
        let source =
            score.source().map_err(|e| Stop::Prevented(format!("cannot write the score to send: {e}")))?;
        let Self { session, target, runtime, settings, .. } = self;
        runtime.block_on(async {
            let client = match session {
                Some(client) => client,
                None => session.insert(target.session().await.map_err(|e| Stop::Prevented(e.to_string()))?),
            };
            operation.time(client, &source, score, iterations, settings.deadline).await.map_err(Stop::Failed)
        })
    }

    /// What becomes of a bench that Criterion could not finish.
    fn settle(&mut self, operation: Operation, score: &BenchScore, stop: Stop) -> Row {
        match stop {
            Stop::Slow => self.plain_calls(operation, score),
            Stop::Prevented(why) => Row::Failed(why),
            Stop::Failed(reply) => self.after_failure(&reply),
        }
    }

    /// As many single calls as the budget allows, and one at least.
    fn plain_calls(&mut self, operation: Operation, score: &BenchScore) -> Row {
        let mut calls: Vec<Duration> = Vec::new();
        let started = Instant::now();
        loop {
            match self.sample(operation, score, 1) {
                Ok(time) => calls.push(time),
                Err(stop) if calls.is_empty() => return self.settle(operation, score, stop),
                Err(_) => break,
            }
            let spent = started.elapsed();
            if spent + spent / calls.len() as u32 > self.settings.budget {
                break;
            }
        }
        Row::Plain(calls)
    }

    /// A call given up leaves its server busy: the next bench gets a new session, for a command a new
    /// process.
    fn after_failure(&mut self, reply: &Reply) -> Row {
        let message = reply.message.clone().unwrap_or_default();
        let server_gave_up = reply.outcome == Outcome::ToolError && message.contains("timed out");
        if reply.outcome == Outcome::TimedOut || server_gave_up {
            self.renew();
            return Row::Cut(message);
        }
        if matches!(reply.outcome, Outcome::TransportClosed | Outcome::SessionExpired) {
            self.renew();
        }
        Row::Failed(format!("{}: {message}", reply.outcome))
    }

    fn renew(&mut self) {
        if let Some(session) = self.session.take() {
            self.runtime.block_on(session.close());
        }
    }
}
