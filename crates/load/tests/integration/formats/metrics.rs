//! `run --metrics`, read by a real Prometheus while the run goes on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::run::Bench;
use crate::skip::skip;
use crate::wait::until_it;

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Asked and not killed: a run has a server to end. One that has ended is what we want.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

/// A run and where its metrics are.
fn run_with_metrics() -> (Bench, Running, String) {
    // Longer than anybody waits for it: on a busy machine Prometheus is slow to start.
    let bench = Bench::new(&["tools", "--duration", "600", "--metrics", "127.0.0.1:0"]);
    let mut child = Running(bench.command().stdout(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines();
    let line = lines.find_map(|line| Some(line.ok()?.strip_prefix("metrics: http://")?.to_owned()));
    let address = line.expect("it says where").strip_suffix("/metrics").unwrap().to_owned();
    (bench, child, address)
}

/// The body of an answer; empty where nobody listens yet.
fn get(address: &str, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    // An answer cut off is asked for again.
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// Asks again until the answer holds what is wanted.
fn wait_for(child: &mut Running, address: &str, path: &str, wanted: &str) -> String {
    until_it(&mut child.0, wanted, || Some(get(address, path)).filter(|answer| answer.contains(wanted)))
}

#[test]
fn the_stage_under_way_is_told_before_it_ends() {
    let (_bench, mut child, address) = run_with_metrics();
    let answer = wait_for(&mut child, &address, "/metrics", "outcome=\"ok\"");
    assert!(answer.contains("music21_mcp_calls_total{scenario=\"tools\",stage=\"one client\","), "{answer}");
    assert!(get(&address, "/").starts_with("HTTP/1.1 404"));
}

#[test]
fn a_real_prometheus_scrapes_a_run() {
    let directory = tempfile::tempdir().unwrap();
    if Command::new("prometheus").arg("--version").output().is_err() {
        return skip("no-prometheus", "Debian's package prometheus");
    }
    let (_bench, mut child, address) = run_with_metrics();
    wait_for(&mut child, &address, "/metrics", "outcome=\"ok\"");
    let config = directory.path().join("prometheus.yml");
    let text = format!(
        "scrape_configs:\n- job_name: bench\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  static_configs:\n  - targets: ['{address}']\n"
    );
    std::fs::write(&config, text).unwrap();
    // Free until somebody else takes it, which a run of these tests does not.
    let own = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let prometheus = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
        .arg(format!("--web.listen-address={own}"))
        .arg("--log.level=warn")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut prometheus = Running(prometheus);
    let query = "/api/v1/query?query=sum(music21_mcp_calls_total%7Boutcome%3D%22ok%22%7D)%20%3E%200";
    let answer = wait_for(&mut prometheus, &own.to_string(), query, "\"value\":[");
    assert!(answer.contains("\"status\":\"success\""), "{answer}");
}
