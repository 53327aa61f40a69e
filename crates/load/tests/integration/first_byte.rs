//! When a reply begins to arrive, over each transport.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use music21_mcp_bench::client::{ClientOptions, Music21Client};
use music21_mcp_bench::server::{ServerOptions, ServerSpec, ServerUnderTest};
use music21_mcp_embedded::{Config, HttpOptions};
use serde_json::{Map, Value, json};

use crate::run::PROGRAM;
use crate::server_start::http;

/// Long enough that only a defect reaches it.
const PATIENT: Duration = Duration::from_secs(60);
/// How long a tool works.
const WORK: Duration = Duration::from_millis(50);

fn slow() -> Config {
    Config { faults: vec!["delay=50ms,tool=health_check".parse().unwrap()], ..Config::default() }
}

/// From the request to the first byte of the slow tool's answer; `None` where none comes in bytes.
async fn first_byte(spec: ServerSpec, options: ServerOptions) -> Option<Duration> {
    let session = ServerUnderTest::start(spec, options).await.unwrap().session().await.unwrap();
    let reply = session.health_check(PATIENT).await;
    assert!(reply.is_ok(), "{reply:?}");
    session.close().await;
    let first = reply.first_byte?;
    assert!(first <= reply.received.unwrap(), "{reply:?}");
    Some(first - reply.sent.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_begins_no_sooner_than_the_work_is_done() {
    let json = HttpOptions { sessions: false, json_response: true, ..HttpOptions::default() };
    let (url, _guard) = http(slow(), json).await;
    let stdio = format!("'{PROGRAM}' serve --stdio --fault delay=50ms,tool=health_check");
    for spec in [ServerSpec::Url(url), stdio.parse().unwrap()] {
        let first = first_byte(spec.clone(), ServerOptions::default()).await.unwrap();
        assert!(first >= WORK, "{spec}: the first byte after {first:?}");
    }
    let options = ServerOptions { embedded: slow(), ..ServerOptions::default() };
    assert_eq!(first_byte(ServerSpec::InProcess, options).await, None, "within the process no byte comes");
}

/// A server that pings the client before it answers, and says when the client has replied: by then it has the head.
struct Pings {
    ponged: Sender<Instant>,
    /// For the connection that the answer goes out on.
    pongs: Mutex<Receiver<Instant>>,
    told: Sender<Instant>,
}

impl Pings {
    fn start() -> (String, Receiver<Instant>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let ((ponged, pongs), (told, tells)) = (channel(), channel());
        let server = Arc::new(Self { ponged, pongs: Mutex::new(pongs), told });
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.serve(stream.unwrap()));
            }
        });
        (url, tells)
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut input = BufReader::new(stream.try_clone().unwrap());
        while let Some(message) = message(&mut input) {
            let id = &message["id"];
            match message["method"].as_str() {
                Some("initialize") => {
                    let result = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": { "name": "p" } });
                    let body = json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
                    write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
                }
                Some("tools/call") => {
                    let ping = json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" });
                    let head =
                        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
                    write!(stream, "{head}data: {ping}\n\n").unwrap();
                    self.told.send(self.pongs.lock().unwrap().recv().unwrap()).unwrap();
                    let result = json!({ "content": [{ "type": "text", "text": "done" }] });
                    write!(stream, "data: {}\n\n", json!({ "jsonrpc": "2.0", "id": id, "result": result }))
                        .unwrap();
                    return;
                }
                method => {
                    if method.is_none() {
                        self.ponged.send(Instant::now()).unwrap();
                    }
                    write!(stream, "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").unwrap();
                }
            }
        }
    }
}

/// The next message on a connection; `None` at its end.
fn message(input: &mut impl BufRead) -> Option<Value> {
    let head: Vec<String> = input.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().unwrap()];
    input.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_begins_with_its_head_and_not_with_the_answer() {
    let (url, told) = Pings::start();
    let client = Music21Client::connect(&url, &ClientOptions::default()).await.unwrap();
    let reply = client.call("any", Map::new(), PATIENT).await;
    assert!(reply.is_ok(), "{reply:?}");
    let ponged = told.recv().unwrap();
    assert!(reply.first_byte.unwrap() <= ponged && ponged <= reply.received.unwrap(), "{reply:?}");
}
