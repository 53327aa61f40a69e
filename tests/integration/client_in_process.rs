//! Sessions with the embedded server in this process, where no stream stands between.

use std::time::{Duration, Instant};

use futures::FutureExt;
use music21_mcp_bench::client::{ClientOptions, Music21Client, Outcome};
use music21_mcp_bench::embedded::{Config, Server};

const PATIENT: Duration = Duration::from_secs(60);

async fn session(options: &ClientOptions) -> Music21Client {
    let server = Server::new(Config { installed_corpus: false, ..Config::default() });
    Music21Client::in_process(server.handler(), options).await.unwrap()
}

#[tokio::test]
async fn a_call_is_sent_after_it_was_written_and_received_before_it_is_judged() {
    let client = session(&ClientOptions::default()).await;
    let began = Instant::now();
    let reply = client.import_score("s", "liliuokalani/aloha_oe", "corpus", PATIENT).await;
    let ended = Instant::now();
    assert_eq!(reply.outcome, Outcome::Ok, "{reply:?}");
    let (sent, received) = (reply.sent.unwrap(), reply.received.unwrap());
    assert!(began < sent && sent < received && received < ended, "{began:?} {sent:?} {received:?} {ended:?}");
}

#[tokio::test]
async fn a_reply_over_the_limit_ends_its_call_and_no_other() {
    let client = session(&ClientOptions { max_reply_bytes: 8 << 10, ..ClientOptions::default() }).await;
    assert!(client.import_score("s", "liliuokalani/aloha_oe", "corpus", PATIENT).await.is_ok());
    let harmony = client.harmony_analysis("s", PATIENT).await;
    assert_eq!(harmony.outcome, Outcome::Oversized, "{harmony:?}");
    assert!(harmony.message.unwrap().ends_with(" bytes is over the limit"));
    assert!(client.list_scores(PATIENT).await.is_ok());
    assert_eq!(client.protocol_violations().bad_frames, 1);
}

#[tokio::test]
async fn the_reply_to_a_call_that_was_given_up_is_counted_as_late() {
    let client = session(&ClientOptions::default()).await;
    assert!(client.import_score("s", "liliuokalani/aloha_oe", "corpus", PATIENT).await.is_ok());
    assert!(client.key_analysis("s", PATIENT).now_or_never().is_none());
    let until_late = async {
        while client.protocol_violations().late == 0 {
            assert!(client.health_check(PATIENT).await.is_ok());
        }
    };
    tokio::time::timeout(PATIENT, until_late).await.unwrap();
    assert_eq!(client.protocol_violations().late, 1);
}
