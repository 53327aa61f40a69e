//! Calls are due on schedule, whatever the server does.

use fake::Act;
use music21_mcp_bench::client::Outcome;

use super::*;
use crate::measure::histogram::Histogram;
use crate::measure::validity;
use crate::result::{DayProfile, StoppedBy};

#[tokio::test(start_paused = true)]
async fn every_call_is_due_and_made_on_schedule() {
    let fake = Fake::steady(20);
    let plan = plan(constant(100.0, 10), for_seconds(10));
    let (run, recorder) = run(&plan, &fake).await;
    assert_eq!((run.scheduled, fake.count(), run.stopped_by), (1000, 1000, StoppedBy::Duration));
    adds_up(&recorder.accounts(&run), fake.count());
    let response = recorder.figures("echo").unwrap().response.unwrap();
    assert!((20 * MS..=22 * MS).contains(&response.p95.ns().unwrap()), "{response:?}");
    let facts = facts(&plan, &run, &recorder);
    assert!(facts.scheduling_delay_p99_ns.unwrap() <= 2 * MS, "{facts:?}");
    let validity = validity::judge_generator(&facts);
    assert!(validity.is_valid() && !validity.saturated, "{validity:?}");
}

/// Frozen from the fifth to the sixth second of every ten; then everything that waited is answered.
fn frozen_one_second_in_ten(now: Duration) -> Act {
    let phase = ms((now.as_millis() % 10_000) as u64);
    Act::Answer(if phase < ms(5000) { ms(1) } else { ms(6000).saturating_sub(phase).max(ms(1)) })
}

