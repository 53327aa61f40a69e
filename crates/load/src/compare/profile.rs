//! Where two servers spend a call differently, as it is shown and stored.

use std::io;

use music21_mcp_bench::profile::change::{Difference, Sampled, Side};
use music21_mcp_bench::profile::flame;
use serde::Serialize;

/// Profiles of a baseline and a candidate, compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ProfileChange {
    /// What both were sampled by.
    pub sampler: String,
    /// The calls that were sampled, the baseline's first.
    pub calls: [f64; 2],
    /// The samples of them.
    pub samples: [u64; 2],
    /// Sampled time a call, nanoseconds.
    pub call_ns: [f64; 2],
    /// By function.
    #[serde(flatten)]
    pub difference: Difference,
    /// Where the differential flamegraph is; `None` if the candidate had no sample to draw.
    pub flamegraph: Option<String>,
}

impl ProfileChange {
    /// From the parts of both sides, with the differential flamegraph as SVG.
    ///
    /// # Errors
    ///
    /// If one of them is no profile.
    pub(crate) fn of(
        sampler: &str,
        parts: [&[Sampled]; 2],
        title: &str,
    ) -> io::Result<(Self, Option<Vec<u8>>)> {
        let [baseline, candidate] = parts;
        let sides = [Side::of(baseline)?, Side::of(candidate)?];
        let change = Self {
            sampler: sampler.to_owned(),
            calls: parts.map(|side| side.iter().map(|part| part.calls).sum()),
            samples: parts.map(|side| side.iter().map(Sampled::samples).sum()),
            call_ns: sides.each_ref().map(Side::call_ns),
            difference: Difference::of(&sides),
            flamegraph: None,
        };
        let svg = flame::draw_change(&sides, title, &change.evidence());
        Ok((change, svg))
    }

    /// What it rests on.
    pub(crate) fn evidence(&self) -> String {
        let [a, b] = self.calls;
        let [samples_a, samples_b] = self.samples;
        format!(
            "{}: {samples_a} samples of {a:.0} calls before, {samples_b} of {b:.0} after; width: time a call after",
            self.sampler
        )
    }
}
