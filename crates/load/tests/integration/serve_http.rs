//! The embedded server over HTTP as other programs use it: raw requests.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use music21_mcp_embedded::{Config, HttpOptions, HttpServer, Server};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::serve::initialize;

/// A server in this process and a raw client of it.
struct Http {
    url: String,
    client: Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
    _stop: DropGuard,
}

impl Http {
    async fn serve(options: HttpOptions) -> Self {
        Self::serve_with(Config::default(), options).await
    }

    async fn serve_with(config: Config, options: HttpOptions) -> Self {
        let server = Server::new(Config { installed_corpus: false, ..config });
        let server = HttpServer::bind(server, options).await.unwrap();
        let stop = CancellationToken::new();
        let url = server.url();
        tokio::spawn(server.run(stop.clone()));
        Self { url, client: Client::builder(TokioExecutor::new()).build_http(), _stop: stop.drop_guard() }
    }

    async fn post(&self, path: &str, session: Option<&str>, body: String) -> (Response<()>, String) {
        let mut request = Request::post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        let response = self.client.request(request.body(Full::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
    }

    async fn ask(
        &self,
        path: &str,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> (Response<()>, String) {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        self.post(path, session, body).await
    }
}

fn header<'a>(response: &'a Response<()>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The last message of an SSE reply.
fn event(body: &str) -> Value {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    serde_json::from_str(data).unwrap()
}

#[tokio::test]
async fn over_http_a_session_begins_with_initialize_and_ends_with_delete() {
    let http = Http::serve(HttpOptions::default()).await;
    for path in ["", "/"] {
        let (response, body) = http.ask(path, None, "initialize", initialize()).await;
        assert_eq!(header(&response, "content-type"), "text/event-stream");
        assert_eq!(event(&body)["result"]["protocolVersion"], "2025-06-18");
        let session = header(&response, "mcp-session-id").to_owned();
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        assert_eq!(http.post(path, Some(&session), initialized).await.0.status(), StatusCode::ACCEPTED);

        let call = json!({"name": "list_scores", "arguments": {}});
        let (_, body) = http.ask(path, Some(&session), "tools/call", call.clone()).await;
        assert_eq!(event(&body)["result"]["isError"], false);

        let end =
            Request::delete(&http.url).header("mcp-session-id", &session).body(Full::default()).unwrap();
        assert!(http.client.request(end).await.unwrap().status().is_success());
        let (response, _) = http.ask(path, Some(&session), "tools/call", call).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn without_sessions_each_request_stands_alone_in_json_or_sse() {
    for (json_response, kind) in [(true, "application/json"), (false, "text/event-stream")] {
        let http =
            Http::serve(HttpOptions { sessions: false, json_response, ..HttpOptions::default() }).await;
        let call = json!({"name": "list_scores", "arguments": {}});
        let (response, body) = http.ask("", None, "tools/call", call).await;
        assert_eq!((header(&response, "content-type"), header(&response, "mcp-session-id")), (kind, ""));
        let message = if json_response { serde_json::from_str(&body).unwrap() } else { event(&body) };
        assert_eq!(message["result"]["isError"], false);
    }
}

#[tokio::test]
async fn a_body_too_long_is_refused_and_so_is_another_path() {
    let http = Http::serve(HttpOptions { max_body_bytes: 1000, ..HttpOptions::default() }).await;
    let (response, _) = http.post("", None, " ".repeat(1001)).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let (response, _) = http.post("/other", None, String::new()).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sessions_share_the_scores() {
    let http =
        Http::serve(HttpOptions { sessions: false, json_response: true, ..HttpOptions::default() }).await;
    let import = json!({"score_id": "x", "source": "C4", "source_type": "text"});
    http.ask("", None, "tools/call", json!({"name": "import_score", "arguments": import})).await;
    let (_, body) = http.ask("", None, "tools/call", json!({"name": "list_scores", "arguments": {}})).await;
    assert!(body.contains(r#"\"count\": 1"#), "{body}");
}

#[tokio::test]
async fn over_http_each_session_has_its_own_rate_limit_and_a_refusal_is_429() {
    let config = Config { rate_limit: Some("2/0.25s".parse().unwrap()), ..Config::default() };
    let http = Http::serve_with(config, HttpOptions::default()).await;
    let call = json!({"name": "list_scores", "arguments": {}});
    for _ in 0..2 {
        let (response, _) = http.ask("", None, "initialize", initialize()).await;
        let session = header(&response, "mcp-session-id").to_owned();
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let (response, _) = http.ask("", Some(&session), "tools/call", call.clone()).await;
            statuses.push(response.status().as_u16());
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                assert_eq!(header(&response, "retry-after"), "4");
            }
        }
        assert_eq!(statuses, [200, 200, 429, 429]);
        // Only calls of tools are limited.
        let (response, _) = http.ask("", Some(&session), "tools/list", json!({})).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
}
