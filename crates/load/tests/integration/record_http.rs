//! `record --listen` before a server over HTTP: bytes pass unchanged, streams as they come, and sessions become flows.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use music21_mcp_load::result::Definition;

use crate::run::{PROGRAM, text};
use crate::server::Server;

/// A recorder that listens.
struct Recorder {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// Where agents find it.
    url: String,
}

impl Recorder {
    fn before(url: &str, directory: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["record", "--listen", "127.0.0.1:0", "--out", "mine.toml", url])
            .current_dir(directory)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        Self { url: url.unwrap_or_else(|| panic!("{line}")).to_owned(), child, stderr }
    }

    /// Interrupts it, and returns what it said.
    fn end(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        said
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // It has ended but where a test fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A message's first line and its headers, without those of one connection, in order.
fn head(input: &mut impl BufRead) -> Vec<String> {
    let lines = input.lines().map(Result::unwrap).take_while(|line| !line.is_empty());
    lines.collect()
}

fn end_to_end(head: &[String]) -> Vec<String> {
    let of_connection = ["host:", "connection:", "transfer-encoding:", "keep-alive:"];
    let passes = |line: &&String| !of_connection.iter().any(|name| line.to_lowercase().starts_with(name));
    let mut lines: Vec<String> = head.iter().filter(passes).cloned().collect();
    lines.sort();
    lines
}

fn exactly(input: &mut impl Read, head: &[String]) -> Vec<u8> {
    let length = head.iter().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    input.read_exact(&mut body).unwrap();
    body
}

/// One chunk of a body; nothing at its end.
fn chunk(input: &mut impl BufRead) -> Vec<u8> {
    let mut line = String::new();
    input.read_line(&mut line).unwrap();
    let mut data = vec![0; usize::from_str_radix(line.trim(), 16).unwrap() + 2];
    input.read_exact(&mut data).unwrap();
    data.truncate(data.len() - 2);
    data
}

const FIRST: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";
const SECOND: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";
const ODD: &[u8] = b"\xff\x00not text\r\n\r\n";
const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Odd-Case: Kept\r\nTransfer-Encoding: chunked\r\n\r\n";
const ENDED: &str =
    "HTTP/1.1 404 Gone Away\r\nX-Kind: binary\r\nContent-Length: 14\r\nKeep-Alive: timeout=5\r\n\r\n";

/// A server that streams an answer, the second half only once it is told to, and then refuses; it returns what it was sent.
fn scripted(listener: &TcpListener, go_on: &Receiver<()>) -> Vec<(Vec<String>, Vec<u8>)> {
    let (mut stream, _) = listener.accept().unwrap();
    let mut input = BufReader::new(stream.try_clone().unwrap());
    let mut next = || {
        let head = head(&mut input);
        let body = exactly(&mut input, &head);
        (head, body)
    };
    let posted = next();
    write!(stream, "{STREAM}{:x}\r\n{FIRST}\r\n", FIRST.len()).unwrap();
    go_on.recv().unwrap();
    write!(stream, "{:x}\r\n{SECOND}\r\n0\r\n\r\n", SECOND.len()).unwrap();
    let deleted = next();
    stream.write_all(ENDED.as_bytes()).unwrap();
    stream.write_all(ODD).unwrap();
    vec![posted, deleted]
}

#[test]
fn every_byte_passes_both_ways_and_streams_as_they_come() {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let (tell, go_on) = channel();
    let server = std::thread::spawn(move || scripted(&listener, &go_on));
    let recorder = Recorder::before(&url, directory.path());
    let address = recorder.url.split('/').nth(2).unwrap().to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let mut input = BufReader::new(stream.try_clone().unwrap());
    let body = "{ \"jsonrpc\":\"2.0\", \"id\":7,\t\"method\":\"tools/call\", \"params\":{\"name\":\"t\",\"arguments\":{\"π\":1.0}}}\r\n";
    let posted = format!(
        "POST /mcp?key=k%20k HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer s3cret\r\nMcp-Session-Id: one\r\n\
         X-Mixed-Case: A  b\r\nConnection: keep-alive\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(posted.as_bytes()).unwrap();
    let answered = head(&mut input);
    assert_eq!(
        end_to_end(&answered),
        end_to_end(&STREAM.lines().map(str::to_owned).collect::<Vec<_>>()[..3])
    );
    // The second half is not written yet.
    assert_eq!(chunk(&mut input), FIRST.as_bytes());
    tell.send(()).unwrap();
    assert_eq!(chunk(&mut input), SECOND.as_bytes());
    assert_eq!(chunk(&mut input), b"");
    let deleted = format!("DELETE /mcp HTTP/1.1\r\nHost: {address}\r\nMcp-Session-Id: one\r\n\r\n");
    stream.write_all(deleted.as_bytes()).unwrap();
    let refused = head(&mut input);
    assert!(
        refused[0].starts_with("HTTP/1.1 404") && refused.contains(&"X-Kind: binary".to_owned()),
        "{refused:?}"
    );
    assert_eq!(exactly(&mut input, &refused), ODD);
    let got = server.join().unwrap();
    let sent = |text: &str| {
        end_to_end(&text.split("\r\n\r\n").next().unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(end_to_end(&got[0].0), sent(&posted));
    assert_eq!(got[0].1, body.as_bytes());
    assert_eq!(end_to_end(&got[1].0), sent(&deleted));
    assert!(
        got[0].0.iter().any(|line| *line == format!("Host: {}", &url[7..url.len() - 4])),
        "{:?}",
        got[0].0
    );
    let said = recorder.end();
    assert!(
        said.contains("wrote 1 calls to mine.toml") && said.contains("'authorization', which is not"),
        "{said}"
    );
    let file = std::fs::read_to_string(directory.path().join("mine.toml")).unwrap();
    assert!(file.contains("name") && !file.contains("s3cret") && !said.contains("s3cret"), "{file}");
}

const AGENTS: &str = r#"
name = "agents"
[[stages]]
name = "s"
clients = 2
calls = 6
[[stages.workload.flows]]
steps = [
  { tool = "import_score", arguments = { score_id = "mine-{{client}}", source = "C4 E4 G4", source_type = "text" } },
  { tool = "key_analysis", arguments = { score_id = "mine-{{client}}" } },
  { tool = "delete_score", arguments = { score_id = "mine-{{client}}" } },
]
"#;

#[test]
fn what_agents_did_in_their_sessions_is_done_again() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&[]);
    let recorder = Recorder::before(&server.url, directory.path());
    std::fs::write(directory.path().join("agents.toml"), AGENTS).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(PROGRAM)
            .arg("run")
            .args(arguments)
            .args(["--quiet", "--json"])
            .current_dir(directory.path())
            .output()
            .unwrap();
        let result: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
        let ended = result["scenarios"][0]["stages"][0]["accounts"]["ended"].clone();
        assert_eq!(ended.as_object().unwrap().keys().collect::<Vec<_>>(), ["ok"], "{ended}");
    };
    run(&["agents.toml", "--server", &recorder.url, "--listen"]);
    let said = recorder.end();
    assert!(said.contains("of 2 sessions to mine.toml"), "{said}");
    let file = std::fs::read_to_string(directory.path().join("mine.toml")).unwrap();
    let definition = Definition::from_toml(&file).unwrap();
    assert_eq!((definition.server.as_deref(), definition.stages[0].clients), (Some(&*server.url), 2));
    // The session that looks at the server lists its tools.
    let called = ["import_score", "key_analysis", "delete_score"];
    for flow in &definition.stages[0].workload.flows {
        let tools: Vec<&str> =
            flow.steps.iter().map(|step| &*step.tool).filter(|tool| !tool.is_empty()).collect();
        assert!(tools.iter().zip(called.iter().cycle()).all(|(tool, called)| tool == called), "{tools:?}");
    }
    run(&["mine.toml", "--duration", "1"]);
}

#[test]
fn what_is_no_url_and_a_server_that_is_not_there_are_told() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, why) in [
        (
            &["--listen", "127.0.0.1:0", "https://host/mcp?key=s3cret"][..],
            "'https://host/mcp?key=…' is not http://",
        ),
        (&["--listen", "127.0.0.1:0", "server", "--stdio"], "there is more than one word"),
        (&["http://127.0.0.1:1/mcp"], "needs --listen"),
    ] {
        let mut record = Command::new(PROGRAM);
        record.args(["record", "--out", "mine.toml"]).args(arguments).current_dir(directory.path());
        let output = record.output().unwrap();
        assert!(
            output.status.code() == Some(2) && text(&output.stderr).contains(why),
            "{}",
            text(&output.stderr)
        );
    }
    let recorder = Recorder::before("http://127.0.0.1:1/mcp", directory.path());
    let mut stream = TcpStream::connect(recorder.url.split('/').nth(2).unwrap()).unwrap();
    write!(stream, "GET /mcp HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 502") && answer.contains("'http://127.0.0.1:1' does not answer"),
        "{answer}"
    );
    assert!(recorder.end().contains("called nothing"));
}
