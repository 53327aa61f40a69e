//! The lower bounds of every transport: the same bytes over TCP alone, and over hyper alone.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// What a health check sends, id aside.
const REQUEST: &str =
    r#"{"jsonrpc":"2.0","id":12345,"method":"tools/call","params":{"name":"health_check","arguments":{}}}"#;

/// Bytes there and back over a loopback connection, and nothing else.
pub(crate) struct TcpBound {
    stream: Mutex<TcpStream>,
}

impl TcpBound {
    /// Connects to an echo of its own.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the client connects");
            stream.set_nodelay(true).expect("a TCP socket");
            let mut buffer = [0; REQUEST.len()];
            while stream.read_exact(&mut buffer).is_ok() && stream.write_all(&buffer).is_ok() {}
        });
        let stream = TcpStream::connect(address).await.expect("the echo listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self { stream: Mutex::new(stream) }
    }

    pub(crate) async fn ping(&self) {
        let mut stream = self.stream.lock().await;
        stream.write_all(REQUEST.as_bytes()).await.expect("the echo reads");
        stream.read_exact(&mut [0; REQUEST.len()]).await.expect("the echo answers");
    }
}

/// One connection of hyper's, kept until its sender is dropped.
pub(crate) async fn connect(address: SocketAddr) -> http1::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("the null server listens");
    stream.set_nodelay(true).expect("a TCP socket");
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("no byte is sent yet");
    tokio::spawn(connection);
    sender
}

/// The POST of a health check by hyper alone: no protocol, no answer looked at.
pub(crate) struct HyperBound {
    sender: Mutex<http1::SendRequest<Full<Bytes>>>,
    host: String,
}

impl HyperBound {
    pub(crate) async fn start(address: SocketAddr) -> Self {
        Self { sender: Mutex::new(connect(address).await), host: address.to_string() }
    }

    /// Returns the size of the answer.
    pub(crate) async fn post(&self) -> usize {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/mcp")
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from_static(REQUEST.as_bytes())))
            .expect("constant parts");
        let reply = self.sender.lock().await.send_request(request).await.expect("the null server answers");
        reply.into_body().collect().await.expect("a whole body").to_bytes().len()
    }
}
