//! A profile of this process while a runtime of several threads works.

use std::hint::black_box;

use music21_mcp_bench::profile::OwnProfile;

#[inline(never)]
fn work_that_is_seen(rounds: u64) -> u64 {
    (0..rounds).fold(1, |sum: u64, i| black_box(sum.wrapping_mul(31).wrapping_add(i)))
}

fn on_all_threads(rounds: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..8).map(|_| tokio::spawn(async move { work_that_is_seen(rounds) })).collect();
        for task in tasks {
            black_box(task.await.unwrap());
        }
    });
}

#[test]
fn samples_name_our_function_on_worker_threads_and_no_runtime_frame_above_it() {
    let directory = tempfile::tempdir().unwrap();
    let profile = OwnProfile::start().unwrap();
    assert!(OwnProfile::start().is_err(), "there is one profile at a time");
    on_all_threads(8_000_000);
    let samples = profile.finish().unwrap();
    let seen =
        samples.folded.iter().find(|line| line.contains("work_that_is_seen")).expect("it took the time");
    assert!(seen.starts_with("tokio-"), "{seen}");
    assert!(!seen.contains("tokio::runtime") && !seen.contains("std::panic"), "{seen}");
    let (svg, protobuf) = (directory.path().join("f.svg"), directory.path().join("p.pb"));
    samples.write("title", &svg, &protobuf).unwrap();
    let drawn = std::fs::read_to_string(svg).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("work_that_is_seen"));
    assert!(std::fs::metadata(protobuf).unwrap().len() > 100);
}
