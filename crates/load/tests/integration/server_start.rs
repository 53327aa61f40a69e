//! Targets of each kind, sound and not: the same calls with the same answers over every transport, and one
//! line of explanation where there is nothing to measure.

use std::time::Duration;

use music21_mcp_bench::client::{ClientOptions, Music21Client, Outcome, Reply};
use music21_mcp_bench::server::{ServerOptions, ServerSpec, ServerUnderTest};
use music21_mcp_embedded::{Config, HttpOptions, HttpServer, Server};
use music21_mcp_proc::ProcessTree;
use rmcp::model::ProtocolVersion;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Long enough that only a defect reaches it.
const PATIENT: Duration = Duration::from_secs(60);

/// Serves until the guard is dropped.
pub(crate) async fn http(config: Config, options: HttpOptions) -> (String, DropGuard) {
    let server = HttpServer::bind(Server::new(config), options).await.unwrap();
    let (url, stop) = (server.url(), CancellationToken::new());
    tokio::spawn(server.run(stop.clone()));
    (url, stop.drop_guard())
}

fn own_program() -> ServerSpec {
    format!("'{}' serve --stdio", env!("CARGO_BIN_EXE_music21-mcp-bench")).parse().unwrap()
}

/// One score's life.
async fn life_of_a_score(client: &Music21Client) -> Vec<Reply> {
    vec![
        client.health_check(PATIENT).await,
        client.import_score("s", "johnson_j_r/lift_every_voice", "corpus", PATIENT).await,
        client.import_score("s", "johnson_j_r/lift_every_voice", "corpus", PATIENT).await,
        client.list_scores(PATIENT).await,
        client.score_info("s", PATIENT).await,
        client.key_analysis("s", PATIENT).await,
        client.chord_analysis("s", PATIENT).await,
        client.harmony_analysis("s", PATIENT).await,
        client.key_analysis("nobody", PATIENT).await,
        client.delete_score("s", PATIENT).await,
    ]
}

fn outcomes(replies: &[Reply]) -> Vec<Outcome> {
    replies.iter().map(|reply| reply.outcome).collect()
}

const EXPECTED: [Outcome; 10] = {
    use Outcome::{Ok, ToolError};
    [Ok, Ok, ToolError, Ok, Ok, Ok, Ok, Ok, ToolError, Ok]
};

