//! What the embedded server may use, and where it may look.

use std::path::PathBuf;
use std::time::Duration;

use super::faults::Fault;
use super::rate_limit::RateLimit;

/// Everything a [`super::Server`] can be told; the default is how the real server behaves, but for exports, which it
/// leaves behind.
#[derive(Debug, Clone)]
pub struct Config {
    /// Bounds on stored scores and on one operation.
    pub limits: Limits,
    /// Files are imported only from below these, with symbolic links resolved.
    pub allowed_directories: Vec<PathBuf>,
    /// Where exports are written.
    pub export_directory: PathBuf,
    /// Leave exported files behind, as the real server does. Otherwise they go with their score, and with the server.
    pub keep_exports: bool,
    /// A directory laid out like music21's corpus, searched beside the bundled works.
    pub corpus: Option<PathBuf>,
    /// Ask for an installed music21 when no other corpus has a work: `MUSIC21_CORPUS`, else the
    /// Python named by `MUSIC21_PYTHON`, else `python3`. Asked at most once, on the first miss.
    pub installed_corpus: bool,
    /// Tell stderr why a source could not be imported; the reply does not say.
    pub log: bool,
    /// What goes wrong, on request.
    pub faults: Vec<Fault>,
    /// Refuse calls beyond this rate, for each session (over HTTP without sessions: each address).
    pub rate_limit: Option<RateLimit>,
    /// Say in each reply's `_meta` how long its handling took and how many calls there have been.
    pub account: bool,
}

impl Default for Config {
    fn default() -> Self {
        let temporary = std::env::temp_dir();
        Self {
            limits: Limits::default(),
            // A process without a working directory reads from the temporary directory only.
            allowed_directories: std::env::current_dir().into_iter().chain([temporary.clone()]).collect(),
            export_directory: temporary,
            keep_exports: false,
            corpus: None,
            installed_corpus: true,
            log: false,
            faults: Vec::new(),
            rate_limit: None,
            account: false,
        }
    }
}

/// Bounds on stored scores and on one operation; the defaults are the real server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Scores held; one more evicts the oldest without a word.
    pub scores: usize,
    /// Estimated memory of all scores, in MiB, at the real server's 1 KiB a note and 50 KiB at least.
    pub memory_mib: u64,
    /// A score is gone this long after its import.
    pub time_to_live: Duration,
    /// Longest import, key analysis or chord analysis; the other tools have no such limit.
    pub operation: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            scores: 100,
            memory_mib: 512,
            time_to_live: Duration::from_secs(3600),
            operation: Duration::from_secs(30),
        }
    }
}