#[tokio::test(start_paused = true)]
async fn a_stall_delays_everyone_due_during_it() {
    // As many sessions as calls, and as few as leave most of the waiting to the queue.
    for sessions in [200, 20] {
        let fake = Fake::new(|now, _| frozen_one_second_in_ten(now));
        let (_, recorder) = run(&plan(constant(200.0, sessions), for_seconds(100)), &fake).await;
        let response = recorder.figures("echo").unwrap().response.unwrap();
        let [p95, p99] = [response.p95, response.p99].map(|q| q.ns().unwrap() as f64 / 1e6);
        assert!((p95 / 500.0 - 1.0).abs() < 0.05 && (p99 / 900.0 - 1.0).abs() < 0.05, "{p95} {p99} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn overload_shows_the_capacity_and_loses_no_call() {
    // Ten sessions at 40 ms are 250 calls/s; 1000 are due.
    let fake = Fake::steady(40);
    let plan = plan(constant(1000.0, 10), for_seconds(20));
    let (run, recorder) = run(&plan, &fake).await;
    let accounts = recorder.accounts(&run);
    adds_up(&accounts, fake.count());
    assert_eq!(accounts.scheduled, 20_000);
    let facts = facts(&plan, &run, &recorder);
    assert!((facts.achieved_per_s / 250.0 - 1.0).abs() < 0.03, "{facts:?}");
    assert!(validity::judge_generator(&facts).saturated);
    let figures = recorder.figures("echo").unwrap();
    assert!(figures.service.unwrap().median.ns().unwrap() <= 42 * MS);
    assert!(figures.response.unwrap().median.ns().unwrap() > 5000 * MS);
    assert!(run.elapsed <= ms(25_100), "{:?}", run.elapsed);
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_that_keeps_up_is_not_saturated() {
    let plan = plan(constant(10.0, 50), for_seconds(10));
    let (run, recorder) = run(&plan, &Fake::steady(1500)).await;
    assert!(!validity::judge_generator(&facts(&plan, &run, &recorder)).saturated);
}

#[tokio::test(start_paused = true)]
async fn a_long_last_call_does_not_look_like_saturation() {
    let slow_last = |_, before| Act::Answer(ms(if before == 99 { 1900 } else { 10 }));
    let plan = plan(constant(10.0, 5), for_seconds(10));
    let (run, recorder) = run(&plan, &Fake::new(slow_last)).await;
    let facts = facts(&plan, &run, &recorder);
    assert_eq!((facts.offered_per_s, facts.achieved_per_s), (Some(10.0), 10.0));
}

#[tokio::test(start_paused = true)]
async fn calls_that_nobody_answers_are_no_throughput() {
    let dead = Fake::new(|_, _| Act::End(ms(1), Outcome::TransportClosed));
    let plan = plan(constant(10.0, 5), for_seconds(10));
    let (run, recorder) = run(&plan, &dead).await;
    let facts = facts(&plan, &run, &recorder);
    assert_eq!(facts.achieved_per_s, 0.0);
    assert!(validity::judge_generator(&facts).saturated);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_calls_and_counts_them() {
    let load = Load::Open { schedule: Schedule::Constant { per_second: 100.0 }, sessions: 1, queue: 5 };
    let fake = Fake::steady(1000);
    let (run, recorder) = run(&plan(load, for_seconds(3)), &fake).await;
    let accounts = recorder.accounts(&run);
    assert!(accounts.count(Outcome::Dropped) > 280, "{accounts:?}");
    adds_up(&accounts, fake.count());
}

#[tokio::test(start_paused = true)]
async fn a_count_of_calls_is_kept_exactly() {
    let stop = Stop { duration: None, calls: Some(10_000) };
    let fake = Fake::steady(3);
    let (run, recorder) = run(&plan(constant(2000.0, 20), stop), &fake).await;
    assert_eq!((run.scheduled, fake.count(), run.stopped_by), (10_000, 10_000, StoppedBy::Calls));
    adds_up(&recorder.accounts(&run), 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_day_ends_with_its_schedule() {
    let schedule = Schedule::Day { profile: DayProfile::working_day(10.0, 60.0), seed: 5 };
    let due = schedule.arrivals().count() as u64;
    let load = Load::Open { schedule, sessions: 10, queue: 1000 };
    let fake = Fake::steady(5);
    let (run, _) = run(&plan(load, Stop::default()), &fake).await;
    assert_eq!((run.scheduled, run.stopped_by), (due, StoppedBy::Calls));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_stops_arrivals_and_gives_hanging_calls_five_seconds() {
    let fake = Fake::new(|_, before| if before == 3 { Act::Hang } else { Act::Answer(ms(10)) });
    let interrupt = CancellationToken::new();
    let cancel = interrupt.clone();
    tokio::spawn(async move {
        tokio::time::sleep(ms(1005)).await;
        cancel.cancel();
    });
    let long = Plan { deadline: ms(60_000), ..plan(constant(10.0, 5), for_seconds(100)) };
    let (run, recorder) = run_until(&long, &fake, &interrupt).await;
    let accounts = recorder.accounts(&run);
    assert_eq!(run.stopped_by, StoppedBy::Interrupt);
    assert_eq!((accounts.scheduled, accounts.count(Outcome::Cancelled)), (11, 1));
    adds_up(&accounts, 11);
    assert!((ms(6000)..ms(6100)).contains(&run.elapsed), "{:?}", run.elapsed);
}

#[tokio::test(start_paused = true)]
async fn figures_of_a_long_run_come_from_histograms_and_agree() {
    let spread = |_, before: u64| Act::Answer(ms(10 + before * 7 % 40));
    let settings = |keep_samples| Settings { warm_up: FixedWarmUp { time_ns: 0, calls: 0 }, keep_samples };
    let mut figures = Vec::new();
    for keep_samples in [100_000, 100] {
        let sink = Arc::new(Mutex::new(Recorder::new(settings(keep_samples))));
        let plan = plan(constant(100.0, 10), for_seconds(50));
        let target = Arc::new(Fake::new(spread));
        drive(&plan, target, &CancellationToken::new(), Arc::clone(&sink)).await.unwrap();
        figures.push(sink.lock().unwrap().figures("echo").unwrap());
    }
    assert!(figures[0].steadiness.is_some() && figures[1].steadiness.is_none());
    let [kept, streamed] = [0, 1].map(|i| figures[i].response.clone().unwrap().p95.ns().unwrap());
    assert!(kept.abs_diff(streamed) <= 2 * MS, "{kept} {streamed}");
}

#[tokio::test(start_paused = true)]
async fn the_tenths_of_a_run_by_time_add_up_to_it() {
    let warm_up = FixedWarmUp { time_ns: 10_000 * MS, calls: 0 };
    let sink = Arc::new(Mutex::new(Recorder::new(Settings { warm_up, ..Settings::default() })));
    let plan = plan(constant(10.0, 10), for_seconds(50));
    let target = Arc::new(Fake::new(|_, before: u64| Act::Answer(ms(10 + before % 20))));
    drive(&plan, target, &CancellationToken::new(), Arc::clone(&sink)).await.unwrap();
    let recorder = sink.lock().unwrap();
    let record = &recorder.tools["echo"];
    let ends: Vec<u64> =
        record.intervals.iter().map(|one| (one.until_ns + 2500 * MS) / (5000 * MS)).collect();
    assert_eq!(ends, [3, 4, 5, 6, 7, 8, 9, 10], "the warm-up is in none");
    let decoded = |text: &str| Histogram::from_base64(text, None).unwrap();
    let mut sum = Histogram::default();
    record.intervals.iter().for_each(|one| sum.merge(&decoded(&one.response_hdr)));
    assert_eq!(sum.to_base64(), record.response.histogram().to_base64());
}
