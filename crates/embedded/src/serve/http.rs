//! Streamable HTTP on bare hyper: `/mcp` and `/mcp/`, sessions or none, SSE or JSON replies.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use crate::{Handler, Server};

/// How to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpOptions {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Sessions by `Mcp-Session-Id`. Otherwise each request stands alone.
    pub sessions: bool,
    /// Answer in plain JSON; only without sessions.
    pub json_response: bool,
    /// Longest request body; a longer one is answered with 413.
    pub max_body_bytes: usize,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            sessions: true,
            json_response: false,
            max_body_bytes: 4 << 20,
        }
    }
}

/// A listening server.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    server: Server,
    options: HttpOptions,
}

type Reply = Response<BoxBody<Bytes, Infallible>>;

impl HttpServer {
    /// Listens; from here on clients can connect.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub async fn bind(server: Server, options: HttpOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, server, options })
    }

    /// What a client connects to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Serves until `stop` is cancelled, then drops every connection.
    pub fn run(self, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(self.accept(stop))
    }

    async fn accept(self, stop: CancellationToken) {
        let endpoint = Arc::new(self.endpoint(stop.clone()));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(connection(stream, peer, Arc::clone(&endpoint)));
                    }
                    // Out of file descriptors: those that are in use will come back.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
            }
        }
    }

    fn endpoint(&self, stop: CancellationToken) -> Endpoint {
        let mut sessions = LocalSessionManager::default();
        // Finished replies are kept for clients that resume; the real server keeps none, and at a
        // thousand calls a second a minute of them would look like a leak.
        sessions.session_config.completed_cache_ttl = Duration::from_millis(100);
        sessions.session_config.sse_retry = None;
        // As the real server does, it keeps sessions that nobody ends.
        sessions.session_config.keep_alive = None;
        let mut config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(self.options.sessions)
            .with_json_response(self.options.json_response)
            .with_max_request_body_bytes(self.options.max_body_bytes)
            .with_sse_retry(None)
            .with_cancellation_token(stop);
        if !self.address.ip().is_loopback() {
            // Who listens to other machines is called by names that we do not know.
            config = config.disable_allowed_hosts();
        }
        let server = self.server.clone();
        let handler = move || Ok(server.unlimited_handler());
        Endpoint {
            service: StreamableHttpService::new(handler, Arc::new(sessions), config),
            server: self.server.clone(),
            gate: self.server.rate_limit().map(|limit| Gate::new(limit, self.server.clone())),
            max_body_bytes: self.options.max_body_bytes,
        }
    }
}

/// What all connections share.
struct Endpoint {
    service: StreamableHttpService<Handler, LocalSessionManager>,
    server: Server,
    gate: Option<Gate>,
    max_body_bytes: usize,
}

async fn connection(stream: TcpStream, peer: SocketAddr, endpoint: Arc<Endpoint>) {
    // Without this, Nagle's algorithm and delayed acknowledgement cost 40 ms an SSE reply. A
    // socket that refuses is closed already.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(|request| {
        let endpoint = Arc::clone(&endpoint);
        async move { Ok::<_, Infallible>(endpoint.respond(request, peer).await) }
    });
    // A client that hangs up is no concern of the others.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

impl Endpoint {
    async fn respond(&self, request: Request<Incoming>, peer: SocketAddr) -> Reply {
        let names_session = request.headers().contains_key("mcp-session-id");
        let reply = match (request.uri().path(), &self.gate) {
            ("/mcp" | "/mcp/", None) => self.service.handle(request).await,
            ("/mcp" | "/mcp/", Some(gate)) => self.respond_gated(gate, request, peer).await,
            _ => plain(StatusCode::NOT_FOUND, "not found: the MCP endpoint is /mcp"),
        };
        if !names_session && reply.status().is_client_error() {
            self.server.has_refused();
        }
        reply
    }

    /// The body must be read to know whether it calls a tool, which alone is limited.
    async fn respond_gated(&self, gate: &Gate, request: Request<Incoming>, peer: SocketAddr) -> Reply {
        let (parts, body) = request.into_parts();
        let body = match Limited::new(body, self.max_body_bytes).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return plain(StatusCode::PAYLOAD_TOO_LARGE, "request body too large");
            }
            Err(_) => return plain(StatusCode::BAD_REQUEST, "request body cut off"),
        };
        if gate.refuses(&parts, &body, peer) {
            let mut response = plain(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded");
            response.headers_mut().insert(RETRY_AFTER, gate.retry_after_seconds().into());
            return response;
        }
        self.service.handle(Request::from_parts(parts, Full::new(body))).await
    }
}

fn plain(status: StatusCode, text: &'static str) -> Reply {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed());
    *response.status_mut() = status;
    response
}
