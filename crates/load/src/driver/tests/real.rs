//! The driver on the real clock: with the MCP client and the embedded server, and where it must leave time to that clock.

use music21_mcp_bench::client::{ClientOptions, Music21Client, Outcome};
use music21_mcp_embedded::{Config, Server};

use super::fake::Act;
use super::*;
use crate::result::{Step, Workload};

#[tokio::test]
async fn calls_reported_are_calls_the_server_counted() {
    let server = Server::new(Config { installed_corpus: false, ..Config::default() });
    let opener = server.clone();
    let target = move |_: usize| {
        let handler = opener.handler();
        async move { Ok(Music21Client::in_process(handler, &ClientOptions::default()).await?) }
    };
    let id = json!({ "score_id": "{{nonce}}" });
    let import = json!({ "score_id": "{{nonce}}", "source": "liliuokalani/aloha_oe" });
    let mut plan = plan(Load::Closed { workers: 20 }, Stop { duration: None, calls: Some(150) });
    plan.workload = Arc::new(Workload::of(vec![
        Step { expect: Some("{{nonce}}".to_owned()), ..Step::call("import_score", import) },
        Step::call("score_info", id.clone()),
        Step::call("delete_score", id).always(),
    ]));
    plan.deadline = Duration::from_secs(60);
    let sink = Arc::new(Mutex::new(recorder()));
    let run = drive(&plan, Arc::new(target), &CancellationToken::new(), Arc::clone(&sink)).await.unwrap();
    let recorder = sink.lock().unwrap();
    let accounts = recorder.accounts(&run);
    adds_up(&accounts, server.calls());
    let examples: Vec<_> = recorder.tools.values().flat_map(|tool| &tool.examples).collect();
    assert_eq!(accounts.count(Outcome::Ok), 150, "{examples:?}");
}

#[test]
fn calls_that_end_at_once_leave_time_to_the_clock() {
    let (ended, end) = std::sync::mpsc::channel();
    // On a thread of its own: the runtime of a driver that gave no way would never return.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fake = Fake::new(|_, _| Act::End(Duration::ZERO, Outcome::ProtocolError));
            let stop = Stop { duration: Some(ms(20)), calls: None };
            let (run, recorder) = run(&plan(Load::Closed { workers: 1 }, stop), &fake).await;
            ended.send(recorder.accounts(&run).count(Outcome::ProtocolError) == fake.count()).unwrap();
        });
    });
    assert_eq!(end.recv_timeout(Duration::from_secs(60)), Ok(true));
}
