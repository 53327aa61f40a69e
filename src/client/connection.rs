//! One HTTP/1.1 connection, driven by the call that uses it.
//!
//! Hyper splits a connection into a sender and a driver that is meant for a task of its own. Polling the
//! driver from the call instead saves two task switches a call.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::endpoint::Endpoint;
use super::stream::Stream;
use super::wire::Failure;
use crate::client::Outcome;

/// An open connection with no exchange under way, or the one exchange that borrows it.
pub(super) struct Connection {
    /// When the last exchange began.
    used: Instant,
    sender: http1::SendRequest<Full<Bytes>>,
    /// In a box, because a connection goes from hand to hand in each call, and this is the large part of it.
    driver: Box<http1::Connection<TokioIo<Stream>, Full<Bytes>>>,
}

/// Where exchanges follow each other so closely, what the driver knew at the end of the last is enough: to ask it again is
/// three percent of the instructions of a small call.
const FRESH: Duration = Duration::from_millis(5);
/// The shortest keep-alive time of servers in use is a second or more (uvicorn's is five).
const UNSURE: Duration = Duration::from_millis(500);

impl Connection {
    /// Connects to the first address that answers.
    pub(super) async fn open(endpoint: &Endpoint, within: Duration) -> Result<Self, Failure> {
        let refused = |error: String| Failure::new(Outcome::ConnectError, error);
        let stream = match tokio::time::timeout(within, Stream::open(endpoint)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(refused(format!("cannot connect: {error}"))),
            Err(_) => return Err(refused(format!("no connection within {within:?}"))),
        };
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, driver) = handshake.map_err(|error| refused(format!("cannot connect: {error}")))?;
        Ok(Self { used: Instant::now(), sender, driver: Box::new(driver) })
    }

    /// Whether it still is open, for an exchange that begins now. The server may have closed it meanwhile.
    pub(super) async fn is_usable(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(std::mem::replace(&mut self.used, now));
        if since < FRESH && self.sender.is_ready() {
            return true;
        }
        if since > UNSURE {
            // Where the runtime stood still (between two benches, say), it has yet to hear of the close:
            // a yield lets it ask the system first. Not for each call: it costs a microsecond.
            tokio::task::yield_now().await;
        }
        let ended = poll_fn(|context| Poll::Ready(Pin::new(&mut self.driver).poll(context).is_ready())).await;
        !ended && self.sender.is_ready()
    }

    /// Sends the request and waits for the reply's head.
    pub(super) fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> impl Future<Output = Result<Response<Incoming>, Failure>> {
        let Self { sender, driver, .. } = self;
        drive(driver, sender.send_request(request))
    }

    /// The next chunk of a reply's body; `None` at its end.
    pub(super) async fn chunk(&mut self, body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
        let next = async { body.frame().await.transpose() };
        let frame = drive(&mut self.driver, next).await?;
        // Trailers carry nothing for us: an empty chunk.
        Ok(frame.map(|frame| frame.into_data().unwrap_or_default()))
    }
}

/// Polls the driver beside what waits for it. Once the driver has ended, what it left is taken and the rest is an error.
async fn drive<T>(
    driver: &mut http1::Connection<TokioIo<Stream>, Full<Bytes>>,
    waiting: impl Future<Output = hyper::Result<T>>,
) -> Result<T, Failure> {
    let mut waiting = pin!(waiting);
    poll_fn(|context| {
        if let Poll::Ready(result) = waiting.as_mut().poll(context) {
            return Poll::Ready(result.map_err(|error| failure(&error)));
        }
        let Poll::Ready(ended) = Pin::new(&mut *driver).poll(context) else {
            return waiting.as_mut().poll(context).map_err(|error| failure(&error));
        };
        Poll::Ready(match (waiting.as_mut().poll(context), ended) {
            (Poll::Ready(result), _) => result.map_err(|error| failure(&error)),
            (Poll::Pending, Err(error)) => Err(failure(&error)),
            (Poll::Pending, Ok(())) => {
                Err(Failure::new(Outcome::TransportClosed, "the connection was closed"))
            }
        })
    })
    .await
}

/// Bytes that are not HTTP are the server's fault; everything else is the connection's.
fn failure(error: &hyper::Error) -> Failure {
    let outcome = if error.is_parse() { Outcome::ProtocolError } else { Outcome::TransportClosed };
    let mut message = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        message = format!("{message}: {source}");
    }
    Failure::new(outcome, message)
}
