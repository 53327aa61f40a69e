//! Little's law as a check of a closed loop's own bookkeeping: N = X·R.

/// The largest relative gap a sound run shows.
pub(crate) const MAX_GAP: f64 = 0.05;

/// How far a closed loop of `workers` is from Little's law, as a signed share of `workers`.
///
/// `throughput_per_s` counts every finished call, failed ones too; `service_s` is the mean over the same calls. `None` without workers.
pub(crate) fn gap(workers: u32, throughput_per_s: f64, service_s: f64) -> Option<f64> {
    let workers = f64::from(workers);
    (workers > 0.0).then(|| (throughput_per_s * service_s - workers) / workers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_workers_at_forty_milliseconds_make_250_calls_a_second() {
        assert!(gap(10, 250.0, 0.040).unwrap().abs() < 1e-12);
        assert!(gap(10, 200.0, 0.040).unwrap().abs() > MAX_GAP);
        assert_eq!(gap(0, 1.0, 1.0), None);
    }
}
