//! An HTTP server that answers the handshake properly and each tool call with bytes from a script.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// What one tool call gets; `{id}` in it becomes the call's id.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Sent as it is.
    pub(crate) bytes: Vec<u8>,
    /// What happens to the connection then.
    pub(crate) then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It stays open for the next request.
    Keep,
    /// It is closed.
    Close,
    /// It stays open and silent.
    Stall,
}

/// A running server; its threads end with the test.
pub(crate) struct Scripted {
    pub(crate) url: String,
    /// The requests' heads and bodies as they came, handshake included.
    pub(crate) requests: Receiver<String>,
}

/// Serves `/mcp`, to which `/old` redirects, `/loop`, which redirects to itself, `/busy`, whose first requests get
/// the script's replies, `/music21`, which has a tool of that server, `/modern`, which speaks 2026-07-28 alone,
/// `/older`, which refuses 2025-11-25, `/open`, which answers notifications with a stream that stays open, and `/sse`,
/// which has the transport of 2024-11-05; a GET gets the next of the script, too.
/// `session_header` goes with the reply to the handshake; it is empty for a server without sessions.
pub(crate) fn start(script: Vec<Step>, session_header: &'static str) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let (seen, requests) = channel();
    let script = Arc::new(Mutex::new(script.into_iter()));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (script, seen) = (Arc::clone(&script), seen.clone());
            std::thread::spawn(move || connection(stream, &script, session_header, &seen));
        }
    });
    Scripted { url, requests }
}

/// Stands among the requests where the client closed a connection on which the server was silent.
pub(crate) const HUNG_UP: &str = "hung up";

/// What a server of the newest protocol answers; `None` for a tool call.
fn modern(body: &str) -> Option<Step> {
    if body.contains("\"initialize\"") {
        let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"no"}}"#;
        return Some(reply("400 Bad Request", "content-type: application/json\r\n", error));
    }
    if body.contains("\"server/discover\"") {
        let result = r#"{"supportedVersions":["2026-07-28"],"serverInfo":{"name":"m"}}"#;
        return Some(json(&format!(r#"{{"jsonrpc":"2.0","id":{{id}},"result":{result}}}"#)));
    }
    let schema = r#"{"type":"object","properties":{"text":{"type":"string","x-mcp-header":"Text"}}}"#;
    let tool = format!(r#"{{"name":"naïve","inputSchema":{schema}}}"#);
    body.contains("\"tools/list\"").then(|| listed(&tool))
}

fn listed(tool: &str) -> Step {
    json(&format!(r#"{{"jsonrpc":"2.0","id":{{id}},"result":{{"tools":[{tool}]}}}}"#))
}

type Script = Mutex<std::vec::IntoIter<Step>>;

fn connection(
    mut stream: TcpStream,
    script: &Script,
    session_header: &str,
    seen: &Sender<String>,
) -> Option<()> {
    let mut input = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (head, body) = request(&mut input)?;
        // The test may not look at the requests at all.
        let _ = seen.send(format!("{head}{body}"));
        let step = if head.starts_with("POST /old ") {
            reply("307 Moved", "location: /mcp\r\n", "")
        } else if head.starts_with("POST /loop ") {
            reply("307 Moved", "location: /loop\r\n", "")
        } else if let Some(busy) =
            head.starts_with("POST /busy ").then(|| script.lock().unwrap().next()).flatten()
        {
            busy
        } else if head.starts_with("POST /sse ") {
            reply("405 Method Not Allowed", "", "")
        } else if head.starts_with("POST /older ") && body.contains("\"2025-11-25\"") {
            let data = r#"{"supported":["2025-06-18"]}"#;
            let error = format!(r#"{{"code":-32602,"message":"no","data":{data}}}"#);
            json(&format!(r#"{{"jsonrpc":"2.0","id":{{id}},"error":{error}}}"#))
        } else if head.starts_with("POST /open ") && body.contains("notifications/initialized") {
            raw("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: open\n\n", Then::Stall)
        } else if let Some(modern) = head.starts_with("POST /modern ").then(|| modern(&body)).flatten() {
            modern
        } else if body.contains("\"tools/list\"") {
            let tool = if head.starts_with("POST /music21 ") { "import_score" } else { "health_check" };
            listed(&format!(r#"{{"name":"{tool}","inputSchema":{{"type":"object"}}}}"#))
        } else if body.contains("\"initialize\"") {
            let result = r#"{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#;
            let json = format!(r#"{{"jsonrpc":"2.0","id":{{id}},"result":{result}}}"#);
            reply("200 OK", &format!("content-type: application/json\r\n{session_header}"), &json)
        } else if body.contains("\"tools/call\"") || head.starts_with("GET ") {
            script.lock().unwrap().next()?
        } else {
            reply("202 Accepted", "", "")
        };
        stream.write_all(&with_id(&step.bytes, &id_in(&body))).ok()?;
        match step.then {
            Then::Keep => {}
            Then::Close => return None,
            Then::Stall => {
                // Until the client hangs up.
                let _ = std::io::copy(&mut input, &mut std::io::sink());
                let _ = seen.send(HUNG_UP.to_owned());
                return None;
            }
        }
    }
}

fn request(input: &mut impl BufRead) -> Option<(String, String)> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

fn id_in(body: &str) -> String {
    let after = body.split_once("\"id\":").map_or("", |(_, after)| after);
    after.chars().take_while(char::is_ascii_digit).collect()
}

/// The id has as many bytes as its place holder, so that content lengths stay right.
fn with_id(bytes: &[u8], id: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    while let Some(at) = memchr::memmem::find(&bytes, b"{id}") {
        bytes.splice(at..at + 4, format!("{id:>4}").into_bytes());
    }
    bytes
}

/// A whole reply with its content length.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Step {
    raw(&format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()), Then::Keep)
}

/// A reply in JSON.
pub(crate) fn json(body: &str) -> Step {
    reply("200 OK", "content-type: application/json\r\n", body)
}

/// A whole event stream, chunked, in one chunk.
pub(crate) fn events(body: &str) -> Step {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked";
    raw(&format!("{head}\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()), Then::Keep)
}

pub(crate) fn raw(bytes: &str, then: Then) -> Step {
    Step { bytes: bytes.as_bytes().to_vec(), then }
}

/// What a sound server answers.
pub(crate) fn healthy() -> String {
    r#"{"jsonrpc":"2.0","id":{id},"result":{"content":[{"type":"text","text":"{\"status\":\"healthy\"}"}]}}"#
        .to_owned()
}
