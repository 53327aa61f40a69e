//! The driver with the MCP client and the embedded server, on the real clock.

use music21_mcp_bench::client::{ClientOptions, Music21Client, Outcome};
use music21_mcp_embedded::{Config, Server};

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
