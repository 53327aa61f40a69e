//! The server: state shared by all sessions, and the MCP handler of one session.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorCode, Implementation,
    JsonObject, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, MetaObject,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tempfile::TempPath;

use super::arguments::Arguments;
use super::catalog::{self, ToolName, ToolSpec};
use super::config::Config;
use super::faults::{Active, Fault};
use super::rate_limit::{Limiter, RateLimit};
use super::reply::{self, Reply};
use super::source::corpus::Corpus;
use super::store::Store;
use super::{SERVER_NAME, resources, tools};

/// A server. Clones share the stored scores, as the HTTP sessions of the real server do.
#[derive(Debug, Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    config: Config,
    pub(super) store: Store,
    corpus: Corpus,
    /// Exported files that go with the server.
    exports: Mutex<Vec<TempPath>>,
    faults: Active,
    calls: AtomicU64,
    start: Instant,
}

/// The MCP handler of one session.
#[derive(Debug)]
pub struct Handler {
    shared: Arc<Shared>,
    limiter: Option<Mutex<Box<dyn Limiter>>>,
}

/// The key, in a reply's `_meta`, of the nanoseconds from the call's arrival at the handler to its
/// reply.
pub const HANDLING_META: &str = "music21-mcp-bench/handling-ns";

/// The key, in a reply's `_meta`, of the number of calls that the server has got, this one included.
pub const CALLS_META: &str = "music21-mcp-bench/calls";

impl Server {
    /// A server without scores.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let store = Store::new(config.limits);
        let corpus = Corpus::new(config.corpus.clone(), config.installed_corpus);
        let faults = Active::new(config.faults.clone());
        Self {
            shared: Arc::new(Shared {
                config,
                store,
                corpus,
                exports: Mutex::default(),
                faults,
                calls: AtomicU64::new(0),
                start: Instant::now(),
            }),
        }
    }

    /// A handler for one more session: `server.handler().serve(transport)`.
    #[must_use]
    pub fn handler(&self) -> Handler {
        let limit = self.shared.config.rate_limit;
        let limiter = limit.map(|limit| Mutex::new(limit.limiter(self.now_ns())));
        Handler { limiter, ..self.unlimited_handler() }
    }

    /// A handler whose calls have passed a rate limiter before they come here.
    pub(super) fn unlimited_handler(&self) -> Handler {
        Handler { shared: Arc::clone(&self.shared), limiter: None }
    }

    /// Calls of tools so far, those refused by a rate limiter left out.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed)
    }

    pub(super) fn rate_limit(&self) -> Option<RateLimit> {
        self.shared.config.rate_limit
    }

    pub(super) fn faults(&self) -> &[Fault] {
        &self.shared.config.faults
    }

    /// The limiters' time: since the server's start.
    pub(super) fn now_ns(&self) -> u64 {
        self.shared.now_ns()
    }
}

impl Shared {
    fn now_ns(&self) -> u64 {
        // OK for 584 years.
        self.start.elapsed().as_nanos() as u64
    }

    /// One call from its arrival to its reply, with what goes wrong on the way.
    async fn handle(
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

    async fn export(self: &Arc<Self>, arguments: &Arguments<'_>) -> Reply {
        let stored = tools::find(&self.store, arguments.get("score_id"))?;
        let format = tools::export::format(arguments.get("format"))?;
        let shared = Arc::clone(self);
        let write = move || tools::export::write(&stored.score, format, &shared.config.export_directory);
        let path = on_a_thread(write, None).await.unwrap_or_else(|_| Err(tools::export::failed(format)))?;
        let reply = tools::export::reply(format, &path);
        if self.config.keep_exports {
            // What cannot be kept is already gone, and its size 0 has told so.
            let _ = path.keep();
        } else {
            self.exports.lock().unwrap_or_else(PoisonError::into_inner).push(path);
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

/// JSON-RPC's code of a refused call, as FastMCP's middleware gives it.
const RATE_LIMITED: ErrorCode = ErrorCode(-32000);

/// An answer with `isError: true`: the call does not fit the tool's schema.
fn violation(text: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        let mut info = ServerConfig::new(capabilities);
        info.server_info = Implementation::new(SERVER_NAME, env!("CARGO_PKG_VERSION"));
        info
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(limiter) = &self.limiter {
            let admitted = limiter.lock().unwrap_or_else(PoisonError::into_inner).admit(self.shared.now_ns());
            if !admitted {
                return Err(ErrorData::new(RATE_LIMITED, "Rate limit exceeded", None));
            }
        }
        self.shared.handle(&request.name, request.arguments).await.map(Into::into)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(catalog::listed()))
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(vec![resources::scores()]))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(vec![resources::score()]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read(&self.shared.store, &request.uri).map(Into::into)
    }
}
