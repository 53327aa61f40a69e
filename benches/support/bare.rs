//! The least a server can do: answers every MCP call over HTTP with a reply made beforehand.
//!
//! It runs on a thread of its own, so that the client's CPU time can be told apart.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::mpsc::Sender;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// Serves until the process ends; `padding` is the size of each tool's answer in bytes, about.
pub(crate) fn serve(padding: usize) -> SocketAddr {
    let answer = Bytes::from(format!(
        r#""result":{{"content":[{{"type":"text","text":"{{\"status\":\"healthy\",\"padding\":\"{}\"}}"}}],"isError":false}}}}"#,
        "x".repeat(padding)
    ));
    on_a_thread(|tell| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        tell.send(listener.local_addr().expect("it is bound")).expect("the bench waits for it");
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, answer.clone()));
            }
        }
    })
}

/// Runs a server on a runtime and a thread of its own and returns what it tells first.
pub(crate) fn on_a_thread<T, F>(server: impl FnOnce(Sender<T>) -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = ()>,
{
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("threads and sockets are to be had").block_on(server(tell));
    });
    told.recv().expect("the server starts")
}

async fn connection(stream: TcpStream, answer: Bytes) {
    // Only fails for a connection that is gone.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| reply(request, answer.clone()));
    // A client that goes away ends its connection, not the server.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn reply(request: Request<Incoming>, answer: Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    let method = request.method().clone();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut response = Response::new(Full::default());
    let Some(id) = id(&body).filter(|_| method == Method::POST) else {
        *response.status_mut() = StatusCode::ACCEPTED;
        return Ok(response);
    };
    let json = if memchr::memmem::find(&body, b"\"initialize\"").is_some() {
        response.headers_mut().insert("mcp-session-id", HeaderValue::from_static("bare"));
        let server = r#""serverInfo":{"name":"bare","version":"0"}"#;
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"protocolVersion":"2025-06-18","capabilities":{{"tools":{{}}}},{server}}}}}"#
        )
        .into()
    } else {
        Bytes::from([format!(r#"{{"jsonrpc":"2.0","id":{id},"#).as_bytes(), &answer].concat())
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = Full::new(json);
    Ok(response)
}

fn id(body: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(body, b"\"id\":")? + 5;
    let digits = body[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&body[at..at + digits]).ok()?.parse().ok()
}
