//! Passes HTTP on between agents and a server, and tells of what passed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder as Client, SendRequest};
use hyper::server::conn::http1::Builder as Server;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::transcript::Part;

/// What passed, and when: the number of its exchange, and the part.
pub(crate) type Told = (u64, Part, Duration);

type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// Before the next try to accept, where there are no descriptors left.
const RETRY: Duration = Duration::from_millis(100);
const SESSION_ID: &str = "mcp-session-id";
/// Headers that speak of one connection, beside those that `Connection` names.
const OF_A_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Relay {
    to: Authority,
    tell: UnboundedSender<Option<Told>>,
    began: Instant,
    exchanges: AtomicU64,
    /// Headers by which agents logged in; their names alone.
    logins: std::sync::Mutex<std::collections::BTreeSet<String>>,
}

/// The connection to the server that belongs to one of an agent's.
type Link = Mutex<Option<SendRequest<Body>>>;

impl Relay {
    /// One that passes on to `to`.
    pub(crate) fn new(to: Authority, tell: UnboundedSender<Option<Told>>) -> Self {
        let exchanges = AtomicU64::new(0);
        Self { to, tell, began: Instant::now(), exchanges, logins: std::sync::Mutex::default() }
    }

    /// Tells that nothing follows.
    pub(crate) fn end(&self) {
        // Whoever listened is gone already.
        let _ = self.tell.send(None);
    }

    /// Names of the headers that may be logins.
    pub(crate) fn logins(&self) -> Vec<String> {
        crate::lock::lock(&self.logins).iter().cloned().collect()
    }

    /// Serves until `stop` is cancelled, then drops every connection.
    pub(crate) async fn serve(self: &Arc<Self>, listener: TcpListener, stop: &CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(Arc::clone(self).connection(stream));
                    }
                    Err(_) => tokio::time::sleep(RETRY).await,
                },
            }
        }
        connections.shutdown().await;
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        // A socket that refuses is closed already.
        let _ = stream.set_nodelay(true);
        let link = Arc::new(Link::default());
        let answer = service_fn(move |request| {
            let (relay, link) = (Arc::clone(&self), Arc::clone(&link));
            async move { relay.pass(request, &link).await }
        });
        let mut server = Server::new();
        server.preserve_header_case(true).auto_date_header(false).timer(TokioTimer::new());
        // An agent that hangs up is no concern of the others.
        let _ = server.serve_connection(TokioIo::new(stream), answer).await;
    }

    async fn pass(
        self: Arc<Self>,
        request: Request<Incoming>,
        link: &Link,
    ) -> Result<Response<Body>, hyper::Error> {
        let number = self.exchanges.fetch_add(1, Ordering::Relaxed);
        let exchange = Exchange { relay: Arc::clone(&self), number };
        let (mut parts, body) = request.into_parts();
        self.note_logins(&parts.headers);
        let session =
            parts.headers.get(SESSION_ID).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        exchange.tell(Part::Request { session: session.unwrap_or_default() });
        remove_of_connection(&mut parts.headers);
        // OK because an authority is ASCII.
        parts.headers.insert(HOST, HeaderValue::from_str(self.to.as_str()).expect("a header's value"));
        let body = Tap { exchange: exchange.clone(), part: Part::Sent, end: || Part::SentAll }.on(body);
        match self.send(Request::from_parts(parts, body), link).await {
            Ok(reply) => Ok(exchange.answer(reply)),
            Err(why) => {
                exchange.tell(Part::End);
                Ok(self.unreachable(&why))
            }
        }
    }

    /// Over the connection of before where it is still open, else over a new one.
    async fn send(&self, mut request: Request<Body>, link: &Link) -> Result<Response<Incoming>, String> {
        let mut link = link.lock().await;
        if let Some(sender) = link.as_mut()
            && sender.ready().await.is_ok()
        {
            match sender.try_send_request(request).await {
                Ok(reply) => return Ok(reply),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().to_string()),
                },
            }
        }
        let stream = TcpStream::connect(self.to.as_str()).await.map_err(|error| error.to_string())?;
        let _ = stream.set_nodelay(true);
        let shaken = Client::new().preserve_header_case(true).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| error.to_string())?;
        // How it ends is seen by whoever uses it.
        tokio::spawn(async move { drop(connection.await) });
        link.insert(sender).send_request(request).await.map_err(|error| error.to_string())
    }

    fn unreachable(&self, why: &str) -> Response<Body> {
        let text = format!("music21-mcp-bench record: 'http://{}' does not answer: {why}\n", self.to);
        let mut response =
            Response::new(Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    }

    fn note_logins(&self, headers: &HeaderMap) {
        let is_login = |name: &&HeaderName| {
            [AUTHORIZATION, COOKIE].contains(name)
                || ["key", "token", "secret"].iter().any(|word| name.as_str().contains(word))
        };
        crate::lock::lock(&self.logins).extend(headers.keys().filter(is_login).map(ToString::to_string));
    }
}

/// One request and its answer.
#[derive(Debug, Clone)]
struct Exchange {
    relay: Arc<Relay>,
    number: u64,
}

impl Exchange {
    fn tell(&self, part: Part) {
        // Nobody listens any more where the recording is over.
        let _ = self.relay.tell.send(Some((self.number, part, self.relay.began.elapsed())));
    }

    fn answer(self, reply: Response<Incoming>) -> Response<Body> {
        let (mut parts, body) = reply.into_parts();
        let text =
            |name| parts.headers.get(name).map(|value: &HeaderValue| value.as_bytes().to_ascii_lowercase());
        let is_stream = text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with(b"text/event-stream"));
        let is_encoded = text(CONTENT_ENCODING).is_some_and(|encoding| encoding != b"identity");
        self.tell(Part::Answer { is_stream, is_encoded });
        remove_of_connection(&mut parts.headers);
        let body = Tap { exchange: self, part: Part::Answered, end: || Part::End }.on(body);
        Response::from_parts(parts, body)
    }
}

/// Tells of a body's bytes as they pass, and of its end once it is gone.
struct Tap {
    exchange: Exchange,
    part: fn(Vec<u8>) -> Part,
    end: fn() -> Part,
}

impl Tap {
    fn on(self, body: Incoming) -> Body {
        let tapped = body.map_frame(move |frame| {
            if let Some(data) = frame.data_ref() {
                self.exchange.tell((self.part)(data.to_vec()));
            }
            frame
        });
        tapped.boxed_unsync()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.exchange.tell((self.end)());
    }
}

fn remove_of_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_A_CONNECTION.iter().chain(&named) {
        headers.remove(name);
    }
}
