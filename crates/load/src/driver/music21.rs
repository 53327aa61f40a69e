//! The MCP client as the driver's session.

use std::time::Duration;

use music21_mcp_bench::client::{ConnectError, Music21Client, Reply};

use super::{Call, OpenError, Session};

impl Session for Music21Client {
    async fn call(&self, call: Call, deadline: Duration) -> Reply {
        match call.request {
            None => self.call_expecting(&call.tool, call.arguments, call.expect, deadline).await,
            Some(request) => self.request(request, call.arguments, call.expect, deadline).await,
        }
    }

    async fn close(self) {
        Self::close(self).await;
    }
}

impl From<ConnectError> for OpenError {
    fn from(error: ConnectError) -> Self {
        Self { outcome: error.outcome, message: error.to_string() }
    }
}
