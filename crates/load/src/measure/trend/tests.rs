//! The rule against simulated processes.

use super::*;

fn leaks_found(leak: f64) -> usize {
    (0..20)
        .filter(|&seed| judge_leak(&simulate(seed, leak, 420)).unwrap().verdict == LeakVerdict::Leak)
        .count()
}

#[test]
fn leaks_are_found_and_their_absence_is_not_mistaken_for_one() {
    let found = [0.0, 2.0, 10.0].map(leaks_found);
    assert!(found[0] <= 2 && found[1] >= 14 && found[2] == 20, "of 20 each at 0, 2, 10 MB/min: {found:?}");
}

#[test]
fn a_sound_process_is_mostly_called_sound() {
    let sound = (0..20)
        .filter(|&seed| judge_leak(&simulate(seed, 0.0, 420)).unwrap().verdict == LeakVerdict::None)
        .count();
    assert!(sound >= 18, "{sound} of 20");
}

#[test]
fn a_short_window_never_gives_a_verdict() {
    for (seed, leak) in [(0, 0.0), (1, 10.0), (2, 2.0)] {
        assert_eq!(judge_leak(&simulate(seed, leak, 182)).unwrap().verdict, LeakVerdict::Inconclusive);
    }
    assert_eq!(judge_leak(&simulate(0, 0.0, 100)), None);
}

#[test]
fn growth_by_calls_is_growth_by_time_over_the_rate() {
    // 2 MB/min at 600 calls/min is 3.33 KB a call.
    let report = judge_leak(&simulate(4, 2.0, 720)).unwrap();
    let kb_per_call = report.kb_per_call.unwrap().estimate;
    assert!((kb_per_call - report.mb_per_min.estimate / 0.6).abs() < 0.05 * kb_per_call, "{report:?}");
}
