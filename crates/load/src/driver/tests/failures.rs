//! Whatever the server does, every call ends in one class and on time.

use std::sync::atomic::Ordering;

use fake::Act;
use music21_mcp_bench::client::Outcome;

use super::*;
use crate::measure::validity;
use crate::result::{Step, StoppedBy, Workload};

#[tokio::test(start_paused = true)]
async fn a_call_that_ignores_its_deadline_is_given_up_a_second_later() {
    let fake = Fake::new(|_, before| if before == 0 { Act::Hang } else { Act::Answer(ms(10)) });
    let stop = Stop { duration: None, calls: Some(5) };
    let (run, recorder) = run(&plan(Load::Closed { workers: 1 }, stop), &fake).await;
    assert_eq!(recorder.accounts(&run).count(Outcome::TimedOut), 1);
    assert_eq!(recorder.tools["echo"].cold[0].service_ns() / MS, 3000);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_at_the_end_of_a_run_does_not_look_well() {
    // Calls may take 20 s and the run only 10: what hangs then is waited for.
    let hangs = |now: Duration, _| Act::Answer(if now < ms(7000) { ms(100) } else { ms(600_000) });
    let long = Plan { deadline: ms(20_000), ..plan(Load::Closed { workers: 4 }, for_seconds(10)) };
    let (run, recorder) = run(&long, &Fake::new(hangs)).await;
    let accounts = recorder.accounts(&run);
    assert_eq!((accounts.count(Outcome::TimedOut), accounts.count(Outcome::Cancelled)), (4, 0));
    // 4 workers for 7 s of 10: the wait at the end is in no throughput.
    assert_eq!(facts(&long, &run, &recorder).achieved_per_s, 28.0);
}

#[tokio::test(start_paused = true)]
async fn timeouts_are_censored_at_the_deadline() {
    let fake = Fake::new(|_, before| Act::Answer(ms(if before % 4 == 0 { 9000 } else { 10 })));
    let (_, recorder) = run(&plan(constant(10.0, 50), for_seconds(30)), &fake).await;
    let response = recorder.figures("echo").unwrap().response.unwrap();
    assert!(
        matches!(response.p95, crate::measure::quantile::Quantile::Censored { at_least_ns, .. }
        if at_least_ns.abs_diff(2000 * MS) < 5 * MS),
        "{response:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn how_fast_failures_are_and_how_large_replies_is_kept_apart() {
    let behaviour = |_, before| match before % 3 {
        0 => Act::End(ms(5), Outcome::ToolError),
        1 => Act::Answer(ms(9000)),
        _ => Act::Answer(ms(50)),
    };
    let (_, recorder) = run(&plan(constant(10.0, 50), for_seconds(30)), &Fake::new(behaviour)).await;
    let echo = &recorder.tools["echo"];
    // The first call failed, and is a first call's; a timeout is in the response times.
    assert_eq!((echo.failures.count(), echo.accounts.count(Outcome::ToolError)), (99, 100));
    let slowest = echo.failures.max_ns().unwrap();
    assert!((5 * MS..8 * MS).contains(&slowest), "{slowest}");
    assert_eq!(echo.reply_bytes, 100 * 4);
}

#[tokio::test(start_paused = true)]
async fn lost_sessions_are_opened_again_while_arrivals_go_on() {
    // The server dies at 2 s and takes sessions again from 4 s on.
    let dies = |now: Duration, _| match now {
        now if (ms(2000)..ms(4000)).contains(&now) => Act::End(ms(1), Outcome::TransportClosed),
        _ => Act::Answer(ms(10)),
    };
    let fake = Fake::new(dies);
    *fake.closed.lock().unwrap() = ms(2000)..ms(4000);
    let (run, recorder) = run(&plan(constant(50.0, 5), for_seconds(10)), &fake).await;
    let accounts = recorder.accounts(&run);
    assert_eq!((accounts.scheduled, accounts.check()), (500, Ok(())));
    assert_eq!(accounts.count(Outcome::TransportClosed), 5);
    assert!((95..=200).contains(&accounts.count(Outcome::ConnectError)), "{accounts:?}");
    assert_eq!((run.reopened, fake.opened.load(Ordering::Relaxed)), (5, 10));
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_without_a_server_does_not_spin() {
    let fake = Fake::new(|_, _| Act::End(ms(1), Outcome::TransportClosed));
    *fake.closed.lock().unwrap() = ms(1)..ms(60_000);
    let (run, recorder) = run(&plan(Load::Closed { workers: 1 }, for_seconds(30)), &fake).await;
    // 75 ms, 150, 300, 600, 1200, then every 1.5 s: client 0 waits the least.
    assert!((20..=26).contains(&run.scheduled), "{}", run.scheduled);
    assert_eq!(recorder.accounts(&run).check(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_expires_is_opened_again_at_once_and_costs_one_call() {
    let expires = |_, before| match before {
        5 => Act::End(ms(1), Outcome::SessionExpired),
        _ => Act::Answer(ms(10)),
    };
    let stop = Stop { duration: None, calls: Some(20) };
    let (run, recorder) = run(&plan(Load::Closed { workers: 1 }, stop), &Fake::new(expires)).await;
    let accounts = recorder.accounts(&run);
    assert_eq!((accounts.count(Outcome::SessionExpired), accounts.count(Outcome::Ok)), (1, 19));
    assert_eq!((run.reopened, run.elapsed < ms(250)), (1, true), "{:?}", run.elapsed);
}

#[tokio::test(start_paused = true)]
async fn sessions_that_always_expire_are_opened_ever_more_slowly() {
    let fake = Fake::new(|_, _| Act::End(ms(1), Outcome::SessionExpired));
    let (run, recorder) = run(&plan(Load::Closed { workers: 1 }, for_seconds(30)), &fake).await;
    assert!((20..=26).contains(&run.scheduled), "{}", run.scheduled);
    assert_eq!(recorder.accounts(&run).count(Outcome::SessionExpired), run.scheduled);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_one_session_invalidates_the_run_and_the_others_finish() {
    let fake = Fake::new(|_, before| if before == 10 { Act::Panic } else { Act::Answer(ms(10)) });
    let plan = plan(constant(50.0, 5), for_seconds(5));
    let (run, recorder) = run(&plan, &fake).await;
    let validity = validity::judge_generator(&facts(&plan, &run, &recorder));
    assert!(validity.invalid.contains(&validity::Reason::InternalError(1)), "{validity:?}");
    assert_eq!(recorder.accounts(&run).count(Outcome::Ok), 249);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_the_expected_text_is_wrong() {
    let mut plan = plan(constant(10.0, 1), for_seconds(1));
    let expecting = |text: &str| Step { expect: Some(text.to_owned()), ..Step::call("echo", json!({})) };
    plan.workload = Arc::new(Workload::of(vec![expecting("pong"), expecting("{{nonce}}")]));
    let (run, recorder) = run(&plan, &Fake::steady(5)).await;
    let accounts = recorder.accounts(&run);
    assert_eq!((accounts.count(Outcome::Ok), accounts.count(Outcome::WrongAnswer)), (5, 5));
    assert_eq!(recorder.tools["echo"].examples[0].message, "the answer does not hold 't-0-1'");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_start_says_why() {
    let fake = Fake::new(|_, _| Act::End(ms(1), Outcome::ToolError));
    let sink = || Arc::new(Mutex::new(recorder()));
    let go = CancellationToken::new();
    let mut plan = plan(constant(1.0, 2), for_seconds(1));
    plan.workload = Arc::new(Workload {
        setup: vec![Step::call("import", json!({}))],
        ..Workload::of(vec![Step::call("echo", json!({}))])
    });
    let error = drive(&plan, Arc::new(Arc::clone(&fake)), &go, sink()).await.unwrap_err();
    assert_eq!(error.to_string(), "client 0: set-up call 'import' ended as tool_error: as told");
    *fake.closed.lock().unwrap() = ms(0)..ms(60_000);
    let error = drive(&plan, Arc::new(Arc::clone(&fake)), &go, sink()).await.unwrap_err();
    assert_eq!(error.to_string(), "client 0: refused");
    plan.workload = Arc::new(Workload::default());
    let error = drive(&plan, Arc::new(fake), &go, sink()).await.unwrap_err();
    assert!(error.to_string().starts_with("the workload makes no calls"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_turns_out_long_enough_ends_as_one_of_that_duration_does() {
    // What hangs then has its own deadline of 20 s, not the 5 s that an interrupt leaves.
    let hangs = |now: Duration, _| Act::Answer(if now < ms(6900) { ms(100) } else { ms(600_000) });
    for load in [Load::Closed { workers: 4 }, constant(10.0, 4)] {
        let long = Plan { deadline: ms(20_000), ..plan(load, for_seconds(50)) };
        let enough = CancellationToken::new();
        let cancel = enough.clone();
        tokio::spawn(async move {
            tokio::time::sleep(ms(7050)).await;
            cancel.cancel();
        });
        let (fake, sink) = (Fake::new(hangs), Arc::new(Mutex::new(recorder())));
        let never = CancellationToken::new();
        let run = drive_until(&enough, &long, Arc::new(fake), &never, Arc::clone(&sink)).await.unwrap();
        let accounts = sink.lock().unwrap().accounts(&run);
        assert_eq!(run.stopped_by, StoppedBy::Duration);
        assert!((ms(7050)..ms(7100)).contains(&run.offered_for), "{:?}", run.offered_for);
        assert!((ms(26_900)..ms(28_000)).contains(&run.elapsed), "{:?}", run.elapsed);
        assert!(accounts.count(Outcome::TimedOut) > 0, "{accounts:?}");
        assert_eq!(accounts.count(Outcome::Cancelled), 0, "{accounts:?}");
    }
}
