//! How client and server agree on a revision of the protocol: `initialize`, or `server/discover` from 2026-07-28 on.

use std::pin::pin;
use std::sync::RwLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures::future::{Either, select};
use rmcp::model::{
    ClientCapabilities, ErrorData, Implementation, InitializeRequestParams, JsonObject, ProtocolVersion,
    RequestMetaObject,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::frame::{self, Body, Response};
use super::mirror::{self, Headers};
use super::session::{Beside, ServerInfo, Session, read};
use super::wire::{ClientOptions, Failure, Wire};
use crate::client::Outcome;

/// What a server says of itself. Hints that are missing or odd are no reason to turn away.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Greeting {
    protocol_version: Option<ProtocolVersion>,
    supported_versions: Option<Vec<ProtocolVersion>>,
    server_info: Option<Value>,
    #[serde(rename = "_meta")]
    meta: Option<JsonObject>,
}

impl Greeting {
    fn server(&self, protocol: &ProtocolVersion) -> ServerInfo {
        let in_meta = self.meta.as_ref().and_then(|meta| meta.get("io.modelcontextprotocol/serverInfo"));
        let info = in_meta.or(self.server_info.as_ref());
        let text = |field| info.and_then(|info| info.get(field)?.as_str()).unwrap_or_default().to_owned();
        ServerInfo { name: text("name"), version: text("version"), protocol: protocol.to_string() }
    }
}

/// What client and server agreed on.
struct Agreed {
    server: ServerInfo,
    version: ProtocolVersion,
    meta: Option<RequestMetaObject>,
}

#[derive(Serialize)]
struct Nothing {}

const INITIALIZE: &str = "initialize";
const INITIALIZED: &str = "notifications/initialized";
/// How long a server that is not ready and does not say for how long is left alone.
const BUSY_PAUSE: Duration = Duration::from_millis(500);
/// How long `initialize` is waited for, at most, before it is taken into account that the server ignores what it does
/// not know.
const LONG_SILENCE: Duration = Duration::from_secs(10);

impl Session {
    /// Agrees on a protocol revision within the time left for starting.
    pub(super) async fn handshake(
        wire: Wire,
        options: &ClientOptions,
        within: Duration,
    ) -> Result<Self, Failure> {
        let server = ServerInfo { name: String::new(), version: String::new(), protocol: String::new() };
        let mut session = Self {
            wire,
            server,
            version: ProtocolVersion::LATEST_WITH_INITIALIZE,
            meta: None,
            mirrored: RwLock::default(),
            next_id: AtomicU64::new(1),
            traces: options.trace_context,
        };
        let mut busy = None;
        let agreed = async {
            loop {
                match session.agree(options.protocol.as_ref(), LONG_SILENCE.min(within / 4)).await {
                    // It is still starting, or was just started again.
                    Err(failure) if failure.is_busy => {
                        let pause = failure.retry_after.unwrap_or(BUSY_PAUSE);
                        busy = Some(failure);
                        tokio::time::sleep(pause).await;
                    }
                    result => return result,
                }
            }
        };
        let agreed = tokio::time::timeout(within, agreed).await;
        match agreed.unwrap_or_else(|_| Err(busy.unwrap_or_else(|| session.unanswered(within)))) {
            Ok(()) => {
                if let Wire::Line(wire) = &session.wire {
                    // Of two ways of beginning that were tried at once, the other.
                    wire.forgive();
                }
                Ok(session)
            }
            Err(failure) => Err(match &session.wire {
                Wire::Http(wire) => wire.explain(failure).await,
                Wire::Line(_) => failure,
            }),
        }
    }

    /// Why the handshake is not over in time.
    fn unanswered(&self, within: Duration) -> Failure {
        let asked = if self.server.protocol.is_empty() { INITIALIZE } else { INITIALIZED };
        let instead = match &self.wire {
            Wire::Line(wire) => wire.said_instead(),
            Wire::Http(_) => String::new(),
        };
        Failure::new(Outcome::TimedOut, format!("no answer to {asked} within {within:?}{instead}"))
    }

