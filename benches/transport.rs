//! What every call pays before a server does any work: one health check over each transport, growing
//! replies, and many sessions at once, each beside its lower bound (TCP alone, hyper alone).
//!
//! The ids keep the words of the first records (`floor` for lower bound, `http-bare` for the null server), so that these
//! can still be compared with.
//!
//! One thread runs the client, another the servers. At the end: medians and their ratios to the lower bound.

#[path = "support/lower_bound.rs"]
mod lower_bound;
#[path = "support/rmcp_client.rs"]
mod rmcp_client;
#[path = "support/set_up.rs"]
mod set_up;
#[path = "support/thread.rs"]
mod thread;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use lower_bound::{HyperBound, TcpBound};
use music21_mcp_bench::client::{ClientOptions, Music21Client};
use music21_mcp_bench::embedded::{Config, HttpOptions, HttpServer, Server, serve_stdio};
use music21_mcp_bench::server::{ServerOptions, ServerSpec, ServerUnderTest, own_command};
use rmcp_client::RmcpClient;
use thread::{null_server, on_a_thread};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Its one argument makes this program the server at the other end of the stdio bench, so that nothing else is built.
const SERVE: &str = "serve-stdio";
/// No sound call reaches it.
const DEADLINE: Duration = Duration::from_secs(30);
/// The answer of a small tool, of `harmony_analysis` of a chorale and of 20 x 100, and of a large list.
const PAYLOADS: [(&str, usize); 4] =
    [("1-kib", 1 << 10), ("32-kib", 32 << 10), ("400-kib", 400 << 10), ("4-mib", 4 << 20)];
/// Sessions that call at once.
const SESSIONS: [usize; 3] = [1, 10, 100];

async fn check_health(client: &Music21Client) {
    let reply = client.health_check(DEADLINE).await;
    assert!(reply.is_ok(), "the health check ended as {}: {:?}", reply.outcome, reply.message);
}

