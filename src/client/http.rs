//! Streamable HTTP: one POST a call, its reply in JSON or in an event stream, over connections kept by the session.
//!
//! Everything a call needs arrives with its own reply; what a server asks outside of calls is heard in `listen.rs`.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use tokio::sync::OnceCell;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connection::Connection;
use super::cookies::Cookies;
use super::endpoint::Endpoint;
use super::frame::Response;
use super::http_reply::{self, Reading};
use super::listen;
use super::mirror;
use super::rest::DRAIN;
use super::wire::{ClientOptions, Counters, Failure, Outgoing};
use crate::client::Outcome;

pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How soon a kept connection that the server has closed meanwhile shows it.
const STALE: Duration = Duration::from_secs(1);
/// Instead of a deadline that no clock shows.
const NEVER: Duration = Duration::from_secs(1 << 30);

/// A session with a server behind a URL.
pub(super) struct HttpWire {
    pub(super) post: Arc<Post>,
    /// Whether the server has a stream to listen on, once somebody asked for it.
    listens: OnceCell<bool>,
    /// Ends the exchanges nobody waits for any more.
    _end: DropGuard,
}

/// What an exchange needs; it may outlive its call and even its session.
pub(super) struct Post {
    endpoint: Endpoint,
    /// Where the server redirected the first request to.
    moved: OnceLock<PathAndQuery>,
    session: OnceLock<HeaderValue>,
    version: OnceLock<HeaderValue>,
    idle: Mutex<Vec<Connection>>,
    /// Where the next reply is put together.
    buffer: Mutex<BytesMut>,
    /// Connections whose answer has been read and whose stream goes on.
    pub draining: AtomicUsize,
    cookies: Cookies,
    connect_timeout: Duration,
    /// What goes with each request, whatever the session: also what the user adds.
    headers: HeaderMap,
    pub max_reply_bytes: usize,
    pub counters: Arc<Counters>,
    pub ended: CancellationToken,
}

impl HttpWire {
    /// Looks the host up; connections are opened by the calls that need them.
    pub(super) async fn open(
        url: &str,
        options: &ClientOptions,
        counters: Arc<Counters>,
    ) -> Result<Self, Failure> {
        let ended = CancellationToken::new();
        let endpoint = Endpoint::resolve(url, options.authorities.as_deref()).await?;
        let post = Post {
            headers: common_headers(&endpoint, &options.headers),
            endpoint,
            moved: OnceLock::new(),
            session: OnceLock::new(),
            version: OnceLock::new(),
            idle: Mutex::default(),
            buffer: Mutex::default(),
            draining: AtomicUsize::new(0),
            cookies: Cookies::default(),
            connect_timeout: options.connect_timeout,
            max_reply_bytes: options.max_reply_bytes,
            counters,
            ended: ended.clone(),
        };
        Ok(Self { post: Arc::new(post), listens: OnceCell::new(), _end: ended.drop_guard() })
    }

    /// The protocol revision every later request names.
    pub(super) fn set_version(&self, version: &rmcp::model::ProtocolVersion) {
        if let Some((_, value)) = mirror::version(version) {
            // A session has one handshake.
            let _ = self.post.version.set(value);
        }
    }

    pub(super) async fn exchange(&self, request: Outgoing, deadline: Duration) -> Result<Response, Failure> {
        // Read once, for the beginning and the deadline: it takes a percent of a small call's CPU time on a virtual machine.
        let sent = tokio::time::Instant::now();
        let mut exchange = Box::pin(Arc::clone(&self.post).exchange(request, sent.into_std()));
        let end = sent.checked_add(deadline).unwrap_or(sent + NEVER);
        if let Ok(result) = tokio::time::timeout_at(end, &mut exchange).await {
            return result;
        }
        let post = Arc::clone(&self.post);
        // Nothing is since that ends some servers; closing the connection would be a way of doing it.
        tokio::spawn(async move {
            let ended = post.ended.clone();
            if let Some(Ok(_)) = ended.run_until_cancelled(exchange).await {
                Counters::add(&post.counters.late);
            }
        });
        Err(Failure::timed_out(deadline))
    }

