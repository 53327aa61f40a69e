//! A worker makes its next call when the last one has ended.

use std::sync::atomic::Ordering;

use music21_mcp_bench::client::Outcome;

use super::fake::Act;
use super::*;
use crate::measure::little;
use crate::result::{Step, StoppedBy, Think, Workload};

fn closed(workers: usize) -> Load {
    Load::Closed { workers }
}

#[tokio::test(start_paused = true)]
async fn ten_workers_obey_littles_law() {
    let fake = Fake::steady(40);
    let plan = plan(closed(10), for_seconds(20));
    let (run, recorder) = run(&plan, &fake).await;
    assert_eq!(run.stopped_by, StoppedBy::Duration);
    adds_up(&recorder.accounts(&run), fake.count());
    let gap = facts(&plan, &run, &recorder).little_gap.unwrap();
    assert!(gap.abs() < little::MAX_GAP, "{gap}");
}

#[tokio::test(start_paused = true)]
async fn response_time_is_service_time() {
    let (_, recorder) = run(&plan(closed(3), for_seconds(5)), &Fake::steady(40)).await;
    let figures = recorder.figures("echo").unwrap();
    assert_eq!(figures.response, figures.service);
}

#[tokio::test(start_paused = true)]
async fn a_count_of_calls_is_shared_among_the_workers() {
    let stop = Stop { duration: None, calls: Some(1001) };
    let fake = Fake::steady(1);
    let (run, _) = run(&plan(closed(7), stop), &fake).await;
    assert_eq!((run.scheduled, fake.count(), run.stopped_by), (1001, 1001, StoppedBy::Calls));
}

#[tokio::test(start_paused = true)]
async fn thinking_takes_its_time() {
    let mut plan = plan(closed(1), for_seconds(10));
    let step = Step { think_ms: Think::Fixed(90), ..Step::call("echo", json!({})) };
    plan.workload = Arc::new(Workload::of(vec![step]));
    let fake = Fake::steady(10);
    run(&plan, &fake).await;
    assert!((97..=101).contains(&fake.count()), "{}", fake.count());
}

#[tokio::test(start_paused = true)]
async fn each_session_is_set_up_torn_down_and_closed_outside_of_the_figures() {
    let mut plan = plan(closed(20), Stop { duration: None, calls: Some(100) });
    let step = |tool| vec![Step::call(tool, json!({}))];
    plan.workload =
        Arc::new(Workload { setup: step("import"), teardown: step("delete"), ..Workload::of(step("echo")) });
    let fake = Fake::steady(5);
    let (_, recorder) = run(&plan, &fake).await;
    let by_tool = fake.by_tool.lock().unwrap().clone();
    assert_eq!(
        by_tool,
        [("delete", 20), ("echo", 100), ("import", 20)].map(|(t, n)| (t.to_owned(), n)).into()
    );
    assert_eq!(recorder.tools.keys().collect::<Vec<_>>(), ["echo"]);
    assert_eq!(fake.opened.load(Ordering::Relaxed), 20);
    assert_eq!(fake.closed_sessions.load(Ordering::Relaxed), 20);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_does_not_wait_for_a_teardown_that_hangs() {
    let mut plan = plan(closed(1), Stop { duration: None, calls: Some(10) });
    let step = |tool| vec![Step::call(tool, json!({}))];
    plan.workload = Arc::new(Workload { teardown: step("delete"), ..Workload::of(step("echo")) });
    plan.deadline = ms(300_000);
    let fake = Fake::new(|_, before| if before < 10 { Act::Answer(ms(10)) } else { Act::Hang });
    let interrupt = CancellationToken::new();
    let cancel = interrupt.clone();
    tokio::spawn(async move {
        tokio::time::sleep(ms(20_000)).await;
        cancel.cancel();
    });
    let began = tokio::time::Instant::now();
    let (run, recorder) = run_until(&plan, &fake, &interrupt).await;
    assert_eq!((run.stopped_by, recorder.accounts(&run).count(Outcome::Ok)), (StoppedBy::Calls, 10));
    assert!((ms(25_000)..ms(25_100)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_first_call_of_each_server_is_cold_and_in_no_figure() {
    for (server_per_session, cold) in [(false, 1), (true, 4)] {
        let settings = Settings { warm_up: FixedWarmUp { time_ns: 0, calls: 0 }, ..Settings::default() };
        let sink = Arc::new(Mutex::new(Recorder::new(settings)));
        let plan = plan(closed(4), Stop { duration: None, calls: Some(50) });
        let fake = Fake::steady(5);
        fake.server_per_session.store(server_per_session, Ordering::Relaxed);
        drive(&plan, Arc::new(fake), &CancellationToken::new(), Arc::clone(&sink)).await.unwrap();
        let recorder = sink.lock().unwrap();
        assert_eq!(recorder.tools["echo"].cold.len(), cold);
        assert_eq!(recorder.tools["echo"].service.histogram().count(), 50 - cold as u64);
    }
}
