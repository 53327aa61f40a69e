//! `run --metrics`: the stage under way in Prometheus's format, over HTTP.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::report::prometheus;
use crate::result::ServerFacts;
use crate::run::Live;

/// Prometheus's text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Before the next try to accept; without it a lack of descriptors would take a CPU from the load.
const RETRY: Duration = Duration::from_millis(100);

/// Serves until the process ends, and says where on stderr.
pub(crate) async fn serve(address: SocketAddr, live: Live, server: ServerFacts) -> anyhow::Result<()> {
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("failed to serve metrics on {address}"))?;
    // There is nobody to say it to if stderr is gone.
    let _ = writeln!(std::io::stderr(), "metrics: http://{}/metrics", listener.local_addr()?);
    tokio::spawn(async move {
        loop {
            // Out of descriptors, or a client that is gone already: a later one may be luckier.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(RETRY).await;
                continue;
            };
            let (live, server) = (live.clone(), server.clone());
            let answer = service_fn(move |request| {
                let reply = reply(&request, &live, &server);
                async move { Ok::<_, Infallible>(reply) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    Ok(())
}

fn reply(request: &Request<Incoming>, live: &Live, server: &ServerFacts) -> Response<Full<Bytes>> {
    let (status, text) = match request.uri().path() {
        "/metrics" => (StatusCode::OK, prometheus::live(server, live.stage().as_slice())),
        _ => (StatusCode::NOT_FOUND, "not found: the metrics are at /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(TEXT));
    response
}