    pub(super) async fn notify(&self, method: &'static str, frame: Bytes) -> Result<(), Failure> {
        self.post.notify(method, frame).await
    }

    /// Hears what the server asks outside of calls, where it keeps sessions and has a stream for that; says whether so.
    pub(super) async fn listen(&self) -> bool {
        self.post.session.get().is_some() && *self.listens.get_or_init(|| listen::open(&self.post)).await
    }

    /// A failed handshake, named as what it is where the server has only the transport that this one replaced.
    pub(super) async fn explain(&self, failure: Failure) -> Failure {
        let fits = [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
        if failure.status.is_none_or(|status| !fits.contains(&status))
            || !listen::is_old_transport(&self.post).await
        {
            return failure;
        }
        let message = "this is the old HTTP+SSE transport (protocol 2024-11-05), which is not supported; \
                       most servers serve streamable HTTP as well, at /mcp or by an option";
        Failure::new(Outcome::ProtocolError, message)
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.post.counters
    }

    /// Ends the session on the server (DELETE), where it keeps one.
    pub(super) async fn close(&self, within: Duration) {
        if self.post.session.get().is_some() {
            let delete = self.post.send(|| self.post.request(Method::DELETE, Bytes::new()), Instant::now());
            // A server that does not answer keeps its session; there is no more we can do.
            let _ = tokio::time::timeout(within, delete).await;
        }
    }
}

fn common_headers(endpoint: &Endpoint, added: &HeaderMap) -> HeaderMap {
    // As many as there usually are in the end: a map that grows is built twice, and so are its copies.
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(header::HOST, endpoint.host.clone());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.extend(added.iter().map(|(name, value)| (name.clone(), value.clone())));
    headers
}

impl Post {
    async fn exchange(self: Arc<Self>, outgoing: Outgoing, sent: Instant) -> Result<Response, Failure> {
        let request = || {
            let mut request = self.request(Method::POST, outgoing.frame.clone());
            request.headers_mut().extend(outgoing.headers.iter().cloned());
            request
        };
        let (mut connection, mut reply) = self.send(request, sent).await?;
        if self.follow(&reply) {
            // On a connection of its own: the body of the redirect is not read.
            connection = self.new_connection().await?;
            reply = self.send_on(&mut connection, request()).await?;
        }
        self.learn_session(&reply);
        let has_session = self.session.get().is_some();
        let reading = Reading { post: &self, connection: &mut connection, id: outgoing.id };
        let (response, rest) = http_reply::read(reading, reply, has_session).await?;
        self.release(connection, rest);
        Ok(response.answering_what_was_sent(sent))
    }

    async fn notify(&self, method: &str, frame: Bytes) -> Result<(), Failure> {
        let request = || self.request(Method::POST, frame.clone());
        let (mut connection, reply) = self.send(request, Instant::now()).await?;
        let status = reply.status();
        let mut body = reply.into_body();
        let mut beginning = Bytes::new();
        while let Some(chunk) = connection.chunk(&mut body).await? {
            if beginning.is_empty() {
                beginning = chunk;
            }
        }
        self.keep(connection);
        if status.is_success() {
            return Ok(());
        }
        let message = format!("HTTP {} to {method}: {}", status.as_u16(), http_reply::quote(&beginning));
        Err(Failure::new(Outcome::ProtocolError, message))
    }

    /// Sends what nobody waits for: whether it arrives is the server's affair.
    pub(super) async fn send_off(&self, method: &str, frame: Bytes) {
        let sent = tokio::time::timeout(DRAIN, self.notify(method, frame));
        let _ = self.ended.run_until_cancelled(sent).await;
    }

    pub(super) fn request(&self, method: Method, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.moved.get().unwrap_or(&self.endpoint.path).clone().into();
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        if let Some(session) = self.session.get() {
            headers.insert(SESSION_ID, session.clone());
        }
        if let Some(version) = self.version.get() {
            headers.insert(mirror::VERSION, version.clone());
        }
        self.cookies.add(headers);
        request
    }