/// The median of single calls, Criterion's loop left out.
fn median(runtime: &Runtime, calls: usize, mut call: impl AsyncFnMut()) -> Duration {
    let mut times: Vec<Duration> = runtime.block_on(async {
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let start = Instant::now();
            call().await;
            times.push(start.elapsed());
        }
        times
    });
    times.sort_unstable();
    times[calls / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// An embedded server over HTTP, with sessions and events as the real one has them.
fn serve_http() -> String {
    on_a_thread(|tell| async move {
        let bound = HttpServer::bind(Server::new(Config::default()), HttpOptions::default()).await;
        let server = bound.expect("a free port");
        tell.send(server.url()).expect("the bench waits for it");
        server.run(CancellationToken::new()).await;
    })
}

/// The embedded server on standard input and output, until the input ends.
fn serve() {
    // As the program serves.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("threads are to be had");
    let served = runtime.block_on(serve_stdio(&Server::new(Config::default()), CancellationToken::new()));
    served.expect("the bench speaks MCP");
    runtime.shutdown_background();
}

/// The transports with a server behind each, from the nearest to the farthest.
async fn transports() -> Vec<(&'static str, Music21Client)> {
    let stdio = ServerSpec::Command(own_command(&[SERVE]).expect("this program has a file"));
    let mut clients = Vec::new();
    for (name, spec) in
        [("in-process", ServerSpec::InProcess), ("stdio", stdio), ("http", ServerSpec::Url(serve_http()))]
    {
        let target = ServerUnderTest::start(spec, ServerOptions::default()).await;
        let client = target.unwrap_or_else(|error| panic!("{error}")).session().await;
        clients.push((name, client.unwrap_or_else(|error| panic!("{error}"))));
    }
    clients.push(("http-bare", connect(&format!("http://{}/mcp", null_server(100))).await));
    for (_, client) in &clients {
        check_health(client).await;
    }
    clients
}

fn health_check(criterion: &mut Criterion, runtime: &Runtime, calls: usize, lines: &mut Vec<String>) {
    let tcp = runtime.block_on(TcpBound::start());
    let hyper = runtime.block_on(HyperBound::start(null_server(100)));
    let rmcp = runtime.block_on(RmcpClient::connect(null_server(100)));
    let clients = runtime.block_on(transports());
    let mut group = criterion.benchmark_group("transport");
    group.throughput(Throughput::Elements(1));
    let ping = async || tcp.ping().await;
    let post = async || _ = hyper.post().await;
    group.bench_function("tcp-floor", |bencher| bencher.to_async(runtime).iter(ping));
    group.bench_function("hyper-floor", |bencher| bencher.to_async(runtime).iter(post));
    let by_rmcp = async || rmcp.check_health().await;
    group.bench_function("rmcp-client", |bencher| bencher.to_async(runtime).iter(by_rmcp));
    for (name, client) in &clients {
        group.bench_function(*name, |bencher| bencher.to_async(runtime).iter(|| check_health(client)));
    }
    set_up::finish(group, "transport");
    let (tcp, hyper) = (median(runtime, calls, ping), median(runtime, calls, post));
    let by_rmcp = median(runtime, calls, by_rmcp);
    lines.push(format!(
        "health check, median of {calls} single calls (Criterion’s figure is the mean of many in a row): TCP alone {:.0} µs, \
         hyper alone {:.0} µs, rmcp’s own client on the null server {:.0} µs ({:.2} × hyper)",
        micros(tcp),
        micros(hyper),
        micros(by_rmcp),
        by_rmcp.as_secs_f64() / hyper.as_secs_f64()
    ));
    for (name, client) in clients {
        let time = median(runtime, calls, async || check_health(&client).await);
        let ratio = |bound: Duration| time.as_secs_f64() / bound.as_secs_f64();
        lines.push(format!(
            "{name:>12}: {:.0} µs, {:.1} × TCP, {:.2} × hyper",
            micros(time),
            ratio(tcp),
            ratio(hyper)
        ));
        runtime.block_on(client.close());
    }
}

fn payloads(criterion: &mut Criterion, runtime: &Runtime, calls: usize, lines: &mut Vec<String>) {
    let mut group = criterion.benchmark_group("transport-payload");
    for (size, bytes) in PAYLOADS {
        let address = null_server(bytes);
        let hyper = runtime.block_on(HyperBound::start(address));
        let client = runtime.block_on(connect(&format!("http://{address}/mcp")));
        group.throughput(Throughput::Bytes(bytes as u64));
        let post = async || assert!(hyper.post().await > bytes);
        group.bench_function(BenchmarkId::new("hyper-floor", size), |b| b.to_async(runtime).iter(post));
        let rmcp = runtime.block_on(RmcpClient::connect(address));
        let by_rmcp = async || rmcp.check_health().await;
        group.bench_function(BenchmarkId::new("rmcp-client", size), |b| b.to_async(runtime).iter(by_rmcp));
        let call = async || check_health(&client).await;
        group.bench_function(BenchmarkId::new("http-bare", size), |b| b.to_async(runtime).iter(call));
        let times = runtime.block_on(in_turn(calls, &client, &rmcp, &hyper));
        let ratio = |time: Duration| time.as_secs_f64() / times.hyper.as_secs_f64();
        lines.push(format!(
            "{size:>8} reply: first byte after {:.0} µs, received after {:.0} µs, {:.2} × hyper alone; judged {:.2} ×; rmcp’s own client {:.2} ×",
            micros(times.first_byte),
            micros(times.received),
            ratio(times.received),
            ratio(times.judged),
            ratio(times.rmcp)
        ));
    }
    set_up::finish(group, "transport-payload");
}

async fn connect(url: &str) -> Music21Client {
    let client = Music21Client::connect(url, &ClientOptions::default()).await;
    client.unwrap_or_else(|error| panic!("{error}"))
}

/// Medians of single calls.
struct Medians {
    hyper: Duration,
    /// Until the head had come.
    first_byte: Duration,
    /// Until the last byte had come: what is reported as a call's time.
    received: Duration,
    /// Until the answer was read, too.
    judged: Duration,
    rmcp: Duration,
}

/// One call of each after the other, so that what disturbs one disturbs all.
async fn in_turn(calls: usize, client: &Music21Client, rmcp: &RmcpClient, hyper: &HyperBound) -> Medians {
    let mut times: [Vec<Duration>; 5] = std::array::from_fn(|_| Vec::with_capacity(calls));
    for _ in 0..calls {
        let start = Instant::now();
        let _ = hyper.post().await;
        times[0].push(start.elapsed());
        let start = Instant::now();
        let reply = client.health_check(DEADLINE).await;
        times[2].push(start.elapsed());
        times[1].push(reply.received.expect("it was answered") - start);
        times[4].push(reply.first_byte.expect("it came in bytes") - start);
        let start = Instant::now();
        rmcp.check_health().await;
        times[3].push(start.elapsed());
    }
    let [hyper, received, judged, rmcp, first_byte] = times.map(|mut times| {
        times.sort_unstable();
        times[calls / 2]
    });
    Medians { hyper, first_byte, received, judged, rmcp }
}

fn sessions(criterion: &mut Criterion, runtime: &Runtime, calls: usize, lines: &mut Vec<String>) {
    let address = null_server(100);
    let url = format!("http://{address}/mcp");
    let mut group = criterion.benchmark_group("transport-sessions");
    for count in SESSIONS {
        let clients = runtime.block_on(futures::future::join_all((0..count).map(|_| connect(&url))));
        let hyper =
            runtime.block_on(futures::future::join_all((0..count).map(|_| HyperBound::start(address))));
        let ours = async |rounds| together(&clients, rounds, check_health).await;
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("http-bare", count), |bencher| {
            bencher.iter_custom(|rounds| {
                let start = Instant::now();
                runtime.block_on(ours(rounds));
                start.elapsed()
            });
        });
        let post = async |bound: &HyperBound| _ = bound.post().await;
        let bound = async |rounds| together(&hyper, rounds, post).await;
        let rounds = (calls / count).max(1) as u64;
        let mut spent = [Spent::default(); 2];
        // In turn, so that what disturbs one disturbs both.
        for _ in 0..10 {
            spent[0].add(|| runtime.block_on(ours(rounds)));
            spent[1].add(|| runtime.block_on(bound(rounds)));
        }
        let total = (rounds * 10) as f64 * count as f64;
        let [ours, hyper] = spent.map(|spent| micros(spent.cpu) / total);
        lines.push(format!(
            "{count:>4} HTTP sessions on the null server: {:.0} calls/s, client CPU {ours:.1} µs a call, {:.2} × hyper alone",
            total / spent[0].time.as_secs_f64(),
            ours / hyper
        ));
    }
    set_up::finish(group, "transport-sessions");
}

