//! A session with an embedded server in this process, driven by rmcp's own client.

use music21_mcp_embedded::{Config, Server};
use rmcp::model::{CallToolRequestParams, CallToolResult};
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceExt};
use serde_json::Value;

/// A configuration that depends on nothing installed.
pub(crate) fn config() -> Config {
    Config { installed_corpus: false, ..Config::default() }
}

/// One client of one server.
pub(crate) struct Session {
    pub(crate) client: RunningService<RoleClient, ()>,
}

impl Session {
    pub(crate) async fn start(config: Config) -> Self {
        Self::join(&Server::new(config)).await
    }

    /// One more session of a server.
    pub(crate) async fn join(server: &Server) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let handler = server.handler();
        tokio::spawn(async move { handler.serve(theirs).await.unwrap().waiting().await });
        Self { client: ().serve(ours).await.unwrap() }
    }

    pub(crate) async fn result(&self, tool: &str, arguments: Value) -> CallToolResult {
        let arguments = arguments.as_object().cloned().unwrap();
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        self.client.call_tool(request).await.unwrap()
    }

    /// The payload of a reply that is no schema violation.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        let result = self.result(tool, arguments).await;
        assert_eq!(result.is_error, Some(false), "{result:?}");
        serde_json::from_str(text(&result)).unwrap()
    }

    pub(crate) async fn end(self) {
        self.client.cancel().await.unwrap();
    }
}

pub(crate) fn text(result: &CallToolResult) -> &str {
    &result.content[0].as_text().unwrap().text
}
