//! Faults on request are what they say, seen by a client.

use std::time::{Duration, Instant};

use futures::FutureExt;
use music21_mcp_embedded::{CALLS_META, Config, HANDLING_META};
use rmcp::model::{CallToolRequestParams, ErrorCode};
use rmcp::service::ServiceError;
use serde_json::json;

use crate::session::{Session, config, text};

async fn with_faults(faults: &[&str]) -> Session {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Session::start(Config { faults, account: true, ..config() }).await
}

#[tokio::test]
async fn a_delayed_reply_comes_no_sooner_and_says_how_long_it_took() {
    let session = with_faults(&["delay=12ms,tool=list_scores"]).await;
    let start = Instant::now();
    let result = session.result("list_scores", json!({})).await;
    let seen = start.elapsed();
    let meta = result.meta.unwrap().0;
    let handling = Duration::from_nanos(meta[HANDLING_META].as_u64().unwrap());
    assert!(Duration::from_millis(12) <= handling && handling <= seen, "{handling:?} {seen:?}");
    assert_eq!(meta[CALLS_META], 1);
    let meta = session.result("health_check", json!({})).await.meta.unwrap().0;
    assert_eq!(meta[CALLS_META], 2);
    session.end().await;
}

#[tokio::test]
async fn every_second_reply_is_spoiled_and_only_of_the_tool_asked_for() {
    let session = with_faults(&["tool-error=2,tool=list_scores", "is-error=3,tool=health_check"]).await;
    let mut seen = String::new();
    for call in 0..6 {
        let tool = ["list_scores", "health_check"][call % 2];
        let result = session.result(tool, json!({})).await;
        let error = text(&result).contains(r#""status": "error""#);
        seen.push_str(match (result.is_error, error) {
            (Some(false), false) => "ok ",
            (Some(false), true) => "error ",
            (Some(true), true) => "is-error ",
            _ => "? ",
        });
    }
    assert_eq!(seen, "ok ok error ok ok is-error ");
    session.end().await;
}

#[tokio::test]
async fn a_wrong_reply_keeps_its_shape() {
    let session = with_faults(&["wrong=2,tool=list_scores"]).await;
    let right = session.call("list_scores", json!({})).await;
    let wrong = session.call("list_scores", json!({})).await;
    assert_eq!((&right["count"], &wrong["count"]), (&json!(0), &json!(1)));
    assert_eq!(right["scores"], wrong["scores"]);
    session.end().await;
}

#[tokio::test]
async fn a_protocol_error_and_a_rate_limit_are_json_rpc_errors() {
    let code = |error: ServiceError| match error {
        ServiceError::McpError(error) => error.code,
        other => panic!("{other}"),
    };
    let session = with_faults(&["rpc-error=1"]).await;
    let call = || CallToolRequestParams::new("list_scores");
    let error = session.client.call_tool(call()).await.unwrap_err();
    assert_eq!(code(error), ErrorCode::INTERNAL_ERROR);
    session.end().await;

    let limited = Config { rate_limit: Some("1/0.001s".parse().unwrap()), ..config() };
    let session = Session::start(limited).await;
    session.client.call_tool(call()).await.unwrap();
    let error = session.client.call_tool(call()).await.unwrap_err();
    assert_eq!(code(error), ErrorCode(-32000));
    session.end().await;
}

#[tokio::test]
async fn a_hanging_tool_leaves_the_others_alone() {
    let session = with_faults(&["hang=1,tool=list_scores"]).await;
    let mut hung = Box::pin(session.client.call_tool(CallToolRequestParams::new("list_scores")));
    assert!(hung.as_mut().now_or_never().is_none());
    for _ in 0..10 {
        session.call("health_check", json!({})).await;
    }
    assert!(hung.as_mut().now_or_never().is_none());
    drop(hung);
    session.end().await;
}

#[tokio::test]
async fn leaked_memory_is_resident() {
    // Large beside what tests in other threads of this process hold meanwhile.
    const LEAK: u64 = 32 << 20;
    let resident = || procfs::process::Process::myself().unwrap().status().unwrap().vmrss.unwrap() * 1024;
    let session = with_faults(&["leak=32MiB,every=2"]).await;
    session.call("list_scores", json!({})).await;
    let before = resident();
    for _ in 0..8 {
        session.call("list_scores", json!({})).await;
    }
    let grown = resident() - before;
    // Four leaks.
    assert!((4 * LEAK - LEAK / 2..5 * LEAK).contains(&grown), "{grown}");
    session.end().await;
}

#[tokio::test]
async fn a_swapped_reply_is_the_one_before() {
    let session = with_faults(&["swap=2,tool=import_score"]).await;
    let import = |id: &str| json!({ "score_id": id, "source": "C4 E4 G4", "source_type": "text" });
    let first = session.call("import_score", import("a")).await;
    let second = session.call("import_score", import("b")).await;
    let third = session.call("import_score", import("c")).await;
    assert_eq!([&first["score_id"], &second["score_id"], &third["score_id"]], ["a", "a", "c"]);
    session.end().await;
}
