//! The server and the MCP handler of one of its sessions.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorCode, Implementation, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::config::Config;
use super::faults::Fault;
use super::rate_limit::{Limiter, RateLimit};
use super::shared::Shared;
use super::{SERVER_NAME, catalog, resources};

/// A server. Clones share the stored scores, as the HTTP sessions of the real server do.
#[derive(Debug, Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

/// The MCP handler of one session.
#[derive(Debug)]
pub struct Handler {
    shared: Arc<Shared>,
    limiter: Option<Mutex<Box<dyn Limiter>>>,
}

impl Server {
    /// A server without scores.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { shared: Arc::new(Shared::new(config)) }
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

    /// A request over HTTP that belongs to no session was refused.
    pub(super) fn has_refused(&self) {
        self.shared.has_refused();
    }

    /// The limiters' time: since the server's start.
    pub(super) fn now_ns(&self) -> u64 {
        self.shared.now_ns()
    }
}

/// JSON-RPC's code of a refused call, as FastMCP's middleware gives it.
const RATE_LIMITED: ErrorCode = ErrorCode(-32000);

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