    async fn agree(&mut self, protocol: Option<&ProtocolVersion>, silence: Duration) -> Result<(), Failure> {
        let Agreed { server, version, meta } = match protocol {
            Some(version) if !version.has_initialize() => self.discover(version).await?,
            Some(version) => self.initialize(version).await?,
            None => self.negotiate(silence).await?,
        };
        if let Wire::Http(wire) = &self.wire {
            wire.set_version(&version);
        }
        (self.server, self.version, self.meta) = (server, version, meta);
        if self.is_without_handshake() {
            return Ok(());
        }
        self.wire.notify(INITIALIZED, frame::encode(None, INITIALIZED, &Nothing {})).await
    }

    /// Initialises, or discovers where the server knows no handshake any more. It may say so, hang up, or ignore the
    /// request: then both are under way, because it may as well be slow to start. If both fail, the first reason is told.
    async fn negotiate(&self, silence: Duration) -> Result<Agreed, Failure> {
        let newest = ProtocolVersion::LATEST;
        let discover = || self.discover(&newest);
        let mut initialize = pin!(self.initialize_any());
        match tokio::time::timeout(silence, &mut initialize).await {
            Ok(Err(refused)) if refused.may_be_of_the_protocol() => discover().await.map_err(|_| refused),
            Ok(result) => result,
            Err(_) => match select(initialize, pin!(discover())).await {
                Either::Left((Err(refused), discover)) => discover.await.map_err(|_| refused),
                Either::Right((Err(_), initialize)) => initialize.await,
                Either::Left((Ok(agreed), _)) | Either::Right((Ok(agreed), _)) => Ok(agreed),
            },
        }
    }

    /// Initialises with the newest revision, or with that which the server names where it refuses it.
    async fn initialize_any(&self) -> Result<Agreed, Failure> {
        let newest = ProtocolVersion::LATEST_WITH_INITIALIZE;
        let response = self.greet(&newest).await?;
        match offered(&response).filter(|offered| *offered != newest) {
            Some(offered) => self.initialize(&offered).await,
            None => agreed(response),
        }
    }

    async fn initialize(&self, version: &ProtocolVersion) -> Result<Agreed, Failure> {
        agreed(self.greet(version).await?)
    }

    async fn greet(&self, version: &ProtocolVersion) -> Result<Response, Failure> {
        let params = InitializeRequestParams::new(ClientCapabilities::default(), ourselves())
            .with_protocol_version(version.clone());
        let beside = Beside { meta: None, headers: Headers::new(), trace: None };
        // The time limit is that of the whole handshake.
        self.send(beside, INITIALIZE, params, Duration::MAX).await
    }

    async fn discover(&self, version: &ProtocolVersion) -> Result<Agreed, Failure> {
        let mut meta = RequestMetaObject::new();
        meta.set_protocol_version(version.clone());
        meta.set_client_info(ourselves());
        meta.set_client_capabilities(ClientCapabilities::default());
        let method = "server/discover";
        let mut headers = mirror::headers(method, None, None);
        headers.extend(mirror::version(version));
        let response = self
            .send(Beside { meta: Some(&meta), headers, trace: None }, method, Nothing {}, Duration::MAX)
            .await?;
        let greeting: Greeting = read(method, response)?;
        // Without it this is a server that answers something to whatever it does not know.
        let spoken = greeting.supported_versions.as_deref().unwrap_or_default();
        if !spoken.contains(version) {
            let spoken: Vec<&str> = spoken.iter().map(ProtocolVersion::as_str).collect();
            let message = format!("the server speaks no protocol {version}, but [{}]", spoken.join(", "));
            return Err(Failure::new(Outcome::ProtocolError, message));
        }
        Ok(Agreed { server: greeting.server(version), version: version.clone(), meta: Some(meta) })
    }
}

/// What a server agrees to that answers `initialize`.
fn agreed(response: Response) -> Result<Agreed, Failure> {
    let greeting: Greeting = read(INITIALIZE, response)?;
    let version = match &greeting.protocol_version {
        Some(version) if version.has_initialize() => version.clone(),
        Some(version) => {
            let why = if ProtocolVersion::KNOWN_VERSIONS.contains(version) {
                "which has no handshake"
            } else {
                "which this client does not speak"
            };
            let message = format!("initialize answered with protocol {version}, {why}");
            return Err(Failure::new(Outcome::ProtocolError, message));
        }
        None => {
            let message = "initialize answered without a protocol version";
            return Err(Failure::new(Outcome::ProtocolError, message));
        }
    };
    Ok(Agreed { server: greeting.server(&version), version, meta: None })
}

