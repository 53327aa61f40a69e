//! rmcp's own client, its worker and its messages as they are, on one kept connection of hyper's. It usually brings reqwest;
//! this is the least that it can cost.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use rmcp::model::{CallToolRequestParams, ClientJsonRpcMessage};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpError,
    StreamableHttpPostResponse,
};
use rmcp::{RoleClient, ServiceExt};
use sse_stream::Sse;
use tokio::sync::Mutex;

use crate::lower_bound::connect;

type Failure = StreamableHttpError<hyper::Error>;

/// A session of rmcp's with a server that answers in plain JSON.
pub(crate) struct RmcpClient(RunningService<RoleClient, ()>);

impl RmcpClient {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let sender = connect(address).await;
        let client = OverHyper { sender: Arc::new(Mutex::new(sender)), host: address.to_string().into() };
        let config = StreamableHttpClientTransportConfig::with_uri(format!("http://{address}/mcp"));
        let transport = StreamableHttpClientTransport::with_client(client, config);
        Self(().serve(transport).await.expect("the null server speaks MCP"))
    }

    pub(crate) async fn check_health(&self) {
        let reply = self.0.call_tool(CallToolRequestParams::new("health_check")).await;
        assert!(reply.expect("the null server answers").is_error != Some(true));
    }
}

/// One connection.
#[derive(Clone)]
struct OverHyper {
    sender: Arc<Mutex<http1::SendRequest<Full<Bytes>>>>,
    host: Arc<str>,
}

impl StreamableHttpClient for OverHyper {
    type Error = hyper::Error;

    async fn post_message(
        &self,
        _: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/mcp")
            .header(header::HOST, &*self.host)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream, application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(id) = session_id {
            request = request.header("mcp-session-id", &*id);
        }
        let request = request.body(Full::new(serde_json::to_vec(&message)?.into())).expect("constant parts");
        let sent = self.sender.lock().await.send_request(request).await;
        let reply = sent.map_err(StreamableHttpError::Client)?;
        if reply.status() == StatusCode::ACCEPTED {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        let id = reply.headers().get("mcp-session-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = reply.into_body().collect().await.map_err(StreamableHttpError::Client)?.to_bytes();
        Ok(StreamableHttpPostResponse::Json(serde_json::from_slice(&body)?, id))
    }

    async fn delete_session(
        &self,
        _: Arc<str>,
        _: Arc<str>,
        _: Option<String>,
        _: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn get_stream(
        &self,
        _: Arc<str>,
        _: Option<Arc<str>>,
        _: Option<String>,
        _: Option<String>,
        _: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failure> {
        Err(StreamableHttpError::ServerDoesNotSupportSse)
    }
}
