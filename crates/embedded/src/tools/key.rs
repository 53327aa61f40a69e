//! `key_analysis`: four profiles on the first part, and their vote.

use serde::Serialize;

use crate::analysis::{KeyAnalysis, Profile, analyze_key};
use crate::reply::{COMPLETED, Reply, success};
use crate::store::Stored;

#[derive(Serialize)]
struct KeyReply {
    key: String,
    confidence: f64,
    alternatives: Vec<Alternative>,
    algorithm_results: Algorithms,
}

#[derive(Serialize)]
struct Alternative {
    key: String,
    confidence: f64,
    votes: usize,
}

/// In the order in which they are run; none if nothing pitched sounds.
#[derive(Serialize, Default)]
struct Algorithms {
    #[serde(skip_serializing_if = "Option::is_none")]
    krumhansl: Option<Ranked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aarden: Option<Ranked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperley: Option<Ranked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bellman: Option<Ranked>,
}

#[derive(Serialize)]
struct Ranked {
    key: String,
    confidence: f64,
}

pub(crate) fn run(stored: &Stored) -> Reply {
    let parts = &stored.score.parts;
    let analysis = analyze_key(&parts[..parts.len().min(1)], stored.score.divisions);
    Ok(success(COMPLETED, KeyReply::from(&analysis)))
}

impl From<&KeyAnalysis> for KeyReply {
    fn from(analysis: &KeyAnalysis) -> Self {
        let mut algorithms = Algorithms::default();
        for (profile, best) in &analysis.algorithms {
            let ranked = Some(Ranked { key: best.key.title(), confidence: best.correlation });
            match profile {
                Profile::Krumhansl => algorithms.krumhansl = ranked,
                Profile::Aarden => algorithms.aarden = ranked,
                Profile::Temperley => algorithms.temperley = ranked,
                Profile::Bellman => algorithms.bellman = ranked,
            }
        }
        Self {
            key: analysis.key.title(),
            confidence: analysis.confidence,
            alternatives: analysis
                .alternatives
                .iter()
                .map(|other| Alternative {
                    key: other.key.title(),
                    confidence: other.confidence,
                    votes: other.votes,
                })
                .collect(),
            algorithm_results: algorithms,
        }
    }
}
