//! What the generator keeps of its memory; another test's memory would be seen as its own.

use music21_mcp_load::measure::Latency;
use music21_mcp_load::measure::histogram::Histogram;
use music21_mcp_proc::ProcessTree;

use crate::alone;

/// A run of ten tools writes as many in its tenths.
const WRITTEN: u64 = 200;
/// With the deflater zlib-rs, whose state is aligned, it was 53.6 MB, 280 KB for each; with miniz_oxide it is 0.1 MB.
const LIMIT: u64 = 5_000_000;

#[test]
fn histograms_written_over_time_leave_no_holes() {
    let _alone = alone();
    let mut tree = ProcessTree::new([std::process::id()]);
    let mut anonymous = || tree.sample().unwrap().rss_anon_bytes;
    let mut histogram = Histogram::default();
    let mut texts = Vec::new();
    // What a client keeps of each call meanwhile: small things, which settle in what is left beside large ones.
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut before = 0;
    for i in 0..WRITTEN {
        // The first ones find out how large buffers must be.
        if i == 10 {
            before = anonymous();
        }
        histogram.record(Latency { ns: 1_000_000 + i * 7919, censored: false });
        texts.push(histogram.to_base64());
        kept.extend((1..12).map(|eighth| vec![1; 8 * eighth]));
    }
    let grown = anonymous().saturating_sub(before);
    let text: usize = texts.iter().map(String::len).sum();
    assert!(grown < LIMIT, "{grown} bytes for {text} bytes of text");
}