/// So many calls of each client, one after the other, all clients at once. Each is woken alone, as the driver’s tasks are:
/// `join_all` would poll all of up to thirty for the reply to one.
async fn together<T>(clients: &[T], rounds: u64, call: impl AsyncFn(&T)) {
    let one = async |client| {
        for _ in 0..rounds {
            call(client).await;
        }
    };
    clients.iter().map(one).collect::<FuturesUnordered<_>>().collect::<()>().await;
}

/// What some calls took.
#[derive(Clone, Copy, Default)]
struct Spent {
    time: Duration,
    /// Of this thread, on which every client runs.
    cpu: Duration,
}

impl Spent {
    fn add(&mut self, calls: impl FnOnce()) {
        let (start, cpu) = (Instant::now(), music21_mcp_proc::thread_cpu());
        calls();
        self.time += start.elapsed();
        self.cpu += music21_mcp_proc::thread_cpu() - cpu;
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some(SERVE) {
        return serve();
    }
    let mut criterion = set_up::criterion(50, Duration::from_millis(500), Duration::from_secs(2));
    let measured = set_up::is_measured();
    let calls = if measured { 2000 } else { 1 };
    // With one caller a current-thread runtime is the faster one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("threads and sockets are to be had");
    let mut lines = Vec::new();
    health_check(&mut criterion, &runtime, calls, &mut lines);
    payloads(&mut criterion, &runtime, calls, &mut lines);
    sessions(&mut criterion, &runtime, calls, &mut lines);
    if measured {
        for line in lines {
            eprintln!("{line}");
        }
    }
    criterion.final_summary();
}