/// The newest revision with a handshake among those that a refusal names.
fn offered(response: &Response) -> Option<ProtocolVersion> {
    let Body::Error(json) = &response.body else { return None };
    let error: ErrorData = serde_json::from_slice(json).ok()?;
    let supported: Vec<ProtocolVersion> =
        serde_json::from_value(error.data?.get("supported")?.clone()).ok()?;
    // Their names are dates.
    supported
        .into_iter()
        .filter(ProtocolVersion::has_initialize)
        .max_by(|one, other| one.as_str().cmp(other.as_str()))
}

fn ourselves() -> Implementation {
    Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    use super::*;
    use crate::client::ProtocolViolations;
    use crate::client::line::LineWire;

    const DISCOVERED: &str = r#"{"supportedVersions":["2026-07-28"]}"#;
    const INITIALISED: &str =
        r#"{"protocolVersion":"2025-03-26","capabilities":{},"serverInfo":{"name":"old"}}"#;

    /// What a server does with a request: an answer after some seconds, or nothing.
    type Answers = fn(&Value) -> Option<(u64, Value)>;

    fn result(seconds: u64, json: &str) -> Option<(u64, Value)> {
        Some((seconds, json!({"result": serde_json::from_str::<Value>(json).unwrap()})))
    }

    fn refused() -> Option<(u64, Value)> {
        Some((0, json!({"error": {"code": -32601, "message": "refused"}})))
    }

    /// Shakes hands with a server in this process: the revision, or why there is none.
    async fn shake(answers: Answers) -> Result<String, String> {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            let (input, mut output) = tokio::io::split(theirs);
            let mut lines = BufReader::new(input).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let request: Value = serde_json::from_str(&line).unwrap();
                let is_request = request.get("id").is_some();
                let Some((seconds, mut reply)) = answers(&request).filter(|_| is_request) else { continue };
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                (reply["jsonrpc"], reply["id"]) = ("2.0".into(), request["id"].clone());
                output.write_all(format!("{reply}\n").as_bytes()).await.unwrap();
            }
        });
        let wire = Wire::Line(LineWire::start(tokio::io::split(ours), None, 1 << 20, Default::default()));
        let options = ClientOptions::default();
        let session = Session::handshake(wire, &options, options.start_timeout).await;
        let session = session.map_err(|failure| failure.message)?;
        // What was asked besides and is answered later was no call that anybody gave up.
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(session.wire.counters().snapshot(), ProtocolViolations::default());
        Ok(session.server.protocol)
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_without_a_handshake_is_discovered_whether_it_refuses_or_ignores_one() {
        let discovered = Ok("2026-07-28".to_owned());
        let refuses =
            |asked: &Value| if asked["method"] == INITIALIZE { refused() } else { result(0, DISCOVERED) };
        assert_eq!(shake(refuses).await, discovered);
        let ignores =
            |asked: &Value| if asked["method"] == INITIALIZE { None } else { result(0, DISCOVERED) };
        assert_eq!(shake(ignores).await, discovered);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_slow_to_start_is_initialised_all_the_same() {
        let slow = |asked: &Value| match asked["method"].as_str()? {
            INITIALIZE => result(30, INITIALISED),
            "server/discover" => refused(),
            _ => None,
        };
        assert_eq!(shake(slow).await, Ok("2025-03-26".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_refuses_and_says_what_it_speaks_is_taken_at_its_word() {
        let old = |asked: &Value| match (asked["method"].as_str()?, &asked["params"]["protocolVersion"]) {
            (INITIALIZE, version) if version == "2025-03-26" => result(0, INITIALISED),
            (INITIALIZE, _) => {
                let supported = json!(["2024-11-05", "2025-03-26", "2099-01-01"]);
                let data = json!({"supported": supported});
                Some((0, json!({"error": {"code": -32602, "message": "unsupported", "data": data}})))
            }
            _ => refused(),
        };
        assert_eq!(shake(old).await, Ok("2025-03-26".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn where_neither_works_the_first_reason_counts() {
        let refuses = |_: &Value| refused();
        assert_eq!(shake(refuses).await, Err("initialize: refused (code -32601)".to_owned()));
        let obliging =
            |asked: &Value| if asked["method"] == INITIALIZE { refused() } else { result(0, "{}") };
        assert_eq!(shake(obliging).await, Err("initialize: refused (code -32601)".to_owned()));
        let deaf = |_: &Value| None;
        assert_eq!(shake(deaf).await, Err("no answer to initialize within 60s".to_owned()));
    }
}
