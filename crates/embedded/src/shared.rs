//! What all sessions of a server share, and how it answers a call: tool by tool, on a thread of its
//! own where the work is long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, MetaObject};

use super::arguments::Arguments;
use super::catalog::{self, ToolName, ToolSpec};
use super::config::Config;
use super::faults::Active;
use super::reply::{self, Failure, Reply};
use super::source::corpus::Corpus;
use super::store::Store;
use super::tools;

/// The key, in a reply's `_meta`, of the nanoseconds from the call's arrival at the handler to its
/// reply.
pub const HANDLING_META: &str = "music21-mcp-bench/handling-ns";

/// The key, in a reply's `_meta`, of the number of calls that the server has got, this one included.
pub const CALLS_META: &str = "music21-mcp-bench/calls";

/// The state of a server.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) store: Store,
    corpus: Corpus,
    faults: Active,
    pub(super) calls: AtomicU64,
    start: Instant,
}

impl Shared {
    /// No score, no call.
    pub(super) fn new(config: Config) -> Self {
        Self {
            store: Store::new(config.limits),
            corpus: Corpus::new(config.corpus.clone(), config.installed_corpus),
            faults: Active::new(config.faults.clone()),
            calls: AtomicU64::new(0),
            start: Instant::now(),
            config,
        }
    }

    /// Since the server's start: the rate limiters' time.
    pub(super) fn now_ns(&self) -> u64 {
        // OK for 584 years.
        self.start.elapsed().as_nanos() as u64
    }

    /// A request over HTTP that belongs to no session was refused.
    pub(super) fn has_refused(&self) {
        self.faults.after_refusal();
    }

    /// One call from its arrival to its reply, with what goes wrong on the way.
    pub(super) async fn handle(
        self: &Arc<Self>,
        name: &str,
        given: Option<JsonObject>,
    ) -> Result<CallToolResult, ErrorData> {
        let arrived = Instant::now();
        let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let mut result = if self.config.faults.is_empty() {
            self.call(name, given).await
        } else {
            let concerned = self.faults.concerning(name);
            self.faults.before(&concerned).await?;
            let begun = Instant::now();
            let mut result = self.call(name, given).await;
            self.faults.after(&concerned, arrived, begun.elapsed(), &mut result).await;
            result
        };
        if self.config.account {
            let mut meta = MetaObject::default();
            meta.0.insert(HANDLING_META.to_owned(), (arrived.elapsed().as_nanos() as u64).into());
            meta.0.insert(CALLS_META.to_owned(), calls.into());
            result.meta = Some(meta);
        }
        Ok(result)
    }

    /// Answers one call, whatever it asks for.
    async fn call(self: &Arc<Self>, name: &str, given: Option<JsonObject>) -> CallToolResult {
        let Some(tool) = catalog::find(name) else {
            return violation(format!("Unknown tool: {name}"));
        };
        match Arguments::check(tool, given.as_ref()) {
            Ok(arguments) => reply::result(self.answer(tool, &arguments).await),
            Err(text) => violation(text),
        }
    }

    async fn answer(self: &Arc<Self>, tool: &ToolSpec, arguments: &Arguments<'_>) -> Reply {
        let store = &self.store;
        match tool.call {
            ToolName::ImportScore => self.import(arguments).await,
            ToolName::ListScores => tools::list::run(store),
            ToolName::ScoreInfo => tools::info::run(&*tools::find(store, arguments.get("score_id"))?),
            ToolName::DeleteScore => tools::delete::run(store, arguments.get("score_id")),
            ToolName::KeyAnalysis => tools::key::run(&*tools::find(store, arguments.get("score_id"))?),
            ToolName::ChordAnalysis => self.chords(arguments).await,
            ToolName::HarmonyAnalysis => self.harmony(arguments).await,
            ToolName::HealthCheck => tools::health::run(),
            ToolName::ExportScore => self.export(arguments).await,
        }
    }

    async fn import(self: &Arc<Self>, arguments: &Arguments<'_>) -> Reply {
        let (id, source) = (arguments.get("score_id"), arguments.get("source"));
        let import = tools::import::check(&self.store, id, source, arguments.get("source_type"))?;
        let (shared, wanted) = (Arc::clone(self), import.clone());
        let read = move || {
            let allowed = &shared.config.allowed_directories;
            tools::import::read(&wanted, &shared.corpus, allowed, |line| shared.log(line))
        };
        let read = match import.kind {
            tools::import::Kind::Text => read(),
            _ => on_a_thread(read, Some(self.config.limits.operation))
                .await
                .unwrap_or_else(|_| Err(tools::import::unreadable(source))),
        };
        tools::import::store(&self.store, import.kind, read?)
    }

    async fn chords(&self, arguments: &Arguments<'_>) -> Reply {
        let stored = tools::find(&self.store, arguments.get("score_id"))?;
        if stored.counts.notes < LONG_WORK_NOTES {
            return tools::chord::run(&stored);
        }
        let limit = self.config.limits.operation;
        on_a_thread(move || tools::chord::run(&stored), Some(limit))
            .await
            .unwrap_or_else(|_| Err(tools::chord::late(limit)))
    }

    async fn harmony(&self, arguments: &Arguments<'_>) -> Reply {
        let id = arguments.get("score_id");
        if id.is_empty() {
            return Err(Failure::refused("score_id is required"));
        }
        // This tool alone says it so.
        let stored =
            tools::find(&self.store, id).map_err(|_| Failure::refused(format!("Score '{id}' not found")))?;
        if stored.counts.notes < LONG_WORK_NOTES {
            return tools::harmony::run(&stored);
        }
        on_a_thread(move || tools::harmony::run(&stored), None).await.unwrap_or_else(|_| Err(panicked()))
    }

    async fn export(self: &Arc<Self>, arguments: &Arguments<'_>) -> Reply {
        let stored = tools::find(&self.store, arguments.get("score_id"))?;
        let format = tools::export::format(arguments.get("format"))?;
        let shared = Arc::clone(self);
        let exported = Arc::clone(&stored);
        let write = move || tools::export::write(&exported.score, format, &shared.config.export_directory);
        let path = on_a_thread(write, None).await.unwrap_or_else(|_| Err(tools::export::failed(format)))?;
        let reply = tools::export::reply(format, &path);
        if self.config.keep_exports {
            // What cannot be kept is already gone, and its size 0 has told so.
            let _ = path.keep();
        } else {
            stored.exports.lock().unwrap_or_else(PoisonError::into_inner).push(path);
        }
        reply
    }

    /// One line to stderr, if the server is to be chatty, as the real one is.
    fn log(&self, line: &str) {
        if self.config.log {
            // Nobody is left to tell if stderr is gone.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
        }
    }
}

/// From here on an analysis is worth a thread: at some 0.1 µs a note and more it takes ten times the
/// 10 µs of the hand-off.
const LONG_WORK_NOTES: usize = 1000;

fn panicked() -> Failure {
    Failure::refused("the analysis panicked; the server's stderr says where")
}

/// The work ran out of time, or of luck: its thread panicked.
#[derive(Debug)]
enum Lost {
    Late,
    Panicked,
}

/// Runs long work where it does not hold up the other sessions. A late thread runs on to its end,
/// as the real server's do.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    limit: Option<Duration>,
) -> Result<T, Lost> {
    let work = tokio::task::spawn_blocking(work);
    let done = match limit {
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_| Lost::Late)?,
        None => work.await,
    };
    done.map_err(|_| Lost::Panicked)
}

/// An answer with `isError: true`: the call does not fit the tool's schema.
fn violation(text: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}