    /// Sends a request and waits for its reply's head: once more on a new connection where a kept one was closed without a
    /// byte of an answer, as servers close them at any time. `now` is the caller's, who has read the clock.
    async fn send(
        &self,
        request: impl Fn() -> Request<Full<Bytes>>,
        now: Instant,
    ) -> Result<(Connection, http::Response<hyper::body::Incoming>), Failure> {
        let mut closed = None;
        if let Some(mut kept) = self.kept(now).await {
            match self.send_on(&mut kept, request()).await {
                // Later than that the server has taken the request, and it is the call that was lost.
                Err(failure) if failure.outcome == Outcome::TransportClosed && now.elapsed() < STALE => {
                    closed = Some(failure);
                }
                result => return result.map(|reply| (kept, reply)),
            }
        }
        let new = self.new_connection().await;
        let mut new = new.map_err(|failure| closed.clone().unwrap_or(failure))?;
        if closed.is_some() {
            Counters::add(&self.counters.resent);
        }
        let reply = self.send_on(&mut new, request()).await?;
        Ok((new, reply))
    }

    async fn send_on(
        &self,
        connection: &mut Connection,
        request: Request<Full<Bytes>>,
    ) -> Result<http::Response<hyper::body::Incoming>, Failure> {
        let reply = connection.send(request).await?;
        self.cookies.learn(reply.headers());
        Ok(reply)
    }

    /// Goes on with an event stream behind its last event.
    pub(super) async fn resume(
        &self,
        last_id: &Bytes,
    ) -> Result<(Connection, hyper::body::Incoming), Failure> {
        let (connection, reply) = self.get(Some(last_id)).await?;
        if reply.status().is_success() {
            return Ok((connection, reply.into_body()));
        }
        let message = format!("HTTP {} to resuming the event stream", reply.status().as_u16());
        Err(Failure::new(Outcome::TransportClosed, message))
    }

    /// Asks for an event stream: a new one, or what follows an event.
    pub(super) async fn get(
        &self,
        last_id: Option<&Bytes>,
    ) -> Result<(Connection, http::Response<hyper::body::Incoming>), Failure> {
        let request = || {
            let mut request = self.request(Method::GET, Bytes::new());
            request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
            let id = last_id.and_then(|id| HeaderValue::from_bytes(id).ok());
            request.headers_mut().extend(id.map(|id| (LAST_EVENT_ID, id)));
            request
        };
        self.send(request, Instant::now()).await
    }

    /// An idle connection that is still open.
    async fn kept(&self, now: Instant) -> Option<Connection> {
        while let Some(mut connection) = self.take_idle() {
            if connection.is_usable(now).await {
                return Some(connection);
            }
        }
        None
    }

    pub(super) async fn new_connection(&self) -> Result<Connection, Failure> {
        Connection::open(&self.endpoint, self.connect_timeout).await
    }

    pub(super) fn take_buffer(&self) -> BytesMut {
        std::mem::take(&mut self.buffer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn keep_buffer(&self, buffer: BytesMut) {
        *self.buffer.lock().unwrap_or_else(PoisonError::into_inner) = buffer;
    }

    fn take_idle(&self) -> Option<Connection> {
        self.idle().pop()
    }

    pub(super) fn keep(&self, connection: Connection) {
        self.idle().push(connection);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the reply sends us elsewhere for good; only the session's first request follows, once.
    fn follow<B>(&self, reply: &http::Response<B>) -> bool {
        let redirect =
            [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT].contains(&reply.status());
        if !redirect || self.version.get().is_some() {
            return false;
        }
        let location = reply.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let path = location.and_then(|location| self.endpoint.redirected(location));
        path.is_some_and(|path| self.moved.set(path).is_ok())
    }

    /// The first reply that names a session decides it.
    fn learn_session<B>(&self, reply: &http::Response<B>) {
        // Later replies repeat the same id.
        if self.session.get().is_none()
            && let Some(session) = reply.headers().get(&SESSION_ID)
        {
            let _ = self.session.set(session.clone());
        }
    }
}
