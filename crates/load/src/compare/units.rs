//! Figures as people read them: three digits and a unit.

/// A time: three digits and a unit.
pub(crate) fn duration(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", digits(value))
}

/// Three digits, at most two of them after the point.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        let shown = [999.0, 1_234.0, 56_780.0, 1.5e6, 123.4e6, 2.5e9].map(duration);
        assert_eq!(shown, ["999 ns", "1.23 µs", "56.8 µs", "1.50 ms", "123 ms", "2.50 s"]);
    }
}
