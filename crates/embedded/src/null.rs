//! The null server: the least that an MCP client can talk to. It answers every call over HTTP with a reply made beforehand,
//! so that what a call costs is the client's and the system's.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use memchr::memmem;
use tokio::net::{TcpListener, TcpStream};

const INITIALIZED: &str = r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"null","version":"0"}}"#;
const TOOLS: &str = r#"{"tools":[{"name":"health_check","inputSchema":{"type":"object"}}]}"#;

/// A null server that listens.
#[derive(Debug)]
pub struct NullServer {
    listener: TcpListener,
    answer: Bytes,
}

impl NullServer {
    /// Listens on a free port of this machine. Each tool's answer holds `padding` bytes besides some sixty.
    ///
    /// # Errors
    ///
    /// Where no port is to be had.
    pub async fn bind(padding: usize) -> io::Result<Self> {
        let answer = format!(
            r#"{{"content":[{{"type":"text","text":"{{\"status\":\"healthy\",\"padding\":\"{}\"}}"}}],"isError":false}}"#,
            "x".repeat(padding)
        );
        Ok(Self { listener: TcpListener::bind(("127.0.0.1", 0)).await?, answer: answer.into() })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Where the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is dropped.
    pub async fn run(self) {
        loop {
            // A connection that ended before it was taken is no concern of the others.
            if let Ok((stream, _)) = self.listener.accept().await {
                tokio::spawn(serve(stream, self.answer.clone()));
            }
        }
    }
}

async fn serve(stream: TcpStream, answer: Bytes) {
    // Else a reply waits 40 ms for a delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| respond(request, answer.clone()));
    // A client that goes away ends its connection, not the server.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, answer: Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut response = Response::new(Full::default());
    let Some(id) = id(&body) else {
        // A notification, or the end of the session.
        *response.status_mut() = StatusCode::ACCEPTED;
        return Ok(response);
    };
    let has = |method: &[u8]| memmem::find(&body, method).is_some();
    let result = if has(b"\"initialize\"") {
        INITIALIZED.as_bytes()
    } else if has(b"\"tools/list\"") {
        TOOLS.as_bytes()
    } else {
        &answer
    };
    let head = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"#);
    *response.body_mut() = Full::new([head.as_bytes(), result, b"}"].concat().into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("mcp-session-id", HeaderValue::from_static("null"));
    Ok(response)
}

/// The request's number, found without reading the rest.
fn id(body: &[u8]) -> Option<u64> {
    let at = memmem::find(body, b"\"id\":")? + 5;
    let digits = body[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&body[at..at + digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requests_number_is_found_and_a_notification_has_none() {
        assert_eq!(id(br#"{"jsonrpc":"2.0","id":12,"method":"x"}"#), Some(12));
        assert_eq!(id(br#"{"jsonrpc":"2.0","method":"x"}"#), None);
        assert_eq!(id(b""), None);
    }
}