async fn check(spec: ServerSpec, options: ServerOptions) {
    let name = spec.to_string();
    let target = ServerUnderTest::start(spec, options).await.unwrap();
    let client = target.session().await.unwrap();
    let replies = life_of_a_score(&client).await;
    assert_eq!(outcomes(&replies), EXPECTED, "{name}: {replies:#?}");
    let seen = client.protocol_violations();
    assert_eq!(seen, Default::default(), "{name}");
    let sample = ProcessTree::new(target.pids().await).sample();
    assert!(sample.is_some_and(|sample| sample.rss_bytes > 0), "{name}: {sample:?}");
    let other = target.session().await.unwrap();
    assert!(other.health_check(PATIENT).await.is_ok(), "{name}");
    other.close().await;
    client.close().await;
    target.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_calls_end_the_same_in_process_and_over_stdio() {
    check(ServerSpec::InProcess, ServerOptions::default()).await;
    check(own_program(), ServerOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_calls_end_the_same_over_http_with_and_without_sessions_in_json_and_events() {
    for (sessions, json_response) in [(true, false), (false, false), (false, true)] {
        let options = HttpOptions { sessions, json_response, ..HttpOptions::default() };
        let (url, _guard) = http(Config::default(), options).await;
        check(ServerSpec::Url(url), ServerOptions::default()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_from_2025_03_26_to_the_newest_is_spoken() {
    let (url, _guard) = http(Config::default(), HttpOptions::default()).await;
    for protocol in ProtocolVersion::KNOWN_VERSIONS.iter().filter(|v| **v >= ProtocolVersion::V_2025_03_26) {
        let client = ClientOptions { protocol: Some(protocol.clone()), ..ClientOptions::default() };
        for spec in [ServerSpec::InProcess, ServerSpec::Url(url.clone())] {
            let options = ServerOptions { client: client.clone(), ..ServerOptions::default() };
            let target = ServerUnderTest::start(spec, options).await.unwrap();
            assert_eq!(target.server().protocol, protocol.as_str());
            let session = target.session().await.unwrap();
            let reply = session.health_check(PATIENT).await;
            assert!(reply.is_ok(), "{protocol} to {}: {reply:?}", target.spec());
            session.close().await;
        }
    }
}

async fn a_late_reply(session: &Music21Client) {
    while session.protocol_violations().late == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_after_the_deadline_is_late_and_the_session_lives_on() {
    let slow =
        || Config { faults: vec!["delay=400ms,tool=list_scores".parse().unwrap()], ..Config::default() };
    let (url, _guard) = http(slow(), HttpOptions::default()).await;
    for spec in [ServerSpec::InProcess, ServerSpec::Url(url)] {
        let name = spec.to_string();
        let options = ServerOptions { embedded: slow(), ..ServerOptions::default() };
        let session = ServerUnderTest::start(spec, options).await.unwrap().session().await.unwrap();
        let reply = session.list_scores(Duration::from_millis(20)).await;
        assert_eq!(reply.outcome, Outcome::TimedOut, "{name}: {reply:?}");
        assert!(session.health_check(PATIENT).await.is_ok(), "{name}");
        tokio::time::timeout(PATIENT, a_late_reply(&session)).await.expect("the late reply is counted");
        session.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_calls_at_once_on_one_session_each_get_their_own_answer() {
    let (url, _guard) = http(Config::default(), HttpOptions::default()).await;
    for spec in [ServerSpec::InProcess, ServerSpec::Url(url)] {
        let session =
            ServerUnderTest::start(spec, ServerOptions::default()).await.unwrap().session().await.unwrap();
        let ids: Vec<String> = (0..100).map(|number| format!("score-{number}")).collect();
        let imports = ids.iter().map(|id| session.import_score(id, "C4 E4 G4", "text", PATIENT));
        // Each answer must echo the id it was asked for, or it is a wrong answer.
        for reply in futures::future::join_all(imports).await {
            assert!(reply.is_ok(), "{reply:?}");
        }
        session.close().await;
    }
}

async fn refusal(spec: &str, require: &str) -> String {
    let require_tools = vec![require.to_owned()];
    let options = ServerOptions { require_tools, attempts: 1, ..ServerOptions::default() };
    match ServerUnderTest::start(spec.parse().unwrap(), options).await {
        Ok(_) => panic!("{spec} was not refused"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_measured_is_refused_in_one_line_that_says_what_to_do() {
    let version = env!("CARGO_PKG_VERSION");
    let by_hand = "run the command by hand to see what it says";
    for (spec, expected) in [
        (
            "no-such-program",
            "command 'no-such-program': does not start: No such file or directory (os error 2); \
             is it a program in PATH, or the path of one?"
                .to_owned(),
        ),
        (
            "sh -c 'echo out of tune >&2; exit 3'",
            format!("command 'sh': the server exited with status 3, stderr: out of tune; {by_hand}"),
        ),
        (
            "sh -c 'echo usage: server FILE; exit 2'",
            format!(
                "command 'sh': the server exited with status 2, stderr empty, stdout: usage: server FILE; {by_hand}"
            ),
        ),
        (
            "http://127.0.0.1:1/mcp",
            "http://127.0.0.1:1/mcp: cannot connect: Connection refused (os error 111); \
             start the server first, or correct the URL"
                .to_owned(),
        ),
        (
            "",
            format!(
                "the embedded server answers as 'music21-mcp-bench embedded server' {version} \
                 and lacks the tool tune_piano; is it a music21 MCP server?"
            ),
        ),
    ] {
        assert_eq!(refusal(spec, "tune_piano").await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_now_and_then_is_tried_again_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let flag = directory.path().join("started-before");
    let (flag, program) = (flag.display(), env!("CARGO_BIN_EXE_music21-mcp-bench"));
    let script = format!("test -e {flag} && exec {program} serve --stdio; touch {flag}; exit 1");
    let spec: ServerSpec = format!("sh -c '{script}'").parse().unwrap();
    let target = ServerUnderTest::start(spec, ServerOptions::default()).await.unwrap();
    assert_eq!(target.start_retries(), 1);
    target.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_leaves_when_it_is_asked_to_initialise_is_discovered() {
    let program = env!("CARGO_BIN_EXE_music21-mcp-bench");
    let leaves = r#"read -r line; case "$line" in *initialize*) exit 1;; esac"#;
    let stays = format!(r#"{{ echo "$line"; cat; }} | {program} serve --stdio"#);
    let spec: ServerSpec = format!("sh -c '{leaves}; {stays}'").parse().unwrap();
    let target = ServerUnderTest::start(spec, ServerOptions::default()).await.unwrap();
    assert_eq!((target.server().protocol.as_str(), target.start_retries()), ("2026-07-28", 0));
    // The sessions that follow need no attempts.
    for session in [target.session().await.unwrap(), target.session().await.unwrap()] {
        assert!(session.health_check(PATIENT).await.is_ok());
        session.close().await;
    }
}
