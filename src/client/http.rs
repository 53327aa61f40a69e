//! Streamable HTTP: one POST a call, its reply in JSON or in an event stream, over connections kept by the session.
//!
//! Everything a call needs arrives with its own reply; what a server asks outside of calls is heard in `listen.rs`.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use tokio::sync::OnceCell;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::frame::Response;
use super::http_reply::{self, Reading};
use super::listen;
use super::mirror;
use super::rest::{DRAIN, Rest};
use super::session_headers::SessionHeaders;
use super::violations::Counters;
use super::wire::{ClientOptions, Failure, Outgoing};
use crate::client::Outcome;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How soon a kept connection that the server has closed meanwhile shows it.
const STALE: Duration = Duration::from_secs(1);
/// Instead of a deadline that no clock shows.
const NEVER: Duration = Duration::from_secs(1 << 30);

/// A reply's head, and the connection that its body comes on.
type Sent = Result<(Connection, http::Response<hyper::body::Incoming>), Failure>;

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
    idle: Mutex<Vec<Connection>>,
    /// Where the next reply is put together.
    buffer: Mutex<BytesMut>,
    /// Connections whose answer has been read and whose stream goes on.
    pub draining: AtomicUsize,
    connect_timeout: Duration,
    /// What goes with each request.
    headers: SessionHeaders,
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
            headers: SessionHeaders::new(&endpoint.host, &options.headers),
            endpoint,
            moved: OnceLock::new(),
            idle: Mutex::default(),
            buffer: Mutex::default(),
            draining: AtomicUsize::new(0),
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
            self.post.headers.set_version(value);
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
        self.post.headers.has_session() && *self.listens.get_or_init(|| listen::open(&self.post)).await
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
        if self.post.headers.has_session() {
            let delete = self.post.send(|| self.post.request(Method::DELETE, Bytes::new()), Instant::now());
            // A server that does not answer keeps its session; there is no more we can do.
            let _ = tokio::time::timeout(within, delete).await;
        }
    }
}

impl Post {
    /// A block and not an `async fn`, which would keep what it is given twice: a call's future is small enough for the
    /// allocator's fast path so.
    fn exchange(
        self: Arc<Self>,
        outgoing: Outgoing,
        sent: Instant,
    ) -> impl Future<Output = Result<Response, Failure>> {
        let Outgoing { id, headers, frame } = outgoing;
        async move {
            let request = || {
                let mut request = self.request(Method::POST, frame.clone());
                request.headers_mut().extend(headers.iter().cloned());
                request
            };
            let (mut connection, reply) = self.send_where_it_is(request, sent).await?;
            let first_byte = Some(Instant::now());
            self.headers.learn_session(reply.headers());
            let has_session = self.headers.has_session();
            let reading = Reading { post: &self, connection: &mut connection, id };
            let (response, rest) = http_reply::read(reading, reply, has_session).await?;
            self.release(connection, rest);
            Ok(Response { first_byte, ..response.answering_what_was_sent(sent) })
        }
    }

    async fn notify(self: &Arc<Self>, method: &str, frame: Bytes) -> Result<(), Failure> {
        let request = || self.request(Method::POST, frame.clone());
        let (mut connection, reply) = self.send(request, Instant::now()).await?;
        let status = reply.status();
        let is_stream = http_reply::is_stream(reply.headers());
        let mut body = reply.into_body();
        if status.is_success() && is_stream {
            // There is no answer to wait for, and some servers leave it open.
            self.release(connection, Some(Rest::of_nothing(body)));
            return Ok(());
        }
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
    pub(super) async fn send_off(self: &Arc<Self>, method: &str, frame: Bytes) {
        let sent = tokio::time::timeout(DRAIN, self.notify(method, frame));
        let _ = self.ended.run_until_cancelled(sent).await;
    }

    pub(super) fn request(&self, method: Method, body: Bytes) -> Request<Full<Bytes>> {
        let headers = self.headers.copy(body.len());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.moved.get().unwrap_or(&self.endpoint.path).clone().into();
        *request.headers_mut() = headers;
        request
    }

    /// As [`Self::send`], and where the server redirects it, once more there.
    async fn send_where_it_is(&self, request: impl Fn() -> Request<Full<Bytes>>, now: Instant) -> Sent {
        let (connection, reply) = self.send(&request, now).await?;
        if !self.follow(&reply) {
            return Ok((connection, reply));
        }
        // On a connection of its own: the body of the redirect is not read.
        Box::pin(self.send_anew(request())).await
    }

    /// Sends a request and waits for its reply's head: once more on a new connection where a kept one was closed without a
    /// byte of an answer, as servers close them at any time. `now` is the caller's, who has read the clock.
    async fn send(&self, request: impl Fn() -> Request<Full<Bytes>>, now: Instant) -> Sent {
        let Some(mut kept) = self.kept(now).await else { return Box::pin(self.send_anew(request())).await };
        let closed = match kept.send(request()).await {
            Ok(reply) => {
                self.headers.learn_cookies(reply.headers());
                return Ok((kept, reply));
            }
            // Later than that the server has taken the request, and it is the call that was lost.
            Err(failure) if failure.outcome == Outcome::TransportClosed && now.elapsed() < STALE => failure,
            Err(failure) => return Err(failure),
        };
        Box::pin(async {
            let new = self.new_connection().await.map_err(|_| closed)?;
            Counters::add(&self.counters.resent);
            self.send_first(new, request()).await
        })
        .await
    }

    /// On a new connection. In a box where it is called: it is rare, and without one every call would have room for it.
    async fn send_anew(&self, request: Request<Full<Bytes>>) -> Sent {
        let new = self.new_connection().await?;
        self.send_first(new, request).await
    }

    async fn send_first(&self, mut new: Connection, request: Request<Full<Bytes>>) -> Sent {
        let reply = new.send(request).await?;
        self.headers.learn_cookies(reply.headers());
        Ok((new, reply))
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
    pub(super) async fn get(&self, last_id: Option<&Bytes>) -> Sent {
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
        if !redirect || self.headers.has_version() {
            return false;
        }
        let location = reply.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let path = location.and_then(|location| self.endpoint.redirected(location));
        path.is_some_and(|path| self.moved.set(path).is_ok())
    }
}
