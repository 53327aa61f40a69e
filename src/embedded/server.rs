//! The server: state shared by all sessions, and the MCP handler of one session.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, JsonObject,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tempfile::TempPath;

use super::arguments::Arguments;
use super::catalog::{self, ToolName, ToolSpec};
use super::config::Config;
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
}

/// The MCP handler of one session.
#[derive(Debug, Clone)]
pub struct Handler {
    shared: Arc<Shared>,
}

impl Server {
    /// A server without scores.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let store = Store::new(config.limits);
        let corpus = Corpus::new(config.corpus.clone(), config.installed_corpus);
        Self { shared: Arc::new(Shared { config, store, corpus, exports: Mutex::default() }) }
    }

    /// A handler for one more session: `server.handler().serve(transport)`.
    #[must_use]
    pub fn handler(&self) -> Handler {
        Handler { shared: Arc::clone(&self.shared) }
    }
}

impl Shared {
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
        Ok(self.shared.call(&request.name, request.arguments).await.into())
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
